# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""The plug `monitoring_prometheus` for PlugPipe's Python runtime: loads the component that lies beside this file.

Takes the place of the Python plug 1.0.0: `await process(ctx, cfg)`, `await health_check(cfg)`, and the class
`PrometheusMonitoringPlug(config)` with `process`, `health_check` and `cleanup`. Everything that is more than carrying JSON
to the component and back is the component's.

Metrics are kept between calls: one instance of the component for all calls whose configuration names the same servers
and the same group of pushes. Who waits for a server waits in a thread of that instance, not in the event loop, and records
that wait for a push share the next one.

Needs `pip install wasmtime==50.0.1`. This host lets the component reach every HTTP server that it is told to: wasmtime's
Python API has no place for a policy. It has no files, no environment and no sockets here either.
"""

from __future__ import annotations

import asyncio
import json
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Mapping

from wasmtime import Config, Engine, Store, Trap, WasiConfig, WasmtimeError
from wasmtime.component import Component, Func, Linker

__all__ = ["PrometheusMonitoringPlug", "cleanup", "health_check", "plug_metadata", "process"]

Answer = dict[str, Any]
"""What the plug answers: `success`, `operation`, then `result` or `error` and `error_code`."""

plug_metadata: dict[str, str] = {
    "name": "monitoring_prometheus",
    "version": "2.0.0",
    "owner": "PlugPipe Monitoring Team",
    "status": "stable",
}

_COMPONENT = Path(__file__).resolve().with_name("monitoring_prometheus.wasm")
_INTERFACE = "plugpipe:monitoring/plug@1.0.0"

# As much as the Rust host gives.
_MEMORY_BYTES = 256 * 1024 * 1024

# Beside the URLs and the credentials: what says whose metrics they are.
_IDENTITY = frozenset({"job_name", "instance", "grouping_key", "external_labels"})

# Fields of a record that do not say where it is pushed to: records with others do not share a push.
_OF_A_RECORD = frozenset(
    "operation metric_name metric_value metric_type labels timestamp metrics help description unit buckets native quantiles window"
    " states state on exemplar series_limit expire_after utf8".split()
)
_PUSH = '{"operation": "push_recorded"}'

# A caller may make up a configuration for each call; no more of them are remembered than this.
_MOST_TEXTS = 1_024


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

    def start(self) -> tuple[Store, Func, Func]:
        """A fresh instance: its store, `process` and `cleanup`."""
        store = Store(self.engine)
        store.set_limits(memory_size=_MEMORY_BYTES)
        store.set_wasi(WasiConfig())
        store.set_wasi_http()
        instance = self.linker.instantiate(store, self.component)
        interface = instance.get_export_index(store, _INTERFACE)

        def function(name: str) -> Func:
            index = instance.get_export_index(store, name, interface) if interface else None
            found = instance.get_func(store, index) if index else None
            if found is None:
                raise RuntimeError(f"{_COMPONENT.name} does not export {name} of {_INTERFACE}; is it another plug?")
            _keep_type(found, store)
            return found

        return store, function("process"), function("cleanup")


class _Signature:
    """The type of a function, read once."""

    def __init__(self, params: list[Any], result: Any) -> None:
        self.params = params
        self.result = result


def _keep_type(function: Func, store: Store) -> None:
    """wasmtime reads a function's type anew at each call, which takes as long as the call itself."""
    kind = function.type(store)
    kept = _Signature(list(kind.params), kind.result)
    setattr(function, "type", lambda _store: kept)


class _Record:
    """A record that waits for its turn, and where its answer goes."""

    def __init__(self, ctx: str, cfg: str) -> None:
        self.ctx = ctx
        self.cfg = cfg
        self.loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[Answer] = self.loop.create_future()


def _tell(told: list[tuple[_Record, Answer | Exception]]) -> None:
    """Runs in the loop of who asked, who may have left."""
    for record, answer in told:
        if record.answer.done():
            continue
        if isinstance(answer, Exception):
            record.answer.set_exception(answer)
        else:
            record.answer.set_result(answer)


def _not_pushed(told: Answer) -> Answer:
    problem = told.get("error", "the plug's answer to the push makes no sense")
    text = f"Failed to push metrics to gateway: {problem}. The value stays recorded, and the next push of this process carries it."
    return {"metric_pushed": False, "push_error": text, "push_error_code": told.get("error_code", "host")}


class _Instance:
    """One instance of the component. Its lock is held for as long as it runs."""

    _compiled: _Compiled | None = None
    _compiling = threading.Lock()

    def __init__(self) -> None:
        self.users: weakref.WeakSet[PrometheusMonitoringPlug] = weakref.WeakSet()
        self._lock = threading.Lock()
        self._running: tuple[Store, Func, Func] | None = None
        # The configuration that the component keeps: what it knows need not be told again.
        self._told: str | None = None
        self._waiting: list[_Record] = []
        self._has_turn = False
        self._waiting_lock = threading.Lock()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="monitoring_prometheus")

    @classmethod
    def _component(cls) -> _Compiled:
        with cls._compiling:
            if cls._compiled is None:
                cls._compiled = _Compiled()
            return cls._compiled

    def _call(self, ctx: str | None, cfg: str) -> str:
        """Runs an operation, or with no ctx `cleanup`. The lock is held."""
        if self._running is None:
            self._running = self._component().start()
            self._told = None
        store, process_, cleanup_ = self._running
        try:
            if ctx is None:
                self._told = None
                return str(cleanup_(store))
            known = cfg == self._told
            # Until the answer says so, it is open whether the component keeps this configuration: it does when only the operation fails,
            # and keeps the one before when the configuration itself is refused.
            self._told = cfg if known else None
            text: str = process_(store, ctx, "" if known else cfg)
            if text.startswith('{"success":true'):
                self._told = cfg
            return text
        except (Trap, WasmtimeError) as error:
            # A trap poisons the store: the next call gets a fresh one.
            self._running = None
            problem = str(error).splitlines()[0] if str(error) else type(error).__name__
            message = f"the plug crashed ({problem}); the next call gets a fresh instance, and what was recorded is lost"
            return json.dumps({"success": False, "error": message, "error_code": "plug_crashed", "monitoring_metadata": {}})

    def _locked_call(self, ctx: str | None, cfg: str) -> str:
        with self._lock:
            return self._call(ctx, cfg)

    def _turn(self) -> None:
        """Answers all that wait with the configuration of the first, with one push for them."""
        with self._waiting_lock:
            cfg = self._waiting[0].cfg
            together = [record for record in self._waiting if record.cfg == cfg]
            self._waiting = [record for record in self._waiting if record.cfg != cfg]
        told: list[tuple[_Record, Answer | Exception]]
        try:
            with self._lock:
                told = list(zip(together, self._answers(together, cfg)))
        except Exception as error:  # It is for those who asked, and this thread goes on.
            told = [(record, error) for record in together]
        with self._waiting_lock:
            self._has_turn = again = bool(self._waiting)
        for loop in {record.loop for record in together}:
            try:
                loop.call_soon_threadsafe(_tell, [(record, answer) for record, answer in told if record.loop is loop])
            except RuntimeError:
                # The loop was closed: nobody waits there any more.
                pass
        if again:
            try:
                # Behind what waits for this thread already.
                self._thread.submit(self._turn)
            except RuntimeError:
                # It ends after this.
                self._turn()

    def _answers(self, together: list[_Record], cfg: str) -> list[Answer]:
        if len(together) > 1:
            # That a push is due is only said then.
            cfg = f'{cfg[:-1]}{"," if len(cfg) > 2 else ""}"defer_push":true}}'
        answers: list[Answer] = [json.loads(self._call(record.ctx, cfg)) for record in together]
        results: list[Answer] = [answer.get("result") or {} for answer in answers]
        due = [result for result in results if result.pop("push_due", False)]
        if due:
            told: Answer = json.loads(self._call(_PUSH, cfg))
            pushed: Answer = told.get("result") or _not_pushed(told)
            for result in due:
                result.update(pushed)
        return answers

    async def record(self, ctx: str, cfg: str) -> Answer:
        """Runs a record that may be followed by a push."""
        record = _Record(ctx, cfg)
        with self._waiting_lock:
            self._waiting.append(record)
            if not self._has_turn:
                self._has_turn = True
                self._thread.submit(self._turn)
        return await record.answer

    async def call(self, ctx: str | None, cfg: str, may_wait: bool) -> Answer:
        """Runs an operation; where it can wait for nothing, here and now, because the way to a thread takes longer than it."""
        if not may_wait and self._running is not None and self._lock.acquire(blocking=False):
            try:
                text = self._call(ctx, cfg)
            finally:
                self._lock.release()
        else:
            text = await asyncio.get_running_loop().run_in_executor(self._thread, self._locked_call, ctx, cfg)
        answer: Answer = json.loads(text)
        return answer

    def close(self) -> None:
        """Ends the thread, and with the last reference the store."""
        self._thread.shutdown(wait=False)


_instances: dict[str, _Instance] = {}
_by_text: dict[str, _Instance] = {}
_instances_lock = threading.Lock()
_last_text = "{}"


# What JSON does not know, such as a date, goes as its text. Made once: `json.dumps` would make an encoder for each call.
_text = json.JSONEncoder(default=str).encode


def _identity(cfg: Mapping[str, Any]) -> str:
    """Which metrics a configuration is about. Two registries that push to one group would wipe out each other's."""
    nested = cfg.get("prometheus_config")
    settings = {**cfg, **(nested if isinstance(nested, Mapping) else {})}
    own = {key: settings[key] for key in settings if key in _IDENTITY or str(key).endswith(("_url", "_auth"))}
    return json.dumps(own, sort_keys=True, default=str)


def _instance_of(cfg: Mapping[str, Any], text: str) -> _Instance:
    with _instances_lock:
        found = _by_text.get(text)
        if found is None:
            found = _instances.setdefault(_identity(cfg), _Instance())
            if len(_by_text) >= _MOST_TEXTS:
                _by_text.clear()
            _by_text[text] = found
        return found


def _shares_a_push(ctx: Any) -> bool:
    """Whether an operation is a record that goes where the configuration says."""
    return isinstance(ctx, Mapping) and str(ctx.get("operation", "")).startswith("record_") and _OF_A_RECORD.issuperset(ctx)


async def _process(ctx: Mapping[str, Any] | None, cfg: Mapping[str, Any], cfg_text: str) -> Answer:
    ctx = {} if ctx is None else ctx
    if isinstance(ctx, Mapping) and "operation" not in ctx and "operation" in cfg:
        # A pipe's step may hand over its fields as configuration.
        ctx = {**cfg, **ctx}
    ctx_text = _text(ctx)
    # Only a record without any server is sure to wait for none.
    records = isinstance(ctx, Mapping) and "metric_name" in ctx
    may_wait = not records or "://" in cfg_text or "://" in ctx_text
    instance = _instance_of(cfg, cfg_text)
    if may_wait and _shares_a_push(ctx):
        return await instance.record(ctx_text, cfg_text)
    return await instance.call(ctx_text, cfg_text, may_wait)


async def process(ctx: Mapping[str, Any] | None = None, cfg: Mapping[str, Any] | None = None) -> Answer:
    """Runs the operation that `ctx` names, with the configuration `cfg`; an empty one means the last one."""
    global _last_text
    if not cfg:
        return await _process(ctx, json.loads(_last_text), _last_text)
    text = _text(cfg)
    answer = await _process(ctx, cfg, text)
    # One that the plug refused is not the last one.
    if not str(answer.get("field", "")).startswith("cfg"):
        _last_text = text
    return answer


async def health_check(cfg: Mapping[str, Any] | None = None) -> Answer:
    """Asks every configured server whether it is well."""
    return await process({"operation": "health_check"}, cfg)


async def cleanup() -> None:
    """Ends all instances, and deletes the groups that they pushed to, unless `delete_on_cleanup` is false."""
    global _last_text
    with _instances_lock:
        _last_text = "{}"
        ended = list(_instances.values())
        _instances.clear()
        _by_text.clear()
    for instance in ended:
        await instance.call(None, "", may_wait=True)
        instance.close()


class PrometheusMonitoringPlug:
    """The plug with a configuration of its own. Those that name the same servers and group share their metrics."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        self.config: dict[str, Any] = dict(config or {})
        self._config_text = _text(self.config)
        _instance_of(self.config, self._config_text).users.add(self)

    async def process(self, ctx: Mapping[str, Any] | None = None, cfg: Mapping[str, Any] | None = None) -> Answer:
        """Runs the operation that `ctx` names, with `cfg`, or where that is empty with the plug's own configuration."""
        if cfg:
            return await _process(ctx, cfg, _text(cfg))
        return await _process(ctx, self.config, self._config_text)

    async def health_check(self) -> Answer:
        """Asks every configured server whether it is well."""
        return await self.process({"operation": "health_check"})

    async def cleanup(self) -> Answer:
        """Forgets what was recorded, as the component's `cleanup` does, when no other plug shares it."""
        instance = _instance_of(self.config, self._config_text)
        instance.users.discard(self)
        if instance.users:
            return {"success": True, "result": {"series_dropped": 0, "unpushed": False}}
        answer = await instance.call(None, "", may_wait=True)
        with _instances_lock:
            _instances.pop(_identity(self.config), None)
            for text in [text for text, known in _by_text.items() if known is instance]:
                del _by_text[text]
        instance.close()
        return answer
