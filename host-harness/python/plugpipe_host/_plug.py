# SPDX-License-Identifier: MIT
"""`Plug`: a component, running in this process."""

from __future__ import annotations

import asyncio
import atexit
import os
import threading
import warnings
import weakref
from typing import Any, Callable, Mapping, Optional, Type, TypeVar, Union

from . import _native
from ._include import Collects, Included

Path = Union[str, "os.PathLike[str]"]
Mappings = Mapping[str, Any]
Response = Any
"""The decoded body of an answer. The plug `monitoring_prometheus` answers with a dict: `success`, `operation`, then `result` or
`error` and `error_code`."""

_Own = TypeVar("_Own", bound="Plug")

_Waiting = _native.Waiting

# Set while a thread collects: what is then processed is no export.
_collecting = threading.local()

# For forks: each notes for the child what it pushes to.
_plugs: weakref.WeakSet[Plug] = weakref.WeakSet()


class _Inbox:
    """Answers that one event loop waits for."""

    def __init__(self) -> None:
        self._native = _native.Inbox()
        self._futures: dict[int, asyncio.Future[Response]] = {}

    async def answer(self, waiting: _native.Waiting, loop: asyncio.AbstractEventLoop) -> Response:
        future: asyncio.Future[Response] = loop.create_future()
        if not self._futures:
            loop.add_reader(self._native.fileno(), self._drain, loop)
        token = self._native.expect(waiting)
        self._futures[token] = future
        try:
            return await future
        except asyncio.CancelledError:
            self._native.leave(token)
            self._forget(token, loop)
            raise

    def _forget(self, token: int, loop: asyncio.AbstractEventLoop) -> Optional[asyncio.Future[Response]]:
        future = self._futures.pop(token, None)
        if not self._futures:
            loop.remove_reader(self._native.fileno())
        return future

    def _drain(self, loop: asyncio.AbstractEventLoop) -> None:
        for token, answer in self._native.drain():
            future = self._forget(token, loop)
            if future is not None and not future.done():
                future.set_result(answer)


_inboxes: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _Inbox] = weakref.WeakKeyDictionary()


async def _answer(waiting: _native.Waiting) -> Response:
    loop = asyncio.get_running_loop()
    inbox = _inboxes.get(loop)
    if inbox is None:
        inbox = _inboxes[loop] = _Inbox()
    return await inbox.answer(waiting, loop)


class Plug(_native.Plug):
    """A component with a configuration, what it may reach, and what it may use.

    `config`: a mapping, or the path of a YAML or JSON file.
    `grants`: a mapping or the path of a grants file (docs/grants.md). Without it a configuration grants the servers that it
    names, and calls whose configurations name the same servers share a registry.
    `limits`: a mapping with the keys of `limits` in a grants file, such as `{"memory": "64MiB", "call": "10s"}`.
    `state`: a folder that keeps what was acknowledged, also after `kill -9`; for one process at a time.
    `record`, `replay`: a file for an HTTP recording, or one whose responses are replayed.
    `secrets`: credentials that the host sends to granted servers and the component never sees, by origin:
    `{"https://gateway.example": {"bearer": token}}`, `{"basic": {"username": …, "password": …}}` or `{"header": {"name": …, "value": …}}`.
    """

    def __init__(
        self,
        component: Optional[Path] = None,
        config: Union[Mappings, Path, None] = None,
        grants: Union[Mappings, Path, None] = None,
        limits: Optional[Mappings] = None,
        state: Optional[Path] = None,
        record: Optional[Path] = None,
        replay: Optional[Path] = None,
        secrets: Optional[Mappings] = None,
    ) -> None:
        _plugs.add(self)
        self._collectors: list[Callable[[], None]] = []
        self._included: list[Included] = []
        self._records_export = False

    @classmethod
    def embedded(
        cls: Type[_Own],
        config: Union[Mappings, Path, None] = None,
        *,
        grants: Union[Mappings, Path, None] = None,
        limits: Optional[Mappings] = None,
        state: Optional[Path] = None,
        record: Optional[Path] = None,
        replay: Optional[Path] = None,
        secrets: Optional[Mappings] = None,
    ) -> _Own:
        """The plug `monitoring_prometheus` that is part of this package."""
        return cls(None, config, grants, limits, state, record, replay, secrets)

    @classmethod
    def load(
        cls: Type[_Own],
        path: Path,
        config: Union[Mappings, Path, None] = None,
        *,
        grants: Union[Mappings, Path, None] = None,
        limits: Optional[Mappings] = None,
        state: Optional[Path] = None,
        record: Optional[Path] = None,
        replay: Optional[Path] = None,
        secrets: Optional[Mappings] = None,
    ) -> _Own:
        """A component from a file. It is compiled in this process: load only what you trust."""
        return cls(path, config, grants, limits, state, record, replay, secrets)

    async def process(self, ctx: Optional[Mappings] = None, cfg: Optional[Mappings] = None) -> Response:
        """Runs the operation that `ctx` names. An empty `cfg` keeps the last one. Nothing raises: an error is an answer."""
        if self._collectors:
            self._collect_for(ctx)
        answer = self._begin(ctx, cfg)
        return self._noted(await _answer(answer)) if type(answer) is _Waiting else answer

    def before_export(self, collect: Callable[[], None]) -> None:
        """Has this be called before whatever may export: each `scrape`, `text`, `deliver`, and request. A request that names a metric
        exports only where the plug's own configuration names a server; without one it costs records nothing. If `collect` raises, that
        is a warning, and the export goes on."""
        self._collectors.append(collect)
        self._records_export = self._has_servers()
        # Only now, since it costs each record a little.
        self.process_sync = self._process_collected  # type: ignore[method-assign]

    def include(self, registry: Collects, source: str = "prometheus_client") -> None:
        """Exports what other libraries have in a registry of prometheus_client too, collected before each export. Metrics of the
        plug win over metrics with the same name: that is a warning, as is a collector that fails. `source` is a name for the
        registry, and must be another one for each."""
        known = next((included for included in self._included if included.source == source), None)
        if known is None:
            included = Included(self, registry, source)
            self._included.append(included)
            self.before_export(included.collect)
        elif known.registry is not registry:
            raise ValueError(f"source: {source!r} is the name of another registry that is included; give this one another name")

    def _collect(self) -> None:
        if getattr(_collecting, "is_on", False):
            return
        _collecting.is_on = True
        try:
            for collect in self._collectors:
                try:
                    collect()
                except Exception as error:  # noqa: BLE001
                    name = getattr(collect, "__qualname__", repr(collect))
                    text = f"{name}: {type(error).__name__}: {error}; its metrics are as of the last export"
                    warnings.warn(text, RuntimeWarning, stacklevel=3)
        finally:
            _collecting.is_on = False

    def _collect_for(self, ctx: Optional[Mappings]) -> None:
        # A request that names metrics records them, and pushes if there is somewhere to push to.
        if self._records_export or not (isinstance(ctx, Mapping) and ("metric_name" in ctx or "metrics" in ctx)):
            self._collect()

    def _process_collected(self, ctx: Optional[Mappings] = None, cfg: Optional[Mappings] = None) -> Response:
        self._collect_for(ctx)
        return super().process_sync(ctx, cfg)

    def scrape(self, accept: str = "") -> tuple[str, bytes]:
        """The exposition that a scraper with this `Accept` header gets, after its content type."""
        self._collect()
        return super().scrape(accept)

    def text(self) -> str:
        """What was recorded, in the text format."""
        self._collect()
        return super().text()

    def deliver_sync(self, sink: str) -> Response:
        """Sends to this sink what has not been sent; `describe()["sinks"]` lists them."""
        self._collect()
        return super().deliver_sync(sink)

    async def health(self, cfg: Optional[Mappings] = None) -> Response:
        """Checks every configured server. An empty `cfg` keeps the last one."""
        answer = self._begin_health(cfg)
        return self._noted(await _answer(answer)) if type(answer) is _Waiting else answer

    async def cleanup(self, cfg: Optional[Mappings] = None) -> Response:
        """Makes the plug forget what it recorded, and remove what it left on servers. An empty `cfg` keeps the last one."""
        answer = self._begin_cleanup(cfg)
        return self._noted(await _answer(answer)) if type(answer) is _Waiting else answer

    async def deliver(self, sink: str) -> Response:
        """Sends to this sink what has not been sent; `describe()["sinks"]` lists them."""
        self._collect()
        answer = self._begin_deliver(sink)
        return self._noted(await _answer(answer)) if type(answer) is _Waiting else answer

    def close(self) -> None:
        """Ends the plug. What was recorded is gone, unless it is in a state folder; values that a server should have had are a
        warning."""
        self._tell_unsent("closed")
        super().close()

    def _tell_unsent(self, how: str) -> None:
        for values, servers in self._unsent():
            named = ", ".join(servers) or "the configured servers"
            count = "1 value" if values == 1 else f"{values} values"
            text = f"{named}: {count} not sent, and the plug is {how}; push or deliver() before, or give it a state folder"
            warnings.warn(text, RuntimeWarning, stacklevel=3)

    def __enter__(self: _Own) -> _Own:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _tell_unsent() -> None:
    for plug in list(_plugs):
        plug._tell_unsent("gone with this process")


# Registered before those of who imports this module, and so called after them.
atexit.register(_tell_unsent)
