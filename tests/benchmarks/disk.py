"""A disk on which every fsync takes 50 ms: how long a webhook waits for its 200 at 200 events a second.

The wait is put in front of the real fsync by a small library that is loaded first. Meanwhile the bridge
resolves and delivers as ever, on the same disk. Rounds alternate with the disk as it is, and the median of
their percentiles counts: a round in which the machine did something else is no figure of ours.
"""

import contextlib
import sqlite3
import time
from pathlib import Path
from statistics import median

from tests.benchmarks.load import begin, order, result
from tests.benchmarks.table import Figure, at_most, below, note, percentile
from tests.crash.disks import slow_fsync
from tests.crash.stage import stage

FSYNC_MS = 50
PER_S = 200
COUNT = 2000  # webhooks of a round: ten seconds
ROUNDS = 5


def run(folder: Path) -> list[Figure]:
    """A steady rate on the slow disk and on the machine's own, in turn."""
    prefix, ms = slow_fsync(folder)
    latencies: dict[int, list[list[float]]] = {FSYNC_MS: [], 0: []}
    accepted: set[int] = set()
    with stage(folder, before=prefix, limit=(100, 60)) as it:
        it.service.start()
        for number in range(2 * ROUNDS):
            wait = 0 if number % 2 else FSYNC_MS
            ms.write_text(str(wait))
            time.sleep(0.5)
            what = order(
                it.setting, "workflow", connections=128, count=COUNT, first=number * COUNT, rate=PER_S
            )
            load = result(begin(what))
            if load.statuses != {"200": COUNT}:
                raise RuntimeError(f"not every webhook was accepted: {load.statuses}\n{it.service.tail()}")
            latencies[wait].append(load.latencies_ms)
            accepted.update(load.event_ids)
        with contextlib.closing(sqlite3.connect(it.database)) as connection:
            stored = {row[0] for row in connection.execute("SELECT id FROM events")}
    slow, own = (_percentiles(latencies[wait]) for wait in (FSYNC_MS, 0))
    return [
        below(f"fsync of {FSYNC_MS} ms, {PER_S} events/s: p99, ms", slow[0.99], 250),
        note("  p50, p90, p99.9, ms", " ".join(f"{slow[share]:.0f}" for share in (0.5, 0.9, 0.999))),
        note("  this disk as it is: p50, p99, ms", f"{own[0.5]:.1f} {own[0.99]:.1f}"),
        note("  an fsync for each would allow, events/s", f"{1000 / FSYNC_MS:.0f}"),
        at_most("answered 200, and not stored", len(accepted - stored), 0, "{:d}"),
    ]


def _percentiles(rounds: list[list[float]]) -> dict[float, float]:
    return {share: median(percentile(each, share) for each in rounds) for share in (0.5, 0.9, 0.99, 0.999)}
