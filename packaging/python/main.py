# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""The plug `monitoring_prometheus` for PlugPipe's Python runtime: loads the component that lies beside this file.

A drop-in replacement for the Python plug 1.0.0: `await process(ctx, cfg)`, `await health_check(cfg)`, and the class
`PrometheusMonitoringPlug(config)` with `process`, `health_check` and `cleanup`. It speaks the interface `plug` of
`plugpipe:plug` and nothing else, so it knows no operation, no setting and no response of the plug: `process` decodes the body
of an answer for its caller, and reads none of it. What differs between 1.0.0 and 2.0.0 is the plug's own setting
`compatibility`, which is set here unless the caller sets it.

Metrics are kept between calls: there is one instance of the component for all calls whose configuration names the same
servers. A call waits for servers in a thread of that instance, not in the event loop. At most 64 instances run; the state of one
that is released stays, and its next call goes on with it.

`${NAME}` in a configuration is replaced from the environment, never in `ctx`. `PLUGPIPE_ENV_ALLOW`, a list of names with commas,
limits which. One that is not set or not allowed stays as it is, with a warning in the answer; a value that came from the
environment is masked in answers.

A process that forks starts afresh only if it had not used the plug before: wasmtime's threads do not survive a fork, so calls in the
child of one that had are answered with an error that says so.

Needs `pip install wasmtime==50.0.1`. This host lets the component reach any HTTP server: wasmtime's Python API has no
egress policy. The component has no files, no environment and no sockets here either.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import threading
import weakref
from collections import OrderedDict
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Mapping, Optional, TypeVar

from wasmtime import Config, Engine, Store, Trap, WasiConfig, WasmtimeError
from wasmtime.component import Component, Func, Instance, Linker, Record, Variant

__all__ = ["PrometheusMonitoringPlug", "cleanup", "execute", "health_check", "plug_metadata", "process"]

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

# Instances that run at once, and those whose state is kept without one.
_MAX_INSTANCES, _MAX_STATES = 64, 4_096

# Shorter values of the environment are not masked: they would hide what is not theirs.
_MIN_MASKED = 4

_T = TypeVar("_T")


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
            return _error(self.error.code, self.error.message)


def _error(code: str, message: str) -> Response:
    return {"success": False, "error": message, "error_code": code, "monitoring_metadata": {}}


async def _in_thread(executor: Optional[Executor], function: Callable[..., _T], *arguments: Any) -> _T:
    """Runs in a thread; here, if none can be started, as while the interpreter ends."""
    try:
        future = asyncio.get_running_loop().run_in_executor(executor, function, *arguments)
    except RuntimeError:
        return function(*arguments)
    return await future


_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Environment:
    """Replaces `${NAME}` in a configuration."""

    def __init__(self) -> None:
        allowed = os.environ.get("PLUGPIPE_ENV_ALLOW")
        self._allowed = None if allowed is None else {name.strip() for name in allowed.split(",")}
        self.warnings: list[str] = []
        self._values: set[str] = set()

    def replaced(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return _REFERENCE.sub(lambda found: self._value(found, path), value)
        if isinstance(value, Mapping):
            return {key: self.replaced(own, f"{path}.{key}") for key, own in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.replaced(own, f"{path}[{index}]") for index, own in enumerate(value)]
        return value

    def _value(self, found: re.Match[str], path: str) -> str:
        name = found[1]
        value = os.environ.get(name)
        if self._allowed is not None and name not in self._allowed:
            self.warnings.append(f"{path}: {found[0]} stays as it is, because PLUGPIPE_ENV_ALLOW does not name it")
        elif value is None:
            self.warnings.append(f"{path}: {found[0]} stays as it is, because the environment has no {name}")
        else:
            if len(value) >= _MIN_MASKED:
                self._values.add(value)
            return value
        return found[0]

    def masked(self, answer: _Answer) -> _Answer:
        """The answer without values of the environment, with the warnings among its own."""
        body = answer.body
        try:
            decoded = self._mask(json.loads(body))
            if self.warnings and isinstance(decoded, dict):
                decoded["warnings"] = [*decoded.get("warnings", ()), *self.warnings]
            body = _text(decoded)
        except ValueError:
            body = self._mask(body)
        error = answer.error and _Problem(answer.error.code, self._mask(answer.error.message))
        return _Answer(error, [*self._mask(answer.warnings), *self.warnings], answer.unsent, body)

    def _mask(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in sorted(self._values, key=len, reverse=True):
                value = value.replace(secret, "***")
            return value
        if isinstance(value, dict):
            return {key: self._mask(own) for key, own in value.items()}
        return [self._mask(own) for own in value] if isinstance(value, list) else value


def _expanded(cfg: Mapping[str, Any], text: str) -> tuple[Mapping[str, Any], str, Optional[_Environment]]:
    """The configuration with values of the environment, where it refers to any."""
    if "${" not in text:
        return cfg, text, None
    environment = _Environment()
    cfg = environment.replaced(cfg, "cfg")
    return cfg, _text(cfg), environment


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

    def __init__(self, state: Optional[bytes] = None) -> None:
        self._lock = threading.Lock()
        self._running: Optional[tuple[Store, Func]] = None
        self._instance: Optional[Instance] = None
        self._calls = 0
        # What another instance held when it was released.
        self._state = state
        # The configuration that the component has, which need not be passed again.
        self._known: Optional[str] = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=_COMPONENT.stem)

    def _start(self) -> tuple[Store, Func]:
        store, instance = _component().start()
        if self._state is not None:
            refused = _function(store, instance, "state", "restore")(store, self._state)
            self._state = None
            if refused is not None:
                raise RuntimeError(f"the state of a released instance cannot be restored: {refused}")
        self._instance = instance
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
        self._calls += 1
        try:
            return await _in_thread(self._thread, self._locked_call, what, cfg)
        finally:
            self._calls -= 1

    def is_idle(self) -> bool:
        """Whether no call runs or waits."""
        return self._calls == 0 and not self._lock.locked()

    def release(self) -> Optional[bytes]:
        """Ends the thread, and with the last reference the store. Returns what the component held, if it ran."""
        with self._lock:
            self._thread.shutdown(wait=False)
            if self._running is None or self._instance is None:
                return self._state
            store, _ = self._running
            snapshot: bytes = _function(store, self._instance, "state", "snapshot")(store)
            self._running = self._instance = None
            return snapshot

    async def end(self, cfg: str) -> _Answer:
        """Has the component clean up, and ends the thread, and with the last reference the store."""
        answer = await self.call(Variant("cleanup"), cfg)
        self._thread.shutdown(wait=False)
        return answer


# The one that was used last is the last one.
_instances: OrderedDict[str, _Instance] = OrderedDict()
_released: OrderedDict[str, bytes] = OrderedDict()
_by_text: dict[str, str] = {}
_instances_lock = threading.Lock()
_forked_in_use = False


def _after_fork() -> None:
    """In a forked process nothing is shared with its parent: no instance, no lock that a thread of the parent may have held."""
    global _instances_lock, _compiling, _forked_in_use
    _forked_in_use = _forked_in_use or bool(_instances)
    _instances_lock, _compiling = threading.Lock(), threading.Lock()
    # Not even their end works here.
    _left_to_the_parent.append((dict(_instances), _compiled))
    _instances.clear()
    _by_text.clear()
    _released.clear()


_left_to_the_parent: list[Any] = []

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)

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


def _find_instance(identity: str, text: str) -> _Instance:
    """The instance of these servers. The lock is held."""
    found = _instances.get(identity)
    if found is None:
        _release_idle()
        found = _instances[identity] = _Instance(_released.pop(identity, None))
        if len(_by_text) >= _MAX_TEXTS:
            _by_text.clear()
    _instances.move_to_end(identity)
    _by_text[text] = identity
    return found


def _release_idle() -> None:
    """Makes room for one more instance. The lock is held."""
    for identity, instance in list(_instances.items()):
        if len(_instances) < _MAX_INSTANCES:
            return
        if instance.is_idle():
            del _instances[identity]
            state = instance.release()
            if state is not None:
                _released[identity] = state
    while len(_released) > _MAX_STATES:
        _released.popitem(last=False)


async def _instance_of(cfg: Mapping[str, Any], text: str) -> _Instance:
    with _instances_lock:
        identity = _by_text.get(text)
        if identity is not None:
            return _find_instance(identity, text)
    if _compiled is None:
        await _in_thread(None, _component)
    identity = _identity(cfg)
    with _instances_lock:
        return _find_instance(identity, text)


async def _request(what: Variant, cfg: Mapping[str, Any], text: str) -> _Answer:
    if _forked_in_use:
        message = "this process was forked from one that had used the plug, whose threads do not survive that; use it only after the fork"
        return _Answer(_Problem("host", message), [], 0, "")
    cfg, text, environment = _expanded(cfg, text)
    instance = await _instance_of(cfg, text)
    answer = await instance.call(what, text)
    return answer if environment is None else environment.masked(answer)


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
        accepts = answer.error is None or await _in_thread(None, _component().accepts, text)
        _last_text = text if accepts else _last_text


def _checked(cfg: Any) -> None:
    if cfg is not None and not isinstance(cfg, Mapping):
        raise TypeError(f"cfg: expected a mapping, got {type(cfg).__name__}")


async def _never_raising(call: Callable[[], Any]) -> Response:
    """Bad input, a component that is missing or threads that cannot be started are answers."""
    try:
        response: Response = await call()
        return response
    except (TypeError, ValueError, RecursionError) as error:
        return _error("invalid_field", str(error))
    except (OSError, RuntimeError, MemoryError, WasmtimeError) as error:
        return _error("host", str(error))


async def process(ctx: Optional[Mapping[str, Any]] = None, cfg: Optional[Mapping[str, Any]] = None) -> Response:
    """Runs the operation that `ctx` names, with the configuration `cfg`; an empty one keeps the last one. Nothing raises: an error is
    an answer."""

    async def call() -> Response:
        _checked(cfg)
        own = _with_compatibility(cfg) if cfg else json.loads(_last_text)
        text = _text(own) if cfg else _last_text
        answer = await _process(ctx, own, text)
        await _remember(answer, text)
        response: Response = answer.decoded()
        return response

    return await _never_raising(call)


execute = process


async def health_check(cfg: Optional[Mapping[str, Any]] = None) -> Response:
    """Checks every configured server."""

    async def call() -> Response:
        _checked(cfg)
        own = _with_compatibility(cfg) if cfg else json.loads(_last_text)
        text = _text(own) if cfg else _last_text
        answer = await _request(Variant("health"), own, text)
        await _remember(answer, text)
        response: Response = answer.decoded()
        return response

    return await _never_raising(call)


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

        async def call() -> Response:
            _checked(cfg)
            response: Response = (await _process(ctx, *self._configuration(cfg))).decoded()
            return response

        return await _never_raising(call)

    async def health_check(self) -> Response:
        """Checks every configured server."""

        async def call() -> Response:
            response: Response = (await _request(Variant("health"), self._own, self._own_text)).decoded()
            return response

        return await _never_raising(call)

    async def cleanup(self) -> Response:
        """Ends the plug's instance as the module's `cleanup` does, once no other plug shares it."""
        own, text, _ = _expanded(self._own, self._own_text)
        instance = await _instance_of(own, text)
        self._open.discard(self)
        identity = _identity(own)
        if any(_identity(_expanded(other._own, other._own_text)[0]) == identity for other in self._open):
            return {"success": True, "result": {}}
        with _instances_lock:
            _instances.pop(identity, None)
            _released.pop(identity, None)
            for text in [text for text, known in _by_text.items() if known == identity]:
                del _by_text[text]
        response: Response = (await instance.end(text)).decoded()
        return response
