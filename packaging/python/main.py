# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""The plug `monitoring_prometheus` for PlugPipe's Python runtime: hosts the component that lies beside this file.

A drop-in replacement for the Python plug 1.0.0: `await process(ctx, cfg)`, `await execute(ctx, cfg)`, `await health_check(cfg)`, and
the class `PrometheusMonitoringPlug(config)` with `process`, `health_check` and `cleanup`. Nothing here knows an operation, a setting
or a response of the plug. What differs between 1.0.0 and 2.0.0 is the plug's own setting `compatibility`, which is set here unless
the caller sets it.

The host is `plugpipe_host` where that is installed: it grants the component the servers that a configuration names and no others, or
what the grants file in `PLUGPIPE_GRANTS` says. Else it is PyPI's `wasmtime` (`pip install wasmtime==50.0.1`), which lets the component
reach any HTTP server. In both, the component has no files, no environment and no sockets. `installed_host.py` and `bare_host.py` are
these hosts, and `configuration.py` is what they have in common.

Metrics are kept between calls: there is one instance of the component for all calls whose configuration names the same servers. At
most 64 instances run. One that is released keeps its state for its next call, or with plugpipe_host sends first what is unsent.

`${NAME}` in a configuration is replaced from the environment, never in `ctx`, and so are servers that the plug has in a variable by
default. `PLUGPIPE_ENV_ALLOW`, a list of names with commas, limits which. One that is not set or not allowed stays as it is, with a
warning in the answer; a value that replaced `${NAME}` is masked in answers.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import sys
import threading
import weakref
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Awaitable, Callable, Optional, TypeVar

__all__ = ["PrometheusMonitoringPlug", "cleanup", "execute", "health_check", "plug_metadata", "process"]

Cfg = Mapping[str, Any]
Response = dict[str, Any]
"""The decoded body of an answer: `success`, `operation`, then `result` or `error` and `error_code`."""

plug_metadata: dict[str, str] = {
    "name": "monitoring_prometheus",
    "version": "2.0.0",
    "owner": "PlugPipe Monitoring Team",
    "status": "stable",
}

_COMPONENT = Path(__file__).resolve().with_name("monitoring_prometheus.wasm")

# What callers were written for.
_COMPATIBILITY = {"compatibility": "1.0.0"}

# A caller may make up a configuration for each call; no more of them are remembered than this.
_MAX_TEXTS = 1_024

# Instances that run at once, and those whose state is kept without one.
_MAX_INSTANCES, _MAX_STATES = 64, 4_096

_T = TypeVar("_T")


async def _in_thread(function: Callable[..., _T], *arguments: Any) -> _T:
    """Runs in a thread; here, if none can be started, as while the interpreter ends."""
    try:
        future = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    except RuntimeError:
        return function(*arguments)
    return await future


def _sibling(name: str) -> Any:
    """A module beside this one, which may have been loaded by its path, without its folder among those to import from."""
    spec = importlib.util.spec_from_file_location(f"{__name__}.{name}", Path(__file__).resolve().with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{name}.py cannot be loaded; it belongs beside {Path(__file__).name}")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[spec.name]
        raise
    return module


_configuration = _sibling("configuration")
_text: Callable[[Any], str] = _configuration.encoded


def _make_host() -> Any:
    """The host that is installed."""
    try:
        return _sibling("installed_host").Host(_COMPONENT)
    except ModuleNotFoundError as error:
        # Else it is installed, and something that it needs is not.
        if error.name != "plugpipe_host":
            raise
    try:
        return _sibling("bare_host").Host(_COMPONENT)
    except ImportError as error:
        raise RuntimeError(f"{error}; install plugpipe_host, or wasmtime with pip install wasmtime==50.0.1") from error


_host: Any = None
_host_lock = threading.Lock()


def _ready() -> Any:
    """The host, with the component compiled."""
    global _host
    with _host_lock:
        if _host is None:
            _host = _make_host()
        _host.servers()
        return _host


def _environment() -> Any:
    return _configuration.Environment(_host.servers())


# The one that was used last is the last one. The lock is held for moments; making instances takes longer, and has its own.
_instances: OrderedDict[str, Any] = OrderedDict()
_released: OrderedDict[str, Any] = OrderedDict()
_by_text: dict[str, str] = {}
_accepted: dict[str, bool] = {}
_instances_lock, _making_lock = threading.Lock(), threading.Lock()
_last_text = _text(_COMPATIBILITY)


def _after_fork() -> None:
    """In a forked process no lock that a thread of the parent may have held is shared with it, and no instance that is of no use."""
    global _instances_lock, _making_lock, _host_lock
    _instances_lock, _making_lock, _host_lock = threading.Lock(), threading.Lock(), threading.Lock()
    if _host is not None and _host.forked():
        # Not even their end works here.
        _left_to_the_parent.append(dict(_instances))
        _instances.clear()
        _by_text.clear()
        _released.clear()


_left_to_the_parent: list[Any] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def _known(text: str, identity: Optional[str] = None) -> Any:
    """The instance of a configuration's servers, with one more user; none if there is none yet."""
    with _instances_lock:
        if identity is None:
            identity = _by_text.get(text)
        found = None if identity is None else _instances.get(identity)
        if identity is not None and found is not None:
            if len(_by_text) >= _MAX_TEXTS:
                _by_text.clear()
            _by_text[text] = identity
            _instances.move_to_end(identity)
            found.users += 1
        return found


def _made(cfg: Cfg, text: str) -> Any:
    """The same, made if there is none."""
    identity = _configuration.identity(cfg, _host.servers())
    with _making_lock:
        found = _known(text, identity)
        if found is None:
            with _instances_lock:
                _release_idle()
                held = _released.pop(identity, None)
            made = _host.session(_configuration.named(cfg, _host.servers()), held)
            with _instances_lock:
                _instances[identity] = made
            found = _known(text, identity)
        return found


def _release_idle() -> None:
    """Makes room for one more instance. The lock is held."""
    for identity, instance in list(_instances.items()):
        if len(_instances) < _MAX_INSTANCES:
            return
        if instance.is_idle():
            del _instances[identity]
            held = instance.close()
            if held is not None:
                _released[identity] = held
    while len(_released) > _MAX_STATES:
        _released.popitem(last=False)


async def _request(what: str, ctx: Any, cfg: Cfg, text: str) -> Any:
    if _host is None or not _host.is_ready():
        await _in_thread(_ready)
    environment = _environment()
    cfg, text = environment.expanded(cfg, text)
    instance = _known(text) or await _in_thread(_made, cfg, text)
    try:
        response = await instance.request(what, ctx, cfg, text)
    finally:
        instance.users -= 1
    return environment.masked(response)


async def _process(ctx: Any, cfg: Cfg, text: str) -> Any:
    ctx = {} if ctx is None else ctx
    if isinstance(ctx, Mapping) and "operation" not in ctx and "operation" in cfg:
        # The fields of a pipe's step may be passed as its configuration.
        ctx = {**cfg, **ctx}
    return await _request("call", ctx, cfg, text)


def _with_compatibility(cfg: Cfg) -> dict[str, Any]:
    return {**_COMPATIBILITY, **cfg}


async def _with_last(cfg: Optional[Cfg], call: Callable[[Cfg, str], Awaitable[Any]]) -> Any:
    """Calls with a configuration, or with the last one if it is empty. It is the last one from then on, unless the plug rejects it."""
    global _last_text
    own: Cfg = _with_compatibility(cfg) if cfg else json.loads(_last_text)
    text = _text(own) if cfg else _last_text
    response = await call(own, text)
    if text != _last_text:
        expanded, its_text = _environment().expanded(own, text)
        accepts = _accepted.get(its_text)
        if accepts is None:
            if len(_accepted) >= _MAX_TEXTS:
                _accepted.clear()
            accepts = _accepted[its_text] = await _in_thread(_host.accepts, expanded, its_text)
        _last_text = text if accepts else _last_text
    return response


async def _never_raising(cfg: Any, call: Callable[[], Awaitable[Any]]) -> Response:
    """Bad input, a component that is missing or a host that is not installed are answers."""
    try:
        if cfg is not None and not isinstance(cfg, Mapping):
            raise TypeError(f"cfg: expected a mapping, got {type(cfg).__name__}")
        response: Response = await call()
        return response
    except (TypeError, ValueError, RecursionError) as error:
        return _failure("invalid_field", error)
    except Exception as error:  # noqa: BLE001
        return _failure("host", error)


def _failure(code: str, error: BaseException) -> Response:
    return {"success": False, "error": str(error) or type(error).__name__, "error_code": code, "monitoring_metadata": {}}


async def process(ctx: Optional[Mapping[str, Any]] = None, cfg: Optional[Cfg] = None) -> Response:
    """Runs the operation that `ctx` names, with the configuration `cfg`; an empty one keeps the last one. Nothing raises: an error is
    an answer."""
    return await _never_raising(cfg, lambda: _with_last(cfg, lambda own, text: _process(ctx, own, text)))


async def execute(ctx: Optional[Mapping[str, Any]] = None, cfg: Optional[Cfg] = None) -> Response:
    """`process`, as the registry's A2A convention calls it."""
    return await process(ctx, cfg)


async def health_check(cfg: Optional[Cfg] = None) -> Response:
    """Checks every configured server."""
    return await _never_raising(cfg, lambda: _with_last(cfg, lambda own, text: _request("health", None, own, text)))


async def cleanup() -> None:
    """Ends all instances, each of which removes from servers what it left there, unless its configuration keeps that."""
    global _last_text
    with _instances_lock:
        _last_text = _text(_COMPATIBILITY)
        ended = list(_instances.values())
        _instances.clear()
        _by_text.clear()
        _released.clear()
    for instance in ended:
        await instance.request("cleanup", None, {}, "")


class PrometheusMonitoringPlug:
    """The plug with a configuration of its own. Plugs whose configurations name the same servers share an instance."""

    _open: weakref.WeakSet[PrometheusMonitoringPlug] = weakref.WeakSet()

    def __init__(self, config: Optional[Cfg] = None) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self._own = _with_compatibility(self.config)
        self._own_text = _text(self._own)
        self._open.add(self)

    async def process(self, ctx: Optional[Mapping[str, Any]] = None, cfg: Optional[Cfg] = None) -> Response:
        """Runs the operation that `ctx` names, with `cfg`, or if that is empty with the plug's own configuration."""

        async def call() -> Any:
            own = _with_compatibility(cfg) if cfg else self._own
            return await _process(ctx, own, _text(own) if cfg else self._own_text)

        return await _never_raising(cfg, call)

    async def health_check(self) -> Response:
        """Checks every configured server."""
        return await _never_raising(None, lambda: _request("health", None, self._own, self._own_text))

    async def cleanup(self) -> Response:
        """Ends the plug's instance as the module's `cleanup` does, once no other plug shares it."""
        return await _never_raising(None, self._cleanup)

    async def _cleanup(self) -> Any:
        await _in_thread(_ready)
        own, text = _environment().expanded(self._own, self._own_text)
        instance = await _in_thread(_made, own, text)
        instance.users -= 1
        self._open.discard(self)
        servers = _host.servers()
        identity = _configuration.identity(own, servers)
        others = [_environment().expanded(other._own, other._own_text)[0] for other in self._open]
        if any(_configuration.identity(other, servers) == identity for other in others):
            return {"success": True, "result": {}}
        with _instances_lock:
            _instances.pop(identity, None)
            _released.pop(identity, None)
            for known in [known for known, whose in _by_text.items() if whose == identity]:
                del _by_text[known]
        return await instance.request("cleanup", None, own, text)
