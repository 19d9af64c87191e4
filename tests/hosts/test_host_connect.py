# SPDX-License-Identifier: MIT
"""Processes that share the registry of one `plugpipe-harness serve`, through `plugpipe_host.connect`.

`python test_host_connect.py FOLDER` imports the package of that folder; PLUGPIPE_HARNESS is the program.
PLUGPIPE_SOAK_WORKERS_SECONDS says how long gunicorn's workers are under load (5).
"""

import logging
import multiprocessing
import os
import re
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
from pathlib import Path
from typing import Callable, Optional

FOLDER = os.environ.get("PLUGPIPE_TEST_FOLDER") or sys.argv.pop()
# Processes that are spawned import this file again, without its arguments.
os.environ["PLUGPIPE_TEST_FOLDER"] = FOLDER
sys.path.insert(0, FOLDER)
from plugpipe_host import Counter, Enum, Gauge, Histogram, Info, Summary, connect, default_plug, use  # noqa: E402

HARNESS = os.environ["PLUGPIPE_HARNESS"]
SECONDS = float(os.environ.get("PLUGPIPE_SOAK_WORKERS_SECONDS", "5"))
PATIENCE = 60


class Served:
    """A running `serve`."""

    def __init__(self, *arguments: str, port: int = 0) -> None:
        self.arguments = arguments
        self.start(port)

    def start(self, port: int) -> None:
        command = [HARNESS, "serve", "--web.listen-address", f"127.0.0.1:{port}", *self.arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        assert self.process.stderr
        while "listening on" not in (line := self.process.stderr.readline()):
            assert line, "serve ended"
        found = re.search(r"http://127.0.0.1:(\d+)", line)
        assert found
        self.url, self.port = found[0], int(found[1])
        self.reading = threading.Thread(target=self.process.stderr.read, daemon=True)
        self.reading.start()

    def metrics(self) -> str:
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=PATIENCE) as response:
            return str(response.read().decode())

    def value(self, series: str) -> Optional[float]:
        for line in self.metrics().splitlines():
            if line.startswith(f"{series} "):
                return float(line.rsplit(" ", 1)[1])
        return None

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self.reading.join()
        assert self.process.stderr
        self.process.stderr.close()

    def __enter__(self) -> "Served":
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


def wait_for(what: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < end, "never"
        time.sleep(0.02)


def work(url: str, number: int, end: str) -> None:
    connection = connect(url)
    jobs = Counter("jobs", "Jobs done.", ["queue"], plug=connection)
    running = Gauge("running", mode="live_sum", plug=connection)
    highest = Gauge("highest", mode="max", plug=connection)
    waits = Histogram("wait_seconds", buckets=[1.0], plug=connection)
    running.set(number)
    highest.set(number)
    for _ in range(1_000):
        jobs.labels(queue="mail").inc()
        waits.observe(0.5)
    connection.flush()
    wait_for(lambda: os.path.exists(end))
    connection.close()


class Shared(unittest.TestCase):
    def check_workers(self, served: Served, url: str, method: str) -> None:
        context = multiprocessing.get_context(method)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        # Not an event: its lock would stay with a worker that is killed.
        end = Path(folder.name, "end")
        workers = [context.Process(target=work, args=(url, number, str(end))) for number in range(1, 5)]
        for worker in workers:
            worker.start()
        wait_for(lambda: served.value('jobs_total{queue="mail"}') == 4_000 and served.value("running") == 10)
        self.assertEqual(4, served.value("highest"))
        self.assertEqual(4_000, served.value("wait_seconds_count"))
        workers[3].kill()
        wait_for(lambda: served.value("running") == 6)
        end.touch()
        for worker in workers:
            worker.join(PATIENCE)
        wait_for(lambda: served.value("running") is None)
        self.assertEqual(4_000, served.value('jobs_total{queue="mail"}'))

    def test_workers_add_up_and_are_forgotten_one_by_one(self) -> None:
        with Served() as served:
            self.check_workers(served, served.url, "fork")

    def test_workers_that_are_spawned_reach_a_unix_socket(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/plug.sock"
            with Served("--listen-unix", path) as served:
                self.check_workers(served, f"unix://{path}", "spawn")

    def test_nothing_is_lost_or_counted_twice_through_crashes_of_the_server(self) -> None:
        with tempfile.TemporaryDirectory() as folder, Served("--state", folder) as served:
            logging.getLogger("plugpipe_host").setLevel(logging.CRITICAL)
            self.addCleanup(logging.getLogger("plugpipe_host").setLevel, logging.NOTSET)
            connection = connect(served.url, interval=0.005)
            jobs = Counter("jobs", plug=connection)
            stop = threading.Event()
            count = 0

            def load() -> None:
                nonlocal count
                while not stop.is_set():
                    jobs.inc()
                    count += 1
                    time.sleep(0.0002)

            loading = threading.Thread(target=load)
            loading.start()
            for _ in range(3):
                time.sleep(0.3)
                served.kill()
                served.start(served.port)
            stop.set()
            loading.join()
            connection.flush(PATIENCE)
            self.assertEqual(count, served.value("jobs_total"))
            connection.close()

    def test_a_child_begins_as_a_writer_of_its_own(self) -> None:
        with Served() as served:
            with connect(served.url) as connection:
                jobs = Counter("jobs", plug=connection)
                jobs.inc(5)
                child = os.fork()
                if child == 0:
                    jobs.inc(2)
                    connection.flush()
                    os._exit(0)
                self.assertEqual(0, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
                connection.flush()
                self.assertEqual(7, served.value("jobs_total"))

    def test_every_kind_and_what_a_shared_registry_does_not_take(self) -> None:
        with Served() as served, connect(served.url) as connection:
            use(connection)
            Info("build").info({"version": "2"})
            Summary("sizes", quantiles=[]).observe(3)
            native = Histogram("native_seconds", native=True)
            with native.time():
                pass
            queue = Gauge("queue")
            queue.inc(3)
            queue.dec()
            Gauge("clock").set_function(lambda: 42.0)
            connection.flush()
            self.assertEqual(1, served.value('build_info{version="2"}'))
            self.assertEqual(3, served.value("sizes_sum"))
            self.assertEqual(1, served.value("native_seconds_count"))
            self.assertEqual((2, 42), (served.value("queue"), served.value("clock")))
            with self.assertRaisesRegex(RuntimeError, "are recorded to http://"):
                default_plug()
            for wrong in [
                lambda: queue.set(float("nan")),
                lambda: Counter("c").inc(-1),
                lambda: Counter("c", labelnames=["a"]).labels(),
                lambda: Gauge("g", mode="most"),
                lambda: Enum("e", states=["a", "b"]),
                lambda: connect("ftp://h"),
            ]:
                self.assertRaises(ValueError, wrong)

    def test_a_record_that_is_refused_is_logged_and_the_others_count(self) -> None:
        with Served() as served, connect(served.url) as first, connect(served.url) as second, self.assertLogs("plugpipe_host") as logged:
            Counter("twice", plug=first).inc()
            first.flush()
            self.assertRaisesRegex(ValueError, "expected a counter", lambda: Gauge("twice_total", plug=first))
            Gauge("twice_total", plug=second).set(1)
            Counter("other", plug=second).inc()
            second.flush()
            self.assertIn("twice_total", str(logged.output))
            self.assertEqual((1, 1), (served.value("twice_total"), served.value("other_total")))

    def test_a_server_that_is_away_is_a_warning_and_what_is_recorded_is_kept(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        with self.assertLogs("plugpipe_host", "WARNING"):
            connection = connect(f"http://127.0.0.1:{port}")
            jobs = Counter("jobs", plug=connection)
            jobs.inc(3)
            self.assertRaises(TimeoutError, connection.flush, 0.3)
        with Served(port=port) as served:
            jobs.inc(4)
            connection.flush(PATIENCE)
            self.assertEqual(7, served.value("jobs_total"))
            connection.close()

    def test_gunicorns_workers_are_exact_under_load_and_lose_at_most_a_batch_each_when_killed(self) -> None:
        for killing in [False, True]:
            with tempfile.TemporaryDirectory() as folder, Served() as served:
                self.gunicorn(Path(folder), served, killing)

    def gunicorn(self, folder: Path, served: Served, killing: bool) -> None:
        script = """
            import os, threading
            from plugpipe_host import Counter, default_plug
            from plugpipe_host import _metrics
            requests = Counter("requests", "Requests answered.")
            connection = _metrics._default_registry()
            count = 0
            lock = threading.Lock()
            def application(environ, start_response):
                global count
                with lock:
                    requests.inc()
                    count += 1
                    if count % 20 == 0:
                        connection.flush()
                        # Renamed, so that a worker that is killed leaves a whole number behind.
                        with open(f"FOLDER/{connection.writer}.new", "w") as file:
                            file.write(str(count))
                        os.replace(file.name, f"FOLDER/{connection.writer}")
                start_response("200 OK", [("Content-Length", "0")])
                return [b""]
        """
        (folder / "application.py").write_text(textwrap.dedent(script).replace("FOLDER", str(folder)))
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        environment = {**os.environ, "PYTHONPATH": FOLDER, "PLUGPIPE_MONITORING_URL": served.url}
        command = [sys.executable, "-m", "gunicorn", "--preload", "--workers", "8", "--bind", f"127.0.0.1:{port}", "application:application"]
        gunicorn = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL)
        answered, lock = [0], threading.Lock()
        stop = threading.Event()

        def load() -> None:
            while not stop.is_set():
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
                        with lock:
                            answered[0] += 1
                except OSError:
                    time.sleep(0.01)

        clients = [threading.Thread(target=load) for _ in range(4)]
        for client in clients:
            client.start()
        killed = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            time.sleep(0.5)
            children = Path(f"/proc/{gunicorn.pid}/task/{gunicorn.pid}/children").read_text().split()
            if killing and children:
                os.kill(int(children[killed % len(children)]), signal.SIGKILL)
                killed += 1
        stop.set()
        for client in clients:
            client.join()
        self.assertGreater(answered[0], 20)
        gunicorn.terminate()
        self.assertEqual(0, gunicorn.wait(PATIENCE))
        total = served.value("requests_total") or 0
        written = sum(int(file.read_text()) for file in folder.iterdir() if file.suffix == "" and file.is_file())
        if killing:
            # Between two acknowledged counts of a worker are at most 20 requests.
            self.assertGreater(killed, 2)
            self.assertLessEqual(written, total)
            self.assertLessEqual(total, written + 20 * (8 + killed))
        else:
            self.assertEqual(answered[0], total)


if __name__ == "__main__":
    unittest.main()
