"""The request-budget engine whole, a case after the other: about twenty minutes.

The cases are in `engine_*`, each of which can be named for itself. A case that breaks off is one missed
figure, and the others still tell theirs.
"""

import importlib
import time
from pathlib import Path

from tests.benchmarks.table import Figure, note

CASES = ("waiting", "updates", "pace", "optout", "compose")


def run(folder: Path) -> list[Figure]:
    """All cases; the ones that measure time have the machine for themselves."""
    figures: list[Figure] = []
    for case in CASES:
        module = importlib.import_module(f"tests.benchmarks.engine_{case}")
        began = time.monotonic()
        try:
            found = module.run(folder / case)
        except Exception as error:  # noqa: BLE001 - told, and counted as missed
            found = [Figure(f"{type(error).__name__}: {error}", "broke off", "", ok=False)]
        figures += [note(f"── {case}", f"{time.monotonic() - began:.0f} s"), *found]
    return figures
