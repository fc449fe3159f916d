"""`bridge check`: every problem of a configuration at once, or a summary of it and the URLs to paste.

Knows how to tell a configuration; `bridge.config` decides what is wrong with it. Rule for editors: keys are
shown masked; tokens only inside the URLs, which are for pasting.
"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.output import JsonOption, place, print_json, printable
from bridge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Collection

    from bridge.config import Config
    from bridge.inbound import Source
    from bridge.rules.mapping import Route


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    online: Annotated[
        bool,
        typer.Option("--online", help="Also ask Fusion: do the keys work, do the campaigns exist?"),
    ] = False,
    json: JsonOption = False,
) -> None:
    """Validate the configuration and print the webhook URLs.

    Tells every problem at once, in the order of the file, each with its line, its key and the fix.
    When there is none: what the bridge understood, and the URLs to paste. Exits with 2 when something
    is wrong. Contacts nobody, save with --online: that asks Fusion for one lead of each account and
    each campaign (a request each, of the budget that the service has), and looks whether the
    database's folder can be written, the port is free or the running bridge's, and public_url has
    https. Exits with 1 when one of these fails.

    Example:
      bridge check
      bridge check --online
      bridge check -c staging.yaml --json
    """
    try:
        loaded = load_config(config, strict=True)
    except ConfigError as error:
        _tell_problems(error, json=json)
        raise typer.Exit(2) from None
    if not json:
        _tell(loaded)
    found = _look(loaded, json=json) if online else None
    if json:
        more = {} if found is None else {"online": found}
        print_json({"problems": [], "webhooks": dict(loaded.webhook_urls()), **more})
    if found and not all(finding["ok"] for finding in found):
        raise typer.Exit(1)


def _tell_problems(error: ConfigError, *, json: bool) -> None:
    if json:
        print_json({"problems": [asdict(problem) for problem in error.problems], "webhooks": {}})
        return
    for problem in error.problems:
        at, path = place(error.file, problem)
        typer.echo("  ".join(printable(part) for part in (at, path, problem.message) if part))
        if problem.fix:
            typer.echo(f"    fix: {printable(problem.fix)}")
    count = len(error.problems)
    typer.echo(f"\n{count} problem{'s' * (count != 1)} in {printable(error.file)}")


def _look(config: "Config", *, json: bool) -> list[dict[str, Any]]:
    """What can only be seen from here, each printed as soon as it is known."""
    from bridge.cli import online  # noqa: PLC0415 -- needs the whole bridge

    if json:
        return [online.as_json(config, finding) for finding in online.look(config, lambda _: None)]
    typer.echo("\nFrom here:\n")
    found = online.look(config, lambda finding: online.tell(config, finding))
    failed = sum(not finding.ok for finding in found)
    typer.echo(f"\n{failed} of {len(found)} failed" if failed else f"\nAll {len(found)} are right")
    return [online.as_json(config, finding) for finding in found]


def _tell(config: "Config") -> None:
    from bridge.cli.webhooks import paste_lines  # noqa: PLC0415 -- needs bridge.config

    typer.echo(f"{printable(str(config.path))} is fine.\n")
    for heading, lines in _summary(config):
        for number, line in enumerate(lines):
            typer.echo(f"  {heading if number == 0 else '':<10}  {printable(line)}")
    typer.echo(
        "\nWebhook URLs to paste. One that ends with a token is a secret: who has it can send contacts.\n"
    )
    typer.echo("\n".join(paste_lines(config)))


def _summary(config: "Config") -> list[tuple[str, list[str]]]:
    limit, server = config.fusion.leads_limit, config.server
    public = f", from outside {server.public_url}" if server.public_url else ""
    return [
        ("Listens on", [f"{server.host}:{server.port}{public}"]),
        ("Database", [str(config.database)]),
        ("Fusion", [config.fusion.base_url]),
        ("Limit", [f"{limit.requests} requests in {limit.per_s:g}s, for each account"]),
        ("Accounts", [_account(config, name) for name in config.fusion.accounts]),
        ("Sources", [f"{name}: {_kind(source)}" for name, source in config.sources.items()]),
        ("Campaigns", [f"{name}: {uuid}" for name, uuid in config.rules.campaigns.items()]),
        ("Locations", [_location(config, key) for key in config.rules.locations]),
        ("Routes", [f"{n}. {_route(config, route)}" for n, route in enumerate(config.rules.routes, 1)]),
    ]


def _account(config: "Config", name: str) -> str:
    default = ", the default" if name == config.fusion.default_account else ""
    return f"{name}: key {masked_key(config.fusion.accounts[name].api_key)}{default}"


def masked_key(key: str) -> str:
    """Enough of a key to tell it from another, and too little to use."""
    return f"{key[:4]}•••{key[-2:]}" if len(key) >= 16 else "•••"


def _kind(source: "Source") -> str:
    from bridge.inbound import GhlApp, GhlWorkflow, JsonSource  # noqa: PLC0415 -- needs the rules

    region = f", phones from {source.default_region}" if source.default_region else ""
    match source:
        case GhlApp():
            app = f"of app {source.app_id}" if source.app_id else "of any app"
            return f"ghl_app {app}, {_locations(source.locations)}{region}"
        case GhlWorkflow():
            return f"ghl_workflow, {_locations(source.locations)}{region}"
        case JsonSource():
            return f"json{region}"
        case _:
            return type(source).__name__


def _locations(listed: "Collection[str]") -> str:
    return f"{len(listed)} location{'s' * (len(listed) != 1)} listed" if listed else "every location"


def _location(config: "Config", key: str) -> str:
    from bridge.cli.places import campaign  # noqa: PLC0415 -- needs the rules

    known = config.rules.locations[key]
    name = f"{known.name}, " if known.name else ""
    region = f", phones from {known.default_region}" if known.default_region else ""
    where = campaign(config.rules, known.campaign_id)
    return f"{key}: {name}to {known.account or config.rules.default_account}, {where}{region}"


def _route(config: "Config", route: "Route") -> str:
    from bridge.cli.places import destination  # noqa: PLC0415 -- needs the rules

    if route.skip:
        return f"{route.name}: skipped, {route.skip}"
    return f"{route.name}: to {destination(config.rules, route)}"
