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
from ._plug import Plug

__all__ = ["Plug", "__version__"]

os.register_at_fork(after_in_child=_native.forked)
