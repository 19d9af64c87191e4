# SPDX-License-Identifier: MIT
"""Metrics, written as with prometheus_client, recorded by a plug."""

from __future__ import annotations

import functools
import os
import time
from types import TracebackType
from typing import Any, Callable, Generic, Iterable, Mapping, Optional, Sequence, Type, TypeVar, Union

from . import _connect, _native
from ._connect import Connection, connect
from ._include import Collects
from ._plug import Plug

_F = TypeVar("_F", bound=Callable[..., Any])
_Child = TypeVar("_Child", bound=_native.Series)

DEFAULT_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
"""Upper bounds, in seconds, for what takes as long as a request to a server."""

_default: Union[Plug, Connection, None] = None


def _default_registry() -> Union[Plug, Connection]:
    global _default
    if _default is None:
        _default = connect() if os.environ.get("PLUGPIPE_MONITORING_URL") else Plug.embedded()
    return _default


def default_plug() -> Plug:
    """The plug that metrics record into that name no other; started at its first use."""
    found = _default_registry()
    if isinstance(found, Connection):
        raise RuntimeError(f"metrics are recorded to {found.url}, which exposes them; this process has none of its own")
    return found


def use(plug: Union[Plug, Connection]) -> None:
    """Makes this plug, or this shared registry, the default one, for metrics that are made later."""
    global _default
    _default = plug


def include(registry: Collects, source: str = "prometheus_client", plug: Optional[Plug] = None) -> None:
    """Exports what other libraries have in a registry, such as `prometheus_client.REGISTRY`, with a plug's metrics: scraped,
    pushed, and written to remote servers. See `Plug.include`."""
    (plug or default_plug()).include(registry, source)


class _Decorates:
    """A context manager that is a decorator too; each call of the function is a block of its own."""

    def _again(self) -> "_Decorates":
        raise NotImplementedError

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        raise NotImplementedError

    def __call__(self, function: _F) -> _F:
        @functools.wraps(function)
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            with self._again():
                return function(*args, **kwargs)

        return wrapped  # type: ignore[return-value]


class _Timer(_Decorates):
    def __init__(self, observe: Callable[[float], None]) -> None:
        self._observe = observe
        self._started = 0.0

    def _again(self) -> _Timer:
        return _Timer(self._observe)

    def __enter__(self) -> _Timer:
        self._started = time.perf_counter()
        return self

    def __exit__(self, *_: object) -> None:
        self._observe(max(time.perf_counter() - self._started, 0.0))


class _InProgress(_Decorates):
    def __init__(self, gauge: _native.Series) -> None:
        self._gauge = gauge

    def _again(self) -> _InProgress:
        return self

    def __enter__(self) -> None:
        self._gauge.inc()

    def __exit__(self, *_: object) -> None:
        self._gauge.dec()


class _Exceptions(_Decorates):
    def __init__(self, counter: _native.Series, kinds: Any) -> None:
        self._counter = counter
        self._kinds = kinds

    def _again(self) -> _Exceptions:
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]) -> None:
        if isinstance(error, self._kinds):
            self._counter.inc()


def _pairs(exemplar: Optional[Mapping[str, str]]) -> Optional[list[tuple[str, str]]]:
    return None if exemplar is None else [(str(name), str(value)) for name, value in exemplar.items()]


class CounterChild(_native.Series):
    """A series of a counter: `inc(amount=1, exemplar=None)`."""

    def count_exceptions(self, exception: Any = Exception) -> _Decorates:
        """Counts exceptions of this kind, or these kinds, as a context manager or decorator."""
        return _Exceptions(self, exception)

    def inc_with_exemplar(self, amount: float, exemplar: Mapping[str, str]) -> None:
        """Adds, with an example such as `{"trace_id": "…"}`."""
        self.inc(amount, _pairs(exemplar))


class GaugeChild(_native.Series):
    """A series of a gauge: `set(value)`, `inc(amount=1)`, `dec(amount=1)`."""

    def set_to_current_time(self) -> None:
        """Sets it to the time, in seconds since the Unix epoch."""
        self.set(time.time())

    def track_inprogress(self) -> _Decorates:
        """Counts what is in progress, as a context manager or decorator."""
        return _InProgress(self)

    def time(self) -> _Decorates:
        """Sets it to the duration in seconds, as a context manager or decorator."""
        return _Timer(self.set)


class ObserverChild(_native.Series):
    """A series of a histogram or summary: `observe(value)`."""

    def time(self) -> _Decorates:
        """Observes the duration in seconds, as a context manager or decorator."""
        return _Timer(self.observe)

    def observe_with_exemplar(self, amount: float, exemplar: Mapping[str, str]) -> None:
        """Observes, with an example such as `{"trace_id": "…"}`."""
        self.observe(amount, _pairs(exemplar))


class EnumChild(_native.Series):
    """A series of a state set: `state(name)`."""


def _shared(child: Type[_native.Series]) -> Type[_connect.Series]:
    """The same for a shared registry: what is written in Python is the same."""
    return type(f"Shared{child.__name__}", (_connect.Series,), {name: own for name, own in vars(child).items() if not name.startswith("__")})


def _full_name(namespace: str, subsystem: str, name: str, unit: str) -> str:
    full = "_".join(part for part in (namespace, subsystem, name) if part)
    return full if not unit or full.endswith("_" + unit) else f"{full}_{unit}"


class _Metric(Generic[_Child]):
    """A family. Without label names it is a series too: what its series can do, it can."""

    _kind = ""
    _child: Type[_native.Series] = _native.Series

    def __init__(
        self,
        name: str,
        documentation: str = "",
        labelnames: Iterable[str] = (),
        *,
        namespace: str = "",
        subsystem: str = "",
        unit: str = "",
        plug: Union[Plug, Connection, None] = None,
        mode: Optional[str] = None,
        **options: Any,
    ) -> None:
        names = [labelnames] if isinstance(labelnames, str) else list(labelnames)
        full = self._name(_full_name(namespace, subsystem, name, unit))
        registry = plug or _default_registry()
        self._native: Any
        if isinstance(registry, Connection):
            self._native = _connect.Metric(
                registry, _shared(self._child), self._kind, full, documentation, unit or None, names, mode=mode, **options
            )
        else:
            # In one process all modes are the same.
            _connect.check_mode(mode)
            self._native = _native.Metric(registry, self._child, self._kind, full, documentation, unit or None, names, **options)
        self._registry = registry
        # Straight to the native method: this is the call that programs make most.
        setattr(self, "labels", self._native.labels)
        if not names and self._kind != "info":
            self._only = self._native.labels()

    def _name(self, name: str) -> str:
        return name

    def __getattr__(self, name: str) -> Any:
        # What a series can do; asked once, and then an attribute of its own.
        if name.startswith("_") or "_only" not in self.__dict__:
            needs = "; choose a series by labels(…)" if "_native" in self.__dict__ and not name.startswith("_") else ""
            raise AttributeError(f"{type(self).__name__} has no {name}{needs}")
        own = getattr(self._only, name)
        self.__dict__[name] = own
        return own

    def labels(self, *labelvalues: object, **labelkwargs: object) -> _Child:
        """The series for these values of the labels, made if need be."""
        raise AssertionError("replaced in the constructor")

    def remove(self, *labelvalues: object) -> None:
        """Removes the series with these values of the labels."""
        self._native.remove(*labelvalues)

    def clear(self) -> None:
        """Removes all series."""
        self._native.clear()


class Counter(_Metric[CounterChild]):
    """Counts up. Its name ends with `_total`, which is added if it does not.

    `buffered=True` sums increments in this process and hands them over each 100 ms and before each export: a crash loses what
    came since, at most 100 ms of increments, also with a state folder.
    """

    _kind, _child = "counter", CounterChild

    def __init__(self, name: str, documentation: str = "", labelnames: Iterable[str] = (), *, buffered: bool = False, **options: Any) -> None:
        super().__init__(name, documentation, labelnames, buffered=buffered, **options)

    def _name(self, name: str) -> str:
        return name if name.endswith("_total") else f"{name}_total"


class Gauge(_Metric[GaugeChild]):
    """Goes up and down.

    `mode` says how a shared registry combines the values of several processes: `last` (default), `sum`, `min`, `max`, or `live_sum`,
    which forgets a process when its connection ends.
    """

    _kind, _child = "gauge", GaugeChild

    def set_function(self, function: Callable[[], float]) -> None:
        """Has its value be what this returns, at each export. For a gauge without labels."""
        gauge = self._only
        self._registry.before_export(lambda: gauge.set(float(function())))


class Histogram(_Metric[ObserverChild]):
    """Counts observations in buckets. `buckets`: upper bounds, rising; `native=True` for buckets that fit themselves to the data."""

    _kind, _child = "histogram", ObserverChild

    def __init__(
        self,
        name: str,
        documentation: str = "",
        labelnames: Iterable[str] = (),
        *,
        buckets: Sequence[float] = DEFAULT_BUCKETS,
        native: bool = False,
        **options: Any,
    ) -> None:
        if native:
            self._kind = "native_histogram"
        else:
            options["buckets"] = [float(bound) for bound in buckets if bound != float("inf")]
        super().__init__(name, documentation, labelnames, **options)


class Summary(_Metric[ObserverChild]):
    """Counts observations, with their sum and quantiles over ten minutes."""

    _kind, _child = "summary", ObserverChild

    def __init__(
        self, name: str, documentation: str = "", labelnames: Iterable[str] = (), *, quantiles: Optional[Sequence[float]] = None, **options: Any
    ) -> None:
        if quantiles is not None:
            options["quantiles"] = [float(rank) for rank in quantiles]
        super().__init__(name, documentation, labelnames, **options)


class Info(_Metric[_native.Series]):
    """Says something in labels: `Info("build").info({"version": "1.2"})` is `build_info{version="1.2"} 1`."""

    _kind = "info"

    def info(self, val: Mapping[str, object]) -> None:
        """Sets the labels, in place of those that it had."""
        self._native.info([(str(name), str(value)) for name, value in val.items()])

    def _name(self, name: str) -> str:
        return name[: -len("_info")] if name.endswith("_info") else name


class Enum(_Metric[EnumChild]):
    """Is in one of some states."""

    _kind, _child = "state_set", EnumChild

    def __init__(self, name: str, documentation: str = "", labelnames: Iterable[str] = (), *, states: Sequence[str], **options: Any) -> None:
        super().__init__(name, documentation, labelnames, states=list(states), **options)
        if "_only" in self.__dict__:
            self._only.state(states[0])


MetricChild = Union[CounterChild, GaugeChild, ObserverChild, EnumChild]
