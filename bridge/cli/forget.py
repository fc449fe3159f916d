"""`bridge forget PHONE`: a person demands erasure, and disappears; only a keyed hash of them stays.

Knows what may be asked; `worker.forgetting` does it, and `forget_shown` says what came of it. Rule for
editors: the phone as typed is shown to nobody, and what isn't proved isn't said.
"""

import time
from contextlib import closing
from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import forget_shown
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.consent import YesOption, ask
from bridge.cli.output import JsonOption, print_json, program, refuse
from bridge.errors import BridgeError

if TYPE_CHECKING:
    from bridge.config import Config
    from bridge.store.person import Lead


def command(
    *,
    phone: Annotated[str, typer.Argument(metavar="PHONE", help="In any spelling.", show_default=False)] = "",
    config: ConfigOption = DEFAULT_CONFIG,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would go.")] = False,
    yes: YesOption = False,
    lift: Annotated[
        bool, typer.Option("--lift", help="Take the mark away: they asked to be called again.")
    ] = False,
    drop_unreadable: Annotated[
        bool, typer.Option("--drop-unreadable", help="Take away marks whose key is lost, of whoever.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Erase a person: payloads, leads, contacts and requests, from the file and its log.

    A keyed hash of their phones and contacts stays: whatever comes of them later is skipped as "do not
    call", and not kept. The service may run. Leads that Fusion has already are listed: delete them there,
    and the contact in GHL. Stopped in the middle, run it again. A number that nobody knows is marked, too.

    Example:
      bridge forget "+1 202 555 0101" --dry-run
      bridge forget "+1 202 555 0101"
      bridge forget "+1 202 555 0101" --lift
      bridge forget "+1 202 555 0101" --yes
    """
    if lift + drop_unreadable + dry_run > 1:
        raise typer.BadParameter("only one of --dry-run, --lift and --drop-unreadable")
    if drop_unreadable == bool(phone):
        said = "every mark that can't be read goes: name no phone" if phone else "whom? Name the phone"
        raise typer.BadParameter(said, param_hint="PHONE")
    loaded = load_config(config)
    if drop_unreadable:
        _drop(loaded, yes=yes, json=json)
        return
    number = _number(phone, loaded.default_region)
    if lift:
        _lift(loaded, number, yes=yes, json=json)
    elif dry_run:
        _look(loaded, number, json=json)
    else:
        _forget(loaded, number, yes=yes, json=json)


def _number(text: str, region: str) -> str:
    from bridge.errors import InvalidPhone  # noqa: PLC0415
    from bridge.rules.phone import normalize  # noqa: PLC0415 -- brings phonenumbers

    try:
        return normalize(text, ("", region))
    except InvalidPhone as error:
        raise typer.BadParameter(error.message, param_hint="PHONE") from None


def _look(config: "Config", phone: str, *, json: bool) -> None:
    from bridge.worker.forgetting import look  # noqa: PLC0415

    found = look(config, phone)
    if json:
        print_json({"dry_run": True, **forget_shown.found_as_json(found)})
    else:
        forget_shown.tell_found(found)


def _forget(config: "Config", phone: str, *, yes: bool, json: bool) -> None:
    from bridge.worker.forgetting import Eraser, look  # noqa: PLC0415 -- bridge --help is instant without it

    found = look(config, phone)
    if not json:
        forget_shown.tell_found(found)
    ask("Erase all of it?", yes=yes)

    def tell(text: str) -> None:
        typer.echo(f"{text} …", err=True)

    def tell_leads(leads: "tuple[Lead, ...]") -> None:
        """Those that came meanwhile: a moment later nobody knows of them any more."""
        if not json:
            forget_shown.tell_leads([lead for lead in leads if lead not in found.held.leads])

    erased = Eraser(config, phone, tell=tell, tell_leads=tell_leads, clock=time.time).run()
    if json:
        print_json(forget_shown.erased_as_json(erased))
    else:
        forget_shown.tell_erased(erased)
    if trouble := forget_shown.trouble_of(erased, config.database):
        refuse(trouble)
        raise typer.Exit(1)


def _lift(config: "Config", phone: str, *, yes: bool, json: bool) -> None:
    from bridge.store import marks  # noqa: PLC0415
    from bridge.store.adopting import writing  # noqa: PLC0415
    from bridge.store.database import open_reader, open_writer  # noqa: PLC0415
    from bridge.store.secret_key import read_keys  # noqa: PLC0415

    open_reader(config.database).close()  # says it in words when there is none
    with closing(open_writer(config.database)) as connection:
        keys = read_keys(config.database)
        ask("Take the mark away, so that they are called again?", yes=yes)
        with writing(connection):
            lifted = marks.lift(connection, keys, phone)
        hidden = not marks.key_ids(connection) <= keys.ids
    if json:
        print_json({"lifted": lifted})
    if lifted:
        if not json:
            typer.echo("The mark is taken away: the next event with this phone makes a lead again.")
        return
    if hidden:
        raise marks.unreadable(keys)
    raise BridgeError("this phone isn't marked", fix=f"`{program()} forget PHONE` marks one")


def _drop(config: "Config", *, yes: bool, json: bool) -> None:
    from bridge.store import marks  # noqa: PLC0415
    from bridge.store.adopting import writing  # noqa: PLC0415
    from bridge.store.database import open_reader, open_writer  # noqa: PLC0415
    from bridge.store.secret_key import read_keys  # noqa: PLC0415

    open_reader(config.database).close()
    with closing(open_writer(config.database)) as connection:
        count = marks.standing(connection, config.database).unreadable
        if count:
            said = f"{count} marks can't be read. Whom they kept from being called may be called again."
            ask(f"{said} Drop them?", yes=yes)
        keys = read_keys(config.database)
        with writing(connection):
            count = marks.drop_unreadable(connection, keys)
    if json:
        print_json({"dropped": count})
    elif count:
        typer.echo(f"{count} marks taken away. Erase again whoever you know of: `{program()} forget PHONE`.")
    else:
        typer.echo("Every mark can be read; nothing was taken away.")
