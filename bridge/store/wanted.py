"""SQL of what an event wanted: the lead as the rules made it, the rule of each field, and which rules.

Rule for editors: what is kept here goes with the event's payload (a trigger sees to it).
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.model import Mapped
from bridge.outbox.body import body_of


@dataclass(frozen=True, slots=True)
class Wanted:
    """What one event wanted, as the rules of that time made it."""

    rules: str  # a fingerprint
    since: float | None = None  # when these rules were used first
    account: str = ""
    campaign_id: str = ""
    body: Mapping[str, Any] | None = None  # None: no lead, or gone with the payload
    places: Mapping[str, list[str]] = field(default_factory=dict)  # by field


_NAME_MAX = 100


def write(
    connection: sqlite3.Connection, event_id: int, mapped: Mapped, rules: str, *, name: str = ""
) -> None:
    """Keep what the rules made of an event, and the contact's name; nothing of one that is erased."""
    goal, lead = mapped.destination, mapped.lead
    connection.execute(
        """
        INSERT OR REPLACE INTO event_leads (event_id, rules, name, account, campaign_id, phone, body, places)
        SELECT id, ?, ?, ?, ?, ?, ?, ? FROM events WHERE id = ? AND length(payload) > 0
        """,
        (
            rules,
            name[:_NAME_MAX],
            goal.account if goal else "",
            goal.campaign_id if goal else "",
            mapped.phone if lead else "",
            json.dumps(body_of(lead)) if lead else None,
            json.dumps(_places(mapped)),
            event_id,
        ),
    )


def _places(mapped: Mapped) -> dict[str, list[str]]:
    """By field the rules that gave it something."""
    found: dict[str, list[str]] = {}
    for trace in mapped.trace if mapped.lead else ():
        if trace.after is not None and trace.at not in found.setdefault(trace.field, []):
            found[trace.field].append(trace.at)
    return found


def read(connection: sqlite3.Connection, event_id: int) -> Wanted | None:
    """Reads what an event wanted; None when a release before this one resolved it, or none has yet."""
    row = connection.execute(
        """
        SELECT e.rules, r.since, e.account, e.campaign_id, e.body, e.places
        FROM event_leads AS e LEFT JOIN rule_sets AS r ON r.rules = e.rules
        WHERE e.event_id = ?
        """,
        (event_id,),
    ).fetchone()
    if row is None:
        return None
    body = json.loads(row["body"]) if row["body"] else None
    return Wanted(**{**dict(row), "body": body, "places": json.loads(row["places"])})
