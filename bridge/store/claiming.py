"""SQL of claiming: compose what is due into requests, mark their rows as under way, take rows back.

Reads no further than the requests need, whatever waits behind. Rule for editors: what goes together is
decided in `outbox.compose`; here are only the rows that it may choose from, each by a range of an index.
"""

import json
import sqlite3
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial

from bridge.outbox.batch import STANDS_ALONE
from bridge.outbox.budget import Allowance, Budget
from bridge.outbox.compose import MAX_BATCH, Composed, Due, compose
from bridge.outbox.facts import BACKFILL, DO_NOT_CALL, NEW, UPDATE
from bridge.outbox.request import Request
from bridge.store.events import Ended, release
from bridge.store.leaving_out import parted
from bridge.store.resolving import LANE
from bridge.store.spending import begin_attempt, spent


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request that may leave now, and the attempt that says so."""

    account: str
    attempt_id: int
    sent_at: float
    request: Request
    rows: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What to send now, and when to look again (None: when something happens)."""

    claimed: tuple[Claimed, ...]
    next_at: float | None = None
    ended: tuple[Ended, ...] = ()  # events whose lead needs no request any more


COLUMNS = """
    o.campaign_id, o.phone, o.kind, o.body, o.event_id, o.priority, o.only_existing, o.refusals,
    o.suspects, o.doubt, o.look_up, o.version > o.doubt_version AS newer,
    o.doubt_since, o.left_out,
    EXISTS (SELECT 1 FROM attempts WHERE id = o.suspects AND outcome = 'exists') AS said_to_exist,
    o.uncertain_at IS NOT NULL AS uncertain, l.phone IS NOT NULL AS known
"""
LEADS = """
    lead_map AS l
    ON l.account = o.account AND l.campaign_id = o.campaign_id AND l.phone = o.phone
"""
# Rows of a refused batch wait while a part of it is under way: its answer says which half is to blame.
FIRST = f"""
SELECT {COLUMNS} FROM outbox AS o LEFT JOIN {LEADS}
WHERE o.lane = ? AND o.account = ? AND o.priority = ? AND o.due_at <= ? AND o.sent_version IS NULL
    AND (o.suspects IS NULL OR NOT EXISTS (
        SELECT 1 FROM outbox AS g WHERE g.suspects = o.suspects AND g.sent_version IS NOT NULL
    ))
ORDER BY o.due_at
"""  # noqa: S608 - our own words
# Creations don't stand behind others for long; what an operator replays may be anything: read so far only.
WITHIN = 1000
COMPANY = f"""
SELECT {COLUMNS} FROM (
    SELECT * FROM outbox
    WHERE lane = ? AND account = ? AND campaign_id = ? AND kind IS ? AND priority = ? AND due_at <= ?
        AND sent_version IS NULL
    ORDER BY due_at
    LIMIT {WITHIN}
) AS o LEFT JOIN {LEADS}
WHERE o.suspects IS NULL AND o.doubt IS NULL AND o.refusals < {STANDS_ALONE}
    AND o.only_existing = '' AND l.phone IS NULL
LIMIT {MAX_BATCH}
"""  # noqa: S608 - our own words
SUSPECTED = f"""
SELECT {COLUMNS} FROM outbox AS o LEFT JOIN {LEADS}
WHERE o.suspects = ? AND o.sent_version IS NULL
ORDER BY o.id
"""  # noqa: S608 - our own words
DOUBTED = f"""
SELECT {COLUMNS} FROM outbox AS o LEFT JOIN {LEADS}
WHERE o.doubt = ? AND o.sent_version IS NULL
ORDER BY o.id
"""  # noqa: S608 - our own words


def claim(connection: sqlite3.Connection, account: str, *, budget: Budget, room: int, now: float) -> Claim:
    """Compose at most `room` requests for what is due, as far as the budget goes, and mark their rows."""
    claimed: list[Claimed] = []
    ended: list[Ended] = []
    so_far = spent(connection, account, now=now, per_s=budget.per_s)
    while len(claimed) < room:
        allowance = budget.allow(so_far, now)
        with closing(_due(connection, account, now)) as due:
            company = partial(_company, connection, account, now)
            composition = compose(
                due, company, places=min(1, allowance.places), urgent=min(1, allowance.urgent)
            )
        for row in composition.hopeless:
            drop(connection, account, row)
            ended += release(connection, row.event_id, now, reason=row.only_existing)
        if not composition.requests:
            return Claim(tuple(claimed), _next_at(connection, account, allowance), tuple(ended))
        claimed += [_send(connection, account, composed, now) for composed in composition.requests]
        so_far = so_far.and_one_more(now)
    return Claim(tuple(claimed), None, tuple(ended))


def _due(connection: sqlite3.Connection, account: str, now: float) -> Generator[Due]:
    for priority in (DO_NOT_CALL, NEW, UPDATE, BACKFILL):
        yield from map(_row, connection.execute(FIRST, (LANE, account, priority, now)))


def _company(connection: sqlite3.Connection, account: str, now: float, row: Due) -> Sequence[Due]:
    if row.suspects is not None and not row.look_up:
        return [_row(each) for each in connection.execute(SUSPECTED, (row.suspects,))]
    if row.doubt is not None:
        return [_row(each) for each in connection.execute(DOUBTED, (row.doubt,))]
    found: list[Due] = []
    for priority in (NEW, BACKFILL):
        if len(found) < MAX_BATCH:
            place = (LANE, account, row.campaign_id, row.kind, priority, now)
            found += map(_row, connection.execute(COMPANY, place))
    return found


def _row(row: sqlite3.Row) -> Due:
    body, withheld = parted(
        json.loads(row["body"]),
        row["left_out"],
        keeps_tag=row["priority"] == DO_NOT_CALL or bool(row["only_existing"]),
    )
    return Due(
        campaign_id=row["campaign_id"],
        phone=row["phone"],
        kind=row["kind"],
        body=body,
        withheld=withheld,
        event_id=row["event_id"],
        priority=row["priority"],
        known=bool(row["known"]),
        uncertain=bool(row["uncertain"]),
        only_existing=row["only_existing"],
        refusals=row["refusals"],
        suspects=row["suspects"],
        said_to_exist=bool(row["said_to_exist"]),
        doubt=row["doubt"],
        look_up=bool(row["look_up"]),
        doubt_since=row["doubt_since"] or 0.0,
        newer=bool(row["newer"]),
    )


def _next_at(connection: sqlite3.Connection, account: str, allowance: Allowance) -> float | None:
    """When a row is due and may be sent."""
    moments = []
    for priority in (DO_NOT_CALL, NEW, UPDATE, BACKFILL):
        due_at = connection.execute(
            """
            SELECT MIN(due_at) FROM outbox
            WHERE lane = ? AND account = ? AND priority = ? AND sent_version IS NULL
            """,
            (LANE, account, priority),
        ).fetchone()[0]
        if due_at is not None:
            may_at = allowance.next_urgent_at if priority == DO_NOT_CALL else allowance.next_at
            moments.append(max(due_at, may_at))
    return min(moments, default=None)


def _send(connection: sqlite3.Connection, account: str, composed: Composed, now: float) -> Claimed:
    request, rows = composed.request, composed.rows
    look = request.plan == "look"
    attempt_id = begin_attempt(connection, account, method=request.method, leads=len(rows), now=now)
    connection.executemany(
        "INSERT INTO attempt_leads (attempt_id, event_id, campaign_id, phone, body) VALUES (?, ?, ?, ?, ?)",
        # A look-up is about what the batch carried, not about what came since.
        [
            (attempt_id, row.event_id, row.campaign_id, row.phone, None if look else json.dumps(lead))
            for row, lead in zip(rows, rows if look else request.leads, strict=True)
            if not (look and row.newer)
        ],
    )
    connection.executemany(
        """
        UPDATE outbox SET
            sent_version = CASE WHEN ? THEN doubt_version ELSE version END,
            sent_event_id = event_id, attempt_id = ?
        WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?
        """,
        [(look, attempt_id, LANE, account, row.campaign_id, row.phone) for row in rows],
    )
    return Claimed(account, attempt_id, now, request, rows)


def recall(connection: sqlite3.Connection, claimed: Claimed, now: float) -> Claimed | None:
    """Take out of a request that has not left yet whoever must not be called since. None: nobody is left."""
    if claimed.request.plan != "create":
        return claimed
    blocked = {
        (row["campaign_id"], row["phone"])
        for row in connection.execute(
            """
            SELECT campaign_id, phone FROM outbox
            WHERE attempt_id = ? AND version > sent_version AND only_existing <> ''
            """,
            (claimed.attempt_id,),
        )
    }
    if not blocked:
        return claimed
    for row in claimed.rows:
        if row.place in blocked:
            _take_back(connection, claimed, row, now)
    kept = [at for at, row in enumerate(claimed.rows) if row.place not in blocked]
    if not kept:
        connection.execute(
            "UPDATE attempts SET answered_at = ?, outcome = 'withdrawn', reached = 0, leads = 0 WHERE id = ?",
            (now, claimed.attempt_id),
        )
        return None
    connection.execute("UPDATE attempts SET leads = ? WHERE id = ?", (len(kept), claimed.attempt_id))
    request = replace(claimed.request, leads=tuple(claimed.request.leads[at] for at in kept))
    return replace(claimed, request=request, rows=tuple(claimed.rows[at] for at in kept))


def _take_back(connection: sqlite3.Connection, claimed: Claimed, row: Due, now: float) -> None:
    """It waits again, as what it is now: a lead that isn't created, and tagged only if it may be there."""
    unlist(connection, claimed.attempt_id, row)
    newest = connection.execute(
        """
        UPDATE outbox SET sent_version = NULL, sent_event_id = NULL, attempt_id = NULL
        WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?
        RETURNING event_id
        """,
        (LANE, claimed.account, row.campaign_id, row.phone),
    ).fetchall()
    release(connection, row.event_id, now, superseded_by=newest[0]["event_id"])


def unlist(connection: sqlite3.Connection, attempt_id: int, row: Due) -> None:
    """The request didn't carry this row after all."""
    connection.execute(
        "DELETE FROM attempt_leads WHERE attempt_id = ? AND campaign_id = ? AND phone = ?",
        (attempt_id, row.campaign_id, row.phone),
    )


def drop(connection: sqlite3.Connection, account: str, row: Due) -> None:
    """A row leaves the outbox."""
    connection.execute(
        "DELETE FROM outbox WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?",
        (LANE, account, row.campaign_id, row.phone),
    )
