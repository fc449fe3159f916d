"""A hundred random runs of 500 events with kill -9 in each; a hundred more, Fusion away half of the time.

Every run has a seed of its own: other people, other lives, other moments. Everything that is checked, and
how, is in `tests/crash/verdicts.py`. BENCH_SEED in the environment repeats the seed that was printed,
BENCH_RUNS changes the number of runs. Rule for editors: a figure that isn't 0 is a broken promise, so none
has another bound.
"""

import functools
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.benchmarks.table import Figure, at_most, note, percentile
from tests.crash.harness import Plan, Report, crash
from tests.crash.nursery import Nursery
from tests.crash.verdicts import KINDS, Fault

RUNS = 100
SIDE_BY_SIDE = 4
# This Fusion carries out nothing after it hung up, so that nobody has to be looked for a minute.
CONSTANTS = {"bridge.outbox.settle:LATE_S": 4.0, "bridge.outbox.settle:LOOK_AGAIN_S": 1.0}
WEBHOOKS = 570  # more than a tenth of them are repeats: 500 events

_PROMISES = {
    "lost": "events or leads lost",
    "double": "stored or called twice",
    "stale": "older values over newer ones",
    "blocked": "blocked, and called or without tag",
    "over limit": "requests over the limit",
    "no end": "events without an end, or dead",
    "damaged": "databases damaged, runs broken off",
}


def run(folder: Path) -> list[Figure]:
    """Both hundreds."""
    seed = int(os.environ.get("BENCH_SEED", random.randrange(1_000_000)))
    runs = int(os.environ.get("BENCH_RUNS", RUNS))
    figures = [note("seed (BENCH_SEED repeats it)", str(seed))]
    for outage in (False, True):
        plans = [_plan(seed + number, outage=outage) for number in range(runs)]
        figures += _figures(plans, _carried_out(plans, folder))
    return figures


def _plan(seed: int, *, outage: bool) -> Plan:
    """Small windows, so that the limit is met often; both of Fusion's rules."""
    return Plan(
        seed,
        webhooks=WEBHOOKS,
        kills=random.Random(seed).randint(3, 5),
        rate=100,
        limit=(60, 1),
        rules="july" if seed % 2 else "june",
        outage=outage,
    )


def _carried_out(plans: Sequence[Plan], folder: Path) -> list[Report]:
    reports: list[Report] = []
    # In processes, because a process that is started dies with the thread that started it.
    with ProcessPoolExecutor(SIDE_BY_SIDE, mp_context=get_context("spawn")) as pool:
        for report in pool.map(_one, plans, [folder] * len(plans)):
            reports.append(report)
            for fault in report.faults:
                print(f"seed {report.plan.seed}, outage {report.plan.outage}: {fault}", file=sys.stderr)
    return reports


def _one(plan: Plan, folder: Path) -> Report:
    """One run in a folder of its own, which goes with it: there are two hundred."""
    try:
        with tempfile.TemporaryDirectory(dir=folder) as own:
            return crash(plan, Path(own), _nursery())
    except Exception as error:  # noqa: BLE001 - one broken run is told, and the others go on
        return Report(plan, faults=[Fault("damaged", f"the run broke off: {error!r}")])


@functools.cache
def _nursery() -> Nursery:
    """One a process of the pool, as long as that lives."""
    return Nursery(constants=CONSTANTS)


def _figures(plans: Sequence[Plan], reports: Sequence[Report]) -> list[Figure]:
    faults = [fault for report in reports for fault in report.faults]
    count = Counter(fault.kind for fault in faults)
    states: Counter[str] = sum((report.states for report in reports), Counter())
    ends = ", ".join(f"{number:,} {state}" for state, number in states.most_common())
    seconds = [report.seconds for report in reports]
    away = "Fusion away half of the time" if plans[0].outage else "Fusion there"
    return [
        note(f"{away}: runs, kills", f"{len(reports):,}, {sum(report.kills for report in reports):,}"),
        note("  events and their ends", f"{states.total():,}: {ends}"),
        note("  sendings without an answer, repeated", f"{_answers(reports, 'no answer'):,}"),
        note("  requests", f"{sum(report.stats.get('requests', 0) for report in reports):,}"),
        note("  seconds a run, median and longest", f"{percentile(seconds, 0.5):.0f}, {max(seconds):.0f}"),
        *(at_most(f"  {_PROMISES[kind]}", count[kind], 0, "{:d}") for kind in KINDS),
    ]


def _answers(reports: Sequence[Report], answer: str) -> int:
    return sum(report.answers[answer] for report in reports)
