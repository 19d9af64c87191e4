# SPDX-License-Identifier: MIT
"""plugpipe_host against prometheus_client, in one run: `python bench_host.py FOLDER`, which has the package, built in release mode.

In each round every side runs once, in turn; the medians over the rounds are printed. The gateway, a process of its own, takes 5 ms.
"""

import asyncio
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any, Callable

GATEWAY_SECONDS = 0.005
LABELS = {"plugin_name": "data_processor", "status": "success"}
TOGETHER = 100


async def gateway() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").lower().split("\r\n")
                lengths = [int(line.partition(":")[2]) for line in lines if line.startswith("content-length:")]
                if lengths:
                    await reader.readexactly(lengths[0])
                else:
                    while size := int(await reader.readline(), 16):
                        await reader.readexactly(size + 2)
                    await reader.readline()
                await asyncio.sleep(GATEWAY_SECONDS)
                writer.write(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


Side = Callable[[], float]


def timed(run: Callable[[int], Any], calls: int) -> Side:
    def side() -> float:
        started = time.perf_counter()
        run(calls)
        return (time.perf_counter() - started) / calls

    return side


def compare(what: str, rounds: int, ours: Side, theirs: Side) -> None:
    ours(), theirs()
    times = [(ours(), theirs()) for _ in range(rounds)]
    own, other = (statistics.median(side) * 1e6 for side in zip(*times))
    print(f"{what}: {own:.2f} us; prometheus_client {other:.2f} us; {own / other:.2f} x its time", flush=True)


def main() -> None:
    sys.path.insert(0, sys.argv[1])
    import prometheus_client
    from prometheus_client import CollectorRegistry
    from prometheus_client import Counter as TheirCounter
    from prometheus_client import Gauge as TheirGauge

    from plugpipe_host import Counter, Plug

    plug, loop = Plug.embedded(), asyncio.new_event_loop()
    ctx = {"operation": "record_gauge", "metric_name": "bench_seconds", "metric_value": 1.5, "labels": LABELS}
    cfg = {"job_name": "bench"}
    assert plug.process_sync(ctx, cfg)["success"]

    async def process(calls: int) -> None:
        for _ in range(calls):
            await plug.process(ctx, cfg)

    def fresh(calls: int) -> None:
        for _ in range(calls):
            registry = CollectorRegistry()
            TheirGauge("bench_seconds", "A metric.", list(LABELS), registry=registry).labels(**LABELS).set(1.5)

    def sync(calls: int) -> None:
        for _ in range(calls):
            plug.process_sync(ctx, cfg)

    theirs = timed(fresh, 2_000)
    compare("await process of a record, no gateway; a fresh registry", 31, timed(lambda calls: loop.run_until_complete(process(calls)), 2_000), theirs)
    compare("process_sync of a record, no gateway; a fresh registry", 31, timed(sync, 2_000), theirs)

    counter = Counter("jobs", "", ["queue"], plug=plug)
    buffered = Counter("buffered", "", ["queue"], plug=plug, buffered=True)
    their_counter = TheirCounter("jobs", "Jobs.", ["queue"], registry=CollectorRegistry())

    def labelled(of: Any) -> Callable[[int], None]:
        def run(calls: int) -> None:
            for _ in range(calls):
                of.labels(queue="mail").inc()

        return run

    def child(of: Any) -> Callable[[int], None]:
        inc = of.labels(queue="mail")

        def run(calls: int) -> None:
            for _ in range(calls):
                inc.inc()

        return run

    compare("labels(…).inc()", 31, timed(labelled(counter), 10_000), timed(labelled(their_counter), 10_000))
    compare("inc() of a child", 31, timed(child(counter), 10_000), timed(child(their_counter), 10_000))
    with tempfile.TemporaryDirectory() as folder, Plug.embedded(state=folder) as keeping:
        kept = Counter("kept", "", ["queue"], plug=keeping)
        compare("labels(…).inc(), with a state folder", 31, timed(labelled(kept), 10_000), timed(labelled(their_counter), 10_000))
        compare("inc() of a child, with a state folder", 31, timed(child(kept), 10_000), timed(child(their_counter), 10_000))
        of_kept = timed(lambda calls: [keeping.process_sync(ctx, cfg) for _ in range(calls)], 2_000)
        compare("process_sync of a record, with a state folder; a fresh registry", 31, of_kept, theirs)
    compare("buffered labels(…).inc()", 31, timed(labelled(buffered), 10_000), timed(labelled(their_counter), 10_000))
    compare("buffered inc() of a child", 31, timed(child(buffered), 10_000), timed(child(their_counter), 10_000))

    server = subprocess.Popen([sys.executable, __file__, "--gateway"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}"
        pushed = {"gateway_url": url, "job_name": "bench"}

        async def together() -> None:
            answers = await asyncio.gather(*(plug.process(ctx, pushed) for _ in range(TOGETHER)))
            assert all(answer["result"]["metric_pushed"] is True for answer in answers), answers[0]

        registry = CollectorRegistry()
        gauge = TheirGauge("bench_seconds", "A metric.", list(LABELS), registry=registry)

        def pushes(calls: int) -> None:
            for _ in range(calls):
                gauge.labels(**LABELS).set(1.5)
                prometheus_client.push_to_gateway(url, job="theirs", registry=registry)

        ours = timed(lambda _: loop.run_until_complete(together()), TOGETHER)
        compare(f"{TOGETHER} process at once, each pushed; push_to_gateway one after another", 9, ours, timed(pushes, TOGETHER))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    if "--gateway" in sys.argv:
        asyncio.run(gateway())
    else:
        main()
