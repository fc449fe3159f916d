"""The crash test whole: 2,000 webhooks and ten kill -9, then three small runs under each of Fusion's rules.

The seed is printed: with it the same people live the same lives, and Fusion fails by the same dice. (When
a process dies is up to the machine, so a run is not the same to the millisecond.) Everything that is checked,
and how, is in `tests/crash/harness.py`. BENCH_SEED in the environment repeats a seed.
"""

import os
import random
from pathlib import Path

from tests.benchmarks.table import Figure, at_most, note
from tests.crash.harness import Plan, Report, crash


def run(folder: Path) -> list[Figure]:
    """One whole run, six small ones."""
    seed = int(os.environ.get("BENCH_SEED", random.randrange(1_000_000)))
    whole = Plan(seed, webhooks=2000, kills=10, rate=60, limit=(60, 2), drained_within_s=180)
    figures = _figures(crash(whole, _fresh(folder, "whole")))
    for rules in ("june", "july"):
        for number in range(3):
            small = Plan(seed + number, webhooks=120, kills=3, rate=30, limit=(20, 1), rules=rules)
            report = crash(small, _fresh(folder, f"{rules}{number}"))
            name = f"small, {rules} rules, seed {small.seed}"
            figures.append(at_most(f"{name}: things gone wrong", len(report.faults), 0, "{:d}"))
            figures += [note("  !", str(fault)) for fault in report.faults[:10]]
    return figures


def _fresh(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def _figures(report: Report) -> list[Figure]:
    plan, stats = report.plan, report.stats
    requests, per_s = plan.limit
    ends = ", ".join(f"{count} {state}" for state, count in report.states.most_common())
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in report.outcomes.most_common())
    repeats = report.answers["no answer"]
    return [
        note(
            f"seed {plan.seed}: webhooks, kills",
            f"{plan.webhooks:,}, {report.kills} in {report.seconds:.0f} s",
        ),
        note("  events and their ends", f"{report.states.total():,}: {ends}"),
        note("  sendings without an answer, repeated", f"{repeats:,}"),
        note(f"  requests ({requests} each {per_s} s)", f"{stats['requests']:,}: {outcomes}"),
        at_most("accepted events without an end, or dead", _open(report), 0, "{:d}"),
        at_most("phones called twice", stats["doubles"], 0, "{:d}"),
        at_most("requests over the limit", stats["over_limit"], 0, "{:d}"),
        at_most("things gone wrong, all told", len(report.faults), 0, "{:d}"),
        *(note("  !", str(fault)) for fault in report.faults[:20]),
    ]


def _open(report: Report) -> int:
    return sum(report.states[state] for state in ("received", "queued", "dead"))
