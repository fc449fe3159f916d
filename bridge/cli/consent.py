"""Consent before a command destroys something: asked at a terminal, demanded as `--yes` everywhere else.

Rule for editors: no answer is no. A script whose input isn't a terminal can't be asked, and must say --yes.
"""

import sys
from typing import Annotated

import typer

from bridge.errors import BridgeError

YesOption = Annotated[
    bool, typer.Option("--yes", help="Don't ask. Needed where no terminal can answer, as in a script.")
]


def ask(question: str, *, yes: bool) -> None:
    """Return if the answer is yes, wherever the output goes.

    Raises:
        BridgeError: the answer is no: status 1.
        typer.BadParameter: there is no terminal to ask at: status 2.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise typer.BadParameter(
            "nothing was done: there is no terminal to ask at, so it needs --yes", param_hint="the answer"
        )
    if not typer.confirm(question, err=True):
        raise BridgeError("nothing was done")
