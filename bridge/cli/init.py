"""`bridge init`: a configuration to start with, and a .env with fresh secrets beside it.

Knows what to ask; `starter` knows what is written. Rule for editors: nothing that exists is touched, and what
is written is right by `bridge check`, save for a Fusion key that wasn't given and the example's address.
"""

import os
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption
from bridge.cli.output import printable, program
from bridge.errors import BridgeError, ConfigError, Problem

if TYPE_CHECKING:
    from bridge.cli.starter import Answers
    from bridge.config import Config

_OPTIONS = {
    "server.public_url": "--public-url",
    "fusion.accounts.main.api_key": "FUSION_API_KEY",
    "default_region": "--region",
}


def _out_of_sight(ctx: typer.Context, value: str) -> str:
    """From the environment only."""
    source = ctx.get_parameter_source("api_key")
    if source and source.name == "COMMANDLINE":
        raise typer.BadParameter(
            "a key in a command line is seen by everybody on the machine, and kept by the shell; "
            "leave it out and init asks for it, or set FUSION_API_KEY"
        )
    return value


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: options and defaults.")] = False,
    public_url: Annotated[
        str, typer.Option(metavar="URL", help="How others reach the bridge: https://bridge.example.com")
    ] = "",
    api_key: Annotated[str, typer.Option(envvar="FUSION_API_KEY", hidden=True, callback=_out_of_sight)] = "",
    region: Annotated[
        str, typer.Option(metavar="XX", help="Country of phone numbers without a country code.")
    ] = "US",
    source: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Who sends contacts: workflow, app or forms; repeat for more."),
    ] = None,
) -> None:
    """Write config.yaml and .env, with fresh secrets.

    Asks for what it needs; --yes takes the options and defaults, and the Fusion API key from the
    environment (FUSION_API_KEY). Files that exist are left alone. Prints the webhook URLs to paste,
    and what to do next.

    Example:
      bridge init
      bridge init --yes --public-url https://bridge.example.com --source workflow --source forms
    """
    from bridge.cli.starter import SOURCES, Answers, fresh_tokens, trial, write  # noqa: PLC0415 -- needs bridge.config

    _refuse_to_overwrite(config)
    answers = Answers(public_url.strip(), api_key.strip(), region.strip(), tuple(source or ("workflow",)))
    unknown = [name for name in answers.sources if name not in SOURCES]
    if unknown:
        raise typer.BadParameter(f"{unknown[0]!r} is not one of {', '.join(SOURCES)}", param_hint="--source")
    if not yes:
        answers = _ask(answers, sources_given=bool(source))
    tokens = fresh_tokens(answers)
    try:
        loaded = trial(answers, tokens)
    except ConfigError as error:  # of an option
        problem = error.problems[0]
        raise typer.BadParameter(_words(problem), param_hint=_OPTIONS.get(problem.path)) from None
    write(config, answers, tokens)
    _tell(config, answers, loaded)


def _refuse_to_overwrite(config: Path) -> None:
    there = [str(path) for path in (config, config.with_name(".env")) if os.path.lexists(path)]
    if there:
        verb = "exists" if len(there) == 1 else "exist"
        fix = "move it away" if len(there) == 1 else "move them away"
        raise BridgeError(
            f"{' and '.join(there)} {verb} already; nothing was written",
            fix=f"{fix}, or write elsewhere: {program()} init -c other/config.yaml",
        )


def _ask(answers: "Answers", *, sources_given: bool) -> "Answers":
    """Every question until its answer is right; an empty answer takes what stands in brackets."""
    typer.echo("Four questions; Enter takes what stands in brackets, or leaves it for later.\n")
    answers = _asked(answers, "public_url", "server.public_url", "Address by which others reach the bridge")
    answers = _asked(answers, "api_key", "fusion.accounts.main.api_key", "Fusion API key (stays hidden)")
    answers = _asked(answers, "region", "default_region", "Country of phones without a country code")
    return answers if sources_given else replace(answers, sources=_ask_sources())


def _asked(answers: "Answers", name: str, path: str, question: str) -> "Answers":
    from bridge.cli.starter import fresh_tokens, trial  # noqa: PLC0415

    default, hidden = str(getattr(answers, name)), name == "api_key"
    while True:
        said = typer.prompt(
            question, default=default, hide_input=hidden, show_default=bool(default) and not hidden
        )
        tried = replace(answers, **{name: said.strip()})
        try:
            trial(tried, fresh_tokens(tried))
        except ConfigError as error:
            problem = next((each for each in error.problems if each.path == path), None)
            if problem:
                typer.echo(f"  {_words(problem)}")
                continue
        return tried


def _ask_sources() -> tuple[str, ...]:
    from bridge.cli.starter import SOURCES  # noqa: PLC0415

    typer.echo("Who sends contacts?")
    for name, line in SOURCES.items():
        typer.echo(f"  {name:<10}{line}")
    while True:
        said = typer.prompt("One or more, with commas", default="workflow")
        names = tuple(name for name in said.replace(",", " ").lower().split() if name)
        if names and all(name in SOURCES for name in names):
            return names
        typer.echo(f"  write one or more of {', '.join(SOURCES)}")


def _words(problem: Problem) -> str:
    return printable(f"{problem.message}; {problem.fix}" if problem.fix else problem.message)


def _tell(config: Path, answers: "Answers", loaded: "Config") -> None:
    from bridge.cli.webhooks import paste_lines  # noqa: PLC0415

    option = "" if config == DEFAULT_CONFIG else f" -c {shlex.quote(str(config))}"
    env = config.with_name(".env")
    steps = [
        f"{program()} check{option}     is anything missing or wrong?",
        f"{program()} serve{option}     start it",
        "Paste the URL above where it says, and let one contact through",
    ]
    if not answers.api_key:
        steps.insert(0, f"Put your Fusion API key into {env}, behind FUSION_API_KEY=")
    typer.echo(f"\nWrote {config}, and {env} with the secrets (only you can read it).\n")
    typer.echo("Webhook URLs to paste:\n")
    typer.echo("\n".join(paste_lines(loaded)))
    typer.echo("Next:\n")
    for number, step in enumerate(steps, 1):
        typer.echo(f"  {number}. {step}")
