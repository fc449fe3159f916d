"""Composing from 100,000 waiting rows, beside 10 thousand, 100 thousand and a million delivered events.

In this process, on a database file as a service leaves it, filled by SQL. A turn is one `claim` with room for
four requests: the budget read, the requests composed, attempts and rows written; the commit is told apart.
What was claimed leaves the outbox, so that every turn meets other rows.
"""

import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bridge.outbox.budget import Budget
from bridge.outbox.facts import BACKFILL, DO_NOT_CALL, NEW, UPDATE
from bridge.store.claiming import claim
from bridge.store.database import open_writer
from tests.benchmarks.table import Figure, below, note

WAITING = 100_000
DELIVERED = (10_000, 100_000, 1_000_000)
TURNS = 40
ROOM = 4
BOUND_MS = 20.0
_FLAT = 2.0  # of the median at a million to that at ten thousand
_NOW = 1_790_000_000.0
_APART_S = 2.5  # 24 turns a window: about 100 requests count in each, as with Fusion's limit
_BUDGET = (240, 60)  # of which 120 leave at once

_CAMPAIGN = "printf('6f1c2a90-3f0e-4b7e-9c1d-%012d', i % 30)"
_NUMBERS = "WITH RECURSIVE n (i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i < :last)"
_BODY = """json_object(
    'phone', '+1' || (2000000000 + i), 'name', 'Avery Sample ' || i,
    'email', 'avery.sample.' || i || '@example.com', 'company', 'Example Fitness Studio',
    'tags', json_array('bridge-test', 'spring-campaign', 'gohighlevel')
)"""


@dataclass(frozen=True, slots=True)
class Mix:
    """What waits: SQL of each row's campaign, priority, and of which leads are known (by `i`)."""

    name: str
    campaign: str
    priority: str
    known: str


MIXES = (
    Mix("all new, one campaign", "''", f"{NEW}", "0"),
    Mix("all new, 30 campaigns in turns", _CAMPAIGN, f"{NEW}", "0"),
    Mix("all updates", "''", f"{UPDATE}", "1"),
    Mix(
        "new, updates, backfill, do-not-call",
        _CAMPAIGN,
        f"CASE WHEN i % 5000 = 0 THEN {DO_NOT_CALL} WHEN i % 10 < 5 THEN {NEW} "
        f"WHEN i % 10 < 9 THEN {UPDATE} ELSE {BACKFILL} END",
        "i % 5000 = 0 OR i % 10 BETWEEN 5 AND 8",
    ),
)


def run(folder: Path) -> list[Figure]:
    """The same database three times, larger each time."""
    folder.mkdir(parents=True, exist_ok=True)
    connection = open_writer(folder / "compose.db")
    connection.execute("PRAGMA synchronous = OFF")  # while it is filled, and only then
    _queue(connection)
    medians: dict[str, list[float]] = {mix.name: [] for mix in MIXES}
    figures: list[Figure] = []
    there = 0
    for delivered in DELIVERED:
        connection.execute("DELETE FROM outbox")
        connection.execute("DELETE FROM attempts WHERE started_at >= ?", (_NOW,))
        _deliver(connection, there, delivered)
        there = delivered
        size = (folder / "compose.db").stat().st_size / 2**20
        figures.append(
            note(f"composing from {WAITING:,} rows beside {delivered:,} delivered", f"{size:,.0f} MiB")
        )
        for mix in MIXES:
            turns, commits = _turns(connection, mix)
            medians[mix.name].append(median(turns))
            figures += [
                below(f"  {mix.name}: a turn, ms: median", median(turns), BOUND_MS),
                note("    slowest; with its commit, median", f"{max(turns):.1f}; {median(commits):.1f}"),
            ]
    connection.close()
    return figures + [
        below(f"flat: {mix.name}, most to fewest delivered", each[-1] / each[0], _FLAT, "{:.2f}")
        for mix, each in zip(MIXES, medians.values(), strict=True)
    ]


def _turns(connection: sqlite3.Connection, mix: Mix) -> tuple[list[float], list[float]]:
    _wait(connection, mix)
    connection.execute("PRAGMA synchronous = FULL")
    budget = Budget(*_BUDGET)
    turns, commits = [], []
    for number in range(TURNS):
        now = _NOW + number * _APART_S
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        claimed = claim(connection, "main", budget=budget, room=ROOM, now=now).claimed
        composed = time.perf_counter()
        connection.execute("COMMIT")
        commits.append((time.perf_counter() - began) * 1000)
        turns.append((composed - began) * 1000)
        places = [row.place for each in claimed for row in each.rows]
        if len(claimed) != ROOM or len(places) != len(set(places)):
            raise RuntimeError(f"{len(claimed)} requests, {len(places)} rows, {len(set(places))} different")
        _answer(connection, now)
    connection.execute("PRAGMA synchronous = OFF")
    return turns, commits


def _answer(connection: sqlite3.Connection, now: float) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("DELETE FROM outbox WHERE sent_version IS NOT NULL")
    connection.execute(
        "UPDATE attempts SET answered_at = ?, outcome = 'delivered' WHERE answered_at IS NULL", (now + 0.2,)
    )
    connection.execute("COMMIT")


def _queue(connection: sqlite3.Connection) -> None:
    """The events of what waits."""
    _fill(
        connection,
        """
        INSERT INTO events (
            id, source, external_id, type, location_id, contact_id, phone,
            received_at, occurred_at, route, state, payload
        )
        {numbers}
        SELECT i, 'app', 'waiting-' || i, 'contact.created', 'location', 'contact-' || i,
            '+1' || (2000000000 + i), :now, :now, 'all', 'queued', CAST({body} AS BLOB)
        FROM n
        """,
        1,
        WAITING,
    )


def _wait(connection: sqlite3.Connection, mix: Mix) -> None:
    """Nothing but this mix waits, and of its leads only these are known."""
    connection.execute("DELETE FROM outbox")
    connection.execute("DELETE FROM lead_map WHERE phone >= '+12000000000' AND phone < '+13000000000'")
    connection.execute("DELETE FROM attempts WHERE started_at >= ?", (_NOW,))  # of the mix before
    _fill(
        connection,
        f"""
        INSERT INTO outbox (lane, account, campaign_id, phone, body, event_id, priority, queued_at, due_at)
        {{numbers}}
        SELECT 'leads', 'main', {mix.campaign}, '+1' || (2000000000 + i), {{body}}, i, {mix.priority},
            :now - 600 + i / 200.0, :now - 600 + i / 200.0
        FROM n
        """,
        1,
        WAITING,
    )
    _fill(
        connection,
        f"""
        INSERT INTO lead_map (account, campaign_id, phone, lead_id, body, delivered_at, origin)
        {{numbers}}
        SELECT 'main', {mix.campaign}, '+1' || (2000000000 + i),
            hex(randomblob(16)), {{body}}, :now, 'created'
        FROM n WHERE {mix.known}
        """,
        1,
        WAITING,
    )
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _deliver(connection: sqlite3.Connection, before: int, delivered: int) -> None:
    """Events that came to their end long ago, a hundred a request, and the leads they made."""
    first, last = WAITING + before + 1, WAITING + delivered
    _fill(
        connection,
        """
        INSERT INTO events (
            id, source, external_id, type, location_id, contact_id, phone,
            received_at, occurred_at, settled_at, route, state, payload
        )
        {numbers}
        SELECT i, 'app', 'webhook-' || i, 'contact.created', 'location', 'contact-' || i,
            '+1' || (3000000000 + i), :now - 90000, :now - 90000, :now - 80000, 'all', 'delivered',
            CAST(printf('{{"id": %d, "%0900d": 0}}', i, i) AS BLOB)
        FROM n
        """,
        first,
        last,
    )
    _fill(
        connection,
        """
        INSERT INTO attempts (
            id, lane, account, started_at, answered_at, ms, method, path, leads, status, outcome
        )
        {numbers}
        SELECT i / 100, 'leads', 'main', :now - 80001, :now - 80000,
            200, 'POST', '/leads', 100, 201, 'delivered'
        FROM n WHERE i % 100 = 0
        """,
        first,
        last,
    )
    _fill(
        connection,
        """
        INSERT INTO attempt_leads (attempt_id, event_id, campaign_id, phone)
        {numbers}
        SELECT (i + 99) / 100, i, '', '+1' || (3000000000 + i) FROM n
        """,
        first,
        last,
    )
    _fill(
        connection,
        """
        INSERT INTO lead_map (account, campaign_id, phone, lead_id, body, delivered_at, origin)
        {numbers}
        SELECT 'main', '', '+1' || (3000000000 + i), hex(randomblob(16)), {body}, :now - 80000, 'created'
        FROM n
        """,
        first,
        last,
    )


def _fill(connection: sqlite3.Connection, statement: str, first: int, last: int) -> None:
    sql = (
        statement.replace("{numbers}", _NUMBERS)
        .replace("{body}", _BODY)
        .replace("{{", "{")
        .replace("}}", "}")
    )
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(sql, {"first": first, "last": last, "now": _NOW})
    connection.execute("COMMIT")
