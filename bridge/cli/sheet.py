"""A sheet: headings, and facts below them with a name on the left and what there is to say on the right.

Knows layout only. Rule for editors: what isn't there isn't printed; a sheet of "none" and "-" hides what is.
"""

from collections.abc import Iterable

import typer

from bridge.cli.output import as_called, console, printable

# Ids of GHL (20) and Fusion (36) crowd a terminal out; so much of one tells it from the others.
_SHORT = 6
_WIDE = 150


def section(heading: str) -> None:
    """Print a heading, apart from what is above it."""
    typer.echo(f"\n{typer.style(printable(heading), bold=True)}")


def facts(lines: Iterable[tuple[str, str]], *, indent: int = 2) -> None:
    """Print the facts that have a value; a long one is wrapped beside its name, not below it."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    to = console()
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in lines:
        if value:
            grid.add_row(Text(f"{'':{indent}}{name}", style="dim"), Text(as_called(printable(value))))
    if grid.row_count:
        with to.capture() as captured:
            to.print(grid)
        typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def room_of(text: str) -> int:
    """The columns that a text takes on the screen; 李 takes two."""
    from rich.cells import cell_len  # noqa: PLC0415

    return cell_len(printable(text))


def cut(text: str, room: int) -> str:
    """The text as it fits into so many columns, with … where its end is missing."""
    from rich.text import Text  # noqa: PLC0415

    shown = Text(printable(text))
    shown.truncate(room, overflow="ellipsis")
    return shown.plain


def short(identifier: str) -> str:
    """An id as a column can hold it: whole on a wide screen and off a terminal."""
    if len(identifier) <= _SHORT + 4 or console().width >= _WIDE:
        return identifier
    return f"{identifier[:_SHORT]}…"
