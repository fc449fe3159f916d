"""`bridge show`: one event from its arrival to its end, with every request that carried it.

Knows the order in which somebody asks: what became of it, why, what to do; then the evidence. Rule for
editors: the payload comes last, because it is long.
"""

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bridge.cli import holding, selecting
from bridge.cli.configured import DEFAULT_CONFIG, ConfigOption, Outline, outline
from bridge.cli.events import overtaken
from bridge.cli.output import JsonOption, colour, duration, local_time, print_json, printable, table
from bridge.cli.sheet import facts, section
from bridge.cli.status_accounts import window_of
from bridge.errors import BridgeError
from bridge.spoken import COLOURS

if TYPE_CHECKING:
    import sqlite3

    from bridge.store.story import Attempt, Owed, Story
    from bridge.store.wanted import Wanted


def command(
    *,
    event_id: Annotated[int, typer.Argument(metavar="ID", help="Its number, as `bridge events` lists it.")],
    config: ConfigOption = DEFAULT_CONFIG,
    json: JsonOption = False,
) -> None:
    """Show one event: what became of it and why, what it wanted, the lead, its requests, the payload.

    What it wanted is the lead as the rules of that time made it, with the place of the rule behind
    each field. The lead in Fusion is what Fusion was last given for that phone, by this event or a
    newer one; there may be one more, of the phone that the contact had before. Shows people's data:
    mind who looks over your shoulder.

    Example:
      bridge show 1042
      bridge show 1042 --json | jq .payload
    """
    from bridge.store.database import open_reader  # noqa: PLC0415 -- bridge --help is instant without it
    from bridge.store.story import tell  # noqa: PLC0415

    known = outline(config)
    reader = open_reader(known.database)
    story = tell(reader, event_id) if event_id in selecting.IDS else None
    if story is None:
        raise BridgeError(f"there is no event {event_id}", fix="`bridge events` lists them")
    if json:
        print_json(
            {**selecting.for_json(story), "payload": None if story.emptied else _parsed(story.payload)}
        )
        return
    now = time.time()
    _tell_fate(story, now)
    _tell_wanted(story, known)
    _tell_leads(story)
    _tell_waiting(story.waiting, now, _holds(reader, story, known, now))
    _tell_attempts(story)
    _tell_bodies(story.attempts)
    section("Payload")
    if story.emptied:
        typer.echo("  gone (retention.payloads, or forget): this event can't be replayed any more")
        return
    for line in _pretty(story.payload).splitlines():
        typer.echo(f"  {printable(line)}")


def _tell_fate(story: "Story", now: float) -> None:
    location = f" in location {story.location_id}" if story.location_id else ""
    occurred = local_time(story.occurred_at) if abs(story.occurred_at - story.received_at) >= 1 else ""
    settled, newer = story.settled_at, story.superseded_by
    withdrawn = overtaken(newer, story.superseded_reason) if newer else ""
    typer.echo(typer.style(f"Event {story.id}: {story.state}", bold=True, fg=colour(COLOURS[story.state])))
    facts(
        [
            ("reason", story.reason),
            ("fix", story.fix),
            ("superseded by", f"event {newer}" if newer and not withdrawn else ""),
            ("withdrawn", withdrawn.removeprefix("withdrawn: ")),
            *(("warning", warning) for warning in story.warnings),
            ("received", f"{local_time(story.received_at)}, {duration(now - story.received_at)} ago"),
            ("occurred", occurred),
            ("settled", f"{local_time(settled)}, {duration(now - settled)} ago" if settled else ""),
            ("source", story.source),
            ("type", story.type),
            ("event id", story.external_id or ""),
            ("contact", f"{story.contact_id}{location}" if story.contact_id else ""),
            ("phone", story.phone),
            ("phone as sent", "" if story.phone else _phone_as_sent(story.payload)),
            ("route", story.route),
        ]
    )


def _tell_wanted(story: "Story", known: Outline) -> None:
    """The lead as the rules made it of this event, and the rule of each field."""
    wanted = story.wanted
    if wanted is None:
        return
    section("What the rules made of it")
    since = f", in use since {local_time(wanted.since)[:16]}" if wanted.since else ""
    differ = "; today's rules differ" if known.rules_mark not in ("", wanted.rules) else ""
    rules = ("rules", f"{wanted.rules}{since}{differ}")
    if wanted.body is None:
        facts([rules, ("lead", "gone with the payload" if story.emptied else "none")])
        return
    facts(
        [
            rules,
            ("account", f"{wanted.account}, {campaign(wanted.campaign_id)}"),
            *(
                (name.removeprefix("custom_fields."), f"{_value(value)}  ({', '.join(places)})")
                for name, value, places in _fields(wanted)
            ),
        ]
    )


def _fields(wanted: "Wanted") -> list[tuple[str, Any, list[str]]]:
    """Each field with its value and the places of its rules."""
    body = {**(wanted.body or {})}
    custom = {
        f"custom_fields.{name}": value for name, value in (body.pop("custom_fields", None) or {}).items()
    }
    return [
        (name, value, list(wanted.places.get(name, ["default"])))
        for name, value in {**body, **custom}.items()
    ]


def _tell_leads(story: "Story") -> None:
    for lead in story.leads:
        section("The lead in Fusion")
        body = {**(lead.body or {})}
        custom = body.pop("custom_fields", None) or {}
        body.pop("phone", None)  # is in every lead, also in one that was only found
        delivered = local_time(lead.delivered_at) if lead.delivered_at else "never by the bridge"
        facts(
            [
                ("phone", lead.phone),
                ("account", f"{lead.account}, {campaign(lead.campaign_id)}"),
                ("lead id", lead.lead_id or "not known"),
                ("delivered", f"{delivered}, {lead.origin}"),
                ("do not call", "yes" if lead.do_not_call else ""),
                *((name, _value(value)) for name, value in body.items()),
                *((name, _value(value)) for name, value in custom.items()),
            ]
        )


def campaign(campaign_id: str) -> str:
    """The campaign by its id, or the feed where leads without one go."""
    return f"campaign {campaign_id}" if campaign_id else "Default Feed"


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _holds(reader: "sqlite3.Connection", story: "Story", known: Outline, now: float) -> dict[str, str]:
    """Return for each account the reason why it doesn't send, in the words of `bridge status`."""
    from bridge.store.status import account_status, owner  # noqa: PLC0415

    window, running = window_of(known), bool(owner(known.database))
    return {
        name: holding.why(
            account_status(reader, name, now=now, budget=window),
            running=running,
            per_s=window.per_s,
            now=now,
        )
        for name in {row.account for row in story.waiting}
    }


def _tell_waiting(rows: "tuple[Owed, ...]", now: float, holds: dict[str, str]) -> None:
    for row in rows:
        section("Waits to be sent")
        due = f"in {duration(row.due_at - now)}" if row.due_at > now else "due"
        tries = row.failures + row.unanswered
        facts(
            [
                ("phone", row.phone),
                ("account", f"{row.account}, {campaign(row.campaign_id)}"),
                ("next try", "under way" if row.in_flight else due),
                ("waits for", "" if row.in_flight else holds.get(row.account, "")),
                ("tries", str(tries) if tries else ""),
                ("last error", row.last_error),
            ]
        )


def _tell_attempts(story: "Story") -> None:
    if not story.attempts:
        return
    section("Requests that carried it")
    cells = [_attempt(each) for each in story.attempts]
    headings = [name for name in cells[0] if name != "phone" or len(story.phones) > 1]
    table(
        headings,
        [[row[name] for name in headings] for row in cells],
        right=(headings.index("ms"),),
        whole=[headings.index(name) for name in headings if name not in ("status", "ms", "error")],
    )


def _attempt(attempt: "Attempt") -> dict[str, str]:
    """By heading. The phone matters where an event asks something for the phone before, too."""
    return {
        "  no.": f"{attempt.id:>5}",
        "sent": local_time(attempt.started_at)[:19],
        "phone": ", ".join(attempt.phones),
        "method": attempt.method if attempt.leads == 1 else f"{attempt.method} of {attempt.leads}",
        "status": str(attempt.status or ""),
        "outcome": attempt.outcome or "under way",
        "ms": "" if attempt.ms is None else f"{attempt.ms:.0f}",
        "error": attempt.error,
    }


def _tell_bodies(attempts: "tuple[Attempt, ...]") -> None:
    """Print the bodies that were sent for this event. A repeated body is printed once."""
    import json  # noqa: PLC0415 -- the option has that name

    said: dict[str, int] = {}
    lines = []
    for attempt in attempts:
        for body in attempt.bodies:
            text = json.dumps(body, ensure_ascii=False)
            lines.append((str(attempt.id), f"the same as {said[text]}" if text in said else text))
            said.setdefault(text, attempt.id)
    if lines:
        section("What was sent for it")
        facts(lines)


def _phone_as_sent(payload: bytes) -> str:
    """Where senders put it; reasons mask it, because they are logged."""
    from bridge.inbound.ghl import nested, said  # noqa: PLC0415

    body = _parsed(payload)
    if not isinstance(body, dict):
        return ""
    inner = [nested(body, name) for name in ("contact", "data", "customData")]
    return said((body, *inner), "phone", "phone_number", "phoneNumber", "mobile")


def _parsed(payload: bytes) -> Any:
    from bridge.errors import MalformedPayload  # noqa: PLC0415
    from bridge.inbound.body import parse  # noqa: PLC0415

    try:
        return parse(payload)
    except MalformedPayload:  # by an older bridge, perhaps
        return payload.decode(errors="replace")


def _pretty(payload: bytes) -> str:
    import json  # noqa: PLC0415 -- the option has that name

    return json.dumps(_parsed(payload), indent=2, ensure_ascii=False)
