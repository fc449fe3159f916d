"""A configuration file after reading: plain data, and where each of its values stands and comes from.

Knows paths ("routes[1].when") and lines, not what any key means. The rule to keep: `spell` is the only
place that writes a path, so that every problem of one value carries the same one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import Problem

Steps = Sequence[str | int]


def spell(steps: Steps) -> str:
    """("routes", 1, "when") as routes[1].when."""
    path = ""
    for step in steps:
        if isinstance(step, int):
            path += f"[{step}]"
            continue
        name = step if step.isprintable() else repr(step)  # a problem is one line, whatever the key
        path += f".{name}" if path else name
    return path


@dataclass(frozen=True, slots=True)
class Document:
    """The data is mappings, lists, text and None only; None as a whole where nothing could be read."""

    data: dict[str, Any] | None = field(repr=False)
    lines: Mapping[str, int] = field(default_factory=dict)
    origins: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # variables and files behind a value
    broken: frozenset[str] = (
        frozenset()
    )  # paths without a usable value: what else is wrong there means nothing
    problems: tuple[Problem, ...] = ()

    def line(self, path: str) -> int | None:
        """The line of a value, or of the nearest thing around it that is in the file."""
        return next((self.lines[at] for at in _outwards(path) if at in self.lines), None)

    def place(self, problem: Problem) -> tuple[float, int]:
        """Where a problem comes in the order of the file; those of no line come last."""
        known = next((at for at in _outwards(problem.path) if at in self.lines), None)
        order = -1 if known is None else list(self.lines).index(known)
        return (float("inf") if problem.line is None else problem.line, order)

    def origin(self, path: str) -> tuple[str, ...]:
        """The variables and files that a value, or an entry of it, came from, if any."""
        around = (self.origins[at] for at in _outwards(path) if at in self.origins)
        inside = (names for at, names in self.origins.items() if at.startswith((f"{path}.", f"{path}[")))
        return next(around, None) or next(inside, ())

    def is_broken(self, path: str) -> bool:
        """Whether a value, or one around it, had no usable text to begin with."""
        return any(at in self.broken for at in _outwards(path))


def _outwards(path: str) -> Iterator[str]:
    while path:
        yield path
        path = path[: max(path.rfind("."), path.rfind("["), 0)]
