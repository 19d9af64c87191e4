# SPDX-FileCopyrightText: 2025 PlugPipe Team
# SPDX-License-Identifier: MIT
"""Hosts any plug with PyPI's `wasmtime`, by the interfaces `hosting` and `state` of `plugpipe:plug`. `main.py` uses it where
`plugpipe_host` is not installed.

Each instance of a plug is a recorder, which never waits: it is called where its caller runs. What waits for servers are jobs, each
in a fresh instance of the component and in a thread of its own, so that a record does not wait behind a query. A lane that waits
for a moment, such as an interval between pushes, goes on with the next call after that moment.

Without plugpipe_host there are no grants, since wasmtime's Python API has no place for an egress policy; no journal, so a crash of
the recorder loses what it held; and no use of the plug in a process that was forked from one that had used it.
"""

from __future__ import annotations

import asyncio
import atexit
import ctypes
import json
import os
import sys
import threading
import time
import weakref
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Mapping, Optional

from wasmtime import Config, Engine, Store, Trap, WasiConfig, WasmtimeError, _ffi
from wasmtime.component import Component, Func, Instance, Linker, Record, Variant

_INTERFACE = "plugpipe:plug/{}@1.0.0"

# As much as plugpipe_host gives an instance.
MEMORY_BYTES = 256 * 1024 * 1024

# Jobs that run at once, and those that wait for one origin.
_MAX_JOBS, _MAX_JOBS_OF_ORIGIN = 64, 8


# Values without a JSON type, such as dates, are converted to text.
encoded = json.JSONEncoder(default=str).encode


class HostError(RuntimeError):
    """The host cannot serve a request."""


class _Compiled:
    """A component, compiled once for all instances."""

    def __init__(self, path: Path) -> None:
        config = Config()
        try:
            # Compiling takes seconds, and is the same each time.
            config.cache = True
        except WasmtimeError:
            # Nowhere to keep it, such as in a read-only home.
            config = Config()
        self.name = path.name
        self.engine = Engine(config)
        try:
            self.component = Component.from_file(self.engine, path)
        except OSError as error:
            raise HostError(f"the component cannot be read: {error}; it belongs beside {Path(__file__).name}") from error
        self.linker = Linker(self.engine)
        self.linker.add_wasip2()
        self.linker.add_wasi_http()
        self._signatures: dict[tuple[str, str], _Signature] = {}

    def start(self) -> _Guest:
        """A fresh instance."""
        store = Store(self.engine)
        store.set_limits(memory_size=MEMORY_BYTES)
        store.set_wasi(WasiConfig())
        store.set_wasi_http()
        return _Guest(self, store, self.linker.instantiate(store, self.component))

    def function(self, store: Store, instance: Instance, interface: str, name: str) -> Func:
        place = _INTERFACE.format(interface)
        exports = instance.get_export_index(store, place)
        index = instance.get_export_index(store, name, exports) if exports else None
        found = instance.get_func(store, index) if index else None
        if found is None:
            raise HostError(f"{self.name} does not export {name} of {place}; is it a plug?")
        signature = self._signatures.get((interface, name))
        if signature is None:
            signature = self._signatures[interface, name] = _Signature(found, store)
        setattr(found, "type", lambda _store: signature)
        return found


class _Guest:
    """An instance of the component. Nothing here is locked."""

    def __init__(self, compiled: _Compiled, store: Store, instance: Instance) -> None:
        self._compiled, self._store, self._instance = compiled, store, instance
        self._functions: dict[str, Func] = {}

    def call(self, interface: str, name: str, *arguments: Any) -> Any:
        function = self._functions.get(name)
        if function is None:
            function = self._functions[name] = self._compiled.function(self._store, self._instance, interface, name)
        return function(self._store, *arguments)


class _Signature:
    """The type of a function, read once: wasmtime reads it for each call, and its parts for each value."""

    def __init__(self, function: Func, store: Store) -> None:
        read = function.type(store)
        self.params = [(name, _kept(kind)) for name, kind in read.params]
        self.result = _kept(read.result)


def _kept(kind: Any) -> Any:
    """A type whose parts are read once."""
    parts: dict[str, Any] = {}
    for name in ("fields", "cases", "elements", "element", "payload", "ok", "err"):
        part = getattr(kind, name, None)
        if isinstance(part, list):
            parts[name] = [(of[0], _kept(of[1])) if isinstance(of, tuple) else _kept(of) for of in part]
        elif part is not None:
            parts[name] = _kept(part)
    if parts:
        kind.__class__ = type(type(kind).__name__, (type(kind),), parts)
        derived = {name: _constant(getattr(kind, name)()) for name in ("_cases", "_tagged", "_is_bytes") if hasattr(kind, name)}
        if hasattr(kind, "_is_bytes") and kind._is_bytes():
            derived.update(convert_to_c=_bytes_to_c, convert_from_c=_bytes_from_c)
        kind.__class__ = type(type(kind).__name__, (type(kind),), derived)
    return kind


def _constant(value: Any) -> Any:
    return lambda _self: value


# Wasmtime has a value of this size for each byte, and its Python API converts them one by one. Here they are copied all at once.
_SIZE = ctypes.sizeof(_ffi.wasmtime_component_val_t)
_KIND, _BYTE = _ffi.wasmtime_component_val_t.kind.offset, _ffi.wasmtime_component_val_t.of.offset
_U8 = bytes([_ffi.WASMTIME_COMPONENT_U8.value])


def _bytes_to_c(_self: Any, _store: Any, value: bytes, place: Any) -> None:
    values = bytearray(_SIZE * len(value))
    values[_KIND::_SIZE] = _U8 * len(value)
    values[_BYTE::_SIZE] = value
    raw = _ffi.wasmtime_component_vallist_t()
    _ffi.wasmtime_component_vallist_new_uninit(raw, len(value))
    if value:
        ctypes.memmove(raw.data, bytes(values), len(values))
    place.contents.kind = _ffi.WASMTIME_COMPONENT_LIST
    place.contents.of.list = raw


def _bytes_from_c(_self: Any, value: Any) -> bytes:
    raw = value.of.list
    copied = ctypes.string_at(raw.data, raw.size * _SIZE)[_BYTE::_SIZE] if raw.size else b""
    _ffi.wasmtime_component_vallist_delete(ctypes.byref(raw))
    return copied


@dataclass
class _Lane:
    """A lane that has work."""

    ready: float
    origins: list[str]


@dataclass
class _Recorder:
    """The recorder of an instance, and what it is to do. Used under the lock of its `Session`."""

    guest: _Guest
    due: dict[str, _Lane] = field(default_factory=dict)
    running: dict[str, list[str]] = field(default_factory=dict)
    open: dict[int, Future[Any]] = field(default_factory=dict)
    # The configuration that the plug has adopted, which need not be passed again.
    known: Optional[str] = None


class Session:
    """An instance of a plug, with what it recorded."""

    def __init__(self, host: Host, held: Any) -> None:
        self._host = host
        self._lock = threading.Lock()
        self._recorder: Optional[_Recorder] = None
        # What another session held when it was closed, and the numbers that rise.
        self._state: Optional[bytes]
        self._ticket: int
        self._nanos: int
        self._state, self._ticket, self._nanos = held or (None, 0, 0)
        # Whether a thread waits for the pause of a lane.
        self._paces = False
        self.users = 0

    async def request(self, what: str, ctx: Any, _cfg: Mapping[str, Any], text: str) -> Any:
        """Carries out a request (`call`, `health`, …), and returns the decoded body of its answer. `text` is the configuration."""
        future, patience = self._start(Variant(what, encoded(ctx)) if what == "call" else Variant(what), text)
        deadline = time.monotonic() + patience
        if not future.done():
            await self._wait(future, deadline)
        return decoded(future.result())

    async def _wait(self, future: Future[Any], deadline: float) -> None:
        waiting = asyncio.wrap_future(future)
        try:
            while not future.done():
                until = min(self._work() or deadline, deadline)
                if time.monotonic() >= deadline:
                    # The answer is given now, whatever the state of things is.
                    return
                await asyncio.wait({waiting}, timeout=max(until - time.monotonic(), 0.001))
        finally:
            # If there is none yet: its time is up, or the caller left.
            self._release(future)

    def _moment(self) -> Record:
        # Never earlier than in the call before.
        self._nanos = max(self._nanos, time.time_ns())
        at = Record()
        vars(at).update({"unix-nanos": self._nanos, "seed": int.from_bytes(os.urandom(8), "little"), "again": False})
        return at

    def _recording(self) -> _Recorder:
        if self._recorder is None:
            guest = self._host.compiled().start()
            self._recorder = _Recorder(guest)
            state, self._state = self._state, None
            if state is not None:
                refused = guest.call("state", "restore", state)
                if refused is not None:
                    raise HostError(f"the state of a released instance cannot be restored: {refused}")
                self._apply(self._recorder, guest.call("state", "unfinished")[2])
        return self._recorder

    def _start(self, what: Variant, cfg: str) -> tuple[Future[Any], float]:
        future: Future[Any] = Future()
        with self._lock:
            recorder = self._recording()
            self._ticket += 1
            recorder.open[self._ticket] = future
            known = cfg == recorder.known
            try:
                step = self._call(recorder, "start", self._ticket, what, "" if known else cfg, self._moment())
            except BaseException:
                # Not even given to the plug, such as a text that is not Unicode.
                del recorder.open[self._ticket]
                raise
            if step is not None and not known and step.changed:
                # Whether a request that failed left the plug its configuration is open.
                answered = any(ticket == self._ticket and answer.error is not None for ticket, answer in step.answers)
                recorder.known = None if answered else cfg
        self._work()
        return future, (step.__dict__["patience-ms"] / 1_000 if step is not None else 0.0)

    def _release(self, future: Future[Any]) -> None:
        with self._lock:
            recorder = self._recorder
            tickets = [ticket for ticket, own in recorder.open.items() if own is future] if recorder else []
            for ticket in tickets:
                assert recorder is not None
                self._call(recorder, "release", ticket, self._moment())

    def _call(self, recorder: _Recorder, name: str, *arguments: Any) -> Any:
        """Calls the recorder, and does what its step says. None if it crashed. The lock is held."""
        try:
            result = recorder.guest.call("hosting", name, *arguments)
        except (Trap, WasmtimeError) as error:
            # A trap poisons the store: the next call gets a fresh one.
            self._recorder = None
            message = f"the plug crashed ({first_line(error)}); the next call gets a fresh instance, and all metrics of this one are lost"
            for future in recorder.open.values():
                _settle(future, failure("plug_crashed", message))
            recorder.open.clear()
            return None
        if name != "take":
            for ticket, answer in result.answers:
                opened = recorder.open.pop(ticket, None)
                if opened is not None:
                    _settle(opened, answer)
            self._apply(recorder, result.due)
        return result

    def _apply(self, recorder: _Recorder, due: list[Any]) -> None:
        now = time.monotonic()
        for lane in due:
            recorder.due[lane.lane] = _Lane(now + vars(lane)["pause-ms"] / 1_000, lane.origins)

    def _work(self) -> Optional[float]:
        """Has jobs of lanes that are due carried out. Returns when the next pause is over."""
        while True:
            with self._lock:
                recorder = self._recorder
                if recorder is None:
                    return None
                now = time.monotonic()
                ready = [
                    name
                    for name, lane in recorder.due.items()
                    if lane.ready <= now and name not in recorder.running and self._host.has_room(lane.origins)
                ]
                if not ready:
                    # Lanes that run or have no room are looked at when a job ends.
                    return min((lane.ready for lane in recorder.due.values() if lane.ready > now), default=None)
                name = ready[0]
                lane = recorder.due.pop(name)
                job = self._call(recorder, "take", name, self._moment())
                if job is None:
                    # Nothing to do any more, or a crash.
                    continue
                recorder.running[name] = lane.origins
                self._host.count(lane.origins, 1)
            self._host.carry_out(self, recorder, name, job.work)

    def complete(self, recorder: _Recorder, name: str, outcome: Any) -> None:
        """Hands over the outcome of a job, and goes on."""
        with self._lock:
            self._host.count(recorder.running.pop(name), -1)
            if recorder is self._recorder:
                self._call(recorder, "complete", name, outcome, self._moment())
        self._host.go_on()
        # Callers wait for an answer, and not for the pauses of lanes that are due since.
        while (until := self._work()) is not None and recorder.open and not self._paces:
            self._paces = True
            time.sleep(max(until - time.monotonic(), 0.001))
            self._paces = False

    def go_on(self) -> None:
        """Has what is due carried out, because there is room again."""
        self._work()

    def is_idle(self) -> bool:
        """Whether no request and no job runs."""
        recorder = self._recorder
        return self.users == 0 and (recorder is None or not (recorder.open or recorder.running))

    def close(self) -> Any:
        """Ends the instance, which is idle. Returns what `Host.session` needs to go on with it."""
        with self._lock:
            recorder, self._recorder = self._recorder, None
            state = recorder.guest.call("state", "snapshot") if recorder is not None else self._state
            return state, self._ticket, self._nanos


class Host:
    """A component, and the jobs that run for its sessions."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._compiled: Optional[_Compiled] = None
        self._jobs_lock = threading.Lock()
        self._jobs = 0
        self._of_origin: dict[str, int] = {}
        self._sessions: weakref.WeakSet[Session] = weakref.WeakSet()
        # Whether a session has something due for which there was no room.
        self._is_short = False
        self._is_forked = False
        atexit.register(self._outlive)
        self._servers: Optional[list[dict[str, Any]]] = None

    def compiled(self) -> _Compiled:
        if self._is_forked:
            message = "this process was forked from one that had used the plug, whose threads do not survive that; use it only after the fork, or install plugpipe_host"
            raise HostError(message)
        with self._lock:
            if self._compiled is None:
                self._compiled = _Compiled(self._path)
            return self._compiled

    def forked(self) -> bool:
        """In the child of a fork: says whether nothing of the parent is of use here. Wasmtime's threads do not survive a fork, and
        any lock may have been held."""
        self._is_forked = self._is_forked or self._compiled is not None or self._lock.locked()
        self._lock, self._jobs_lock = threading.Lock(), threading.Lock()
        return True

    def servers(self) -> list[dict[str, Any]]:
        """The settings that name servers, as the plug describes them."""
        compiled = self.compiled()
        if self._servers is None:
            description = compiled.start().call("plug", "describe")
            self._servers = [_mapping(server) for server in description.servers]
        return self._servers

    def is_ready(self) -> bool:
        """Whether the component is compiled and described, so that `servers` does not take long."""
        return self._servers is not None

    def session(self, _named: Mapping[str, Any], held: Any = None) -> Session:
        """A new instance of the plug, which goes on with what another one held."""
        session = Session(self, held)
        with self._jobs_lock:
            self._sessions.add(session)
        return session

    def accepts(self, _cfg: Mapping[str, Any], text: str) -> bool:
        """Whether the plug takes a configuration, asked of an instance that serves nothing else."""
        try:
            return not isinstance(self.compiled().start().call("hosting", "configure", text), Record)
        except (Trap, WasmtimeError):
            return False

    def has_room(self, origins: list[str]) -> bool:
        with self._jobs_lock:
            room = self._jobs < _MAX_JOBS and all(self._of_origin.get(origin, 0) < _MAX_JOBS_OF_ORIGIN for origin in origins)
            self._is_short = self._is_short or not room
            return room

    def count(self, origins: list[str], by: int) -> None:
        """Notes that a job begins (1) or ended (-1)."""
        with self._jobs_lock:
            self._jobs += by
            for origin in origins:
                self._of_origin[origin] = self._of_origin.get(origin, 0) + by
                if not self._of_origin[origin]:
                    del self._of_origin[origin]

    def go_on(self) -> None:
        """A job ended: sessions for whose jobs there was no room go on."""
        with self._jobs_lock:
            sessions = list(self._sessions) if self._is_short else []
            self._is_short = False
        for session in sessions:
            session.go_on()

    def carry_out(self, session: Session, recorder: _Recorder, name: str, work: Any) -> None:
        """Carries out a job in a thread of its own. If none can be started, the job is lost: only its callers are told. While
        the interpreter ends there are no threads, and the job is carried out here."""

        def carry_out() -> None:
            session.complete(recorder, name, self._run(work))

        try:
            threading.Thread(target=carry_out, name=f"{self._path.stem}-job").start()
        except RuntimeError as error:
            if sys.is_finalizing() or "shutdown" in str(error):
                carry_out()
            else:
                session.complete(recorder, name, f"no thread could be started for it: {error}")

    def _outlive(self) -> None:
        """As the interpreter ends, wasmtime's modules may go before what they made, whose end would then be an error on stderr. So
        it is left to the end of the process."""
        recorders = [session._recorder for session in self._sessions]
        for kept in [self._compiled, *recorders]:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(kept))

    def _run(self, work: Any) -> Any:
        """The outcome of a job. Of `outcome`, wasmtime knows `ran` by its record, `file-put` by its result, and `lost` by its
        text."""
        if not isinstance(work, bytes):
            # This host grants no folder.
            return Variant("err", None)
        try:
            return self.compiled().start().call("hosting", "run", work)
        except (Trap, WasmtimeError, HostError, MemoryError) as error:
            return first_line(error)


def first_line(error: BaseException) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def failure(code: str, message: str) -> Record:
    """An answer of the host's own."""
    problem, answer = Record(), Record()
    vars(problem).update(code=code, message=message)
    vars(answer).update(error=problem, body="")
    return answer


def _settle(future: Future[Any], answer: Any) -> None:
    if future.set_running_or_notify_cancel():
        future.set_result(answer)


def decoded(answer: Any) -> Any:
    """The body of an answer for a caller: JSON decoded, and any other text as it is."""
    try:
        return json.loads(answer.body)
    except ValueError:
        if answer.error is None:
            return answer.body
        return {"success": False, "error": answer.error.message, "error_code": answer.error.code}


def _mapping(value: Any) -> Any:
    """Records as mappings, with names as Python has them."""
    if isinstance(value, Record):
        return {name.replace("-", "_"): _mapping(of) for name, of in vars(value).items()}
    return [_mapping(of) for of in value] if isinstance(value, list) else value
