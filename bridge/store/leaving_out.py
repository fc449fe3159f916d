"""SQL of what a lead goes without: fields that Fusion refused, and that a lead can do without.

The value stays in `body` of the outbox and of the lead map, so that the same value counts as unchanged; the
names of such fields are kept beside it. Rule for editors: a new value of a field is always sent.
"""

import json
import sqlite3
from collections.abc import Collection, Mapping
from typing import Any

from bridge.outbox.facts import Body

Place = tuple[str, str, str]  # account, campaign id, phone


def parted(
    body: Mapping[str, Any], left_out: str, *, keeps_tag: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The body as it is sent, and what is left out of it.

    `keeps_tag`: the first tag is the bridge's own, an opt-out's perhaps, and goes whatever Fusion refuses.
    """
    names = json.loads(left_out)
    sent = {name: value for name, value in body.items() if name not in names}
    if keeps_tag and "tags" in names and body.get("tags"):
        sent["tags"] = body["tags"][:1]
    return sent, {name: value for name, value in body.items() if name in names}


def refused_before(connection: sqlite3.Connection, place: Place, body: Body) -> str:
    """Which fields of the body Fusion has refused with this very value (JSON)."""
    row = connection.execute(
        "SELECT body, refused FROM lead_map WHERE account = ? AND campaign_id = ? AND phone = ?", place
    ).fetchone()
    known = json.loads(row["body"]) if row and row["body"] else {}
    names = json.loads(row["refused"]) if row else []
    return json.dumps([name for name in names if name in body and body[name] == known.get(name)])


def leave_out(connection: sqlite3.Connection, outbox_id: int, fields: Collection[str]) -> None:
    """This row's requests go without these fields from now on."""
    connection.execute(
        """
        UPDATE outbox SET left_out = (
            SELECT json_group_array(value) FROM (
                SELECT value FROM json_each(outbox.left_out) UNION SELECT value FROM json_each(?)
            )
        )
        WHERE id = ?
        """,
        (json.dumps(sorted(fields)), outbox_id),
    )


def write_refused(
    connection: sqlite3.Connection, place: Place, delivered: Collection[str], withheld: Collection[str]
) -> None:
    """After a delivery: which fields of the lead map's body Fusion doesn't have."""
    connection.execute(
        """
        UPDATE lead_map SET refused = (
            SELECT json_group_array(value) FROM (
                SELECT value FROM json_each(lead_map.refused)
                WHERE value NOT IN (SELECT value FROM json_each(?))
                UNION SELECT value FROM json_each(?)
            )
        )
        WHERE account = ? AND campaign_id = ? AND phone = ?
            AND (refused <> '[]' OR ? <> '[]')
        """,
        (json.dumps(sorted(delivered)), (names := json.dumps(sorted(withheld))), *place, names),
    )


def warn(connection: sqlite3.Connection, event_id: int, fields: Collection[str], words: str) -> None:
    """The event says what its lead goes without, and why."""
    warnings = [f"{name}: left out, because Fusion refused it: {words}" for name in sorted(fields)]
    connection.execute(
        """
        UPDATE events SET warnings = (
            SELECT json_group_array(value) FROM (
                SELECT value FROM json_each(events.warnings) UNION ALL SELECT value FROM json_each(?)
            )
        )
        WHERE id = ?
        """,
        (json.dumps(warnings), event_id),
    )
