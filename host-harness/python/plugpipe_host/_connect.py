# SPDX-License-Identifier: MIT
"""Records to a `plugpipe-harness serve` that many processes share.

Each process is a writer: it sums what it records, and sends it in numbered batches. A batch whose response was lost is sent
again under its number, and the server records it once, also if it crashed in between. What a writer that is killed had not sent
is lost: at most what it recorded within one interval.
"""

from __future__ import annotations

import atexit
import http.client
import json
import logging
import math
import os
import socket
import threading
import time
import uuid
import weakref
from typing import Any, Callable, Iterable, Mapping, Optional, Sequence, Type
from urllib.parse import unquote, urlsplit

_log = logging.getLogger("plugpipe_host")

MODES = ("last", "sum", "min", "max", "live_sum")
"""How a gauge combines the values of several processes."""

MAX_OBSERVATIONS = 100_000
"""Observations that are kept while the server is away. More are dropped, with a warning."""

# What one batch holds at most; the rest follows at once.
_MAX_RECORDS, _MAX_VALUES = 5_000, 50_000

_INTERVAL = 0.1
_TIMEOUT = 10.0
# Waits between attempts while the server is away.
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 2.0
# How long the end of the process waits for the last batch.
_LAST_WAIT = 3.0

Labels = tuple[tuple[str, str], ...]


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Rejected(Exception):
    """The server does not take the batch, and would not take it again."""


class Connection:
    """A shared registry, for `plug=` of metrics and for `use()`.

    `url`: `http://HOST:PORT` of a `serve`, or `unix:///path/of/its/socket`. `token`: what `serve --token-file` asks for.
    """

    def __init__(self, url: str, *, token: Optional[str] = None, interval: float = _INTERVAL) -> None:
        parts = urlsplit(url)
        self._open: Callable[[], http.client.HTTPConnection]
        if parts.scheme == "unix" and parts.path:
            path = unquote(parts.path)
            self._open = lambda: _UnixConnection(path, _TIMEOUT)
        elif parts.scheme in ("http", "https") and parts.hostname and not parts.username:
            kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
            host, port = parts.hostname, parts.port
            self._open = lambda: kind(host, port, timeout=_TIMEOUT)
        else:
            raise ValueError(f"url: expected http://HOST:PORT or unix:///PATH, got {url!r}")
        self.url = url
        self._prefix = parts.path.rstrip("/") if parts.scheme != "unix" else ""
        self._token = token
        self._interval = interval
        self._series: dict[tuple[str, Labels], Series] = {}
        self._kinds: dict[str, str] = {}
        self._functions: list[Callable[[], None]] = []
        self._begin()
        _connections.add(self)

    def _begin(self) -> None:
        """Starts as a new writer: at first, and in a forked process, which has nothing of its parent's."""
        self.writer = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._ended = False
        self._number = 0
        self._in_flight: Optional[bytes] = None
        self._socket: Optional[http.client.HTTPConnection] = None
        self._thread: Optional[threading.Thread] = None
        self._observations = 0
        self._dropped = 0
        self._has_more = False
        self._told: Optional[str] = None

    def _forked(self) -> None:
        series = list(self._series.values())
        self._begin()
        for own in series:
            own._reset()

    def before_export(self, function: Callable[[], None]) -> None:
        """Calls this before each batch is made."""
        with self._lock:
            self._functions.append(function)
            self._changed()

    def _add(self, series: Series) -> Series:
        with self._lock:
            return self._series.setdefault((series.name, series.given), series)

    def _remove(self, series: Series) -> None:
        with self._lock:
            self._series.pop((series.name, series.given), None)

    def _changed(self) -> None:
        """Has a thread send what was recorded. The lock is held."""
        if self._thread is None and not self._ended:
            self._thread = threading.Thread(target=self._run, name="plugpipe-connect", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        wait = self._interval
        while not self._wake.wait(wait):
            try:
                self._send()
                wait = 0.0 if self._has_more else self._interval
            except (OSError, http.client.HTTPException) as error:
                wait = min(max(wait * 2, _FIRST_WAIT), _LONGEST_WAIT)
                self._tell(f"{self.url}: {error}; what is recorded is kept and sent again")

    def _tell(self, text: str) -> None:
        if text != self._told:
            self._told = text
            _log.warning(text)

    def _collect(self) -> list[dict[str, Any]]:
        """What was recorded and is in no batch. The lock is held."""
        records: list[dict[str, Any]] = []
        values = 0
        self._has_more = False
        for series in self._series.values():
            if len(records) >= _MAX_RECORDS or values >= _MAX_VALUES:
                self._has_more = True
                break
            for record in series._take(_MAX_VALUES - values):
                values += len(record.get("values", ()))
                records.append(record)
            self._has_more = self._has_more or bool(series._values)
        self._observations -= values
        return records

    def _batch(self) -> Optional[bytes]:
        """The batch to send: the one whose response is missing, else what was recorded since the last one."""
        if self._in_flight is None:
            for function in list(self._functions):
                try:
                    function()
                except Exception as error:
                    self._tell(f"{function}: {error!r}")
            with self._lock:
                records = self._collect()
                dropped, self._dropped = self._dropped, 0
            if dropped:
                _log.warning("%s: %d observations were dropped while the server was away", self.url, dropped)
            if not records:
                return None
            self._number += 1
            ctx = {"operation": "record_batch", "writer": self.writer, "number": self._number, "metrics": records}
            self._in_flight = json.dumps({"ctx": ctx}).encode()
        return self._in_flight

    def _send(self) -> None:
        with self._sending:
            batch = self._batch()
            if batch is None:
                return
            try:
                result = self._post(batch)
            except Rejected as error:
                self._tell(f"{self.url}: {error}; the batch is lost")
                self._in_flight = None
                return
            self._in_flight = None
            self._told = None
            for refused in result.get("refused", ()):
                _log.warning("%s: %s", self.url, refused.get("error"))

    def _post(self, body: bytes) -> Mapping[str, Any]:
        headers = {"Content-Type": "application/json", "PlugPipe-Writer": self.writer}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._socket is None:
            self._socket = self._open()
            with self._lock:
                # The server forgot them as the last connection closed.
                for series in self._series.values():
                    series._renew()
        try:
            self._socket.request("POST", f"{self._prefix}/process", body, headers)
            response = self._socket.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException):
            self._socket.close()
            self._socket = None
            raise
        if response.status in (401, 408, 421, 429) or response.status >= 500:
            self._socket.close()
            self._socket = None
            raise http.client.HTTPException(f"status {response.status}: {text[:200].decode(errors='replace')}")
        try:
            answer = json.loads(text)
        except ValueError:
            raise Rejected(f"the answer is not JSON: {text[:200].decode(errors='replace')}") from None
        if response.status >= 300 or not answer.get("success"):
            raise Rejected(str(answer.get("error", f"status {response.status}")))
        return answer.get("result") or {}

    def flush(self, timeout: float = _TIMEOUT) -> None:
        """Returns once the server has all that was recorded before. Raises TimeoutError if it does not answer."""
        end = time.monotonic() + timeout
        wait = _FIRST_WAIT
        while True:
            try:
                # The first may be an earlier batch, whose response is missing.
                pending = self._in_flight is not None
                self._send()
                if not pending and not self._has_more:
                    return
            except (OSError, http.client.HTTPException) as error:
                if time.monotonic() + wait >= end:
                    raise TimeoutError(f"{self.url}: {error}") from error
                time.sleep(wait)
                wait = min(wait * 2, _LONGEST_WAIT)

    def close(self) -> None:
        """Sends what was recorded, and ends. The server then forgets this process in gauges of mode `live_sum`."""
        with self._lock:
            self._ended = True
        self._wake.set()
        try:
            self.flush(_LAST_WAIT)
        except TimeoutError as error:
            _log.warning("what was recorded last is lost: %s", error)
        with self._sending:
            if self._socket is not None:
                self._socket.close()
                self._socket = None

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_connections: weakref.WeakSet[Connection] = weakref.WeakSet()


def connect(url: Optional[str] = None, *, token: Optional[str] = None, interval: float = _INTERVAL) -> Connection:
    """Records to the `serve` at `url`, or at `PLUGPIPE_MONITORING_URL`; with `PLUGPIPE_MONITORING_TOKEN` where it asks for one."""
    url = url or os.environ.get("PLUGPIPE_MONITORING_URL")
    if not url:
        raise ValueError("url: expected one, or the environment variable PLUGPIPE_MONITORING_URL")
    return Connection(url, token=token or os.environ.get("PLUGPIPE_MONITORING_TOKEN"), interval=interval)


def _after_fork() -> None:
    for connection in list(_connections):
        connection._forked()


def _at_exit() -> None:
    for connection in list(_connections):
        connection.close()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
atexit.register(_at_exit)


class Series:
    """A series of a shared registry, as this process records it."""

    def __init__(self, metric: Metric, values: Sequence[str]) -> None:
        self.name = metric.name
        self.given: Labels = tuple(zip(metric.names, values))
        self._metric = metric
        self._connection = metric.connection
        self._reset()

    def _reset(self) -> None:
        self._sum = 0.0
        self._value: Optional[float] = None
        self._is_due = False
        self._values: list[float] = []

    def _record(self, **fields: Any) -> dict[str, Any]:
        metric = self._metric
        record = {"name": metric.name, "type": metric.kind, **fields, **metric.options}
        if self.given:
            record["labels"] = dict(self.given)
        if metric.help:
            record["help"] = metric.help
        return record

    def _renew(self) -> None:
        """The connection is new. The lock is held."""
        self._is_due = self._is_due or (self._value is not None and self._metric.options.get("mode") == "live_sum")

    def _take(self, most: int) -> Iterable[dict[str, Any]]:
        """What was recorded since the last batch, with at most so many observations. The lock is held."""
        if self._sum:
            yield self._record(value=self._sum)
            self._sum = 0.0
        if self._is_due:
            # An info has only labels.
            yield self._record() if self._metric.kind == "info" else self._record(value=self._value)
            self._is_due = False
        if self._values:
            values, self._values = self._values[:most], self._values[most:]
            yield self._record(values=values)

    def inc(self, amount: float = 1.0, exemplar: object = None) -> None:
        """Adds to a counter or gauge. Exemplars stay behind: batches hold sums."""
        kind = self._metric.kind
        if kind == "gauge" and math.isfinite(amount):
            with self._connection._lock:
                self._value = (self._value or 0.0) + amount
                self._is_due = True
                self._connection._changed()
            return
        if kind != "counter" or not 0.0 <= amount < float("inf"):
            raise self._wrong()
        with self._connection._lock:
            self._sum += amount
            self._connection._changed()

    def dec(self, amount: float = 1.0) -> None:
        """Subtracts from a gauge."""
        if self._metric.kind != "gauge":
            raise self._wrong()
        self.inc(-amount)

    def set(self, value: float) -> None:
        """Sets a gauge."""
        if self._metric.kind != "gauge" or not math.isfinite(value):
            raise self._wrong()
        with self._connection._lock:
            self._value = float(value)
            self._is_due = True
            self._connection._changed()

    def observe(self, amount: float, exemplar: object = None) -> None:
        """Observes a value in a histogram or summary."""
        value = float(amount)
        if self._metric.kind not in ("histogram", "native_histogram", "summary") or not math.isfinite(value):
            raise self._wrong()
        connection = self._connection
        with connection._lock:
            if connection._observations >= MAX_OBSERVATIONS:
                connection._dropped += 1
            else:
                connection._observations += 1
                self._values.append(value)
            connection._changed()

    def state(self, state: str) -> None:
        """Not in a shared registry."""
        raise self._wrong()

    def _wrong(self) -> ValueError:
        kind = self._metric.kind
        return ValueError(
            f"{self.name}: a {kind} of a shared registry does not take that: counters only go up, and values are finite numbers"
        )


def check_mode(mode: Optional[str]) -> None:
    """Raises ValueError unless it is one."""
    if mode is not None and mode not in MODES:
        raise ValueError(f"mode: expected one of {', '.join(MODES)}, got {mode!r}")


class Metric:
    """A family of a shared registry."""

    def __init__(
        self,
        connection: Connection,
        child: Type[Series],
        kind: str,
        name: str,
        help: str,
        unit: Optional[str],
        label_names: Sequence[str],
        *,
        mode: Optional[str] = None,
        buffered: bool = True,
        **options: Any,
    ) -> None:
        if kind == "state_set":
            raise ValueError(f"{name}: an Enum cannot be in a shared registry; use a Gauge with a label for the state")
        check_mode(mode)
        self.connection, self.child = connection, child
        self.name, self.help, self.names = name, help, tuple(label_names)
        self.kind = kind
        if connection._kinds.setdefault(name, kind) != kind:
            raise ValueError(f"{name}: expected a {connection._kinds[name]}, as it was made before, got a {kind}")
        self.options: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
        if unit:
            self.options["unit"] = unit
        if mode and mode != "last":
            self.options["mode"] = mode
        self._children: dict[tuple[str, ...], Series] = {}

    def labels(self, *values: object, **named: object) -> Series:
        """The series for these values of the labels, all by position or all by name."""
        if named and not values and set(named) == set(self.names):
            values = tuple(named[name] for name in self.names)
        elif named or len(values) != len(self.names):
            raise ValueError(f"{self.name}: expected {', '.join(self.names) or 'no labels'}, got {len(values) + len(named)} labels")
        key = tuple(map(str, values))
        found = self._children.get(key)
        if found is None:
            found = self._children.setdefault(key, self.connection._add(self.child(self, key)))
        return found

    def remove(self, *values: object) -> None:
        """Forgets the series here; it stays in the shared registry."""
        gone = self._children.pop(tuple(map(str, values)), None)
        if gone is not None:
            self.connection._remove(gone)

    def clear(self) -> None:
        """Forgets all series here; they stay in the shared registry."""
        for values in list(self._children):
            self.remove(*values)

    def info(self, values: Sequence[tuple[str, str]]) -> None:
        """Sets an info's labels."""
        self.names = tuple(name for name, _ in values)
        series = self.connection._add(self.child(self, [value for _, value in values]))
        with self.connection._lock:
            series._value = 1.0
            series._is_due = True
            self.connection._changed()
