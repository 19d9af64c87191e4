# SPDX-License-Identifier: MIT
"""main.py against what the Python plug 1.0.0 documented: names to import, shapes of arguments, keys of results.

Each behaviour of the old plug that is kept is a test of `Kept`; each that is another one now is a test of `Changed`, and says why.
`python test_main.py FOLDER` runs against the main.py of that folder, with plugpipe_host if that can be imported.
"""

import asyncio
import http.server
import importlib
import importlib.util
import inspect
import json
import os
import socket
import subprocess
import sys
import threading
import time
import unittest
import warnings
from datetime import datetime, timezone

FOLDER = sys.argv.pop()
sys.path.insert(0, FOLDER)
for name in ("PUSHGATEWAY_URL", "PROMETHEUS_URL", "GRAFANA_URL", "PLUGPIPE_ENV_ALLOW", "PLUGPIPE_GRANTS"):
    os.environ.pop(name, None)
main = importlib.import_module("main")

INSTALLED = importlib.util.find_spec("plugpipe_host") is not None


class Gateway:
    """A Pushgateway on loopback that says yes, after a while, and keeps what it was told."""

    def __init__(self, wait: float = 0, port: int = 0) -> None:
        gateway = self
        self.requests: list[tuple[str, str, str]] = []
        self.status = 202

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self) -> None:
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
                time.sleep(wait)
                self.send_response(gateway.status)
                self.send_header("content-length", "0")
                self.end_headers()

            def do_DELETE(self) -> None:
                gateway.requests.append((self.command, self.path, ""))
                self.send_response(202)
                self.send_header("content-length", "0")
                self.end_headers()

            do_PUT = do_POST = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Silent:
    """A server on loopback that takes requests and answers none."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self._connections.append(connection)
            connection.recv(1)
            self.asked.set()

    def end(self) -> None:
        """Ends all conversations."""
        self.socket.close()
        for connection in self._connections:
            connection.close()


def record(value: float = 1, **fields: object) -> dict[str, object]:
    return {"operation": "record_counter", "metric_name": "jobs_total", "metric_value": value, **fields}


class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncTearDown(self) -> None:
        await main.cleanup()


class Kept(Case):
    async def test_the_names_to_import_and_their_arguments(self) -> None:
        self.assertTrue(inspect.iscoroutinefunction(main.process))
        self.assertTrue(inspect.iscoroutinefunction(main.health_check))
        self.assertEqual(list(inspect.signature(main.process).parameters), ["ctx", "cfg"])
        plug = main.PrometheusMonitoringPlug({})
        for method in (plug.process, plug.health_check, plug.cleanup):
            self.assertTrue(inspect.iscoroutinefunction(method))
        self.assertEqual(list(inspect.signature(plug.process).parameters), ["ctx", "cfg"])
        self.assertEqual(main.plug_metadata["name"], "monitoring_prometheus")

    async def test_a_record_answers_name_value_pushed_and_timestamp(self) -> None:
        answer = await main.process(record(labels={"endpoint": "/api/plugs", "method": "GET"}), {})
        self.assertIs(answer["success"], True)
        self.assertEqual((answer["result"]["metric_name"], answer["result"]["metric_value"]), ("jobs_total", 1))
        self.assertIs(answer["result"]["metric_pushed"], False)
        self.assertIn("T", answer["result"]["timestamp"])

    async def test_the_configuration_is_nested_or_flat_and_told_in_the_metadata(self) -> None:
        for cfg in ({"prometheus_config": {"job_name": "dev"}}, {"job_name": "dev"}):
            metadata = (await main.process(record(), cfg))["monitoring_metadata"]
            self.assertEqual((metadata["job_name"], metadata["scrape_interval"]), ("dev", "15s"))

    async def test_a_push_goes_to_the_group_of_the_job(self) -> None:
        gateway = Gateway()
        answer = await main.process(record(), {"prometheus_config": {"gateway_url": gateway.url, "job_name": "dev"}})
        self.assertIs(answer["result"]["metric_pushed"], True)
        self.assertEqual(gateway.requests[0][1], "/metrics/job/dev/instance/plugpipe-instance")

    async def test_records_at_once_are_all_pushed(self) -> None:
        gateway = Gateway()
        cfg = {"prometheus_config": {"gateway_url": gateway.url, "job_name": "dev"}}
        answers = await asyncio.gather(*(main.process(record(labels={"n": str(n % 5)}), cfg) for n in range(40)))
        self.assertTrue(all(answer["result"]["metric_pushed"] is True for answer in answers), answers)
        self.assertIn('jobs_total{n="4"} 8', gateway.requests[-1][2])

    async def test_what_is_wrong_with_one_record_is_told_to_its_caller_alone(self) -> None:
        gateway = Gateway(wait=0.05)
        cfg = {"gateway_url": gateway.url, "job_name": "dev"}
        answers = await asyncio.gather(*(main.process(record(-1 if n == 3 else 1), cfg) for n in range(6)))
        self.assertEqual([answer["success"] for answer in answers], [n != 3 for n in range(6)])
        self.assertIn("jobs_total 5", gateway.requests[-1][2])

    async def test_a_push_that_fails_is_reported_to_each(self) -> None:
        cfg = {"gateway_url": "http://127.0.0.1:9", "job_name": "dev"}
        answers = await asyncio.gather(*(main.process(record(), cfg) for _ in range(6)))
        for answer in answers:
            self.assertIs(answer["success"], True)
            self.assertIs(answer["result"]["metric_pushed"], False)
            self.assertIn("Failed to push", answer["result"]["push_error"])

    async def test_an_empty_configuration_keeps_that_of_the_constructor(self) -> None:
        plug = main.PrometheusMonitoringPlug({"prometheus_config": {"job_name": "mine"}})
        for cfg in ({}, None):
            self.assertEqual((await plug.process(record(), cfg))["monitoring_metadata"]["job_name"], "mine")

    async def test_no_operation_is_a_health_check_and_its_keys(self) -> None:
        for answer in (await main.process({}, {}), await main.health_check(), await main.PrometheusMonitoringPlug({}).health_check()):
            self.assertIs(answer["success"], True)
            metadata = answer["monitoring_metadata"]
            for server, name, port in (("prometheus", "prometheus", 9090), ("grafana", "grafana", 3000), ("pushgateway", "gateway", 9091)):
                self.assertIn(answer["result"][f"{server}_status"], ("healthy", "unhealthy", "unreachable"))
                self.assertEqual(metadata[f"{name}_url"], f"http://127.0.0.1:{port}")
            self.assertIsInstance(metadata["overall_healthy"], bool)
            self.assertIn("T", metadata["check_timestamp"])

    async def test_a_newer_version_may_be_asked_for(self) -> None:
        answer = await main.health_check({"compatibility": "2.0.0", "job_name": "newer"})
        self.assertEqual(answer["result"]["pushgateway_status"], "not_configured")
        self.assertEqual(set(answer["monitoring_metadata"]), {"job_name", "scrape_interval"})

    async def test_an_error_is_an_answer_and_no_exception(self) -> None:
        for ctx in ({"operation": "no_such"}, {"operation": "query_metrics"}, {"operation": "record_gauge"}, None, [], "text"):
            answer = await main.process(ctx, {"job_name": "errors"})
            if ctx is not None:
                self.assertIs(answer["success"], False, ctx)
                self.assertIsInstance(answer["error"], str)

    async def test_an_export_is_text(self) -> None:
        await main.process(record(), {"job_name": "export"})
        result = (await main.process({"operation": "export_metrics", "export_format": "prometheus"}, {}))["result"]
        self.assertEqual(result["export_format"], "prometheus")
        self.assertIn("T", result["export_timestamp"])
        self.assertEqual(result["exported_data"], "# TYPE jobs_total counter\njobs_total 1\n")

    async def test_what_json_does_not_know_is_taken_as_text(self) -> None:
        answer = await main.process(record(timestamp=datetime(2024, 1, 1, tzinfo=timezone.utc).isoformat(), labels={"n": 5}, run=object()), {})
        self.assertIs(answer["success"], True, answer)

    async def test_the_fields_of_a_step_may_stand_in_its_configuration(self) -> None:
        answer = await main.process({}, {**record(), "job_name": "step"})
        self.assertEqual((answer["operation"], answer["monitoring_metadata"]["job_name"]), ("record_counter", "step"))

    async def test_a_name_of_the_environment_is_replaced_in_the_configuration_alone_and_masked(self) -> None:
        gateway = Gateway()
        os.environ.update(TEST_GATEWAY=gateway.url, TEST_INSTANCE="host-7")
        self.addCleanup(os.environ.pop, "TEST_GATEWAY")
        self.addCleanup(os.environ.pop, "TEST_INSTANCE")
        cfg = {"prometheus_config": {"gateway_url": "${TEST_GATEWAY}", "instance": "${TEST_INSTANCE}", "job_name": "${TEST_UNSET}"}}
        ctx = {"operation": "record_gauge", "metric_name": "environment", "metric_value": 1, "labels": {"a": "${TEST_INSTANCE}"}}
        answer = await main.process(ctx, cfg)
        self.assertTrue(answer["result"]["metric_pushed"], answer)
        [(_, path, body)] = gateway.requests
        self.assertIn("/instance/host-7", path)
        self.assertIn('a="${TEST_INSTANCE}"', body)
        self.assertNotIn("host-7", str(answer))
        [warning] = answer["warnings"]
        self.assertTrue(warning.startswith("cfg.prometheus_config.job_name: ${TEST_UNSET} stays"), warning)
        os.environ["PLUGPIPE_ENV_ALLOW"] = "TEST_GATEWAY, OTHER"
        self.addCleanup(os.environ.pop, "PLUGPIPE_ENV_ALLOW")
        answer = await main.process(ctx, cfg)
        self.assertEqual(2, len(answer["warnings"]), answer)
        self.assertIn("PLUGPIPE_ENV_ALLOW", str(answer["warnings"]))

    def set_environment(self, **values: str) -> None:
        os.environ.update(values)
        for name in values:
            self.addCleanup(os.environ.pop, name, None)

    async def test_servers_that_a_configuration_does_not_mention_are_those_of_the_environment(self) -> None:
        gateway = Gateway()
        self.set_environment(PUSHGATEWAY_URL=f"{gateway.url}/sub", GRAFANA_URL="s3cret of another kind")
        answer = await main.process(record(), {})
        self.assertIs(answer["result"]["metric_pushed"], True, answer)
        self.assertEqual(gateway.requests[0][1], "/sub/metrics/job/plugpipe/instance/plugpipe-instance")
        self.assertEqual(answer["monitoring_metadata"]["prometheus_url"], "http://127.0.0.1:9090")
        # Only a URL leaves the environment.
        self.assertNotIn("s3cret", str(answer))
        [warning] = answer["warnings"]
        self.assertTrue(warning.startswith("cfg.grafana_url: the environment variable GRAFANA_URL is not used"), warning)
        # What is mentioned counts, nested too, and null is no server.
        for cfg in ({"prometheus_config": {"gateway_url": None}}, {"gateway_url": None}, {"compatibility": "2.0.0", "job_name": "j"}):
            answer = await main.process(record(), cfg)
            self.assertIs(answer["result"]["metric_pushed"], False, answer)
            self.assertNotIn("gateway_url", answer["monitoring_metadata"], cfg)
        self.assertEqual(1, len(gateway.requests))
        self.set_environment(PLUGPIPE_ENV_ALLOW="PROMETHEUS_URL")
        answer = await main.process(record(), {"job_name": "not allowed"})
        self.assertEqual(answer["monitoring_metadata"]["gateway_url"], "http://127.0.0.1:9091")
        self.assertIn("PLUGPIPE_ENV_ALLOW", str(answer["warnings"]))

    async def test_without_an_environment_they_are_on_this_machine(self) -> None:
        try:
            gateway = Gateway(port=9091)
        except OSError as error:
            self.skipTest(f"127.0.0.1:9091: {error}")
        self.addCleanup(gateway.server.server_close)
        self.addCleanup(gateway.server.shutdown)
        answer = await main.process(record(), {})
        self.assertIs(answer["result"]["metric_pushed"], True, answer)
        self.assertEqual(gateway.requests[0][1], "/metrics/job/plugpipe/instance/plugpipe-instance")

    async def test_nothing_raises(self) -> None:
        cycle: dict = {}
        cycle["a"] = cycle
        for ctx, cfg in [([], None), ("x", None), (None, ["a"]), (None, "x"), ({"operation": float("nan")}, None), ({"operation": "\ud800"}, None), (cycle, None), ({}, cycle)]:
            answer = await main.process(ctx, cfg)
            self.assertFalse(answer["success"], (ctx, cfg))
            self.assertTrue(answer["error"] and answer["error_code"], answer)
        record = {"operation": "record_gauge", "metric_name": "raises", "metric_value": float("nan")}
        self.assertFalse((await main.process(record, {}))["success"])
        record["metric_value"] = True
        self.assertEqual(1, (await main.process(record, {"mock_mode": True}))["result"]["metric_value"])

    async def test_execute_is_process_and_the_agent_card_lists_the_operations(self) -> None:
        described = await main.execute({"operation": "describe"}, {})
        self.assertTrue(described["success"])
        with open(os.path.join(FOLDER, "agent-card.json"), encoding="utf-8") as file:
            card = json.load(file)["agentCard"]
        self.assertEqual((card["version"], card["id"].rpartition(":")[2]), (main.plug_metadata["version"], main.plug_metadata["name"]))
        self.assertIn("record_counter", [skill["id"] for skill in card["skills"]])

    async def test_a_handler_at_the_end_of_the_process_and_a_finalizer_may_record(self) -> None:
        gateway = Gateway()
        script = f"""
import asyncio, atexit, sys
sys.path.insert(0, {FOLDER!r})
import main
cfg = {{"prometheus_config": {{"gateway_url": {gateway.url!r}, "job_name": "end"}}}}
def record(name):
    answer = asyncio.run(main.process({{"operation": "record_counter", "metric_name": name, "metric_value": 1}}, cfg))
    assert answer["result"]["metric_pushed"], answer
class Ends:
    def __del__(self):
        record("finalized_total")
atexit.register(record, "at_exit_total")
record("first_total")
ends = [Ends()]
ends.clear()
"""
        ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120)
        self.assertEqual((0, ""), (ended.returncode, ended.stderr))
        for name in ["first_total", "finalized_total", "at_exit_total"]:
            self.assertIn(f"{name} 1", gateway.requests[-1][2])

    @unittest.skipUnless(INSTALLED, "bare_host keeps the state")
    async def test_an_instance_that_makes_room_sends_first_what_is_unsent(self) -> None:
        most, main._MAX_INSTANCES = main._MAX_INSTANCES, 3
        self.addCleanup(setattr, main, "_MAX_INSTANCES", most)
        policies = ["manual", "on_record", "on_record", "on_record", "on_record"]
        gateways = [Gateway() for _ in policies]
        gateways[1].status = 400
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            for gateway, policy in zip(gateways, policies):
                cfg = {"gateway_url": gateway.url, "push_policy": policy, "compatibility": "2.0.0"}
                answer = await main.process(record(), cfg)
                self.assertEqual(answer["result"]["metric_pushed"], policy == "on_record" and gateway.status == 202, answer)
                self.assertLessEqual(len(main._instances), main._MAX_INSTANCES)
                gateway.status = 202
                gateway.requests.clear()
            deadline = time.monotonic() + 10
            while not (gateways[1].requests and told) and time.monotonic() < deadline:
                await asyncio.sleep(0.02)
        self.assertIn("jobs_total 1\n", gateways[1].requests[0][2])
        self.assertFalse(gateways[0].requests)
        # What only the caller pushes is not sent behind its back, and the loss is told.
        self.assertIn("1 values that no server accepted are lost", str([str(warning.message) for warning in told]))

    @unittest.skipIf(INSTALLED, "plugpipe_host sends it")
    async def test_instances_are_bounded_and_the_state_of_released_ones_is_kept(self) -> None:
        for _ in range(2):
            for number in range(main._MAX_INSTANCES + 3):
                cfg = {"prometheus_config": {"gateway_url": f"http://127.0.0.1:9/{number}", "push_policy": "manual"}}
                answer = await main.process({"operation": "record_counter", "metric_name": "kept_total", "metric_value": 1}, cfg)
                self.assertTrue(answer["success"], answer)
                self.assertLessEqual(len(main._instances), main._MAX_INSTANCES)
        self.assertEqual(2, answer["result"]["current_value"])
        threads = [thread for thread in threading.enumerate() if thread.name.startswith(main._COMPONENT.stem)]
        self.assertEqual(threads, [])

    @unittest.skipUnless(hasattr(os, "fork"), "forks")
    async def test_the_child_of_a_process_that_used_the_plug_starts_afresh_or_is_told_that_it_cannot(self) -> None:
        script = f"""
import asyncio, os, sys
sys.path.insert(0, {FOLDER!r})
import main
record = {{"operation": "record_counter", "metric_name": "forked_total", "metric_value": 1}}
def call():
    return asyncio.run(main.process(record, {{"mock_mode": True}}))
def child():
    if (pid := os.fork()) == 0:
        answer = call()
        os._exit(0 if answer["success"] else 7 if "forked" in answer["error"] else 1)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
assert child() == 0
assert call()["success"]
assert child() == (0 if {INSTALLED} else 7)
assert call()["result"]["current_value"] == 2
"""
        ended = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, timeout=120)
        self.assertEqual((0, ""), (ended.returncode, ended.stderr))

    async def test_a_mock_reaches_no_server(self) -> None:
        cfg = {"mock_mode": True, "prometheus_config": {"prometheus_url": "http://127.0.0.1:9", "gateway_url": "http://127.0.0.1:9"}}
        answer = await main.process({"operation": "query_metrics", "query": "up"}, cfg)
        self.assertEqual(answer["result"]["query_result"], {"resultType": "vector", "result": []})


class Changed(Case):
    async def test_a_counter_counts_where_it_was_a_gauge(self) -> None:
        cfg = {"job_name": "count"}
        for total in (1, 2, 3):
            self.assertEqual((await main.process(record(), cfg))["result"]["current_value"], total)

    async def test_the_registry_is_kept_where_each_push_wiped_the_group(self) -> None:
        gateway = Gateway()
        cfg = {"gateway_url": gateway.url}
        await main.process(record(), cfg)
        await main.process({"operation": "record_gauge", "metric_name": "other", "metric_value": 2}, cfg)
        self.assertIn("jobs_total 1\n", gateway.requests[1][2])
        self.assertIn("other 2\n", gateway.requests[1][2])

    async def test_a_server_that_is_away_costs_no_six_seconds(self) -> None:
        started = time.monotonic()
        cfg = {name: "http://127.0.0.1:9" for name in ("prometheus_url", "gateway_url", "grafana_url")}
        answer = await main.process(record(), cfg)
        self.assertEqual(answer["result"]["push_error_code"], "unreachable")
        self.assertLess(time.monotonic() - started, 3)

    async def test_an_alert_that_no_server_lists_is_not_created(self) -> None:
        alert = {"alert_name": "A", "expression": "up == 0"}
        answer = await main.process({"operation": "create_alert", "alert_config": alert}, {"job_name": "alerts"})
        self.assertIs(answer["success"], True)
        self.assertIs(answer["result"]["alert_created"], False)

    async def test_json_and_csv_hold_the_samples_that_were_missing(self) -> None:
        await main.process(record(41), {"job_name": "formats"})
        for export_format in ("json", "csv"):
            ctx = {"operation": "export_metrics", "export_format": export_format}
            self.assertIn("41", (await main.process(ctx, {}))["result"]["exported_data"])

    async def test_a_summary_is_recorded(self) -> None:
        answer = await main.process({"operation": "record_summary", "metric_name": "s", "metric_value": 2}, {"job_name": "s"})
        self.assertEqual((answer["result"]["count"], answer["result"]["sum"]), (1, 2))


class Runtime(Case):
    async def test_a_record_never_waits_behind_a_query(self) -> None:
        server, gateway = Silent(), Gateway()
        cfg = {"prometheus_url": server.url, "gateway_url": gateway.url, "timeout": "60s", "retry_attempts": 1, "job_name": "order"}
        await main.process({"operation": "describe"}, cfg)
        queries = [asyncio.create_task(main.process({"operation": "query_metrics", "query": "up"}, cfg)) for _ in range(3)]
        await asyncio.to_thread(server.asked.wait, 10)
        for number in range(1, 101):
            answer = await main.process(record(), cfg)
            self.assertEqual((answer["result"]["current_value"], answer["result"]["metric_pushed"]), (number, True), answer)
        self.assertFalse(any(query.done() for query in queries))
        server.end()
        for query in queries:
            self.assertIs((await query)["success"], False)

    async def test_who_leaves_a_query_leaves_the_plug_as_it_is(self) -> None:
        server = Silent()
        cfg = {"prometheus_url": server.url, "gateway_url": None, "timeout": "2s", "retry_attempts": 1}
        await main.process(record(), cfg)
        with self.assertRaises(asyncio.TimeoutError):
            await asyncio.wait_for(main.process({"operation": "query_metrics", "query": "up"}, cfg), 0.2)
        self.assertEqual((await main.process(record(), cfg))["result"]["current_value"], 2)

    async def test_pushes_at_intervals_go_out(self) -> None:
        gateway = Gateway()
        cfg = {"gateway_url": gateway.url, "push_policy": "interval", "push_interval": "1s"}
        await main.process(record(), cfg)
        await asyncio.sleep(1.1)
        await main.process(record(), cfg)
        deadline = time.monotonic() + 10
        while not any("jobs_total 2" in body for _, _, body in gateway.requests) and time.monotonic() < deadline:
            await asyncio.sleep(0.2)
            await main.process({"operation": "describe"}, cfg)
        self.assertIn("jobs_total 2\n", gateway.requests[-1][2])

    async def test_many_values_are_pushed_whole(self) -> None:
        gateway = Gateway()
        cfg = {"gateway_url": gateway.url, "push_policy": "manual"}
        metrics = [{"name": "many", "type": "gauge", "value": n, "labels": {"n": str(n), "what": "é☃" * 10}} for n in range(5_000)]
        self.assertTrue((await main.process({"operation": "record_multiple_metrics", "metrics": metrics}, cfg))["success"])
        pushed = await main.process({"operation": "push_metrics"}, cfg)
        self.assertTrue(pushed["success"], pushed)
        self.assertEqual(gateway.requests[-1][2].count("é☃" * 10), 5_000)

    @unittest.skipIf(INSTALLED, "plugpipe_host starts no thread for a call")
    async def test_a_thread_that_cannot_be_started_fails_one_call_only(self) -> None:
        gateway = Gateway()
        cfg = {"gateway_url": gateway.url, "job_name": "no thread"}
        self.assertTrue((await main.process(record(), cfg))["result"]["metric_pushed"])
        start, refused = threading.Thread.start, []

        def refuse(thread: threading.Thread) -> None:
            if not refused and thread.name.startswith(main._COMPONENT.stem):
                refused.append(thread)
                raise RuntimeError("can't start new thread")
            start(thread)

        threading.Thread.start = refuse  # type: ignore[method-assign]
        self.addCleanup(setattr, threading.Thread, "start", start)
        answer = await main.process(record(), cfg)
        self.assertIs(answer["result"]["metric_pushed"], False, answer)
        self.assertIn("thread", answer["result"]["push_error"])
        answer = await main.process(record(), cfg)
        self.assertEqual((answer["result"]["metric_pushed"], answer["result"]["current_value"]), (True, 3), answer)
        self.assertIn("jobs_total 3\n", gateway.requests[-1][2])

    async def test_a_slow_gateway_does_not_block_the_event_loop(self) -> None:
        gateway = Gateway(wait=0.5)
        push = asyncio.create_task(main.process(record(), {"gateway_url": gateway.url, "job_name": "slow"}))
        longest, before = 0.0, time.monotonic()
        # The first call compiles, which is not what this is about.
        await main.process(record(), {"job_name": "quick"})
        before = time.monotonic()
        while not push.done():
            await asyncio.sleep(0.01)
            longest, before = max(longest, time.monotonic() - before), time.monotonic()
        self.assertTrue((await push)["result"]["metric_pushed"])
        self.assertLess(longest, 0.3)

    async def test_plugs_of_one_group_share_their_metrics_and_others_do_not(self) -> None:
        one, two = (main.PrometheusMonitoringPlug({"job_name": "shared", "timeout": f"{n}s"}) for n in (1, 2))
        other = main.PrometheusMonitoringPlug({"job_name": "other"})
        totals = [(await plug.process(record()))["result"]["current_value"] for plug in (one, two, other)]
        self.assertEqual(totals, [1, 2, 1])
        # One instance for all that name the same servers, here none: the last one ends it.
        for plug in (one, two):
            self.assertEqual(await plug.cleanup(), {"success": True, "result": {}})
        self.assertEqual((await other.process(record()))["result"]["current_value"], 2)
        self.assertEqual((await other.cleanup())["result"]["series_dropped"], 2)

    async def test_cleanup_deletes_the_group(self) -> None:
        gateway = Gateway()
        plug = main.PrometheusMonitoringPlug({"gateway_url": gateway.url, "job_name": "gone"})
        await plug.process(record())
        await plug.cleanup()
        self.assertEqual(gateway.requests[-1][:2], ("DELETE", "/metrics/job/gone/instance/plugpipe-instance"))

    @unittest.skipIf(INSTALLED, "plugpipe_host has tests of its own for this, and goes on with what was recorded")
    async def test_a_crash_is_an_answer_and_the_next_call_works(self) -> None:
        cfg = {"job_name": "crash"}
        await main.process({"operation": "describe"}, {"job_name": "before"})
        host = sys.modules["main.bare_host"]
        whole, host.MEMORY_BYTES = host.MEMORY_BYTES, 16 * 1024 * 1024
        self.addCleanup(setattr, host, "MEMORY_BYTES", whole)
        await main.cleanup()
        self.assertTrue((await main.process(record(), cfg))["success"])
        crash = await main.process({"operation": "describe", "filler": " " * (32 * 1024 * 1024)}, cfg)
        self.assertEqual((crash["success"], crash.get("error_code")), (False, "plug_crashed"))
        self.assertEqual((await main.process(record(), cfg))["result"]["current_value"], 1)

    async def test_an_invalid_configuration_is_an_error_each_time(self) -> None:
        for cfg in (
            {"push_policy": "on_recrod"},
            {"gateway_url": "127.0.0.1:9091"},
            {"prometheus_config": {"push_timeout": "10 seconds"}},
            {"prometheus_config": "x"},
        ):
            for _ in range(2):
                for answer in (
                    await main.process(record(), cfg),
                    await main.health_check(cfg),
                    await main.PrometheusMonitoringPlug(cfg).process(record()),
                    await main.PrometheusMonitoringPlug({"job_name": "good"}).process(record(), cfg),
                ):
                    self.assertFalse(answer["success"], answer)
                    self.assertTrue(answer["field"].startswith("cfg."), answer)
        # What was refused is not the last one.
        self.assertTrue((await main.process(record(), {"job_name": "last"}))["success"])
        self.assertFalse((await main.process(record(), {"job_name": "last", "retry_attempts": 100}))["success"])
        self.assertEqual((await main.process(record()))["monitoring_metadata"]["job_name"], "last")

    async def test_a_failed_operation_leaves_each_call_its_own_configuration(self) -> None:
        first, second = ({"job_name": "one", "scrape_interval": interval} for interval in ("1s", "2s"))
        await main.process(record(), first)
        self.assertFalse((await main.process({"operation": "no_such_thing"}, second))["success"])
        self.assertEqual((await main.process(record(), first))["monitoring_metadata"]["scrape_interval"], "1s")
        self.assertEqual((await main.process(record(), second))["monitoring_metadata"]["scrape_interval"], "2s")

    async def test_threads_may_call_at_once(self) -> None:
        def calls() -> None:
            for _ in range(50):
                asyncio.run(main.process(record(), {"job_name": "threads"}))

        threads = [threading.Thread(target=calls) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            await asyncio.to_thread(thread.join)
        self.assertEqual((await main.process(record(), {"job_name": "threads"}))["result"]["current_value"], 201)


if __name__ == "__main__":
    unittest.main(verbosity=1)
