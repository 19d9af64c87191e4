# SPDX-License-Identifier: MIT
"""PlugPipe's host for Python: the plug `monitoring_prometheus` in its sandbox, with grants, secrets, limits and a journal.

    from plugpipe_host import Plug

    plug = Plug.embedded()
    answer = await plug.process({"operation": "record_counter", "metric_name": "jobs_total", "metric_value": 1})

The host is the Rust runtime; this package has no other dependency.
"""

from __future__ import annotations

import os

from . import _native
from ._native import __version__
from ._connect import Connection, connect
from ._exposition import make_asgi_app, make_wsgi_app, start_http_server
from ._metrics import DEFAULT_BUCKETS, Counter, Enum, Gauge, Histogram, Info, Summary, default_plug, include, use
from ._plug import Plug, _inboxes, _plugs
from ._process import process_metrics

__all__ = [
    "Connection",
    "DEFAULT_BUCKETS",
    "Counter",
    "Enum",
    "Gauge",
    "Histogram",
    "Info",
    "Plug",
    "Summary",
    "__version__",
    "connect",
    "default_plug",
    "include",
    "make_asgi_app",
    "make_wsgi_app",
    "process_metrics",
    "start_http_server",
    "use",
]


def _before_fork() -> None:
    for plug in list(_plugs):
        plug._before_fork()
    _native.before_fork()


def _forked() -> None:
    _native.forked()
    _inboxes.clear()


os.register_at_fork(before=_before_fork, after_in_parent=_native.after_fork, after_in_child=_forked)
