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
from pathlib import Path

from tests.benchmarks.table import Figure, at_most, note
from tests.crash.matrix import WATCHED, Finding, Matrix, deaths
from tests.crash.scenes import SCENES
from tests.crash.verdicts import KINDS


def run(folder: Path) -> list[Figure]:
    """Every scene without a death, then with each."""
    every = int(os.environ.get("BENCH_EVERY", "1"))
    with Matrix(folder) as matrix:
        references = list(matrix.run_all((name, WATCHED) for name in SCENES))
        runs = [(each.scene, death) for each in references for death in deaths(each, tears=matrix.tears)]
        findings = []
        for finding in matrix.run_all(runs[::every]):
            findings.append(finding)
            _complain(finding)
    for reference in references:
        _complain(reference)
    return [*_table(findings), *_sums([*references, *findings], tears=matrix.tears)]


def _complain(finding: Finding) -> None:
    for fault in finding.faults:
        print(f"{finding.scene}, {finding.death}, {finding.died_at}: {fault}", file=sys.stderr, flush=True)


def _table(findings: Sequence[Finding]) -> list[Figure]:
    """A line a step: the kills before what changes something, in the middle of it, and what they broke."""
    steps: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.died_at:
            scene = "" if finding.scene == "everyday" else f"{finding.scene}: "
            steps[scene + finding.death.label.partition(":")[0]].append(finding)
    told = []
    for step, of_it in steps.items():
        middle = sum(bool(finding.death.torn) for finding in of_it)
        kinds = Counter(fault.kind for finding in of_it for fault in finding.faults)
        broken = ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS)
        told.append(
            note(step, f"{len(of_it) - middle:3d} kills, {middle:3d} in the middle of a write: {broken}")
        )
    return told


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
