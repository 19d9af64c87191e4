# SPDX-License-Identifier: MIT
"""The package plugpipe_host: requests and answers. `python test_host.py FOLDER` imports the package of that folder."""

import asyncio
import collections
import datetime
import decimal
import enum
import http.server
import inspect
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from typing import Any

FOLDER = sys.argv.pop()
sys.path.insert(0, FOLDER)
import plugpipe_host  # noqa: E402
from plugpipe_host import Plug  # noqa: E402


class Gateway:
    """A Pushgateway on loopback that accepts everything, after a while, and keeps the requests."""

    def __init__(self, wait: float = 0) -> None:
        gateway = self
        self.requests: list[tuple[str, str, str]] = []
        self.wait = wait

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_PUT(self) -> None:
                length = self.headers.get("content-length")
                if length is None:
                    body = b""
                    while (size := int(self.rfile.readline(), 16)) > 0:
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(length))
                gateway.requests.append((self.command, self.path, body.decode()))
                time.sleep(gateway.wait)
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            do_POST = do_PUT

            def do_DELETE(self) -> None:
                gateway.requests.append((self.command, self.path, ""))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def record(value: Any = 1, **fields: Any) -> dict[str, Any]:
    return {"operation": "record_counter", "metric_name": "jobs_total", "metric_value": value, **fields}


class Process(unittest.IsolatedAsyncioTestCase):
    async def test_a_record_is_answered_by_both_forms(self) -> None:
        plug = Plug.embedded()
        self.assertTrue(inspect.iscoroutinefunction(plug.process))
        first = await plug.process(record(labels={"queue": "mail"}))
        second = plug.process_sync(record(2, labels={"queue": "mail"}))
        self.assertEqual((first["success"], first["result"]["current_value"]), (True, 1))
        self.assertEqual(second["result"]["current_value"], 3)
        self.assertIs(second["result"]["metric_pushed"], False)
        self.assertEqual(plug.text(), '# TYPE jobs_total counter\njobs_total{queue="mail"} 3\n')
        content_type, body = plug.scrape("application/openmetrics-text")
        self.assertTrue(content_type.startswith("application/openmetrics-text"), content_type)
        self.assertTrue(body.endswith(b"# EOF\n"))

    async def test_a_push_waits_for_its_server_and_not_the_loop(self) -> None:
        gateway = Gateway(wait=0.3)
        plug = Plug.embedded({"gateway_url": gateway.url, "job_name": "slow"})
        push = asyncio.create_task(plug.process(record()))
        longest, before = 0.0, time.monotonic()
        while not push.done():
            await asyncio.sleep(0.01)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
        answer = await push
        self.assertIs(answer["result"]["metric_pushed"], True, answer)
        self.assertLess(longest, 0.25)
        self.assertEqual(gateway.requests[0][:2], ("PUT", "/metrics/job/slow"))

    async def test_records_at_once_share_pushes(self) -> None:
        gateway = Gateway(wait=0.05)
        plug = Plug.embedded({"gateway_url": gateway.url, "job_name": "many"})
        answers = await asyncio.gather(*(plug.process(record(labels={"n": n % 5})) for n in range(100)))
        self.assertTrue(all(answer["result"]["metric_pushed"] is True for answer in answers), answers)
        self.assertLess(len(gateway.requests), 10)
        self.assertIn('jobs_total{n="4"} 20', gateway.requests[-1][2])

    def test_threads_wait_without_the_interpreters_lock(self) -> None:
        gateway = Gateway(wait=0.2)
        plug = Plug.embedded({"gateway_url": gateway.url, "job_name": "threads"})
        answers: list[Any] = []
        threads = [threading.Thread(target=lambda: answers.append(plug.process_sync(record()))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([answer["result"]["metric_pushed"] for answer in answers], [True] * 8)
        self.assertEqual(plug.process_sync(record(), {"job_name": "other"})["result"]["current_value"], 1)

    async def test_a_caller_that_leaves_takes_nothing_along(self) -> None:
        gateway = Gateway(wait=0.3)
        plug = Plug.embedded({"gateway_url": gateway.url, "job_name": "left"})
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(plug.process(record()), 0.05)
        answer = await plug.process(record())
        self.assertEqual((answer["result"]["current_value"], answer["result"]["metric_pushed"]), (2, True))

    def test_one_loop_after_another(self) -> None:
        gateway = Gateway()
        plug = Plug.embedded({"gateway_url": gateway.url, "job_name": "loops"})
        before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
        for n in range(1, 21):
            answer = asyncio.run(plug.process(record()))
            self.assertEqual((answer["result"]["current_value"], answer["result"]["metric_pushed"]), (n, True))
        if before:
            self.assertLess(len(os.listdir("/proc/self/fd")), before + 20)

    async def test_an_unreachable_gateway_is_told(self) -> None:
        answer = await Plug.embedded().process(record(), {"gateway_url": "http://127.0.0.1:9", "job_name": "gone"})
        self.assertEqual((answer["success"], answer["result"]["metric_pushed"]), (True, False))
        self.assertEqual(answer["result"]["push_error_code"], "unreachable")


class Configuration(unittest.IsolatedAsyncioTestCase):
    async def test_configurations_of_the_same_servers_share_and_others_do_not(self) -> None:
        plug, one, two = Plug.embedded(), Gateway(), Gateway()
        for url, total in ((one.url, 1), (one.url, 2), (two.url, 1)):
            answer = await plug.process(record(), {"gateway_url": url, "job_name": "same", "timeout": f"{total}s"})
            self.assertEqual((answer["result"]["current_value"], answer["result"]["metric_pushed"]), (total, True), answer)
        # An empty one is the last that was accepted.
        self.assertEqual((await plug.process(record()))["result"]["current_value"], 2)
        self.assertEqual((await plug.process(record(), {"push_policy": "no such"}))["success"], False)
        self.assertEqual((await plug.process(record(), {}))["result"]["current_value"], 3)

    async def test_what_is_not_granted_is_not_reached(self) -> None:
        gateway, other = Gateway(), Gateway()
        plug = Plug.embedded({"gateway_url": gateway.url}, grants={"origins": [gateway.url]})
        self.assertIs((await plug.process(record()))["result"]["metric_pushed"], True)
        answer = await plug.process(record(), {"gateway_url": other.url})
        self.assertEqual((answer["result"]["metric_pushed"], answer["result"]["push_error_code"]), (False, "not_granted"))
        self.assertEqual(other.requests, [])

    async def test_a_file_of_grants_and_a_secret_that_the_host_adds(self) -> None:
        seen: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.headers.get("authorization", ""))
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "token"), "w") as token:
                token.write("s3cret-token\n")
            path = os.path.join(folder, "grants.yaml")
            with open(path, "w") as file:
                file.write(f"origins: [{{url: '{url}', credential: own}}]\ncredentials: {{own: {{bearer: {{file: token}}}}}}\n")
            await Plug.embedded({"gateway_url": url}, grants=path).health()
        self.assertEqual(set(seen), {"Bearer s3cret-token"})

    def test_what_is_wrong_with_the_start_raises(self) -> None:
        for arguments, problem in (
            ({"config": {"push_policy": "no such"}}, "push_policy"),
            ({"config": []}, "config: expected a mapping"),
            ({"grants": {"origin": []}}, "grants: "),
            ({"limits": {"memory": "much"}}, "limits"),
            ({"record": "a", "replay": "b"}, "record: "),
        ):
            with self.assertRaisesRegex(ValueError, problem):
                Plug.embedded(**arguments)
        with self.assertRaisesRegex(RuntimeError, "no-such.wasm"):
            Plug.load("/no-such.wasm")
        self.assertEqual(Plug.embedded({"gatewayurl": "x"}).warnings[0].split(":")[0], "cfg.gatewayurl")

    def test_limits_hold(self) -> None:
        plug = Plug.embedded(limits={"memory": "16MiB"})
        crash = plug.process_sync({"operation": "describe", "filler": " " * (32 * 1024 * 1024)})
        self.assertEqual((crash["success"], crash["error_code"]), (False, "plug_crashed"))
        self.assertEqual(plug.process_sync(record())["result"]["current_value"], 1)
        self.assertEqual(plug.recovery()["crashes"], 1)

    async def test_a_state_folder_outlives_the_plug_and_is_for_one_at_a_time(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            state = os.path.join(folder, "state")
            with Plug.embedded(state=state) as plug:
                await plug.process(record(5))
                with self.assertRaisesRegex(RuntimeError, "in use"):
                    Plug.embedded(state=state)
            self.assertEqual((await plug.process(record()))["error_code"], "host")
            self.assertEqual((await Plug.embedded(state=state).process(record()))["result"]["current_value"], 6)

    async def test_a_recording_is_replayed_without_the_server(self) -> None:
        gateway = Gateway()
        with tempfile.TemporaryDirectory() as folder:
            path, cfg = os.path.join(folder, "run.jsonl"), {"gateway_url": gateway.url, "job_name": "taped"}
            answers = [await Plug.embedded(cfg, **{how: path}).process(record()) for how in ("record", "replay")]
        self.assertEqual([answer["result"]["metric_pushed"] for answer in answers], [True, True])
        self.assertEqual(len(gateway.requests), 1)


class Conversion(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self) -> None:
        self.plug = Plug.embedded()

    async def value(self, value: Any, **fields: Any) -> Any:
        answer = await self.plug.process({"operation": "record_gauge", "metric_name": "g", "metric_value": value, **fields})
        return answer["result"]["current_value"] if answer["success"] else answer["error"]

    async def test_numbers_of_all_kinds(self) -> None:
        class Level(enum.IntEnum):
            HIGH = 3

        for given, expected in (
            (1, 1), (-5, -5), (1.5, 1.5), ("45.2", 45.2), (2**63, 2**63), (-(2**70), -(2.0**70)),
            (decimal.Decimal("2.25"), 2.25), (Level.HIGH, 3),
        ):  # fmt: skip
            self.assertEqual(await self.value(given), expected, given)
        for given in (float("inf"), float("-inf"), float("nan")):
            answer = await self.plug.process({"operation": "record_gauge", "metric_name": "g", "metric_value": given})
            self.assertEqual((answer["success"], answer["field"]), (False, "metric_value"), answer)

    async def test_containers_and_keys_of_all_kinds(self) -> None:
        for labels in (
            {"a": "b", "n": 5}, collections.OrderedDict(a="b", n=5), collections.ChainMap({"a": "b"}, {"n": 5}),
        ):  # fmt: skip
            await self.value(7, labels=labels)
        self.assertIn('g{a="b",n="5"} 7\n', self.plug.text())
        metrics = [{"name": "h", "value": 1}]
        for many in (metrics, tuple(metrics)):
            answer = await self.plug.process({"operation": "record_multiple_metrics", "metrics": many})
            self.assertIs(answer["success"], True, answer)
        # What has no JSON type is its text, and a key is text.
        when = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
        self.assertIn('labels.5: "5" is not a label name', await self.value(1, labels={5: 1}))
        await self.value(1, labels={"when": when})
        self.assertIn('g{when="2024-01-01 00:00:00+00:00"} 1\n', self.plug.text())

    async def test_text_arrives_as_it_is(self) -> None:
        text = 'q"\\\n\t\x00\x7fäß€😀'
        await self.value(1, labels={"t": text})
        answer = await self.plug.process({"operation": "export_metrics", "export_format": "json"})
        self.assertIn("😀", str(answer))

    async def test_bad_input_is_an_answer(self) -> None:
        deep: Any = []
        for _ in range(200):
            deep = [deep]
        circle: dict[str, Any] = {}
        circle["own"] = circle

        class Broken:
            def __str__(self) -> str:
                raise RuntimeError("no text")

        for ctx, problem in (
            ([], ""), ("text", ""), (5, ""), ({"operation": "no_such"}, "no_such"), ({"operation": deep}, "levels"), (circle, "levels"),
            (record(labels={"a": "\ud800"}), "ctx.labels.a: "), (record(labels={"b": Broken()}), "ctx.labels.b: "), (record("much"), "metric_value"),
        ):  # fmt: skip
            for answer in (await self.plug.process(ctx), self.plug.process_sync(ctx)):
                self.assertIs(answer["success"], False, answer)
                self.assertIn(problem, answer["error"])
        for cfg in ("text", 5, {"push_policy": "x"}, {"gateway_url": "no url"}, {"a": "\ud800"}, {"gateway_url": deep}):
            answer = await self.plug.process(record(), cfg)  # type: ignore[arg-type]
            self.assertIs(answer["success"], False, answer)
            self.assertIn("cfg", answer["error"])
        self.assertIs((await self.plug.process(None, None))["success"], True)


class Soak(unittest.IsolatedAsyncioTestCase):
    async def test_memory_stays_flat_and_threads_few(self) -> None:
        calls = int(os.environ.get("PLUGPIPE_SOAK_PYTHON_CALLS", "4000"))
        configurations = int(os.environ.get("PLUGPIPE_SOAK_PYTHON_CONFIGURATIONS", "300"))
        plug, gateway = Plug.embedded(), Gateway()

        async def run(calls: int, configurations: int) -> None:
            for n in range(calls):
                answer = await plug.process(record(labels={"n": n % 100}))
                assert answer["success"], answer
            for n in range(configurations):
                cfg = {"gateway_url": gateway.url, "job_name": f"job {n % 50}", "timeout": f"{n + 1}ms", "push_policy": "manual"}
                answer = await plug.process(record(), cfg)
                assert answer["success"], answer
            await plug.process({"operation": "describe"}, {"job_name": "plugpipe"})

        await run(max(calls // 4, 2_000), max(configurations // 4, 300))
        before = resident()
        await run(calls, configurations)
        grown = resident() - before
        print(f"{calls} calls and {configurations} configurations: {grown / 1e6:+.1f} MB", file=sys.stderr)
        self.assertLess(abs(grown), 5e6)
        self.assertLessEqual(len(own_threads()), 11, own_threads())


def own_threads() -> list[str]:
    """The host's: two that wait for servers, one that watches deadlines, and up to eight for names and files."""
    names = []
    for task in os.listdir("/proc/self/task"):
        with open(f"/proc/self/task/{task}/comm") as file:
            names.append(file.read().strip())
    return [name for name in names if name.startswith("plug")]


def resident() -> int:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Ends(unittest.TestCase):
    """What is said of values that no server has when a process or a plug ends."""

    def ends(self, lines: str, **settings: Any) -> str:
        plug = f"Plug.embedded({settings.pop('config')!r}, **{settings!r})"
        script = f"import sys; sys.path.insert(0, {FOLDER!r}); from plugpipe_host import Counter, Plug\nplug = {plug}\n{lines}"
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stderr

    record = "[plug.process_sync({'operation': 'record_counter', 'metric_name': 'jobs_total', 'metric_value': 1}) for _ in range(3)]"

    def test_a_process_that_ends_tells_how_much_is_unsent_and_for_whom(self) -> None:
        config = {"gateway_url": "http://127.0.0.1:9", "push_policy": "manual"}
        said = self.ends(self.record, config=config)
        self.assertIn("RuntimeWarning: http://127.0.0.1:9: 3 values not sent, and the plug is gone with this process", said)
        said = self.ends(f"{self.record}; plug.close()", config=config)
        self.assertEqual(said.count("3 values not sent, and the plug is closed"), 1, said)
        self.assertNotIn("gone with this process", said)
        # Metrics too, buffered ones included.
        said = self.ends("Counter('jobs', plug=plug, buffered=True).inc()", config=config)
        self.assertIn("1 value not sent", said)

    def test_nothing_is_told_of_what_is_sent_kept_or_nobodys(self) -> None:
        gateway = Gateway()
        self.assertEqual(self.ends(self.record, config={"gateway_url": gateway.url}), "")
        self.assertEqual(len(gateway.requests), 3)
        self.assertEqual(self.ends(self.record, config={}), "")
        with tempfile.TemporaryDirectory() as folder:
            config = {"gateway_url": "http://127.0.0.1:9", "push_policy": "manual"}
            self.assertEqual(self.ends(self.record, config=config, state=os.path.join(folder, "state")), "")


class Secrets(unittest.TestCase):
    def setUp(self) -> None:
        seen: list[str] = []
        self.seen = seen

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_PUT(self) -> None:
                seen.append(f"{self.headers.get('authorization')} {self.headers.get('x-api-key')}")
                self.send_response(401)
                self.send_header("content-length", "0")
                self.end_headers()

            do_POST = do_PUT

            def log_message(self, *_: object) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"

    def push(self, **settings: Any) -> Any:
        plug = Plug.embedded({"gateway_url": self.url}, **settings)
        answer = plug.process_sync(record())
        self.assertNotIn("t0ken-of-mine", repr(answer))
        self.assertNotIn("t0ken-of-mine", repr(plug.describe()))
        return answer

    def test_the_host_sends_them_with_and_without_grants(self) -> None:
        for secret, sent in (
            ({"bearer": "t0ken-of-mine"}, "Bearer t0ken-of-mine None"),
            ({"basic": {"username": "me", "password": "t0ken-of-mine"}}, "Basic bWU6dDBrZW4tb2YtbWluZQ== None"),
            ({"header": {"name": "X-Api-Key", "value": "t0ken-of-mine"}}, "None t0ken-of-mine"),
        ):
            for grants in (None, {"origins": [self.url]}):
                self.seen.clear()
                self.push(secrets={self.url: secret}, grants=grants)
                self.assertEqual(set(self.seen), {sent})

    def test_what_is_wrong_is_named_without_the_secret(self) -> None:
        own = {"bearer": "t0ken-of-mine"}
        with_own = {"origins": [{"url": self.url, "credential": "own"}], "credentials": {"own": {"bearer": {"env": "PATH"}}}}
        for secrets, grants, said in (
            ({self.url: "t0ken-of-mine"}, None, "expected a mapping from origins"),
            ({self.url: {"token": "t0ken-of-mine"}}, None, "expected a mapping from origins"),
            ({"here": own}, None, "expected an origin"),
            ({self.url: own}, {"origins": ["http://127.0.0.1:9"]}, f"{self.url}: is not granted"),
            ({self.url: own}, with_own, f"{self.url}: has a credential"),
        ):
            with self.assertRaisesRegex(ValueError, f"^secrets: .*{said}") as caught:
                Plug.embedded({"gateway_url": self.url}, secrets=secrets, grants=grants)
            self.assertNotIn("t0ken-of-mine", str(caught.exception))
        answer = self.push(secrets={"http://127.0.0.1:9": own})
        self.assertIn("secrets: http://127.0.0.1:9: the configuration names no such server", answer["warnings"][0])


if __name__ == "__main__":
    unittest.main(verbosity=1)
