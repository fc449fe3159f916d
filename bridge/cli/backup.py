"""`bridge backup`: an online copy of the database, and what is in it.

Knows what to say; `store.backup` makes and proves the copy. Rule for editors: it works while a mistake in the
configuration waits to be mended, because that is when people want a copy.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, outline
from bridge.cli.output import JsonOption, console, duration, local_time, print_json, printable
from bridge.cli.sheet import facts

if TYPE_CHECKING:
    from bridge.store.backup import Copy


def command(
    *,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to be.")],
    config: ConfigOption = DEFAULT_CONFIG,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Copy the database while the service runs: one moment of it, whole, checked, in one file.

    The copy is written beside FILE, read through, and only then gets its name; on an error FILE is what it
    was before. It holds people's data: only its owner may read it. deploy/operations.md tells how to
    restore it, and what else to keep: config.yaml, .env and bridge.key, in another place.

    Example:
      bridge backup /var/backups/bridge-$(date +%F).db
      bridge backup --force latest.db --json
    """
    from bridge.store.backup import back_up  # noqa: PLC0415 -- bridge --help is instant without it

    known, began = outline(config), time.monotonic()
    with _shown() as tell:
        copy = back_up(known.database, file, force=force, tell=tell)
    if json:
        print_json(selecting.for_json(copy))
    else:
        _tell(copy, time.monotonic() - began)


@contextmanager
def _shown() -> Iterator[Callable[[float], None]]:
    """A bar on a terminal, nothing elsewhere."""
    to = console(stderr=True)
    if not to.is_terminal:
        yield lambda _part: None
        return
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415

    words = TextColumn("{task.description}", markup=False)
    with Progress(words, BarColumn(bar_width=24), console=to, transient=True) as progress:
        task = progress.add_task("copying", total=1.0)

        def tell(part: float) -> None:
            progress.update(task, completed=part, description="copying" if part < 1 else "checking")

        yield tell


def _tell(copy: "Copy", seconds: float) -> None:
    typer.echo(f"{printable(str(copy.file))}: {size(copy.bytes)}, whole and sound, in {duration(seconds)}")
    total = sum(copy.events.values())
    states = ", ".join(f"{count:,} {state}" for state, count in copy.events.items() if count)
    facts(
        [
            ("events", f"{total:,}: {states}" if total else "none"),
            ("newest event", "" if copy.newest_at is None else local_time(copy.newest_at)),
            ("leads", f"{copy.leads:,}, of {copy.contacts:,} contact{'s' * (copy.contacts != 1)}"),
            ("to be sent", f"{copy.outbox:,} lead{'s' * (copy.outbox != 1)}"),
            ("tables", f"as migration {len(copy.migrations)} left them"),
        ]
    )


def size(count: int) -> str:
    """Bytes as people say them."""
    return f"{count / 1e3:,.0f} kB" if count < 1e6 else f"{count / 1e6:,.1f} MB"
