"""`python -m tests.benchmarks [NAME…]`: all benchmarks, or those named. Status 1 when a bound was missed.

Needs a machine that does nothing else: ratios are taken in one run, but latencies are what they are.
Everything talks to this machine only, in temporary folders, and ends by itself. A table has a line a figure:
measured, bound, and whether it was kept; lines without a bound explain one that has.
"""

import importlib
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks.engine import CASES
from tests.benchmarks.table import show

NAMES = (
    "accept",
    "durable",
    "speed",
    "outage",
    "memory",
    "start",
    "kill",
    "kills",
    "matrix",
    "engine",
    "prune",
    "disk",
    "bulk",
    "million",
    "phones",
)
# Parts of `engine`, each for itself; and what needs a package that nothing else does.
PARTS = (*(f"engine_{case}" for case in CASES), "fuzz")


def main(names: list[str]) -> int:
    """Run what is named, print a table each."""
    unknown = set(names) - {*NAMES, *PARTS}
    if unknown:
        print(
            f"no such benchmark: {', '.join(sorted(unknown))}; there are {', '.join((*NAMES, *PARTS))}",
            file=sys.stderr,
        )
        return 2
    missed = 0
    for name in names or NAMES:
        module = importlib.import_module(f"tests.benchmarks.{name}")
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix=f"bridge-{name}-") as folder:
            figures = module.run(Path(folder))
        print(show(f"{name} ({time.monotonic() - began:.0f} s)", figures), flush=True)
        missed += sum(figure.ok is False for figure in figures)
    print(f"\n{missed} missed" if missed else "\nall kept")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
