# SPDX-License-Identifier: MIT
"""main.py against prometheus_client used as the Python plug 1.0.0 used it: a fresh registry for each call, and a push of it.

`python bench.py FOLDER [PUSHGATEWAY_URL]`; FOLDER is where main.py is. Prints the median time per recorded metric.
"""

import asyncio
import statistics
import sys
import time
from typing import Any, Awaitable, Callable

from prometheus_client import CollectorRegistry, Gauge, push_to_gateway

sys.path.insert(0, sys.argv[1])
import main  # noqa: E402

GATEWAY = sys.argv[2] if len(sys.argv) > 2 else None
LABELS = {"plugin_name": "data_processor", "status": "success"}
BATCH = 1_000
TOGETHER = 100


async def old(gateway: str | None) -> None:
    registry = CollectorRegistry()
    Gauge("bench_seconds", "A metric.", list(LABELS), registry=registry).labels(**LABELS).set(1.5)
    if gateway:
        push_to_gateway(gateway, job="old", registry=registry)


async def single(cfg: dict[str, Any]) -> None:
    answer = await main.process({"operation": "record_gauge", "metric_name": "bench_seconds", "metric_value": 1.5, "labels": LABELS}, cfg)
    assert answer["result"]["metric_pushed"] is bool(cfg["gateway_url"]), answer


async def together(cfg: dict[str, Any]) -> None:
    await asyncio.gather(*(single(cfg) for _ in range(TOGETHER)))


async def batch(cfg: dict[str, Any]) -> None:
    metrics = [{"name": "bench_seconds", "value": 1.5, "labels": {**LABELS, "n": n % 100}} for n in range(BATCH)]
    answer = await main.process({"operation": "record_multiple_metrics", "metrics": metrics}, cfg)
    assert answer["success"], answer


async def median(run: Callable[[], Awaitable[None]], calls: int, rounds: int = 15) -> float:
    await run()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        for _ in range(calls):
            await run()
        times.append((time.perf_counter() - started) / calls)
    return statistics.median(times) * 1e6


async def compare(what: str, gateway: str | None) -> None:
    # Not mentioned, it would be that of 1.0.0.
    one, many = {"job_name": f"one {what}", "gateway_url": gateway}, {"job_name": f"many {what}", "gateway_url": gateway}
    calls = 10 if gateway else 1_000
    was = await median(lambda: old(gateway), calls)
    now = await median(lambda: single(one), calls)
    shared = await median(lambda: together(one), 1) / TOGETHER
    each = await median(lambda: batch(many), 1) / BATCH
    print(
        f"{what}: prometheus_client {was:.1f} us; process {now:.1f} us, {was / now:.2f} x;"
        f" of {TOGETHER} at once {shared:.1f} us, {was / shared:.1f} x; of a batch of {BATCH} {each:.1f} us, {was / each:.1f} x"
    )


async def run() -> None:
    await compare("without a gateway", None)
    if GATEWAY:
        await compare("with a Pushgateway", GATEWAY)


asyncio.run(run())
