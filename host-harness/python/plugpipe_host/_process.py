# SPDX-License-Identifier: MIT
"""Metrics of this process and of its interpreter, under the names that Prometheus's own clients use."""

from __future__ import annotations

import gc
import os
import platform
import resource
import sys
import time
from typing import Callable, Optional

from ._metrics import Counter, Gauge, Info, default_plug
from ._plug import Plug


def _boot_time() -> Optional[float]:
    try:
        with open("/proc/stat") as file:
            for line in file:
                if line.startswith("btime "):
                    return float(line.split()[1])
    except OSError:
        pass
    return None


class _Totals:
    """Counters whose totals somebody else counts. In the child of a fork they begin with what it did itself."""

    def __init__(self, counter: Callable[[float], None], total: Callable[[], float]) -> None:
        self._add, self._total, self._pid, self._last = counter, total, os.getpid(), 0.0

    def collect(self) -> None:
        if self._pid != os.getpid():
            self._pid, self._last = os.getpid(), 0.0
        total = self._total()
        if total > self._last:
            self._add(total - self._last)
            self._last = total


def process_metrics(plug: Optional[Plug] = None) -> None:
    """Adds `process_*` and `python_*` metrics to a plug, looked up at each export. What the system does not tell is left out."""
    plug = plug or default_plug()
    totals = [_Totals(Counter("process_cpu_seconds_total", "User and system CPU time in seconds.", plug=plug).inc, _cpu_seconds)]
    threads = Gauge("process_threads", "Threads of the process.", plug=plug)
    memory = Gauge("process_resident_memory_bytes", "Resident memory in bytes.", plug=plug)
    virtual = Gauge("process_virtual_memory_bytes", "Virtual memory in bytes.", plug=plug)
    descriptors = Gauge("process_open_fds", "Open file descriptors.", plug=plug)
    most = Gauge("process_max_fds", "The most open file descriptors.", plug=plug)
    started = Gauge("process_start_time_seconds", "When the process started, in seconds since the Unix epoch.", plug=plug)
    boot, ticks, page = _boot_time(), os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    names = (("collected", "Objects collected."), ("uncollectable", "Objects that could not be collected."), ("collections", "Collections."))
    for key, help in names:
        name = "python_gc_collections_total" if key == "collections" else f"python_gc_objects_{key}_total"
        counter = Counter(name, help, ["generation"], plug=plug)
        for generation in range(len(gc.get_stats())):
            totals.append(_Totals(counter.labels(generation).inc, lambda key=key, generation=generation: float(gc.get_stats()[generation][key])))  # type: ignore[misc]
    major, minor, patch = platform.python_version_tuple()
    version = {"version": platform.python_version(), "implementation": platform.python_implementation(), "major": major, "minor": minor, "patchlevel": patch}
    info = Info("python", "The Python that runs.", plug=plug)
    told: list[int] = []

    def process_metrics() -> None:
        if told != [os.getpid()]:
            told[:] = [os.getpid()]
            info.info(version)
        for total in totals:
            total.collect()
        most.set(float(resource.getrlimit(resource.RLIMIT_NOFILE)[0]))
        if not sys.platform.startswith("linux"):
            return
        with open("/proc/self/stat") as file:
            # After the name of the program, which may hold anything.
            fields = file.read().rpartition(")")[2].split()
        threads.set(float(fields[17]))
        virtual.set(float(fields[20]))
        memory.set(float(fields[21]) * page)
        if boot is not None:
            started.set(boot + float(fields[19]) / ticks)
        descriptors.set(float(len(os.listdir("/proc/self/fd"))))

    plug.before_export(process_metrics)


def _cpu_seconds() -> float:
    return time.process_time()
