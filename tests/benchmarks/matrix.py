"""The crash matrix whole: a kill at every boundary that the service and each command pass, and in each write.

One run without a kill numbers the boundaries (every statement that writes, every commit, every request on its
way, every slice and page); then one run dies at each of them. BENCH_EVERY=5 takes every fifth. What a scene
is, and what must hold after it, is in `tests/crash/scenes.py` and `judge.py`. Rule for editors: a kill that
never came is no proof, so it is counted apart.
"""

import os
import sys
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.benchmarks.table import Figure, at_most, note
from tests.crash.dying import Death
from tests.crash.matrix import WATCHED, Finding, Matrix, middles, mine
from tests.crash.scenes import SCENES
from tests.crash.verdicts import KINDS


def run(folder: Path) -> list[Figure]:
    """Every scene without a death, then with each."""
    every = int(os.environ.get("BENCH_EVERY", "1"))
    with Matrix(folder) as matrix:
        references = list(matrix.run_all((name, WATCHED) for name in SCENES))
        runs = [run for reference in references for run in _deaths(reference, tears=matrix.tears)][::every]
        findings: list[Finding] = []
        for finding in matrix.run_all(runs):
            findings.append(finding)
            _complain(finding)
    for reference in references:
        _complain(reference)
    return [*_table(findings), *_sums([*references, *findings], tears=matrix.tears)]


def _deaths(reference: Finding, *, tears: bool) -> list[tuple[str, Death]]:
    before = [replace(WATCHED, at=number) for number in mine(reference)]
    return [(reference.scene, death) for death in (*before, *(middles(reference) if tears else ()))]


def _complain(finding: Finding) -> None:
    for fault in finding.faults:
        print(f"{finding.scene}, {finding.death}, {finding.died_at}: {fault}", file=sys.stderr, flush=True)


def _table(findings: Sequence[Finding]) -> list[Figure]:
    """A line a step: kills, and how many of them broke which promise."""
    kills: Counter[str] = Counter()
    wrong: dict[str, Counter[str]] = defaultdict(Counter)
    for finding in findings:
        for step in _steps(finding):
            kills[step] += 1
            wrong[step].update({fault.kind for fault in finding.faults})
    told = []
    for step, count in kills.items():
        figures = ", ".join(f"{wrong[step][kind]} {kind}" for kind in KINDS)
        told.append(note(f"{step}: kills", f"{count:4d}: {figures}"))
    return told


def _steps(finding: Finding) -> list[str]:
    """What was broken off: a commit that several steps share counts for each of them."""
    if not finding.died_at:
        return []
    steps, _, what = finding.died_at[-1].partition(": ")
    where = "in the middle of a write" if finding.death.torn else "between writes"
    if not finding.death.torn and what.endswith("commit"):
        where = "before a commit"
    scene = "" if finding.scene == "everyday" else f"{finding.scene}, "
    return [f"{scene}{step}, {where}" for step in steps.split("+")]


def _sums(findings: Sequence[Finding], *, tears: bool) -> list[Figure]:
    died = sum(bool(finding.died_at) for finding in findings)
    count = Counter(fault.kind for finding in findings for fault in finding.faults)
    seconds = sum(finding.seconds for finding in findings)
    return [
        note("runs, kills", f"{len(findings):,}, {died:,}; {seconds / len(findings):.1f} s each"),
        note("runs that ended before their kill", f"{len(findings) - died - len(SCENES):,}"),
        *(() if tears else (note("in the middle of writes", "not tried: no C compiler"),)),
        *(at_most(f"all of them: {kind}", count[kind], 0, "{:d}") for kind in KINDS),
    ]
