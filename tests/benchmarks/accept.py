"""Durable accepts a second, as a share of what a no-op endpoint does behind the same server in the same run.

Rounds of both alternate, and the median of their ratios counts, so that a machine that gets slower meanwhile
slows both. During a round of the no-op the bridge stands still: what it has left to resolve is not to take
the processor. The shares of the processor say who was the bottleneck: one core is 100 %, the bridge has
two threads, the generator one.
"""

from dataclasses import replace
from pathlib import Path
from statistics import median

from tests.benchmarks.load import Load, Order, begin, order, result
from tests.benchmarks.noop import noop
from tests.benchmarks.table import Figure, at_least, at_most, note, percentile
from tests.crash.processes import Process, bridge, sandbox
from tests.crash.setting import prepare

ROUNDS = 5
_PER_ROUND = {"workflow": 6000, "app": 4000}
_NOOP_FACTOR = 2  # it is that much faster: rounds of like length
_BOUNDS = {"workflow": 0.45, "app": 0.35}
_STEADY_PER_S = 50
_STEADY_COUNT = 1000


def run(folder: Path) -> list[Figure]:
    """Measure both sources at 16 and 64 connections, then the latency at a steady rate."""
    figures: list[Figure] = []
    with sandbox(folder) as fusion:
        fusion.start()
        setting = prepare(folder, fusion_port=fusion.port)
        with noop(setting) as zero, bridge(setting.config, setting.port) as service:
            zero.start()
            service.start()
            first = 0
            steady = order(setting, "workflow", connections=16, count=_STEADY_COUNT, first=first)
            first += _STEADY_COUNT
            steady_load = result(begin(replace(steady, rate=_STEADY_PER_S)))
            for kind, count in _PER_ROUND.items():
                for connections in (16, 64):
                    what = order(setting, kind, connections=connections, count=count, first=first)
                    figures += _compare(what, service, zero)
                    first += count * (ROUNDS + 1)
    p99 = percentile(steady_load.latencies_ms, 0.99)
    figures.append(at_most(f"steady {_STEADY_PER_S}/s: p99, ms", p99, 10))
    return figures


def _compare(what: Order, service: Process, zero: Process) -> list[Figure]:
    ratios: list[float] = []
    ours: list[Load] = []
    noops: list[Load] = []
    shares: list[float] = []
    for number in range(ROUNDS + 1):
        with service.frozen():
            idle = result(begin(replace(what, port=zero.port, count=what.count * _NOOP_FACTOR)))
        process = begin(replace(what, first=what.first + number * what.count))
        before = service.cpu_s()
        load = result(process)
        if load.statuses != {"200": what.count}:
            raise RuntimeError(f"not every webhook was accepted: {load.statuses}\n{service.tail()}")
        if number == 0:  # the first one warms up
            continue
        shares.append((service.cpu_s() - before) / load.seconds)
        ours.append(load)
        noops.append(idle)
        ratios.append(load.per_s / idle.per_s)
    name = f"{what.kind}, {what.connections} connections"
    accepts, zeros = median(load.per_s for load in ours), median(load.per_s for load in noops)
    busy = median(load.cpu_share for load in ours), median(load.cpu_share for load in noops)
    figures = [
        at_least(f"{name}: share of the no-op's rate", median(ratios), _BOUNDS[what.kind]),
        note("  accepts a second, no-op's", f"{accepts:,.0f} of {zeros:,.0f}"),
        note("  ratios of the rounds", " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))),
        note("  processor: bridge, generator", f"{median(shares):.0%}, {busy[0]:.0%} (no-op: {busy[1]:.0%})"),
    ]
    if what.connections == 16:
        latencies = [latency for load in ours for latency in load.latencies_ms]
        figures.append(at_most("  p99, ms", percentile(latencies, 0.99), 30))
    return figures
