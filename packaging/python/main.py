# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""The plug `monitoring_prometheus` for PlugPipe's Python runtime: loads the component that lies beside this file.

A drop-in replacement for the Python plug 1.0.0: `await process(ctx, cfg)`, `await health_check(cfg)`, and the class
`PrometheusMonitoringPlug(config)` with `process`, `health_check` and `cleanup`. It speaks the interface `plug` of
`plugpipe:plug` and nothing else, so it knows no operation, no setting and no response of the plug: `process` decodes the body
of an answer for its caller, and reads none of it. What differs between 1.0.0 and 2.0.0 is the plug's own setting
`compatibility`, which is set here unless the caller sets it.

Metrics are kept between calls: there is one instance of the component for all calls whose configuration names the same
servers. A call waits for servers in a thread of that instance, not in the event loop.

Needs `pip install wasmtime==50.0.1`. This host lets the component reach any HTTP server: wasmtime's Python API has no
egress policy. The component has no files, no environment and no sockets here either.
"""

from __future__ import annotations

import asyncio
import json
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Optional

from wasmtime import Config, Engine, Store, Trap, WasiConfig, WasmtimeError
from wasmtime.component import Component, Func, Instance, Linker, Record, Variant

__all__ = ["PrometheusMonitoringPlug", "cleanup", "health_check", "plug_metadata", "process"]

Response = dict[str, Any]
"""The decoded body of an answer: `success`, `operation`, then `result` or `error` and `error_code`."""

plug_metadata: dict[str, str] = {
    "name": "monitoring_prometheus",
    "version": "2.0.0",
    "owner": "PlugPipe Monitoring Team",
    "status": "stable",
}

_COMPONENT = Path(__file__).resolve().with_name("monitoring_prometheus.wasm")
_PACKAGE = "plugpipe:plug/{}@1.0.0"

# As much as the Rust host gives.
_MEMORY_BYTES = 256 * 1024 * 1024

# What callers were written for.
_COMPATIBILITY = {"compatibility": "1.0.0"}

# A caller may make up a configuration for each call; no more of them are remembered than this.
_MAX_TEXTS = 1_024


@dataclass
class _Problem:
    code: str
    message: str


@dataclass
class _Answer:
    """`answer` of `plugpipe:plug`."""

    error: Optional[_Problem]
    warnings: list[str]
    unsent: int
    body: str

    def decoded(self) -> Any:
        """The body for a caller: JSON decoded, and any other text as it is."""
        try:
            return json.loads(self.body)
        except ValueError:
            if self.error is None:
                return self.body
            return {"success": False, "error": self.error.message, "error_code": self.error.code, "monitoring_metadata": {}}


class _Compiled:
    """The component, compiled once for all instances."""

    def __init__(self) -> None:
        config = Config()
        try:
            # Compiling takes seconds, and is the same each time.
            config.cache = True
        except WasmtimeError:
            # Nowhere to keep it, such as in a read-only home.
            config = Config()
        self.engine = Engine(config)
        try:
            self.component = Component.from_file(self.engine, _COMPONENT)
        except OSError as error:
            raise RuntimeError(f"the component cannot be read: {error}; it belongs beside {Path(__file__).name}") from error
        self.linker = Linker(self.engine)
        self.linker.add_wasip2()
        self.linker.add_wasi_http()
        store, instance = self.start()
        description = _function(store, instance, "plug", "describe")(store)
        # The settings that say which servers an instance talks to, and as whom.
        self.identity = [list(setting) for server in description.servers for setting in _settings_of(server)]

    def start(self) -> tuple[Store, Instance]:
        """A fresh instance."""
        store = Store(self.engine)
        store.set_limits(memory_size=_MEMORY_BYTES)
        store.set_wasi(WasiConfig())
        store.set_wasi_http()
        return store, self.linker.instantiate(store, self.component)

    def accepts(self, cfg: str) -> bool:
        """Whether the plug takes a configuration, asked of an instance that serves nothing else."""
        store, instance = self.start()
        try:
            return not isinstance(_function(store, instance, "hosting", "configure")(store, cfg), Record)
        except (Trap, WasmtimeError):
            return False


def _settings_of(server: Any) -> list[list[str]]:
    return [server.settings, *(header.settings for header in server.headers)]


def _function(store: Store, instance: Instance, interface: str, name: str) -> Func:
    place = _PACKAGE.format(interface)
    exports = instance.get_export_index(store, place)
    index = instance.get_export_index(store, name, exports) if exports else None
    found = instance.get_func(store, index) if index else None
    if found is None:
        raise RuntimeError(f"{_COMPONENT.name} does not export {name} of {place}; is it a plug?")
    return found


class _Signature:
    """The type of a function, read once."""

    def __init__(self, function: Func, store: Store) -> None:
        read = function.type(store)
        self.params = [(name, _kept(kind)) for name, kind in read.params]
        self.result = _kept(read.result)


def _kept(kind: Any) -> Any:
    """A type whose parts are read once: wasmtime reads them for each value, which takes longer than the call itself."""
    parts: dict[str, Any] = {}
    for name in ("fields", "cases", "element", "payload", "ok", "err"):
        part = getattr(kind, name, None)
        if isinstance(part, list):
            parts[name] = [(label, _kept(of)) for label, of in part]
        elif part is not None:
            parts[name] = _kept(part)
    if parts:
        kind.__class__ = type(type(kind).__name__, (type(kind),), parts)
        derived = {name: _constant(getattr(kind, name)()) for name in ("_cases", "_tagged", "_is_bytes") if hasattr(kind, name)}
        kind.__class__ = type(type(kind).__name__, (type(kind),), derived)
    return kind


def _constant(value: Any) -> Any:
    return lambda _self: value


_compiled: Optional[_Compiled] = None
_compiling = threading.Lock()


def _component() -> _Compiled:
    global _compiled
    with _compiling:
        if _compiled is None:
            _compiled = _Compiled()
        return _compiled


class _Instance:
    """One instance of the component. Its lock is held for as long as it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: Optional[tuple[Store, Func]] = None
        # The configuration that the component has, which need not be passed again.
        self._known: Optional[str] = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=_COMPONENT.stem)

    def _start(self) -> tuple[Store, Func]:
        store, instance = _component().start()
        function = _function(store, instance, "plug", "process")
        signature = _Signature(function, store)
        setattr(function, "type", lambda _store: signature)
        self._running, self._known = (store, function), None
        return store, function

    def _call(self, what: Variant, cfg: str) -> _Answer:
        """Carries out a request. The lock is held."""
        store, function = self._running or self._start()
        known = cfg == self._known
        # If the request fails, it is open whether the component adopted a new configuration.
        self._known = cfg if known else None
        try:
            answer: _Answer = function(store, what, "" if known else cfg)
        except (Trap, WasmtimeError) as error:
            # A trap poisons the store: the next call gets a fresh one.
            self._running = None
            problem = str(error).splitlines()[0] if str(error) else type(error).__name__
            message = f"the plug crashed ({problem}); the next call gets a fresh instance, and all metrics of this one are lost"
            return _Answer(_Problem("plug_crashed", message), [], 0, "")
        if answer.error is None:
            self._known = cfg
        return _Answer(answer.error, answer.warnings, answer.unsent, answer.body)

    def _locked_call(self, what: Variant, cfg: str) -> _Answer:
        with self._lock:
            return self._call(what, cfg)

    async def call(self, what: Variant, cfg: str) -> _Answer:
        """Carries out a request, in the instance's own thread: it may wait for servers."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._locked_call, what, cfg)

    async def end(self, cfg: str) -> _Answer:
        """Has the component clean up, and ends the thread, and with the last reference the store."""
        answer = await self.call(Variant("cleanup"), cfg)
        self._thread.shutdown(wait=False)
        return answer


_instances: dict[str, _Instance] = {}
_by_text: dict[str, _Instance] = {}
_instances_lock = threading.Lock()

# Values without a JSON type, such as dates, are converted to text. Made once: `json.dumps` would make an encoder for each call.
_text = json.JSONEncoder(default=str).encode

_last_text = _text(_COMPATIBILITY)


def _with_compatibility(cfg: Mapping[str, Any]) -> dict[str, Any]:
    return {**_COMPATIBILITY, **cfg}


def _setting(cfg: Mapping[str, Any], paths: list[str]) -> Any:
    """The value at the first of these paths that is present."""
    for path in paths:
        place: Any = cfg
        for key in path.split("."):
            place = place.get(key) if isinstance(place, Mapping) else None
        if place is not None:
            return place
    return None


def _identity(cfg: Mapping[str, Any]) -> str:
    """The servers of a configuration. Two instances that push to one group of one server would overwrite each other's."""
    own = [_setting(cfg, paths) for paths in _component().identity]
    return json.dumps(own, sort_keys=True, default=str)


async def _instance_of(cfg: Mapping[str, Any], text: str) -> _Instance:
    with _instances_lock:
        found = _by_text.get(text)
    if found is None:
        if _compiled is None:
            await asyncio.get_running_loop().run_in_executor(None, _component)
        identity = _identity(cfg)
        with _instances_lock:
            found = _instances.setdefault(identity, _Instance())
            if len(_by_text) >= _MAX_TEXTS:
                _by_text.clear()
            _by_text[text] = found
    return found


async def _request(what: Variant, cfg: Mapping[str, Any], text: str) -> _Answer:
    instance = await _instance_of(cfg, text)
    return await instance.call(what, text)


async def _process(ctx: Optional[Mapping[str, Any]], cfg: Mapping[str, Any], text: str) -> _Answer:
    ctx = {} if ctx is None else ctx
    if isinstance(ctx, Mapping) and "operation" not in ctx and "operation" in cfg:
        # The fields of a pipe's step may be passed as its configuration.
        ctx = {**cfg, **ctx}
    return await _request(Variant("call", _text(ctx)), cfg, text)


async def _remember(answer: _Answer, text: str) -> None:
    """Notes a configuration as the last one, unless the plug rejected it."""
    global _last_text
    if text != _last_text:
        accepts = answer.error is None or await asyncio.get_running_loop().run_in_executor(None, _component().accepts, text)
        _last_text = text if accepts else _last_text


async def process(ctx: Optional[Mapping[str, Any]] = None, cfg: Optional[Mapping[str, Any]] = None) -> Response:
    """Runs the operation that `ctx` names, with the configuration `cfg`; an empty one keeps the last one."""
    own = _with_compatibility(cfg) if cfg else json.loads(_last_text)
    text = _text(own) if cfg else _last_text
    answer = await _process(ctx, own, text)
    await _remember(answer, text)
    response: Response = answer.decoded()
    return response


async def health_check(cfg: Optional[Mapping[str, Any]] = None) -> Response:
    """Checks every configured server."""
    own = _with_compatibility(cfg) if cfg else json.loads(_last_text)
    text = _text(own) if cfg else _last_text
    answer = await _request(Variant("health"), own, text)
    await _remember(answer, text)
    response: Response = answer.decoded()
    return response


async def cleanup() -> None:
    """Ends all instances, each of which removes from servers what it left there, unless its configuration keeps that."""
    global _last_text
    with _instances_lock:
        _last_text = _text(_COMPATIBILITY)
        ended = list(_instances.values())
        _instances.clear()
        _by_text.clear()
    for instance in ended:
        await instance.end("")


class PrometheusMonitoringPlug:
    """The plug with a configuration of its own. Plugs whose configurations name the same servers share an instance."""

    _open: weakref.WeakSet[PrometheusMonitoringPlug] = weakref.WeakSet()

    def __init__(self, config: Optional[Mapping[str, Any]] = None) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self._own = _with_compatibility(self.config)
        self._own_text = _text(self._own)
        self._open.add(self)

    def _configuration(self, cfg: Optional[Mapping[str, Any]]) -> tuple[Mapping[str, Any], str]:
        if not cfg:
            return self._own, self._own_text
        own = _with_compatibility(cfg)
        return own, _text(own)

    async def process(self, ctx: Optional[Mapping[str, Any]] = None, cfg: Optional[Mapping[str, Any]] = None) -> Response:
        """Runs the operation that `ctx` names, with `cfg`, or if that is empty with the plug's own configuration."""
        response: Response = (await _process(ctx, *self._configuration(cfg))).decoded()
        return response

    async def health_check(self) -> Response:
        """Checks every configured server."""
        response: Response = (await _request(Variant("health"), self._own, self._own_text)).decoded()
        return response

    async def cleanup(self) -> Response:
        """Ends the plug's instance as the module's `cleanup` does, once no other plug shares it."""
        instance = await _instance_of(self._own, self._own_text)
        self._open.discard(self)
        identity = _identity(self._own)
        if any(_identity(other._own) == identity for other in self._open):
            return {"success": True, "result": {}}
        with _instances_lock:
            _instances.pop(identity, None)
            for text in [text for text, known in _by_text.items() if known is instance]:
                del _by_text[text]
        response: Response = (await instance.end(self._own_text)).decoded()
        return response
