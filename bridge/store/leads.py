"""SQL of the mapping table as people see it: which phone is which lead, and who is behind it.

Reads only. Rule for editors: with hundreds of thousands of leads the list still answers at once, so it walks
an index from what was delivered last (a test asks SQLite).
"""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from bridge.store.queries import COUNTED, ENDING, ending


@dataclass(frozen=True, slots=True)
class LeadLine:
    """A row of the mapping table, and who is behind it."""

    account: str
    campaign_id: str
    phone: str
    lead_id: str | None
    name: str
    contacts: tuple[str, ...]
    delivered_at: float | None
    origin: str
    do_not_call: bool
    body: dict[str, Any] | None


# Accounts are found by leaping from one to the next.
_ACCOUNTS = """
WITH RECURSIVE accounts (name) AS (
    SELECT MIN(account) FROM lead_map
    UNION ALL
    SELECT (SELECT MIN(account) FROM lead_map WHERE account > name) FROM accounts WHERE name IS NOT NULL
)
SELECT name FROM accounts WHERE name IS NOT NULL
"""
_COLUMNS = """
l.*,
COALESCE(json_extract(l.body, '$.name'), '') AS name,
EXISTS (
    SELECT 1 FROM contact_map AS c
    WHERE c.phone = l.phone AND c.phone <> '' AND (c.blocked OR c.deleted)
) AS do_not_call,
(
    SELECT json_group_array(c.contact_id) FROM contact_map AS c
    WHERE c.phone = l.phone AND c.phone <> ''
) AS contacts
"""
# A plus keeps SQLite from walking a whole account where few phones are asked for.
_CLAUSES = {
    "phone": "l.phone = :phone",
    "end": f"l.phone IN (SELECT phone FROM lead_map WHERE {ENDING})",  # noqa: S608 - our own words
    "blocked": "l.phone IN (SELECT c.phone FROM contact_map AS c WHERE c.blocked OR c.deleted)",
}


def list_leads(
    connection: sqlite3.Connection, *, phone: str = "", account: str = "", blocked: bool = False, limit: int
) -> list[LeadLine]:
    """The mapping table, last delivered first; with limit 0 all. `phone` is E.164, or the end of one."""
    rows = _last_delivered(connection, _COLUMNS, phone, account, blocked=blocked, limit=limit)
    rows.sort(key=lambda row: row["delivered_at"] or 0.0, reverse=True)
    return [_line(row) for row in rows[: limit or None]]


def count_lead_lines(
    connection: sqlite3.Connection, *, phone: str = "", account: str = "", blocked: bool = False
) -> int:
    """How long that list is; COUNTED when it is longer."""
    rows = _last_delivered(connection, "1", phone, account, blocked=blocked, limit=COUNTED)
    return min(len(rows), COUNTED)


def _last_delivered(
    connection: sqlite3.Connection, columns: str, phone: str, account: str, *, blocked: bool, limit: int
) -> list[sqlite3.Row]:
    """Those of each account; with limit 0 all."""
    exact = phone.startswith("+")
    names = {"phone": exact, "end": phone and not exact, "blocked": blocked}
    clauses = [_CLAUSES[name] for name, asked in names.items() if asked]
    values: dict[str, object] = {"limit": limit or -1, "phone": phone}
    if phone and not exact:
        values |= ending(phone)
    # One account a query: (account, delivered_at) is an index. Where phones are asked for there is another.
    few = bool(clauses)
    accounts = [account] if account or few else [row["name"] for row in connection.execute(_ACCOUNTS)]
    rows: list[sqlite3.Row] = []
    for name in accounts:
        of_account = [f"{'+' if few else ''}l.account = :account"] if name else []
        query = f"""
            SELECT {columns}
            FROM (
                SELECT * FROM lead_map AS l
                WHERE {" AND ".join([*of_account, *clauses])}
                ORDER BY l.delivered_at DESC
                LIMIT :limit
            ) AS l
        """  # noqa: S608 - our own clauses; what people typed is in the values
        rows += connection.execute(query, {**values, "account": name}).fetchall()
    return rows


def _line(row: sqlite3.Row) -> LeadLine:
    return LeadLine(
        account=row["account"],
        campaign_id=row["campaign_id"],
        phone=row["phone"],
        lead_id=row["lead_id"],
        name=row["name"],
        contacts=tuple(json.loads(row["contacts"])),
        delivered_at=row["delivered_at"],
        origin=row["origin"],
        do_not_call=bool(row["do_not_call"]),
        body=json.loads(row["body"]) if row["body"] else None,
    )
