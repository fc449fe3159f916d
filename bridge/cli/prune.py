"""`bridge prune`: retention now, instead of within the hour; or what it would do.

Knows what to say and whether a service runs; `worker.retention` does it. Rule for editors: it follows the
whole configuration or refuses, because what it deletes is gone.
"""

import asyncio
import signal
import sqlite3
import time
from collections.abc import Callable, Mapping
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.backup import size
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.consent import YesOption, ask
from bridge.cli.output import JsonOption, console, print_json, printable, program, refuse
from bridge.cli.sheet import facts
from bridge.errors import BridgeError, StoreError

if TYPE_CHECKING:
    from bridge.store.retention import Cutoffs, What
    from bridge.worker.retention import Sweep, Taken

    Tell = Callable[[What, int], None]

# The service holds the lock for milliseconds, and a person would rather wait than type it again.
TRIES = 5
PAUSE_S = 1.0

LEAVE_IT_OUT = "stop it first; or leave out --vacuum: what is free in the file is used again"


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would go.")] = False,
    vacuum: Annotated[
        bool, typer.Option("--vacuum", help="Then give the space back; the service must not run.")
    ] = False,
    yes: YesOption = False,
    json: JsonOption = False,
) -> None:
    """Empty payloads and delete events as old as `retention` says, now. The service does so every hour.

    The file keeps its size: what becomes free is used for what comes next. With --vacuum it is written
    anew and gets smaller, which takes as much room once more. Stopped in the middle, what is done stays
    done. It asks first; what is gone can't be replayed.

    Example:
      bridge prune --dry-run
      bridge prune --yes
    """
    if dry_run and vacuum:
        raise typer.BadParameter("only one of the two: --dry-run writes nothing", param_hint="--vacuum")
    from bridge.worker.retention import cutoffs  # noqa: PLC0415 -- bridge --help is instant without it

    loaded, now = load_config(config), time.time()
    database, until = loaded.database, cutoffs(loaded, now)
    if dry_run:
        _tell(_found(database, until), json=json, dry_run=True)
        return
    from bridge.store.vacuum import alone  # noqa: PLC0415
    from bridge.store.vacuum import vacuum as written_anew  # noqa: PLC0415

    with alone(database, what="--vacuum", fix=LEAVE_IT_OUT) if vacuum else nullcontext():
        found = _found(database, until)
        ask(_question(found, vacuum=vacuum), yes=yes)
        sweep = _prune(database, until, found)
        sizes = written_anew(database) if vacuum and not sweep.stopped.is_set() else {}
    gone = {str(what): count for what, count in sweep.gone.items()}
    _tell({**found, **gone, **sizes}, json=json, dry_run=False)
    if sweep.stopped.is_set():
        refuse(BridgeError("stopped before the end", fix=f"`{program()} prune` goes on from there"))
        raise typer.Exit(1)


def _question(found: Mapping[str, int], *, vacuum: bool) -> str:
    gone = f"{found['events']:,} events go, and {found['payloads']:,} payloads are emptied"
    return f"{gone}{'; then the file is written anew' if vacuum else ''}. Go on?"


def _found(database: Path, until: "Cutoffs") -> dict[str, int]:
    """How much there is of each, and the bytes of the payloads among it."""
    from bridge.store.database import open_reader  # noqa: PLC0415
    from bridge.store.retention import ORDER, look  # noqa: PLC0415

    found: dict[str, int] = {**{str(what): 0 for what in ORDER}, "bytes": 0}
    with closing(open_reader(database)) as reader:
        for what in ORDER:
            first, last = 0, False
            while not last:
                window = look(reader, what, first=first, cutoffs=until)
                first, last = window.next_id, window.last
                found[what] += len(window.ids)
                if what == "payloads":
                    found["bytes"] += window.bytes
                elif what == "events":  # their payloads are found again, and go with them
                    found["payloads"] -= window.full
    return found


def _prune(database: Path, until: "Cutoffs", found: Mapping[str, int]) -> "Sweep":
    """Do it, with a bar on a terminal. What the sweep did is in it, also when somebody stopped it."""
    to = console(stderr=True)
    if not to.is_terminal:
        return asyncio.run(_sweep(database, until, lambda _what, _rows: None))
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    words = TextColumn("{task.description}", markup=False)
    with Progress(words, BarColumn(bar_width=24), MofNCompleteColumn(), console=to, transient=True) as bars:
        tasks = {what: bars.add_task(what, total=found[what]) for what in ("events", "attempts", "payloads")}
        return asyncio.run(_sweep(database, until, lambda what, rows: bars.advance(tasks[what], rows)))


async def _sweep(database: Path, until: "Cutoffs", tell: "Tell") -> "Sweep":
    from bridge.store.status import owner  # noqa: PLC0415
    from bridge.store.writer import Writer  # noqa: PLC0415
    from bridge.worker.retention import SHARE_NOW, Sweep  # noqa: PLC0415

    writer, loop = Writer(database), asyncio.get_running_loop()

    async def patiently(write: "Callable[[sqlite3.Connection], Taken]") -> "Taken":
        for _ in range(TRIES):
            try:
                return await writer.run(write)
            except StoreError as error:
                typer.echo(f"waiting: {printable(error.message)}", err=True)
                await asyncio.sleep(PAUSE_S)
        return await writer.run(write)

    sweep = Sweep(patiently, until, share=SHARE_NOW if owner(database) else 1.0, tell=tell)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, sweep.stopped.set)
    try:
        await sweep.go(database)
    finally:
        await writer.stop()
    return sweep


def _tell(counts: Mapping[str, int], *, json: bool, dry_run: bool) -> None:
    if json:
        print_json({**counts, "dry_run": dry_run})
        return
    goes = "would be" if dry_run else "were"
    shrunk = (
        f"from {size(counts['size_before'])} to {size(counts['size_after'])}"
        if "size_after" in counts
        else ""
    )
    typer.echo(f"By the retention of the configuration there {goes}")
    facts(
        [
            ("events deleted", f"{counts['events']:,}"),
            ("requests deleted", f"{counts['attempts']:,}"),
            ("payloads emptied", f"{counts['payloads']:,}"),
            ("bytes in payloads", size(counts["bytes"])),
            ("file", shrunk),
        ]
    )
