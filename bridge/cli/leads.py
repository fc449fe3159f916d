"""`bridge leads`: the mapping table, this phone is that lead.

Knows columns; the rows are `store.queries`'. Rule for editors: a person who must not be called is told apart
from everybody else at a glance.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, load_config
from bridge.cli.output import JsonOption, console, local_time, print_json, table
from bridge.cli.sheet import short

if TYPE_CHECKING:
    from bridge.store.queries import LeadLine

# From here on everything fits in a line.
NARROW = 120


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    phone: selecting.PhoneOption = "",
    account: Annotated[
        str, typer.Option("--account", metavar="NAME", help="Only those of this Fusion account.")
    ] = "",
    blocked: Annotated[
        bool, typer.Option("--blocked", help="Only people who must not be called, or were deleted.")
    ] = False,
    limit: selecting.LimitOption = 50,
    json: JsonOption = False,
) -> None:
    """List the leads that Fusion has from us, the last delivered first, and the contacts behind each.

    `created`: by the bridge. `found`: Fusion had it before. A narrow screen shortens ids; a wide one, a
    pipe and --json show them whole.

    Example:
      bridge leads
      bridge leads --phone '(202) 555-0101'
      bridge leads --blocked --limit 1000 --json
    """
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.queries import list_leads  # noqa: PLC0415

    loaded = load_config(config)
    digits = selecting.phone(phone, loaded.default_region)
    found = list_leads(
        open_reader(loaded.database), phone=digits, account=account, blocked=blocked, limit=limit
    )
    if json:
        print_json([selecting.for_json(lead) for lead in found])
    elif found:
        _tell(found, limit, accounts=len(loaded.fusion.accounts))
    else:
        typer.echo("no such leads" if phone or account or blocked else "no leads yet")


def _tell(found: "list[LeadLine]", limit: int, *, accounts: int) -> None:
    narrow = console().width < NARROW
    cells = [_cells(lead, narrow=narrow) for lead in found]
    headings = [name for name in cells[0] if name != "account" or accounts > 1]
    whole = [place for place, name in enumerate(headings) if name != "name"]
    table(headings, [[row[name] for name in headings] for row in cells], whole=whole)
    if len(found) == limit:
        typer.echo(f"\nThe last {limit} delivered; --limit shows more.")


def _cells(lead: "LeadLine", *, narrow: bool) -> dict[str, str]:
    """By heading. A narrow screen gets the day instead of the minute, and one contact and how many more."""
    contacts = [short(contact) for contact in lead.contacts]
    if narrow and len(contacts) > 1:
        contacts = [f"{contacts[0]} +{len(contacts) - 1}"]
    delivered = local_time(lead.delivered_at)[: 10 if narrow else 16] if lead.delivered_at else ""
    return {
        "phone": lead.phone,
        "name": lead.name,
        "account": lead.account,
        "campaign": short(lead.campaign_id) or ("default" if narrow else "Default Feed"),
        "lead id": short(lead.lead_id or ""),
        "contacts": ", ".join(contacts),
        "delivered": delivered,
        "origin": lead.origin,
        "call": "never" if lead.do_not_call else "",
    }
