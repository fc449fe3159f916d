"""`bridge leads`: the mapping table, this phone is that lead.

Knows columns; the rows are `store.leads`'. Rule for editors: a person who must not be called is told apart
from everybody else at a glance.
"""

from typing import TYPE_CHECKING, Annotated

import typer

from bridge.cli import selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, outline
from bridge.cli.output import JsonOption, console, local_time, print_json, table
from bridge.cli.sheet import cut, room_of, short

if TYPE_CHECKING:
    from bridge.store.leads import LeadLine

# From here on there is room for the time and for every contact.
NARROW = 120
# Where it is narrower yet these go, the first one first, until a name has so much room.
_GOES_FIRST = ("origin", "lead id", "contacts", "campaign", "account", "delivered")
_NAME = 18
_BETWEEN = 2  # columns


def command(
    *,
    config: ConfigOption = DEFAULT_CONFIG,
    phone: selecting.PhoneOption = "",
    account: Annotated[
        str,
        typer.Option(
            "--account", metavar="NAME", callback=selecting.words, help="Only those of this Fusion account."
        ),
    ] = "",
    blocked: Annotated[
        bool, typer.Option("--blocked", help="Only people who must not be called, or were deleted.")
    ] = False,
    limit: selecting.LimitOption = 50,
    json: JsonOption = False,
) -> None:
    """List the leads that Fusion has from us, the last delivered first, and the contacts behind each.

    `created`: by the bridge. `found`: Fusion had it before. `adopted`: learned from Fusion's list. A narrow
    screen shortens ids and names, and leaves columns out; a wide one, a pipe and --json show them whole.

    Example:
      bridge leads
      bridge leads --phone '(202) 555-0101'
      bridge leads --blocked --limit 0 --json
    """
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.leads import count_lead_lines, list_leads  # noqa: PLC0415
    from bridge.store.queries import COUNTED  # noqa: PLC0415

    known = outline(config)
    digits = selecting.phone(phone, known.default_region)
    reader = open_reader(known.database)
    found = list_leads(reader, phone=digits, account=account, blocked=blocked, limit=limit)
    if json:
        print_json([selecting.for_json(lead) for lead in found])
    elif found:
        _tell(found, several=len({*known.accounts, *(lead.account for lead in found)}) > 1)
    else:
        typer.echo("no such leads" if phone or account or blocked else "no leads yet")
    if limit and len(found) == limit:
        total = count_lead_lines(reader, phone=digits, account=account, blocked=blocked)
        selecting.tell_rest(limit, total, at_least=total == COUNTED)


def _tell(found: "list[LeadLine]", *, several: bool) -> None:
    width = console().width
    cells = [_cells(lead, narrow=width < NARROW) for lead in found]
    headings = [name for name in cells[0] if name != "account" or several]
    headings, room = _fitted(headings, cells, width)
    for row in cells:
        row["name"] = cut(row["name"], room)
    table(headings, [[row[name] for name in headings] for row in cells], whole=range(len(headings)))


def _fitted(headings: list[str], cells: list[dict[str, str]], width: int) -> tuple[list[str], int]:
    """The columns that there is room for, and how much of it is left to the names: a row is a line."""
    widths = {name: max(len(name), *(room_of(row[name]) for row in cells)) for name in headings}

    def left(kept: list[str]) -> int:
        return width - sum(widths[name] + _BETWEEN for name in kept if name != "name")

    kept = list(headings)
    for name in _GOES_FIRST:
        if left(kept) >= min(widths["name"], _NAME):
            break
        kept = [each for each in kept if each != name]
    return kept, max(left(kept), len("name"))


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
