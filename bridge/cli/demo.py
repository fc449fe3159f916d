"""`bridge demo`: the whole bridge at work, without an account anywhere, and a table of what became of it.

Knows the command and the table; `demo_stage` runs it, `demo_cases` says what is sent. Rule for editors: a
line that isn't as it should be is marked, and makes the command fail.
"""

import asyncio
import contextlib
import signal
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.output import colour, console, duration, program
from bridge.errors import BridgeError
from bridge.spoken import COLOURS

if TYPE_CHECKING:
    from rich.text import Text

    from bridge.cli.demo_stage import Result, Stage

# From here on nothing in the table needs a second line.
WIDE = 110


def command(
    *,
    once: Annotated[
        bool, typer.Option("--once", help="Exit after the table, 0 if all is as it should be.")
    ] = False,
) -> None:
    """See it work: the real service, a sandbox of Fusion, and webhooks of every kind.

    Needs no account and no configuration, calls nobody, and keeps nothing: all of it is in a temporary
    folder that is removed at the end. After the table the service goes on, to look around in and to
    send webhooks to, until Ctrl-C.

    Example:
      bridge demo
      bridge demo --once
    """
    try:
        temporary = TemporaryDirectory(prefix="bridge-demo-")
    except OSError as error:
        raise BridgeError(
            f"can't make a temporary folder: {error}", fix="TMPDIR can name another place"
        ) from None
    with temporary as folder:
        try:
            good = asyncio.run(_demo(Path(folder), once=once))
        except asyncio.CancelledError:
            raise BridgeError("stopped before the end") from None
    if not good:
        raise typer.Exit(1)


async def _demo(folder: Path, *, once: bool) -> bool:
    from bridge.cli.demo_cases import CASES  # noqa: PLC0415
    from bridge.cli.demo_stage import stage  # noqa: PLC0415 -- half a second that --help can do without

    started = time.monotonic()
    to = console()
    async with stage(folder) as running:
        _stop_on_signals()
        with to.status("Sending webhooks; Fusion is down for two seconds at the end …"):
            results = await running.play(CASES)
        _tell(results, running, time.monotonic() - started)
        if not once:
            _invite(running)
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
    return all(result.as_expected for result in results)


def _stop_on_signals() -> None:
    """Ctrl-C ends the demo in order. Set after uvicorn set its own handlers, which end one server only."""
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, task.cancel)


def _tell(results: "list[Result]", running: "Stage", seconds: float) -> None:
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    to = console()
    grid = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold", show_edge=False
    )
    grid.add_column("", justify="right", no_wrap=True)
    grid.add_column("What was sent", no_wrap=True)
    grid.add_column("Answer", max_width=16 if to.width >= WIDE else 12)
    grid.add_column("Where it ended")
    grid.add_column("Lead in Fusion")
    for result in results:
        grid.add_row(*_row(result))
    to.print(grid)
    for result in results:
        if result.fix:
            to.print(f"\nEvent {result.event_id} is dead. What to do: {result.fix}.")
    stats = running.sandbox.stats()
    stored = len({result.event_id for result in results} - {None})
    wrong = sum(not result.as_expected for result in results)
    to.print(
        f"\n{len(results)} webhooks, {stored} events, {stats['requests']} requests to Fusion, "
        f"over the limit: {stats['over_limit']}; in {duration(seconds)}."
    )
    if wrong:
        typer.echo(typer.style(f"{wrong} of them not as expected, marked ✗.", fg=colour("red"), bold=True))
    else:
        typer.echo("Every one of them ended where it should.")


def _row(result: "Result") -> "tuple[Text, ...]":
    from rich.text import Text  # noqa: PLC0415

    state = result.fate.partition(":")[0]
    mark = (
        Text(str(result.event_id or ""), style="dim") if result.as_expected else Text("✗", style="bold red")
    )
    return (
        mark,
        Text(result.case.title),
        Text(result.answer, style="" if result.answer == "200 accepted" else "dim"),
        Text(result.fate, style=COLOURS.get(state, "")),
        Text("\n".join(result.leads) or "none", style="" if result.leads else "dim"),
    )


def _invite(running: "Stage") -> None:
    from bridge.cli.demo_stage import FORMS_TOKEN  # noqa: PLC0415

    folder = running.config.path.parent
    typer.echo(
        f"""
The service goes on at {running.url}, and is well: {running.url}/readyz
Its configuration, database and log are in {folder}

Look around, in another terminal:

  export BRIDGE_CONFIG={running.config.path}
  {program()} status
  {program()} events
  {program()} show 1
  tail -f {folder}/bridge.log

Send one yourself:

  curl {running.url}/webhooks/forms/{FORMS_TOKEN} \\
    -d '{{"name": "Your Name", "phone": "202-555-0199"}}'

Ctrl-C ends it and removes the folder."""
    )
