"""`bridge preview`: what the rules make of a payload, before anybody is called.

Knows options and the file; `foresight` finds out, `preview_text` prints. Rule for editors: writes and sends
nothing, and works without a database, so that it can be tried on anything, anywhere.
"""

import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.output import JsonOption, print_json, printable
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.cli.preview_memory import Memory, Stored


def command(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE|ID", help="A webhook's body, - reads stdin; or a stored event's number."
        ),
    ],
    *,
    source: Annotated[
        str, typer.Option(metavar="NAME", help="The source it came from; without, a good guess.")
    ] = "",
    known: Annotated[bool, typer.Option("--known", help="As if Fusion had the lead already.")] = False,
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Show what the rules make of a payload; send nothing.

    The route taken, each field before and after with the rule that made it, warnings, do-not-call,
    and the request as it would be sent. Where there is a database, what it knows counts: who was erased
    or opted out, and which leads Fusion has; without one, or with --known, the event is taken as the first
    of its contact. A number is a stored event, shown as `replay` would send it through today's rules.
    Exits with 1 when the sender would be refused or the event be dead.

    Example:
      bridge preview payload.json
      bridge preview payload.json --source forms --known
      bridge preview 1042
      pbpaste | bridge preview -
    """
    loaded = load_config(config)
    from bridge.cli.foresight import foresee  # noqa: PLC0415 -- needs bridge.config
    from bridge.cli.preview_memory import open_memory  # noqa: PLC0415

    by_id = re.fullmatch("[0-9]{1,18}", file) is not None and not Path(file).exists()
    memory = open_memory(loaded.database) if by_id or not known else None
    stored = _stored(memory, int(file), loaded.database) if by_id else None
    foresight = foresee(
        loaded,
        stored.payload if stored else _read(file),
        source=source or (stored.source if stored else ""),
        known=known,
        now=time.time(),
        memory=None if known else memory,
        stored=stored,
    )
    name = "stdin" if file == "-" else f"event {file}" if stored else file
    if json:
        from bridge.cli.preview_json import as_json  # noqa: PLC0415

        print_json(as_json(foresight, loaded, file=name, stored=stored))
    else:
        from bridge.cli.preview_text import tell  # noqa: PLC0415

        tell(foresight, loaded, file=printable(name), known=known or foresight.known, stored=stored)
    if foresight.failed:
        raise typer.Exit(1)


def _stored(memory: "Memory | None", event_id: int, database: Path) -> "Stored":
    if memory is None:
        raise BridgeError(f"there is no database at {database}, and no file {event_id}", fix="name a file")
    return memory.stored(event_id)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a usable path").lower()
        fix = "name a file that holds a webhook's body as JSON, or - for stdin"
        raise BridgeError(f"can't read {file}: {reason}", fix=fix) from None
