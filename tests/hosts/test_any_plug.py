# SPDX-License-Identifier: MIT
"""main.py with the plug of tests/fixtures/notes beside it: what it does with a plug that it does not know.

`python test_any_plug.py FOLDER` runs the main.py of that folder.
"""

import http.server
import importlib
import importlib.util
import json
import os
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, sys.argv.pop())
main = importlib.import_module("main")

INSTALLED = importlib.util.find_spec("plugpipe_host") is not None


class Server:
    """A server on loopback that returns what it receives, after a while."""

    def __init__(self, wait: float = 0) -> None:
        received: list[str] = []

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = self.headers.get("content-length")
                body = b"" if length is None else self.rfile.read(int(length))
                while length is None and (size := int(self.rfile.readline(), 16)) > 0:
                    body += self.rfile.read(size)
                    self.rfile.readline()
                if length is None:
                    self.rfile.readline()
                received.append(body.decode())
                time.sleep(wait)
                self.send_response(200)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.received = received
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class AnyPlug(unittest.IsolatedAsyncioTestCase):
    async def asyncTearDown(self) -> None:
        await main.cleanup()

    def granted(self) -> Server:
        """A server that the plug may reach although no setting names it. To bare_host nothing need be granted."""
        server = Server()
        with tempfile.NamedTemporaryFile("w", suffix=".json", delete=False) as file:
            json.dump({"origins": [server.url]}, file)
        self.addCleanup(os.remove, file.name)
        os.environ["PLUGPIPE_GRANTS"] = file.name
        self.addCleanup(os.environ.pop, "PLUGPIPE_GRANTS")
        return server

    async def test_a_body_that_is_no_json_arrives_as_text(self) -> None:
        texts = {await main.process({"operation": "random"}) for _ in range(20)}
        self.assertEqual(len(texts), 20)
        for text in texts:
            # It looks like a failure, to who reads it.
            self.assertTrue(text.startswith('{"success":false,'), text)
            self.assertRaises(ValueError, json.loads, text)

    async def test_a_body_that_is_json_is_decoded(self) -> None:
        await main.process({"operation": "put", "key": "a", "text": '{"success": 1}'})
        self.assertEqual(await main.process({"operation": "get_note", "key": "a"}), {"success": 1})

    async def test_an_error_without_a_body_is_a_response_that_says_so(self) -> None:
        response = await main.process({"operation": "no such"})
        self.assertEqual((response["success"], response["error_code"]), (False, "invalid"))
        self.assertIn("no such", response["error"])

    async def test_a_server_is_asked(self) -> None:
        server = self.granted()
        self.assertEqual(await main.process({"operation": "ask", "url": server.url, "text": "hello"}), "hello")
        self.assertEqual(server.received, ["hello"])

    async def test_one_instance_for_all_configurations_that_name_the_same_servers(self) -> None:
        put, count = {"operation": "put", "key": "a"}, {"operation": "count_puts", "key": "a"}
        for n in (1, 2):
            await main.process(put, {"server_url": "http://one", "other": n})
        configurations = ({"server_url": "http://one"}, {"group": {"server_url": "http://one"}}, {"server_url": "http://two"})
        self.assertEqual([await main.process(count, cfg) for cfg in configurations], [2, 0, 0])

    async def test_a_server_that_is_not_mentioned_is_the_plugs_default_from_the_environment(self) -> None:
        put, count = {"operation": "put", "key": "a"}, {"operation": "count_puts", "key": "a"}
        os.environ["NOTES_SERVER_URL"] = "http://three"
        self.addCleanup(os.environ.pop, "NOTES_SERVER_URL")
        await main.process(put, {"assume": "a server"})
        configurations = ({"server_url": "http://three"}, {"assume": "no server"}, {"assume": "a server", "server_url": "http://one"})
        self.assertEqual([await main.process(count, cfg) for cfg in configurations], [1, 0, 0])
        del os.environ["NOTES_SERVER_URL"]
        await main.process(put, {"assume": "a server"})
        self.assertEqual(await main.process(count, {"server_url": "http://127.0.0.1:9"}), 1)
        os.environ["NOTES_SERVER_URL"] = ""

    async def test_an_empty_configuration_is_the_last_that_the_plug_accepted(self) -> None:
        server = self.granted()
        put = {"operation": "put", "key": "a", "text": "b", "wait": True}
        # The operation fails, and the configuration is fine.
        await main.process({"operation": "no such"}, {"servers": [server.url]})
        response = await main.process(put, {"servers": 5})
        self.assertEqual(response["error_code"], "invalid")
        await main.process(put)
        self.assertEqual(server.received, ["a=1 b\n"])

    async def test_a_crash_is_a_response_and_the_next_call_works(self) -> None:
        await main.process({"operation": "put", "key": "a"})
        self.assertEqual((await main.process({"operation": "trap"}))["error_code"], "plug_crashed")
        # plugpipe_host goes on with what was acknowledged.
        self.assertEqual(await main.process({"operation": "count_puts", "key": "a"}), 1 if INSTALLED else 0)

    async def test_health_and_cleanup_are_requests_of_the_protocol(self) -> None:
        server = self.granted()
        plug = main.PrometheusMonitoringPlug({"servers": [server.url]})
        await plug.process({"operation": "put", "key": "a", "text": "b"})
        self.assertEqual(await plug.health_check(), "")
        self.assertEqual(server.received[-1], "a=1 b\n")
        self.assertEqual(await plug.cleanup(), "")
        self.assertEqual(await plug.process({"operation": "count_puts", "key": "a"}), 0)


if __name__ == "__main__":
    unittest.main(verbosity=1)
