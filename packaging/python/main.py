# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""The plug `monitoring_prometheus` for PlugPipe's Python runtime: hosts the component that lies beside this file.

A drop-in replacement for the Python plug 1.0.0: `await process(ctx, cfg)`, `await execute(ctx, cfg)`, `await health_check(cfg)`, and
the class `PrometheusMonitoringPlug(config)` with `process`, `health_check` and `cleanup`. Nothing here knows an operation, a setting
or a response of the plug. What differs between 1.0.0 and 2.0.0 is the plug's own setting `compatibility`, which is set here unless
the caller sets it.

The host is `plugpipe_host` where that is installed: it grants the component the servers that a configuration names and no others, or
what the grants file in `PLUGPIPE_GRANTS` says. Else it is `bare_host.py` with PyPI's `wasmtime` (`pip install wasmtime==50.0.1`),
which lets the component reach any HTTP server. In both, the component has no files, no environment and no sockets.

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
import re
import sys
import threading
import warnings
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

# Shorter values of the environment are not masked: they would hide what is not theirs.
_MIN_MASKED = 4

_T = TypeVar("_T")

# Values without a JSON type, such as dates, are converted to text. Made once: `json.dumps` would make an encoder for each call.
_text = json.JSONEncoder(default=str).encode


async def _in_thread(function: Callable[..., _T], *arguments: Any) -> _T:
    """Runs in a thread; here, if none can be started, as while the interpreter ends."""
    try:
        future = asyncio.get_running_loop().run_in_executor(None, function, *arguments)
    except RuntimeError:
        return function(*arguments)
    return await future


class _InstalledSession:
    """An instance of a plug in `plugpipe_host`."""

    def __init__(self, plug: Any) -> None:
        self._plug = plug
        self.users = 0

    async def request(self, what: str, ctx: Any, cfg: Cfg, _text_of_cfg: str) -> Any:
        if what == "call":
            # As JSON has it: with values without a JSON type as text.
            return await self._plug.process(json.loads(_text(ctx)), cfg)
        return await (self._plug.health(cfg) if what == "health" else self._plug.cleanup(cfg))

    def is_idle(self) -> bool:
        return self.users == 0

    def close(self) -> None:
        """Sends what is unsent, and ends the instance."""

        def close() -> None:
            unsent = [self._plug._unsent_after(sink) for sink in self._plug.describe()["sinks"]]
            if unsent and unsent[-1]:
                warnings.warn(f"{unsent[-1]} values that no server accepted are lost with an instance that made room for others", RuntimeWarning)
            self._plug.close()

        try:
            threading.Thread(target=close).start()
        except RuntimeError:
            close()


class _InstalledHost:
    """The component in `plugpipe_host`, with what is granted."""

    def __init__(self, path: Path, package: Any) -> None:
        self._path, self._package = path, package
        self._servers: Optional[list[dict[str, Any]]] = None

    def _load(self, **arguments: Any) -> Any:
        return self._package.Plug.load(self._path, **arguments)

    def servers(self) -> list[dict[str, Any]]:
        if self._servers is None:
            with self._load() as plug:
                self._servers = plug.describe()["servers"]
        return self._servers

    def is_ready(self) -> bool:
        return self._servers is not None

    def session(self, cfg: Cfg, _held: Any = None) -> _InstalledSession:
        grants = os.environ.get("PLUGPIPE_GRANTS")
        if grants:
            return _InstalledSession(self._load(grants=grants))
        # Started with what names the servers, which grants them. Each call brings its own configuration.
        named: dict[str, Any] = {}
        for settings in _identifying(self.servers()):
            found = _setting(cfg, settings)
            if found is not None:
                _put(named, *found)
        try:
            return _InstalledSession(self._load(config=named))
        except ValueError:
            # One of them is none, so that nothing is granted. The plug says what is wrong with it.
            return _InstalledSession(self._load(grants={}))

    def accepts(self, cfg: Cfg, _text_of_cfg: str) -> bool:
        try:
            self._load(config=cfg).close()
        except ValueError:
            return False
        return True

    def forked(self) -> bool:
        return False


def _make_host() -> Any:
    """The host that is installed."""
    try:
        import plugpipe_host  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        pass
    else:
        return _InstalledHost(_COMPONENT, plugpipe_host)
    # This file may have been loaded by its path, without its folder among those to import from.
    name = "bare_host"
    spec = importlib.util.spec_from_file_location(f"{__name__}.{name}", Path(__file__).resolve().with_name(f"{name}.py"))
    if spec is None or spec.loader is None:
        raise RuntimeError(f"{name}.py cannot be loaded; it belongs beside {Path(__file__).name}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except ImportError as error:
        raise RuntimeError(f"{error}; install plugpipe_host, or wasmtime with pip install wasmtime==50.0.1") from error
    return module.Host(_COMPONENT)


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


def _setting(cfg: Cfg, paths: list[str]) -> Optional[tuple[str, Any]]:
    """The first of these paths that is present, with its value."""
    for path in paths:
        place: Any = cfg
        for key in path.split("."):
            if not isinstance(place, Mapping) or key not in place:
                break
            place = place[key]
        else:
            return path, place
    return None


def _put(cfg: dict[str, Any], path: str, value: Any) -> None:
    *parents, name = path.split(".")
    place = cfg
    for key in parents:
        inner = place.get(key)
        place[key] = place = dict(inner) if isinstance(inner, Mapping) else {}
    place[name] = value


def _identifying(servers: list[dict[str, Any]]) -> list[list[str]]:
    """The settings that say which servers an instance talks to, and as whom."""
    return [paths for server in servers for paths in (server["settings"], *(header["settings"] for header in server["headers"]))]


def _identity(cfg: Cfg) -> str:
    """The servers of a configuration. Two instances that push to one group of one server would overwrite each other's."""
    found = [_setting(cfg, paths) for paths in _identifying(_host.servers())]
    return json.dumps([setting and setting[1] for setting in found], sort_keys=True, default=str)


_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _Environment:
    """What a configuration takes from the environment."""

    def __init__(self) -> None:
        allowed = os.environ.get("PLUGPIPE_ENV_ALLOW")
        self._allowed = None if allowed is None else {name.strip() for name in allowed.split(",")}
        self._warnings: list[str] = []
        self._values: set[str] = set()

    def expanded(self, cfg: Cfg, text: str) -> tuple[Cfg, str]:
        """A configuration with values of the environment, where it refers to any, and with the plug's default servers, where it is
        one for which the plug has such and mentions none."""
        own = self._replaced(cfg, "cfg") if "${" in text else cfg
        for server in _host.servers():
            default, paths = server["default"], server["settings"]
            if default is None or _setting(own, paths) is not None:
                continue
            condition = _setting(own, default["only_with"])
            if condition is not None and str(condition[1]) == default["value"]:
                own = dict(own)
                _put(own, paths[-1], self._url(paths[-1], default))
        return own, (text if own is cfg else _text(own))

    def _url(self, path: str, default: Mapping[str, str]) -> str:
        name, url = default["environment"], default["url"]
        value = os.environ.get(name)
        if value is None:
            return url
        problem = None
        if self._allowed is not None and name not in self._allowed:
            problem = "PLUGPIPE_ENV_ALLOW does not name it"
        elif not value.startswith(("http://", "https://")):
            # What a plug asks for may be anything: only a URL leaves the environment.
            problem = "it is no URL with http:// or https://"
        if problem is None:
            return value
        self._warnings.append(f"cfg.{path}: {name} of the environment is not used, because {problem}; this is {url}")
        return url

    def _replaced(self, value: Any, path: str) -> Any:
        if isinstance(value, str):
            return _REFERENCE.sub(lambda found: self._value(found, path), value)
        if isinstance(value, Mapping):
            return {key: self._replaced(own, f"{path}.{key}") for key, own in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._replaced(own, f"{path}[{index}]") for index, own in enumerate(value)]
        return value

    def _value(self, found: re.Match[str], path: str) -> str:
        name = found[1]
        value = os.environ.get(name)
        if self._allowed is not None and name not in self._allowed:
            self._warnings.append(f"{path}: {found[0]} stays as it is, because PLUGPIPE_ENV_ALLOW does not name it")
        elif value is None:
            self._warnings.append(f"{path}: {found[0]} stays as it is, because the environment has no {name}")
        else:
            if len(value) >= _MIN_MASKED:
                self._values.add(value)
            return value
        return found[0]

    def masked(self, response: Any) -> Any:
        """A response without values of the environment, and with the warnings."""
        if self._values:
            response = self._mask(response)
        if self._warnings and isinstance(response, dict):
            response["warnings"] = [*response.get("warnings", ()), *self._warnings]
        return response

    def _mask(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in sorted(self._values, key=len, reverse=True):
                value = value.replace(secret, "***")
            return value
        if isinstance(value, dict):
            return {key: self._mask(own) for key, own in value.items()}
        return [self._mask(own) for own in value] if isinstance(value, list) else value


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
    identity = _identity(cfg)
    with _making_lock:
        found = _known(text, identity)
        if found is None:
            with _instances_lock:
                _release_idle()
                held = _released.pop(identity, None)
            made = _host.session(cfg, held)
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
    environment = _Environment()
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
        expanded, its_text = _Environment().expanded(own, text)
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
        own, text = _Environment().expanded(self._own, self._own_text)
        instance, identity = await _in_thread(_made, own, text), _identity(own)
        instance.users -= 1
        self._open.discard(self)
        if any(_identity(_Environment().expanded(other._own, other._own_text)[0]) == identity for other in self._open):
            return {"success": True, "result": {}}
        with _instances_lock:
            _instances.pop(identity, None)
            _released.pop(identity, None)
            for known in [known for known, whose in _by_text.items() if whose == identity]:
                del _by_text[known]
        return await instance.request("cleanup", None, own, text)
