"""How anything gets to the terminal: tables, times, durations, and refusals with what to do about them.

Knows how to say things, not what they mean. Off a terminal there is no colour and nothing wraps, so that
grep finds whole lines. Rule for editors: a stranger's text goes through `printable`, else it could move the
cursor.
"""

import json
import os
import re
import shlex
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.errors import BridgeError, ConfigError, Problem
from bridge.spoken import COLOURS

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs.")]

# Off a terminal: wide enough that no line is ever wrapped.
_UNWRAPPED = 2000


def console(*, stderr: bool = False) -> "Console":
    """Where to print with rich. Plain text off a terminal; COLUMNS decides the width where it is set."""
    from rich.console import Console  # noqa: PLC0415 -- 35 ms that `bridge --help` can do without

    stream = sys.stderr if stderr else sys.stdout
    columns = os.environ.get("COLUMNS", "")
    width = None if stream.isatty() or columns.isdecimal() else _UNWRAPPED
    return Console(file=stream, width=width, highlight=False, markup=False, emoji=False, soft_wrap=False)


def printable(text: str) -> str:
    """The text without what could control a terminal or reorder a line; line breaks shown as ⏎."""
    return "".join(_shown(char) for char in text)


def _shown(char: str) -> str:
    if char == "\n":
        return "⏎"
    if char == "\t":
        return " "
    # U+200D joins emojis, and does no harm.
    if char != "\u200d" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return json.dumps(char)[1:-1]
    return char


def table(
    headings: Sequence[str],
    rows: Iterable[Sequence["str | Text"]],
    *,
    right: Iterable[int] = (),
    whole: Iterable[int] = (),
) -> None:
    """Print an aligned table.

    Columns in `right` are numbers; those in `whole` are never wrapped (ids, times, states), all others give
    way to them where the terminal is narrow.
    """
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    to, from_right, unbroken = console(), set(right), set(whole)
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for place, heading in enumerate(headings):
        grid.add_column(
            Text(heading),
            justify="right" if place in from_right else "left",
            no_wrap=place in unbroken,
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(Text(printable(cell)) if isinstance(cell, str) else cell for cell in row))
    with to.capture() as captured:
        to.print(grid)
    lines = [line.rstrip() for line in captured.get().splitlines()]
    typer.echo("\n".join(lines))


def coloured(fate: str) -> "Text":
    """An event's fate ("skipped: no phone") in the colour of its state."""
    from rich.text import Text  # noqa: PLC0415

    return Text(printable(fate), style=COLOURS.get(re.split("[: ]", fate, maxsplit=1)[0], ""))


def colour(name: str) -> str | None:
    """The colour for `typer.style`, which knows nothing of NO_COLOR."""
    return None if os.environ.get("NO_COLOR") else name


def print_json(value: Any) -> None:
    """The value as indented JSON."""
    import orjson  # noqa: PLC0415

    typer.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode())


def local_time(at: float) -> str:
    """A Unix time as the operator's clock shows it: "2026-07-01 14:03:22 +02:00"."""
    text = datetime.fromtimestamp(at, UTC).astimezone().isoformat(" ", "seconds")
    return f"{text[:19]} {text[19:]}"


def duration(seconds: float) -> str:
    """A span as people say it: "0.4s", "42s", "3m 20s", "5h 12m", "3d 4h"."""
    if seconds < 10:
        return f"{max(seconds, 0):.1f}".removesuffix(".0") + "s"
    whole = round(seconds)
    for size, unit, smaller, name in ((86_400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size}{unit} {rest}{name}" if rest else f"{whole // size}{unit}"
    return f"{whole}s"


def program() -> str:
    """This program as it was called: where iproute2 is installed, a bare `bridge` is another one.

    A script that wraps it says its own name in BRIDGE_PROGRAM.
    """
    if name := os.environ.get("BRIDGE_PROGRAM"):
        return name
    called, found = sys.argv[0], shutil.which("bridge")
    if Path(called).name != "bridge" or (found and os.path.realpath(found) == os.path.realpath(called)):
        return "bridge"
    return shlex.quote(called)


def as_called(hint: str) -> str:
    """The hint, its commands (`bridge …`) as they can be typed here."""
    return hint.replace("`bridge ", f"`{program()} ")


def warn_of(error: ConfigError) -> None:
    """Say on stderr that the configuration has mistakes, of which this command can do without."""
    count = len(error.problems)
    have = "a problem" if count == 1 else f"{count} problems"
    shows = f"`{program()} check` shows {'it' if count == 1 else 'them'}"
    typer.echo(f"warning: {printable(error.file)} has {have}, {shows}", err=True)


def refuse(error: BridgeError) -> int:
    """Say on stderr what was refused and what to do. Returns the exit status."""
    if isinstance(error, ConfigError):
        for problem in error.problems:
            typer.echo(_problem_line(error.file, problem), err=True)
        return 2
    typer.echo(f"error: {printable(error.message)}", err=True)
    if error.fix:
        typer.echo(f"fix: {as_called(printable(error.fix))}", err=True)
    return 1


def _problem_line(file: str, problem: Problem) -> str:
    """config.yaml:14  routes[1].when  message; fix"""
    what = f"{problem.message}; {as_called(problem.fix)}" if problem.fix else problem.message
    return "  ".join(printable(part) for part in (*place(file, problem), what) if part)


def place(file: str, problem: Problem) -> tuple[str, str]:
    """The file and line to open (an editor's terminal makes it a link), and the key there."""
    if problem.path == ".env":
        return str(Path(file).with_name(".env")), ""
    return (file if problem.line is None else f"{file}:{problem.line}"), problem.path
