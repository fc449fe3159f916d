"""`bridge preview`: what the rules make of a payload, before anybody is called.

Knows options and the file; `foresight` finds out, `preview_text` tells. Rule for editors: reads no database
and sends nothing, so that it can be tried on anything, anywhere.
"""

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.output import JsonOption, print_json, printable
from bridge.errors import BridgeError


def command(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A webhook's body as JSON; - reads stdin.")],
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
    and the request as it would be sent. The database isn't read: the event is taken as the first of
    its contact. Exits with 1 when the sender would be refused or the event be dead.

    Example:
      bridge preview payload.json
      bridge preview payload.json --source forms --known
      pbpaste | bridge preview -
    """
    loaded = load_config(config)
    body = _read(file)
    from bridge.cli.foresight import foresee  # noqa: PLC0415 -- needs bridge.config

    foresight = foresee(loaded, body, source=source, known=known, now=time.time())
    name = "stdin" if file == "-" else file
    if json:
        from bridge.cli.preview_json import as_json  # noqa: PLC0415

        print_json(as_json(foresight, loaded, file=name))
    else:
        from bridge.cli.preview_text import tell  # noqa: PLC0415

        tell(foresight, loaded, file=printable(name), known=known)
    if foresight.failed:
        raise typer.Exit(1)


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a usable path").lower()
        fix = "name a file that holds a webhook's body as JSON, or - for stdin"
        raise BridgeError(f"can't read {file}: {reason}", fix=fix) from None
