"""SQL of which Fusion an account's part of the lead map speaks of, and what happens when that changes.

What is known of leads in another Fusion is put aside, and comes back with it. Rule for editors: nothing of
the old one is believed in the new one; do-not-call is about persons, and stays.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from bridge.outbox.body import merge
from bridge.outbox.facts import NEW, UPDATE, OwnTags
from bridge.store.adopting import tag_opt_outs
from bridge.store.events import release
from bridge.store.queries import has_table
from bridge.store.resolving import LANE

_TABLES = (
    ("lead_map", "campaign_id, phone, lead_id, body, delivered_at, origin, doubtful, refused"),
    ("adoptions", "campaign_id, next_page, total, done_at"),
)
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of one account whose Fusion is another one now."""

    account: str
    before: str
    now: str
    put_aside: int  # leads of the one before
    back: int  # leads of this one, which it had before
    dropped: int  # requests that only changed leads of the one before


@dataclass(frozen=True, slots=True)
class Aside:
    """Leads of another Fusion that are put aside, for `bridge status`."""

    fusion: str
    leads: int


@dataclass(frozen=True, slots=True)
class Bound:
    """The Fusion that an account's leads are in."""

    fusion: str
    since: float
    aside: tuple[Aside, ...] = ()


def origin_of(base_url: str) -> str:
    """Scheme, host and port: what distinguishes one Fusion from another, which shows no account id."""
    parts = urlsplit(base_url.lower())
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = "" if parts.port in (None, _PORTS.get(parts.scheme)) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def elsewhere(connection: sqlite3.Connection, accounts: Iterable[str], fusion: str) -> list[str]:
    """Reads which of these accounts have their leads in another Fusion, as far as is known."""
    known = dict(connection.execute("SELECT account, fusion FROM fusion_origins").fetchall())
    return [account for account in accounts if known.get(account, fusion) != fusion]


def bound(connection: sqlite3.Connection) -> dict[str, Bound]:
    """Reads which Fusion each account is bound to, and how many leads of others are put aside."""
    if not has_table(connection, "fusion_origins"):
        return {}  # the service of this release hasn't opened it yet
    aside: dict[str, list[Aside]] = {}
    for row in connection.execute(
        "SELECT account, fusion, COUNT(*) AS leads FROM lead_map_elsewhere GROUP BY account, fusion"
    ):
        aside.setdefault(row["account"], []).append(Aside(row["fusion"], row["leads"]))
    return {
        row["account"]: Bound(row["fusion"], row["since"], tuple(aside.get(row["account"], ())))
        for row in connection.execute("SELECT account, fusion, since FROM fusion_origins")
    }


def bind(
    connection: sqlite3.Connection, accounts: Collection[str], fusion: str, tags: OwnTags, now: float
) -> list[Changed]:
    """Bind these accounts to this Fusion. Returns those that had another one.

    One that had none yet is bound silently: its leads are taken to be in today's. Call it while no request is
    under way: what is, is left to `recovering.recover`.
    """
    changed = []
    for account in accounts:
        row = connection.execute("SELECT fusion FROM fusion_origins WHERE account = ?", (account,)).fetchone()
        if row is not None and row["fusion"] == fusion:
            continue
        connection.execute("INSERT OR REPLACE INTO fusion_origins VALUES (?, ?, ?)", (account, fusion, now))
        if row is not None:
            changed.append(_change(connection, account, row["fusion"], fusion, tags, now))
    return changed


def _change(
    connection: sqlite3.Connection, account: str, before: str, fusion: str, tags: OwnTags, now: float
) -> Changed:
    _make_whole(connection, account)
    put_aside = _put_aside(connection, account, before)
    back = _bring_back(connection, account, fusion)
    dropped = _drop_changes(connection, account, now)
    _begin_anew(connection, account, now)
    connection.execute("DELETE FROM lanes WHERE lane = ? AND account = ?", (LANE, account))
    _tag_who_opted_out(connection, account, tags, now)
    return Changed(account, before, fusion, put_aside, back, dropped)


def _make_whole(connection: sqlite3.Connection, account: str) -> None:
    """An update of the old lead becomes a creation in the new Fusion: what the old one had belongs to it."""
    rows = connection.execute(
        """
        SELECT o.id, o.body, l.body AS known FROM outbox AS o
        JOIN lead_map AS l ON l.account = o.account AND l.campaign_id = o.campaign_id AND l.phone = o.phone
        WHERE o.account = ? AND o.only_existing = '' AND o.sent_version IS NULL AND l.body IS NOT NULL
        """,
        (account,),
    ).fetchall()
    connection.executemany(
        "UPDATE outbox SET body = ? WHERE id = ?",
        [(json.dumps(merge(json.loads(row["known"]), json.loads(row["body"]))), row["id"]) for row in rows],
    )


def _put_aside(connection: sqlite3.Connection, account: str, fusion: str) -> int:
    """Move the account's leads, and how far its lists were read. Returns the number of leads."""
    place = {"account": account, "fusion": fusion}
    for table, columns in _TABLES:
        connection.execute(
            f"""
            INSERT OR REPLACE INTO {table}_elsewhere (fusion, account, {columns})
            SELECT :fusion, account, {columns} FROM {table} WHERE account = :account
            """,  # noqa: S608 - our own words
            place,
        )
    connection.execute("DELETE FROM adoptions WHERE account = :account", place)
    return connection.execute("DELETE FROM lead_map WHERE account = :account", place).rowcount


def _bring_back(connection: sqlite3.Connection, account: str, fusion: str) -> int:
    """Move back what was put aside of this Fusion. Returns the number of leads."""
    place = {"account": account, "fusion": fusion}
    for table, columns in _TABLES:
        connection.execute(
            f"""
            INSERT INTO {table} (account, {columns})
            SELECT account, {columns} FROM {table}_elsewhere WHERE account = :account AND fusion = :fusion
            """,  # noqa: S608 - our own words
            place,
        )
    here = "account = :account AND fusion = :fusion"
    connection.execute(f"DELETE FROM adoptions_elsewhere WHERE {here}", place)  # noqa: S608 - our own words
    return connection.execute(f"DELETE FROM lead_map_elsewhere WHERE {here}", place).rowcount  # noqa: S608


def _drop_changes(connection: sqlite3.Connection, account: str, now: float) -> int:
    """Withdraw rows that only change a lead which this Fusion hasn't; their events end with the reason."""
    rows = connection.execute(
        """
        DELETE FROM outbox
        WHERE account = :account AND only_existing <> '' AND sent_version IS NULL AND NOT EXISTS (
            SELECT 1 FROM lead_map AS l
            WHERE l.account = :account AND l.campaign_id = outbox.campaign_id AND l.phone = outbox.phone
        )
        RETURNING event_id, only_existing
        """,
        {"account": account},
    ).fetchall()
    for row in rows:
        release(connection, row["event_id"], now, reason=row["only_existing"])
    return len(rows)


def _begin_anew(connection: sqlite3.Connection, account: str, now: float) -> None:
    """What is wanted stays; what was tried, refused or in doubt was so in the old Fusion."""
    connection.execute(
        """
        UPDATE outbox SET
            uncertain_at = NULL, unreached_since = NULL, failures = 0, unanswered = 0, corrections = 0,
            refusals = 0, suspects = NULL, doubt = NULL, doubt_since = NULL, doubt_version = NULL,
            look_up = 0, left_out = '[]', last_error = '', due_at = MIN(due_at, :now),
            priority = CASE WHEN priority = :update AND NOT EXISTS (
                SELECT 1 FROM lead_map AS l
                WHERE l.account = :account AND l.campaign_id = outbox.campaign_id AND l.phone = outbox.phone
            ) THEN :new ELSE priority END
        WHERE account = :account AND sent_version IS NULL
        """,
        {"account": account, "now": now, "update": UPDATE, "new": NEW},
    )


def _tag_who_opted_out(connection: sqlite3.Connection, account: str, tags: OwnTags, now: float) -> None:
    """Leads that came back: who opted out while they were put aside must not be called."""
    phones: dict[str, list[str]] = {}
    for row in connection.execute(
        """
        SELECT DISTINCT l.campaign_id, l.phone
        FROM contact_map AS c JOIN lead_map AS l ON l.phone = c.phone
        WHERE l.account = ? AND (c.blocked OR c.deleted)
        """,
        (account,),
    ):
        phones.setdefault(row["campaign_id"], []).append(row["phone"])
    for campaign_id, those in phones.items():
        tag_opt_outs(connection, account, campaign_id, those, tags, now)
