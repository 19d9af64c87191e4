# SPDX-License-Identifier: MIT
"""The package plugpipe_host: what other libraries have in a registry of prometheus_client.

`python test_host_include.py FOLDER` imports the package of that folder. PLUGPIPE_PUSHGATEWAY and PLUGPIPE_PROMETHEUS are the URLs of
a Pushgateway, and of a Prometheus that takes remote writes.
"""

import gzip
import http.server
import json
import os
import struct
import sys
import threading
import time
import unittest
import urllib.parse
import urllib.request
import warnings
from typing import Any, Iterator

import prometheus_client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

sys.path.insert(0, sys.argv.pop())
import plugpipe_host  # noqa: E402
from plugpipe_host import Counter, Plug, make_wsgi_app  # noqa: E402

OPENMETRICS = "application/openmetrics-text; version=1.0.0"


class Library:
    """A library that registers metrics, as they do."""

    def __init__(self) -> None:
        self.registry = prometheus_client.CollectorRegistry()
        self.calls = prometheus_client.Counter("lib_calls", "Calls.", ["to"], registry=self.registry)
        self.up = prometheus_client.Gauge("lib_up", "Whether it is up.", registry=self.registry)
        self.took = prometheus_client.Histogram("lib_seconds", "Duration.", registry=self.registry, buckets=(0.1, 1))
        self.size = prometheus_client.Summary("lib_bytes", "Sizes.", registry=self.registry)
        self.build = prometheus_client.Info("lib_build", "Build.", registry=self.registry)
        self.state = prometheus_client.Enum("lib_state", "State.", states=["on", "off"], registry=self.registry)

    def work(self) -> None:
        self.calls.labels("a").inc(2, {"trace_id": "t1"})
        self.calls.labels('b"\\\n').inc()
        self.up.set(1)
        self.took.observe(0.5, {"trace_id": "t2"})
        self.size.observe(7)
        self.build.info({"version": "1"})
        self.state.state("off")


class Failing:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield GaugeMetricFamily("lib_half", "Half of them.", value=1)
        raise self.error


class Include(unittest.TestCase):
    def setUp(self) -> None:
        self.plug, self.library = Plug.embedded(), Library()
        self.library.work()

    def lines(self) -> list[str]:
        return [line for line in self.plug.text().splitlines() if not line.startswith("#")]

    def openmetrics(self) -> str:
        return self.plug.scrape(OPENMETRICS)[1].decode()

    def warned(self) -> list[str]:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.plug.text()
        return [str(warning.message) for warning in caught]

    def test_all_kinds_are_exposed_with_labels_exemplars_and_created_times(self) -> None:
        plugpipe_host.include(self.library.registry, plug=self.plug)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            text = self.openmetrics()
        self.assertIn("# TYPE lib_calls counter\n# HELP lib_calls Calls.\n", text)
        self.assertRegex(text, r'lib_calls_total\{to="a"\} 2(\.0)? # \{trace_id="t1"\} 2(\.0)? \d+\.\d+\n')
        self.assertIn('lib_calls_total{to="b\\"\\\\\\n"} 1', text)
        created = self.library.calls.labels("a")._created  # type: ignore[attr-defined]
        self.assertIn(f'lib_calls_created{{to="a"}} {created:.3f}\n', text)
        self.assertRegex(text, r'lib_seconds_bucket\{le="1.0"\} 1 # \{trace_id="t2"\} 0.5 \d+\.\d+\n')
        for line in ("lib_up 1", "lib_bytes_sum 7", "lib_bytes_count 1", 'lib_build_info{version="1"} 1', 'lib_state{lib_state="off"} 1', 'lib_state{lib_state="on"} 0'):
            self.assertIn(f"\n{line}", text)

    def test_what_vanished_is_gone_and_what_is_new_is_there(self) -> None:
        Counter("own_total", "Own.", plug=self.plug).inc()
        self.plug.include(self.library.registry)
        # A registry is included once.
        self.plug.include(self.library.registry)
        self.assertIn('lib_calls_total{to="a"} 2', self.lines())
        self.library.calls.remove("a")
        self.library.calls.labels("c").inc(5)
        self.library.registry.unregister(self.library.up)
        lines = self.lines()
        self.assertIn('lib_calls_total{to="c"} 5', lines)
        self.assertIn("own_total 1", lines)
        self.assertFalse([line for line in lines if line.startswith(("lib_up", 'lib_calls_total{to="a"'))])

    def test_a_failing_collector_is_a_warning_and_the_others_are_exported(self) -> None:
        self.library.registry.register(Failing(ZeroDivisionError("no library")))  # type: ignore[arg-type]
        self.library.registry.register(prometheus_client.Gauge("lib_last", "Last.", registry=None))
        self.plug.include(self.library.registry)
        warned = self.warned()
        self.assertEqual(len(warned), 1, warned)
        self.assertIn("prometheus_client: Failing: ZeroDivisionError: no library", warned[0])
        self.assertIn("lib_last 0", self.lines())
        self.assertIn("lib_up 1", self.lines())

    def test_a_metric_without_an_exposition_is_a_warning(self) -> None:
        class Odd:
            def describe(self) -> list[Metric]:
                return []

            def collect(self) -> Iterator[Metric]:
                family = CounterMetricFamily("lib_odd", "Odd.", labels=["a"])
                family.add_metric(["x"], "no number")  # type: ignore[arg-type]
                yield family

        self.library.registry.register(Odd())  # type: ignore[arg-type]
        self.plug.include(self.library.registry)
        warned = self.warned()
        self.assertEqual(len(warned), 1, warned)
        self.assertIn("prometheus_client: lib_odd: ", warned[0])
        self.assertIn("lib_up 1", self.lines())

    def test_an_own_metric_wins_and_the_conflict_is_named(self) -> None:
        self.plug.process_sync({"operation": "record_gauge", "metric_name": "lib_up", "metric_value": 5})
        self.plug.include(self.library.registry)
        self.assertEqual([text.partition(":")[0] for text in self.warned()], ["lib_up"])
        self.assertIn("lib_up 5", self.lines())
        # Recorded after it was included.
        Counter("lib_calls_total", "Own calls.", plug=self.plug).inc()
        self.assertEqual([text.partition(":")[0] for text in self.warned()], ["lib_calls_total", "lib_up"])
        self.assertEqual([line for line in self.lines() if line.startswith("lib_calls_total")], ["lib_calls_total 1"])

    def test_two_registries_have_names_of_their_own(self) -> None:
        other = prometheus_client.CollectorRegistry()
        prometheus_client.Gauge("other_up", "Other.", registry=other).set(1)
        self.plug.include(self.library.registry)
        self.assertRaisesRegex(ValueError, "^source: 'prometheus_client'", lambda: self.plug.include(other))
        self.plug.include(other, "other")
        self.assertTrue({"lib_up 1", "other_up 1"} <= set(self.lines()))

    def test_the_default_registry_is_included(self) -> None:
        self.plug.include(prometheus_client.REGISTRY)
        self.assertEqual(self.warned(), [])
        self.assertRegex(self.plug.text(), r"python_info\{.*\} 1\n")

    def test_it_is_scraped(self) -> None:
        self.plug.include(self.library.registry)
        application = make_wsgi_app(self.plug)
        for value in (3, 4):
            self.library.up.set(value)
            body = b"".join(application({"REQUEST_METHOD": "GET"}, lambda *_: None)).decode()
            self.assertIn(f"\nlib_up {value}\n", body)

    def test_records_are_processed_without_a_collection(self) -> None:
        self.plug.include(self.library.registry)
        self.plug.text()
        self.library.up.set(9)
        self.plug.process_sync({"operation": "record_counter", "metric_name": "own_total", "metric_value": 1})
        self.assertEqual(Plug.process_sync(self.plug, {"operation": "export_metrics"})["result"]["exported_data"].count("lib_up 9"), 0)
        exported = self.plug.process_sync({"operation": "export_metrics"})["result"]["exported_data"]
        self.assertIn("\nlib_up 9\n", exported)


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as response:
        return response.read().decode()  # type: ignore[no-any-return]


class Receiver(http.server.BaseHTTPRequestHandler):
    """An OTLP receiver that takes everything."""

    bodies: list[bytes] = []

    def do_POST(self) -> None:  # noqa: N802
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


class Servers(unittest.IsolatedAsyncioTestCase):
    async def test_it_is_exported_to_otlp(self) -> None:
        server = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        library = Library()
        plug = Plug.embedded({"otlp_url": f"http://127.0.0.1:{server.server_port}/v1/metrics"})
        plug.include(library.registry)
        for value in (2.5, 3.5):
            library.up.set(value)
            answer = await plug.deliver("otlp")
            self.assertTrue(answer["success"], answer)
            body = Receiver.bodies[-1]
            self.assertIn(b"lib_up", body)
            # A data point's value is a double, eight bytes with the lowest first.
            self.assertIn(struct.pack("<d", value), body)

    async def test_it_is_pushed(self) -> None:
        gateway = os.environ["PLUGPIPE_PUSHGATEWAY"]
        library = Library()
        plug = Plug.embedded({"gateway_url": gateway, "job_name": "included", "push_policy": "manual"})
        plug.include(library.registry)
        for value, send in (
            (2, lambda: plug.process_sync({"operation": "push_metrics"})),
            (3, lambda: plug.process({"operation": "push_metrics"})),
        ):
            library.up.set(value)
            library.calls.labels("a").inc()
            answer: Any = send()
            answer = answer if isinstance(answer, dict) else await answer
            self.assertIs(answer["result"]["metric_pushed"], True, answer)
            pushed = get(f"{gateway}/metrics")
            self.assertIn(f'lib_up{{instance="",job="included"}} {value}\n', pushed)
            self.assertIn(f'lib_calls_total{{instance="",job="included",to="a"}} {value - 1}\n', pushed)

    async def test_it_is_pushed_with_a_record(self) -> None:
        gateway = os.environ["PLUGPIPE_PUSHGATEWAY"]
        library = Library()
        plug = Plug.embedded({"gateway_url": gateway, "job_name": "included_with_a_record"})
        plug.include(library.registry)
        record = {"operation": "record_gauge", "metric_name": "own_value", "metric_value": 1}
        for value, send in ((2, lambda: plug.process_sync(record)), (3, lambda: plug.process(record))):
            library.up.set(value)
            answer: Any = send()
            answer = answer if isinstance(answer, dict) else await answer
            self.assertIs(answer["result"]["metric_pushed"], True, answer)
            self.assertIn(f'lib_up{{instance="",job="included_with_a_record"}} {value}\n', get(f"{gateway}/metrics"))

    async def test_it_is_written_to_a_remote_server(self) -> None:
        prometheus = os.environ["PLUGPIPE_PROMETHEUS"]
        library = Library()
        plug = Plug.embedded({"remote_write_url": f"{prometheus}/api/v1/write", "job_name": "written"})
        plug.include(library.registry)
        sink = "remote_write"
        for value in (2, 3):
            library.up.set(value)
            answer = await plug.deliver(sink)
            self.assertTrue(answer["success"], answer)
            query = urllib.parse.quote('lib_up{job="written"}')
            until = time.monotonic() + 20
            while True:
                found = json.loads(get(f"{prometheus}/api/v1/query?query={query}"))["data"]["result"]
                if found and found[0]["value"][1] == str(value):
                    break
                self.assertLess(time.monotonic(), until, found)
                time.sleep(0.2)
        # A series that vanishes ends there too.
        library.registry.unregister(library.up)
        await plug.deliver(sink)
        until = time.monotonic() + 20
        while json.loads(get(f"{prometheus}/api/v1/query?query={query}"))["data"]["result"]:
            self.assertLess(time.monotonic(), until)
            time.sleep(0.2)


if __name__ == "__main__":
    unittest.main(verbosity=1)
