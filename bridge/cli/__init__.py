"""The command line: the table of commands, and the one place where a refusal becomes words and a status.

Knows names and one line of help each; a command's module is imported only when that command is invoked, so
that `bridge --help` is instant and `bridge serve` ready at once. Rule for editors: a command is a function
`command` in the module of its name; it raises BridgeError, or typer.Exit with the status.
"""

import contextlib
import inspect
import io
import os
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from bridge.cli.output import refuse
from bridge.errors import BridgeError

# In the order in which somebody new needs them.
COMMANDS: Final[Mapping[str, str]] = {
    "init": "Write config.yaml and .env with fresh secrets.",
    "serve": "Run the service.",
    "demo": "See it work: the real service against a sandbox of Fusion.",
    "sandbox": "Run a sandbox of the Fusion API, with faults on demand.",
    "check": "Validate the configuration; print the webhook URLs.",
    "preview": "Show what the rules make of a payload; send nothing.",
    "events": "List events and what became of them.",
    "show": "Show one event: payload, lead, attempts, fate.",
    "leads": "List the leads that Fusion has from us.",
    "replay": "Send events back through the rules.",
    "close": "Close dead events that need no attention any more.",
    "status": "One screen: what waits, what was spent, what is wrong.",
    "adopt": "Learn the leads that Fusion has already.",
    "forget": "Erase a person who demands it; nobody calls them again.",
    "backup": "Copy the database while the service runs.",
    "prune": "Apply retention now.",
}


class _Deferred(TyperCommand):
    """Stands for a command whose module isn't imported yet."""

    def make_context(self, info_name: str | None, args: list[str], parent: Any = None, **extra: Any) -> Any:
        return _loaded(str(self.name)).make_context(info_name, args, parent, **extra)


class _Commands(TyperGroup):
    """The commands of the table, and what their refusals come to."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for name, line in COMMANDS.items():
            self.commands[name] = _Deferred(name, help=line, rich_markup_mode=None)

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BridgeError as error:
            raise typer.Exit(refuse(error)) from None


def _loaded(name: str) -> Any:
    """The command itself, made of its module's function."""
    function = import_module(f"bridge.cli.{name}").command
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    single.command(name, help=_as_typed(function.__doc__ or ""), short_help=COMMANDS[name])(function)
    return typer.main.get_command(single)


def _as_typed(docstring: str) -> str:
    """The docstring as help; the paragraph that begins with `Example:` keeps its lines."""
    return re.sub(r"(?<!\x08\n)^(?=Example:$)", "\b\n", inspect.cleandoc(docstring), flags=re.MULTILINE)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:  # noqa: FBT001 -- as typer calls it
    if wanted:
        from importlib.metadata import version  # noqa: PLC0415 -- 20 ms that only this option needs

        typer.echo(f"bridge {version('ghl-fusion-bridge')}")
        raise typer.Exit


@app.callback(epilog="`bridge COMMAND --help` explains a command, with an example. New here? `bridge demo`.")
def _bridge(
    *,
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The bridge between GoHighLevel and Fusion Calling: every contact event becomes the right lead, once."""


def main() -> None:
    """The program `bridge`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # LANG=C has no letters for names and arrows
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="bridge")
    finally:
        _let_go()


def _let_go() -> None:
    """When the reader went away (`bridge events | head`), Python must not complain while it ends."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
