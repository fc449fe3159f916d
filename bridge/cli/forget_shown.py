"""What `bridge forget` says: what there is of a person, what went, and what a human still has to do.

Rule for editors: no phone, name or address gets to the screen; leads are named by their ids.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bridge.cli.output import program, table
from bridge.cli.sheet import facts
from bridge.errors import BridgeError
from bridge.masking import mask_phone

if TYPE_CHECKING:
    from bridge.store.forgetting import Place
    from bridge.store.person import Lead
    from bridge.worker.forgetting import Erased, Found


def tell_found(found: "Found") -> None:
    """What there is of them, and the leads that only a human can delete: before these are forgotten."""
    held, person = found.held, found.person
    whose = mask_phone(person.phone)
    if not held.anything:
        known = "was erased before" if found.marked else "is unknown here"
        typer.echo(f"{whose} {known}: nothing is stored of it.")
        return
    typer.echo(f"Of {whose} there is")
    facts(
        [
            ("events", f"{held.events:,}"),
            ("contacts", f"{held.contacts:,}"),
            ("other phones of theirs", f"{len(person.phones) - 1}" if len(person.phones) > 1 else ""),
            ("leads in Fusion", f"{len(held.leads):,}"),
            ("waiting to be sent", f"{held.waiting:,}" if held.waiting else ""),
            ("requests", f"{held.requests:,}"),
        ]
    )
    if person.elsewhere:
        one = person.elsewhere == 1
        typer.echo(
            f"{'A contact' if one else f'{person.elsewhere:,} contacts'} had this phone once and "
            f"{'has' if one else 'have'} another now: not erased but for events with this phone. "
            f"If it is the same person, erase that phone, too."
        )
    tell_leads(held.leads)
    typer.echo()


def tell_leads(leads: "Sequence[Lead]") -> None:
    """What only a human can delete."""
    if not leads:
        return
    typer.echo("\nFusion still has these leads, and may call them. Delete them there; the bridge can't:")
    table(
        ("account", "campaign", "lead"),
        [
            (lead.account, lead.campaign_id or "Default Feed", lead.lead_id or "by its phone")
            for lead in leads
        ],
        whole=range(3),
    )


def tell_erased(erased: "Erased") -> None:
    """What went, and what is left to do."""
    typer.echo("The bridge sends nothing of them any more: whatever comes is skipped, and not kept.")
    facts(
        [
            ("events emptied", f"{erased.events:,}"),
            ("taken back from the outbox", f"{erased.withdrawn:,}" if erased.withdrawn else ""),
            ("other events that mentioned them", f"{erased.others:,}" if erased.others else ""),
            ("other entries that did", f"{erased.words:,}" if erased.words else ""),
            ("the file", "written anew" if erased.vacuumed else ""),
        ]
    )
    if erased.unsure:
        places = "; ".join(_place(each) for each in erased.unsure)
        typer.echo(f"A lead was on its way. Look for their phone in Fusion, and delete it there: {places}.")
    if erased.shared:
        typer.echo("An e-mail address of theirs is somebody else's, too; there it stays.")
    if erased.clean:
        typer.echo("Nothing of them is left in the database, its log, or its free pages.")
    typer.echo(
        "Copies made before still hold them, and logs their masked numbers. Delete the contact in GHL, too."
    )


def _place(place: "Place") -> str:
    account, campaign = place
    return f"{account}, {campaign or 'Default Feed'}"


def trouble_of(erased: "Erased", database: Path) -> BridgeError | None:
    """What keeps the erasure from being whole; None when nothing does."""
    if erased.open_key is not None:
        said = f"warning: others may read the key of the marks; `chmod 600 {erased.open_key}`"
        typer.echo(said, err=True)
    if erased.clean:
        return None
    if not erased.flushed:
        who = f"another program reads {database} all the time (Litestream, or a backup)"
        return BridgeError(
            f"the tables are clean, the log isn't: {who}",
            fix=f"wait for it or stop it, then run `{program()} forget` with this phone again",
        )
    if erased.service:
        return BridgeError(
            "the tables are clean; traces may be left in the file between other rows, and while the service "
            "runs it can't be written anew",
            fix="stop it (`systemctl stop bridge`, or `docker compose stop bridge`), "
            f"run `{program()} forget` with this phone again, and start it",
        )
    return BridgeError(
        "the tables are clean, but the file mentions them where the bridge doesn't look",
        fix="report this: it is a bug of the bridge",
    )


def found_as_json(found: "Found") -> dict[str, Any]:
    """The same as data."""
    held, person = found.held, found.person
    return {
        "events": held.events,
        "contacts": held.contacts,
        "phones": len(person.phones),
        "waiting": held.waiting,
        "requests": held.requests,
        "leads_in_fusion": _leads_as_json(held.leads),
        "contacts_with_another_phone_now": person.elsewhere,
        "marked_before": found.marked,
    }


def erased_as_json(erased: "Erased") -> dict[str, Any]:
    """The same as data; `clean` says whether the file is proved to hold nothing of them."""
    return {
        "dry_run": False,
        **found_as_json(erased.found),
        "leads_in_fusion": _leads_as_json(erased.leads),
        "withdrawn": erased.withdrawn,
        "events_emptied": erased.events,
        "others_redacted": erased.others,
        "entries_redacted": erased.words,
        "shared_emails": erased.shared,
        "perhaps_in_fusion": [{"account": name, "campaign_id": campaign} for name, campaign in erased.unsure],
        "file_written_anew": erased.vacuumed,
        "clean": erased.clean,
    }


def _leads_as_json(leads: "Sequence[Lead]") -> list[dict[str, Any]]:
    return [
        {"account": lead.account, "campaign_id": lead.campaign_id, "lead_id": lead.lead_id} for lead in leads
    ]
