# SPDX-License-Identifier: MIT
"""Metrics that other libraries have in a registry of prometheus_client, in a plug's exports."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Callable, Iterable, Iterator, Protocol

if TYPE_CHECKING:
    from ._plug import Plug


class Collects(Protocol):
    """A `prometheus_client.CollectorRegistry`, or anything else that collects its metrics."""

    def collect(self) -> Iterable[Any]: ...


class _Families:
    """Collected metrics, as a registry of their own."""

    def __init__(self, families: list[Any]) -> None:
        self._families = families

    def collect(self) -> Iterator[Any]:
        return iter(self._families)


def _warn(text: str) -> None:
    warnings.warn(text, RuntimeWarning, stacklevel=2)


def _collectors(registry: Collects) -> list[Collects]:
    """The collectors of a registry, so that one that fails does not end the collection of the others."""
    known = getattr(registry, "_collector_to_names", None)
    lock = getattr(registry, "_lock", None)
    if known is None or lock is None:
        return [registry]
    with lock:
        collectors = list(known)
    target: Any = getattr(registry, "get_target_info", dict)()
    if target and hasattr(registry, "_target_info_metric"):
        collectors.insert(0, _Families([registry._target_info_metric()]))
    return collectors


class Included:
    """A registry that a plug includes, collected before each export."""

    def __init__(self, plug: Plug, registry: Collects, source: str) -> None:
        # Not a dependency of this package: who has a registry has the library.
        from prometheus_client.openmetrics.exposition import generate_latest

        self.registry, self.source = registry, source
        self._plug = plug
        self._encode: Callable[[Any], bytes] = generate_latest

    def _text(self) -> str:
        families: list[Any] = []
        for collector in _collectors(self.registry):
            try:
                families.extend(collector.collect())
            except Exception as error:  # noqa: BLE001
                name = type(collector).__qualname__
                _warn(f"{self.source}: {name}: {type(error).__name__}: {error}; its metrics are not exported")
        try:
            return self._encode(_Families(families)).decode()
        except Exception:  # noqa: BLE001
            # One of them has no exposition; which one?
            return self._encode(_Families([family for family in families if self._has_text(family)])).decode()

    def _has_text(self, family: Any) -> bool:
        try:
            self._encode(_Families([family]))
        except Exception as error:  # noqa: BLE001
            _warn(f"{self.source}: {getattr(family, 'name', family)!s}: {type(error).__name__}: {error}; it is not exported")
            return False
        return True

    def collect(self) -> None:
        answer = self._plug._process_own({"operation": "include_metrics", "source": self.source, "text": self._text()})
        if not answer.get("success"):
            _warn(f"{self.source}: {answer.get('error')}; its metrics are as of the last export")
        for text in answer.get("warnings") or ():
            _warn(text)
