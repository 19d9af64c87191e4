# SPDX-License-Identifier: MIT
"""The package plugpipe_host: metrics and their exposition. `python test_host_metrics.py FOLDER` imports the package of that folder."""

import asyncio
import sys
import threading
import time
import unittest
import urllib.request
from typing import Any

sys.path.insert(0, sys.argv.pop())
from plugpipe_host import (  # noqa: E402
    Counter,
    Enum,
    Gauge,
    Histogram,
    Info,
    Plug,
    Summary,
    make_asgi_app,
    make_wsgi_app,
    process_metrics,
    start_http_server,
)


class Metrics(unittest.TestCase):
    def setUp(self) -> None:
        self.plug = Plug.embedded()

    def lines(self) -> list[str]:
        return [line for line in self.plug.text().splitlines() if not line.startswith("#")]

    def test_counters(self) -> None:
        jobs = Counter("jobs_total", "Jobs done.", ["queue", "kind"], plug=self.plug)
        jobs.labels(queue="mail", kind="a").inc()
        jobs.labels("mail", "a").inc(2)
        jobs.labels("5", "a").inc()
        jobs.labels(5, "a").inc()
        self.assertIs(jobs.labels("mail", "a"), jobs.labels(kind="a", queue="mail"))
        self.assertEqual(self.lines(), ['jobs_total{kind="a",queue="5"} 2', 'jobs_total{kind="a",queue="mail"} 3'])
        self.assertIn("# HELP jobs_total Jobs done.\n# TYPE jobs_total counter\n", self.plug.text())
        for wrong in (lambda: jobs.labels("mail"), lambda: jobs.labels(queue="a", other="b"), lambda: jobs.labels("a", kind="b")):
            self.assertRaisesRegex(ValueError, "^jobs_total: ", wrong)
        self.assertRaisesRegex(ValueError, "^jobs_total: ", lambda: jobs.labels("mail", "a").inc(-1))
        self.assertRaisesRegex(ValueError, "^jobs_total: ", lambda: jobs.labels("mail", "a").set(1))
        self.assertRaisesRegex(AttributeError, "labels", lambda: jobs.inc())
        jobs.remove("5", "a")
        jobs.labels("mail", "a").inc()
        self.assertEqual(self.lines(), ['jobs_total{kind="a",queue="mail"} 4'])
        jobs.clear()
        self.assertEqual(self.lines(), [])
        jobs.labels("mail", "a").inc()
        self.assertEqual(self.lines(), ['jobs_total{kind="a",queue="mail"} 1'])

    def test_a_counter_without_labels_counts_exceptions_and_gets_its_suffix(self) -> None:
        errors = Counter("errors", "Errors.", namespace="app", plug=self.plug)
        self.assertEqual(self.lines(), ["app_errors_total 0"])
        errors.inc()

        @errors.count_exceptions(KeyError)
        def fails(error: Exception) -> None:
            raise error

        for error in (KeyError("a"), ValueError("b")):
            self.assertRaises(type(error), fails, error)
        self.assertEqual(self.lines(), ["app_errors_total 2"])

    def test_gauges(self) -> None:
        gauge = Gauge("queue_length", plug=self.plug)
        gauge.set(5)
        gauge.inc()
        gauge.dec(2.5)
        self.assertEqual(self.lines(), ["queue_length 3.5"])
        gauge.set(0)
        with gauge.track_inprogress():
            self.assertEqual(self.lines(), ["queue_length 1"])
        self.assertEqual(self.lines(), ["queue_length 0"])
        gauge.set_to_current_time()
        self.assertAlmostEqual(float(self.lines()[0].split()[1]), time.time(), delta=60)

    def test_histograms_and_their_timers(self) -> None:
        seconds = Histogram("call_seconds", "Calls.", ["to"], buckets=[0.5, 1, float("inf")], plug=self.plug)
        for value in (0.1, 0.7, 9):
            seconds.labels("a").observe(value)
        self.assertIn('call_seconds_bucket{to="a",le="1"} 2', self.lines())
        self.assertIn('call_seconds_bucket{to="a",le="+Inf"} 3', self.lines())

        @seconds.labels("b").time()
        def slow(more: int) -> int:
            time.sleep(0.02)
            return slow(more - 1) if more else 7

        self.assertEqual(slow(1), 7)
        with seconds.labels("b").time():
            pass
        counted = {line.split()[0]: float(line.split()[1]) for line in self.lines()}
        self.assertEqual(counted['call_seconds_count{to="b"}'], 3)
        # The inner call counts for the outer one too.
        self.assertTrue(0.06 <= counted['call_seconds_sum{to="b"}'] < 10)
        self.assertRaisesRegex(ValueError, "metric call_seconds: ", lambda: Histogram("call_seconds", buckets=[7], plug=self.plug))
        Histogram("fits", native=True, plug=self.plug).observe(3)

    def test_summaries_infos_and_enums(self) -> None:
        summary = Summary("size_bytes", plug=self.plug)
        summary.observe(4)
        with summary.time():
            pass
        self.assertIn("size_bytes_count 2", self.lines())
        info = Info("build", "Which build.", plug=self.plug)
        info.info({"version": "1", "branch": "main"})
        info.info({"version": "2"})
        self.assertEqual([line for line in self.lines() if "build" in line], ['build_info{version="2"} 1'])
        state = Enum("task_state", "State.", states=["starting", "running"], plug=self.plug)
        self.assertIn('task_state{task_state="starting"} 1', self.lines())
        state.state("running")
        self.assertIn('task_state{task_state="starting"} 0', self.lines())
        self.assertRaisesRegex(ValueError, "^task_state: expected one of starting, running", lambda: state.state("gone"))

    def test_exemplars_reach_openmetrics(self) -> None:
        Counter("jobs", plug=self.plug).inc(1, [("trace_id", "abc")])
        self.assertIn(b'# {trace_id="abc"} 1', self.plug.scrape("application/openmetrics-text")[1])

    def test_buffered_increments_are_there_at_each_export_and_after_a_while(self) -> None:
        jobs = Counter("jobs", "", ["n"], buffered=True, plug=self.plug)
        children = [jobs.labels(n) for n in range(5)]

        def count() -> None:
            for _ in range(1_000):
                for child in children:
                    child.inc()

        threads = [threading.Thread(target=count) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(self.lines(), [f'jobs_total{{n="{n}"}} 4000' for n in range(5)])
        children[0].inc(0.5)
        answer = self.plug.process_sync({"operation": "export_metrics", "export_format": "prometheus"})
        self.assertIn('jobs_total{n="0"} 4000.5\n', answer["result"]["exported_data"])
        self.assertRaisesRegex(ValueError, "^jobs_total", lambda: children[0].inc(-1))
        # One whose series is removed does not take the others along.
        children[1].inc()
        jobs.remove("2")
        children[2].inc()
        self.assertIn('jobs_total{n="1"} 4001', self.lines())

    def test_a_record_and_a_metric_fill_one_registry_and_a_crash_loses_nothing(self) -> None:
        jobs = Counter("jobs", plug=self.plug)
        jobs.inc()
        self.plug.process_sync({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1})
        self.assertEqual(self.lines(), ["jobs_total 2"])
        self.plug.cleanup_sync()
        jobs.inc()
        self.assertEqual(self.lines(), ["jobs_total 1"])


class Collected(unittest.TestCase):
    def test_a_gauge_asks_a_function_at_each_export_and_one_that_fails_is_a_warning(self) -> None:
        plug, values = Plug.embedded(), [1.0, 2.0]
        Gauge("asked", plug=plug).set_function(lambda: values.pop(0))
        self.assertIn("asked 1\n", plug.text())
        self.assertIn(b"asked 2\n", plug.scrape()[1])
        with self.assertWarnsRegex(RuntimeWarning, "IndexError"):
            self.assertIn("asked 2\n", plug.text())

    def test_metrics_of_the_process(self) -> None:
        plug = Plug.embedded()
        process_metrics(plug)
        values = {line.split()[0]: float(line.split()[1]) for line in plug.text().splitlines() if not line.startswith("#")}
        self.assertAlmostEqual(values["process_cpu_seconds_total"], time.process_time(), delta=1)
        self.assertAlmostEqual(values["process_start_time_seconds"], time.time(), delta=300)
        self.assertGreater(values["process_resident_memory_bytes"], 10e6)
        self.assertGreater(values["process_virtual_memory_bytes"], values["process_resident_memory_bytes"])
        self.assertTrue(3 <= values["process_open_fds"] < values["process_max_fds"], values)
        self.assertGreaterEqual(values["process_threads"], 2)
        self.assertIn('python_gc_collections_total{generation="2"}', values)
        self.assertTrue(any(name.startswith("python_info{") for name in values), values)


class Exposition(unittest.TestCase):
    def setUp(self) -> None:
        self.plug = Plug.embedded()
        Counter("jobs", plug=self.plug).inc()

    def test_a_server_negotiates_the_format(self) -> None:
        server, thread = start_http_server(0, plug=self.plug)
        url = f"http://127.0.0.1:{server.server_address[1]}/metrics"
        with urllib.request.urlopen(url) as response:
            self.assertEqual(response.read(), b"# TYPE jobs_total counter\njobs_total 1\n")
            self.assertTrue(response.headers["content-type"].startswith("text/plain; version=0.0.4"))
        request = urllib.request.Request(url, headers={"accept": "application/openmetrics-text; version=1.0.0"})
        with urllib.request.urlopen(request) as response:
            self.assertTrue(response.read().endswith(b"# EOF\n"))
            self.assertTrue(response.headers["content-type"].startswith("application/openmetrics-text"))
        self.assertRaisesRegex(OSError, "405", lambda: urllib.request.urlopen(url, data=b"x"))
        server.shutdown()
        server.server_close()
        thread.join(5)
        self.assertFalse(thread.is_alive())

    def test_wsgi_and_asgi(self) -> None:
        started: list[Any] = []
        body = make_wsgi_app(self.plug)({"REQUEST_METHOD": "GET"}, lambda *head: started.append(head))
        self.assertEqual((b"".join(body), started[0][0]), (b"# TYPE jobs_total counter\njobs_total 1\n", "200 OK"))
        sent: list[Any] = []

        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> Any:
            raise AssertionError("a GET has no body")

        scope = {"type": "http", "method": "GET", "headers": [(b"accept", b"application/openmetrics-text")]}
        asyncio.run(make_asgi_app(self.plug)(scope, receive, send))
        self.assertEqual((sent[0]["status"], sent[1]["body"][-6:]), (200, b"# EOF\n"))


if __name__ == "__main__":
    unittest.main(verbosity=1)
