# SPDX-License-Identifier: MIT
"""The package plugpipe_host in processes that fork: multiprocessing, gunicorn with --preload, and celery's prefork pool.

`python test_host_fork.py FOLDER` imports the package of that folder.
"""

import ast
import asyncio
import http.server
import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
import unittest
import urllib.request
from typing import Any

FOLDER = os.environ.get("PLUGPIPE_TEST_FOLDER") or sys.argv.pop()
# Processes that are spawned import this file again, without its arguments.
os.environ["PLUGPIPE_TEST_FOLDER"] = FOLDER
sys.path.insert(0, FOLDER)
from plugpipe_host import Counter, Plug  # noqa: E402

PATIENCE = 60


def record(value: float = 1) -> dict[str, Any]:
    return {"operation": "record_counter", "metric_name": "jobs_total", "metric_value": value}


class Gateway:
    """A Pushgateway on loopback that accepts everything."""

    def __init__(self) -> None:
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                length = self.headers.get("content-length")
                if length is None:
                    while (size := int(self.rfile.readline(), 16)) > 0:
                        self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    self.rfile.read(int(length))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            do_POST = do_PUT

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def in_a_child(work: Any) -> Any:
    """What `work` returns in the child of a fork of this very process."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, repr(work()).encode())
        except BaseException as error:  # noqa: BLE001
            os.write(write, repr(f"failed: {error!r}").encode())
        finally:
            os._exit(0)
    os.close(write)
    until, text = time.monotonic() + PATIENCE, b""
    with os.fdopen(read, "rb") as answers:
        os.set_blocking(read, False)
        while time.monotonic() < until:
            piece = answers.read()
            text += piece or b""
            if piece == b"":
                break
            time.sleep(0.01)
    done, _ = os.waitpid(child, os.WNOHANG) if text else (0, 0)
    for _ in range(200):
        if done:
            break
        time.sleep(0.01)
        done, _ = os.waitpid(child, os.WNOHANG)
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise AssertionError(f"the child hangs; it said {text!r}")
    return ast.literal_eval(text.decode())


def spawned(queue: Any) -> None:
    plug = Plug.embedded()
    queue.put(plug.process_sync(record(2))["result"]["current_value"])


class Fork(unittest.TestCase):
    def test_a_child_begins_afresh_and_the_parent_goes_on(self) -> None:
        plug = Plug.embedded()
        jobs = Counter("jobs", plug=plug)
        buffered = Counter("buffered", plug=plug, buffered=True)
        for counter in (jobs, buffered):
            counter.inc(5)

        def child() -> Any:
            jobs.inc()
            buffered.inc()
            own = plug.process_sync(record())["result"]["current_value"]
            return own, sorted(line for line in plug.text().splitlines() if not line.startswith("#"))

        # The parent's increments that were not handed over are the parent's.
        self.assertEqual(in_a_child(child), (2, ["buffered_total 1", "jobs_total 2"]))
        self.assertEqual(sorted(plug.text().splitlines()[1::2]), ["buffered_total 5", "jobs_total 5"])
        self.assertEqual(plug.process_sync(record())["result"]["current_value"], 6)

    def test_forks_while_others_push_never_hang(self) -> None:
        gateway = Gateway()
        plug = Plug.embedded({"gateway_url": gateway.url, "job_name": "busy"})
        ended = threading.Event()

        def push() -> None:
            while not ended.is_set():
                plug.process_sync(record())

        threads = [threading.Thread(target=push) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(int(os.environ.get("PLUGPIPE_FORKS", "15"))):
                self.assertIs(in_a_child(lambda: plug.process_sync(record())["result"]["metric_pushed"]), True)
        finally:
            ended.set()
            for thread in threads:
                thread.join()

    def test_forks_while_others_start_plugs_never_hang(self) -> None:
        ended = threading.Event()

        def start() -> None:
            while not ended.is_set():
                Plug.embedded().close()

        thread = threading.Thread(target=start)
        thread.start()
        try:
            for _ in range(10):
                self.assertEqual(in_a_child(lambda: Plug.embedded().process_sync(record())["success"]), True)
        finally:
            ended.set()
            thread.join()

    def test_a_childs_first_push_to_a_group_of_its_parent_is_answered_with_a_warning(self) -> None:
        gateway = Gateway()
        plug = Plug.embedded({"gateway_url": gateway.url, "job_name": "shared"})
        self.assertNotIn("warnings", plug.process_sync(record()))

        def child() -> Any:
            # The one that waits in a loop is told, as the one that waits in a thread would be.
            answers = [asyncio.run(plug.process(record())), plug.process_sync(record())]
            cfg = {"gateway_url": gateway.url, "job_name": "own"}
            return [answer.get("warnings", []) for answer in [*answers, plug.process_sync(record(), cfg)]]

        first, second, own = in_a_child(child)
        self.assertEqual((len(first), second, own), (1, [], []), (first, second, own))
        self.assertIn("/metrics/job/shared: ", first[0])
        self.assertIn("connect()", first[0])
        self.assertNotIn("warnings", plug.process_sync(record()))

    def test_a_child_leaves_the_state_folder_and_its_lock_alone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            state = os.path.join(folder, "state")
            plug = Plug.embedded(state=state)
            plug.process_sync(record(5))
            before = os.path.getsize(os.path.join(state, "journal"))

            def child() -> Any:
                answer = plug.process_sync(record())
                return answer["result"]["current_value"], answer["warnings"]

            total, warnings = in_a_child(child)
            self.assertEqual(total, 1)
            self.assertIn(f"state: {state} belongs to the parent process", warnings[0])
            self.assertEqual(os.path.getsize(os.path.join(state, "journal")), before)
            # A child that outlives its parent does not hold the folder for it.
            held = os.fork()
            if held == 0:
                time.sleep(PATIENCE)
                os._exit(0)
            try:
                plug.close()
                again = Plug.embedded(state=state)
                self.assertEqual(again.process_sync(record())["result"]["current_value"], 6)
            finally:
                os.kill(held, signal.SIGKILL)
                os.waitpid(held, 0)

    def test_multiprocessing_with_each_start_method(self) -> None:
        Plug.embedded().process_sync(record())
        for method in ("fork", "spawn", "forkserver"):
            context = multiprocessing.get_context(method)
            queue = context.Queue()
            children = [context.Process(target=spawned, args=(queue,)) for _ in range(2)]
            for child in children:
                child.start()
            try:
                self.assertEqual([queue.get(timeout=PATIENCE) for _ in children], [2, 2], method)
            finally:
                for child in children:
                    child.join(PATIENCE)
                    self.assertEqual(child.exitcode, 0, method)

    def test_gunicorn_with_preload(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "app.py"), "w") as file:
                file.write(
                    textwrap.dedent(f"""
                    import os, sys
                    sys.path.insert(0, {FOLDER!r})
                    from plugpipe_host import Counter, Plug, make_wsgi_app
                    plug = Plug.embedded()
                    served = Counter("served", "Requests.", ["pid"], plug=plug)
                    served.labels("parent").inc()
                    metrics = make_wsgi_app(plug)
                    def application(environ, start_response):
                        served.labels(os.getpid()).inc()
                        return metrics(environ, start_response)
                    """)
                )
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = probe.getsockname()[1]
            command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "2", "--bind", f"127.0.0.1:{port}", "--chdir", folder, "app"]
            server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            try:
                bodies: set[str] = set()
                until = time.monotonic() + PATIENCE
                while len(bodies) < 2 and time.monotonic() < until:
                    try:
                        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
                            body = response.read().decode()
                    except OSError:
                        time.sleep(0.1)
                        continue
                    lines = [line for line in body.splitlines() if not line.startswith("#")]
                    # Each worker counts for itself, and not what came before the fork.
                    self.assertEqual(len(lines), 1, body)
                    self.assertNotIn("parent", body)
                    bodies.add(lines[0].split()[0])
                self.assertEqual(len(bodies), 2, bodies)
            finally:
                server.terminate()
                said = server.communicate(timeout=PATIENCE)[1]
            self.assertEqual(server.returncode, 0, said)
            self.assertNotIn("Error", said)

    def test_celery_with_its_prefork_pool(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            for name in ("queue", "control", "results"):
                os.mkdir(os.path.join(folder, name))
            with open(os.path.join(folder, "app.py"), "w") as file:
                file.write(
                    textwrap.dedent(f"""
                    import os, sys, time
                    sys.path.insert(0, {FOLDER!r})
                    from celery import Celery
                    from plugpipe_host import Counter, Plug
                    app = Celery("app", broker="filesystem://", backend="file://" + {os.path.join(folder, "results")!r})
                    queue, control = {os.path.join(folder, "queue")!r}, {os.path.join(folder, "control")!r}
                    app.conf.broker_transport_options = {{"data_folder_in": queue, "data_folder_out": queue, "control_folder": control}}
                    app.conf.update(worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True)
                    plug = Plug.embedded()
                    tasks = Counter("tasks", "Tasks.", ["pid"], plug=plug)
                    tasks.labels("parent").inc()
                    @app.task(name="work")
                    def work():
                        tasks.labels(os.getpid()).inc()
                        time.sleep(0.2)
                        return os.getpid(), plug.text()
                    """)
                )
            command = [sys.executable, "-m", "celery", "-A", "app", "worker", "--pool", "prefork", "--concurrency", "2", "--loglevel", "WARNING"]
            environment = {**os.environ, "PYTHONPATH": folder, "C_FORCE_ROOT": "1"}
            worker = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            ask = "import app, json; results = [app.work.delay() for _ in range(8)]; print(json.dumps([each.get(timeout=60) for each in results]))"
            try:
                asked = subprocess.run([sys.executable, "-c", ask], cwd=folder, env=environment, capture_output=True, text=True, timeout=2 * PATIENCE)
            finally:
                worker.terminate()
                said = worker.communicate(timeout=PATIENCE)[0]
            self.assertEqual(asked.returncode, 0, f"{asked.stderr}\n{said}")
            counts: dict[int, list[int]] = {}
            for pid, text in json.loads(asked.stdout):
                lines = [line for line in text.splitlines() if not line.startswith("#")]
                # Each process of the pool counts for itself, and not what came before the fork.
                self.assertEqual([line.split()[0] for line in lines], [f'tasks_total{{pid="{pid}"}}'], text)
                counts.setdefault(pid, []).append(int(lines[0].split()[1]))
            self.assertEqual(len(counts), 2, counts)
            for seen in counts.values():
                self.assertEqual(sorted(seen), list(range(1, len(seen) + 1)))
            self.assertEqual(worker.returncode, 0, said)
            self.assertNotIn("Error", said)


if __name__ == "__main__":
    unittest.main(verbosity=1)
