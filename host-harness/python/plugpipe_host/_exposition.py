# SPDX-License-Identifier: MIT
"""Metrics over HTTP, for a scraper: as a WSGI or ASGI application, and as a server of its own."""

from __future__ import annotations

import threading
from socketserver import ThreadingMixIn
from typing import Any, Awaitable, Callable, Iterable, Mapping, MutableMapping, Optional
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from ._metrics import default_plug
from ._plug import Plug

_StartResponse = Callable[[str, list[tuple[str, str]]], Any]
_Application = Callable[[Mapping[str, Any], _StartResponse], Iterable[bytes]]
_Message = MutableMapping[str, Any]
_AsgiApplication = Callable[[Mapping[str, Any], Callable[[], Awaitable[_Message]], Callable[[_Message], Awaitable[None]]], Awaitable[None]]


def _respond(plug: Optional[Plug], method: str, accept: str) -> tuple[str, str, bytes]:
    if method not in ("GET", "HEAD", ""):
        return "405 Method Not Allowed", "text/plain; charset=utf-8", b"expected GET\n"
    try:
        content_type, body = (plug or default_plug()).scrape(accept)
    except RuntimeError as error:
        return "500 Internal Server Error", "text/plain; charset=utf-8", f"{error}\n".encode()
    return "200 OK", content_type, b"" if method == "HEAD" else body


def make_wsgi_app(plug: Optional[Plug] = None) -> _Application:
    """A WSGI application that answers each GET with the metrics, in the format that `Accept` prefers."""

    def application(environ: Mapping[str, Any], start_response: _StartResponse) -> Iterable[bytes]:
        status, content_type, body = _respond(plug, environ.get("REQUEST_METHOD", ""), environ.get("HTTP_ACCEPT", ""))
        start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
        return [body]

    return application


def make_asgi_app(plug: Optional[Plug] = None) -> _AsgiApplication:
    """An ASGI application that answers each GET with the metrics, in the format that `Accept` prefers."""

    async def application(
        scope: Mapping[str, Any], receive: Callable[[], Awaitable[_Message]], send: Callable[[_Message], Awaitable[None]]
    ) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"expected an http request, got {scope['type']}")
        accept = ", ".join(value.decode("latin-1") for name, value in scope.get("headers", ()) if name.lower() == b"accept")
        status, content_type, body = _respond(plug, scope.get("method", ""), accept)
        headers = [(b"content-type", content_type.encode("latin-1")), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": int(status.split()[0]), "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return application


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


def start_http_server(port: int, addr: str = "127.0.0.1", plug: Optional[Plug] = None) -> tuple[WSGIServer, threading.Thread]:
    """Serves the metrics from a thread. Listens on loopback, unless `addr` says another address, such as `0.0.0.0`."""
    server = make_server(addr, port, make_wsgi_app(plug), server_class=_Server, handler_class=_Quiet)
    thread = threading.Thread(target=server.serve_forever, name="plugpipe-metrics", daemon=True)
    thread.start()
    return server, thread
