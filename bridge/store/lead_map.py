"""SQL of the lead map: what an answer shows of a lead, and what a lost one leaves in doubt.

Rule for editors: `body` is what was delivered last. A field that a lost request may have changed since is in
`doubtful` until a delivery says it anew: else an opt-out, or a change back, would look like no change at all.
"""

import json
import sqlite3
from typing import Literal

from bridge.outbox.body import merge, settled, still_doubtful
from bridge.outbox.facts import Body

Place = tuple[str, str, str]  # account, campaign id, phone


def known_body(connection: sqlite3.Connection, place: Place) -> Body | None:
    """Reads what was delivered to this lead last, as far as it is known."""
    row = connection.execute(
        "SELECT body FROM lead_map WHERE account = ? AND campaign_id = ? AND phone = ?", place
    ).fetchone()
    return json.loads(row["body"]) if row and row["body"] else None


def write_absent(connection: sqlite3.Connection, place: Place) -> None:
    """Fusion doesn't have this lead."""
    connection.execute("DELETE FROM lead_map WHERE account = ? AND campaign_id = ? AND phone = ?", place)


def write_there(
    connection: sqlite3.Connection,
    place: Place,
    *,
    lead_id: str | None,
    origin: Literal["created", "found"],
    delivered: Body | None,
    now: float,
) -> None:
    """Fusion has this lead, and was given `delivered`; what that says isn't in doubt any more."""
    body, doubtful = None, "[]"
    if delivered is not None:
        row = connection.execute(
            "SELECT body, doubtful FROM lead_map WHERE account = ? AND campaign_id = ? AND phone = ?", place
        ).fetchone()
        known = json.loads(row["body"]) if row and row["body"] else None
        body = json.dumps(settled(merge(known, delivered)))
        if row:
            doubtful = json.dumps(sorted(still_doubtful(json.loads(row["doubtful"]), known, delivered)))
    connection.execute(
        """
        INSERT INTO lead_map (account, campaign_id, phone, lead_id, body, delivered_at, origin, doubtful)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (account, campaign_id, phone) DO UPDATE SET
            lead_id = COALESCE(excluded.lead_id, lead_id),
            body = COALESCE(excluded.body, body),
            delivered_at = COALESCE(excluded.delivered_at, delivered_at),
            doubtful = CASE WHEN excluded.body IS NULL THEN doubtful ELSE excluded.doubtful END
        """,
        (*place, lead_id, body, now if body else None, origin, doubtful),
    )


def write_doubt(connection: sqlite3.Connection, place: Place, body: Body) -> None:
    """An update of this lead is given up, and one of its requests may have been carried out.

    Whether any was isn't asked: a newer version forgets the tries of those before it. A needless doubt costs
    one request, a missed one an opt-out.
    """
    connection.execute(
        """
        UPDATE lead_map SET doubtful = (
            SELECT json_group_array(value) FROM (
                SELECT value FROM json_each(lead_map.doubtful) UNION SELECT value FROM json_each(?)
            )
        )
        WHERE account = ? AND campaign_id = ? AND phone = ?
        """,
        (json.dumps([name for name in body if name != "phone"]), *place),
    )
