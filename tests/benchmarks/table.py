"""A figure with its bound, and how a list of them is printed.

A figure without a bound is told for the reader's sake: it explains one that has a bound.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured; `ok` is None where nothing is promised."""

    name: str
    measured: str
    bound: str = ""
    ok: bool | None = None


def at_least(name: str, value: float, bound: float, form: str = "{:.2f}") -> Figure:
    """A figure that must reach its bound."""
    return Figure(name, form.format(value), f"≥ {form.format(bound)}", value >= bound)


def at_most(name: str, value: float, bound: float, form: str = "{:.1f}") -> Figure:
    """A figure that must not pass its bound."""
    return Figure(name, form.format(value), f"≤ {form.format(bound)}", value <= bound)


def below(name: str, value: float, bound: float, form: str = "{:.1f}") -> Figure:
    """A figure that must stay under its bound."""
    return Figure(name, form.format(value), f"< {form.format(bound)}", value < bound)


def note(name: str, measured: str) -> Figure:
    """A figure without a bound."""
    return Figure(name, measured)


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` of all don't pass (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show(title: str, figures: Iterable[Figure]) -> str:
    """The table of one benchmark."""
    rows = [("figure", "measured", "bound", "")]
    rows += [
        (each.name, each.measured, each.bound, {True: "ok", False: "MISSED", None: ""}[each.ok])
        for each in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines.insert(1, "  ".join("─" * width for width in widths))
    return "\n".join([f"\n{title}", *(line.rstrip() for line in lines)])
