"""SQL of mending the lead map: what it has and Fusion, whose whole list was read, hasn't.

Rule for editors: a lead that is forgotten wrongly isn't tagged when its person opts out, so that a list in
doubt forgets nothing.
"""

import sqlite3
from dataclasses import dataclass

from bridge.store.adopting import Progress


@dataclass(frozen=True, slots=True)
class Missing:
    """A lead that the map had, and Fusion hasn't."""

    phone: str
    lead_id: str | None


# Fusion may show a list as it was a moment ago.
_LATELY_S = 60.0


def mend(connection: sqlite3.Connection, account: str, campaign_id: str, read: Progress) -> list[Missing]:
    """Forget leads of this list that Fusion hasn't any more, so that the next event creates them.

    Only after a list that was shown whole, as its total says. What was delivered since it began, and what a
    row of the outbox is about to find out, stays.
    """
    if read.began_at is None or read.total is None:
        return []
    place = {"account": account, "campaign": campaign_id, "began": read.began_at}
    shown = connection.execute(
        """
        SELECT COUNT(*) FROM lead_map
        WHERE account = :account AND campaign_id = :campaign
            AND (seen_at >= :began OR delivered_at >= :began)
        """,
        place,
    ).fetchone()[0]
    if shown + read.not_taken < read.total:
        return []
    rows = connection.execute(
        """
        DELETE FROM lead_map
        WHERE account = :account AND campaign_id = :campaign
            AND COALESCE(seen_at, 0) < :began AND COALESCE(delivered_at, 0) < :began - :lately
            AND NOT EXISTS (
                SELECT 1 FROM outbox AS o
                WHERE o.account = :account AND o.campaign_id = :campaign AND o.phone = lead_map.phone
            )
        RETURNING phone, lead_id
        """,
        {**place, "lately": _LATELY_S},
    ).fetchall()
    return sorted((Missing(row["phone"], row["lead_id"]) for row in rows), key=lambda each: each.phone)
