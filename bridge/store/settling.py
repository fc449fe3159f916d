"""SQL of settling: the outcome of a request, written to the attempt, the lead map, the rows and events.

One transaction for all of it. Rule for editors: what an outcome means is decided in `outbox.settle`; here it
is only written down, and a newer version that came meanwhile is never touched.
"""

import json
import sqlite3
from dataclasses import dataclass

from bridge.outbox.body import merge, settled
from bridge.outbox.compose import Due
from bridge.outbox.facts import Body
from bridge.outbox.outcome import Delivered, Gone, Outcome, Unreachable
from bridge.outbox.retry import Retry
from bridge.outbox.settle import Moment, Tries, Verdict, verdict
from bridge.store.claiming import Claimed, drop
from bridge.store.events import die, release
from bridge.store.resolving import LANE


@dataclass(frozen=True, slots=True)
class Answered:
    """How a request ended, as the attempts table keeps it."""

    outcome: Outcome
    status: int | None
    ms: float
    method: str
    path: str
    error: str

    @property
    def reached(self) -> bool:
        """Whether it may have reached Fusion, and so counts there."""
        return not (isinstance(self.outcome, Unreachable) and not self.outcome.uncertain)


@dataclass(frozen=True, slots=True)
class Death:
    """An event that a settlement ended for good, for the log."""

    event_id: int
    reason: str
    fix: str


def settle(
    connection: sqlite3.Connection, claimed: Claimed, answered: Answered, *, moment: Moment, retry: Retry
) -> list[Death]:
    """Write the outcome of a request and all that follows from it. Returns the events that died of it."""
    _write_attempt(connection, claimed.attempt_id, answered, moment.now)
    _write_lane(connection, claimed.account, moment)
    deaths: list[Death] = []
    for row in claimed.rows:
        waiting = connection.execute(
            "SELECT * FROM outbox WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?",
            (LANE, claimed.account, row.campaign_id, row.phone),
        ).fetchone()
        result = verdict(answered.outcome, claimed.request.plan, _tries(waiting), moment, retry)
        made = claimed.request.plan == "create" and isinstance(answered.outcome, Delivered)
        ours = made or waiting["uncertain_at"] is not None or result.fate == "dead"
        if isinstance(answered.outcome, Gone):  # what Fusion lost with the lead goes into the next creation
            _remember(connection, claimed.account, row, json.loads(waiting["body"]))
        _learn(connection, claimed.account, row, result, answered.outcome, moment.now, created=ours)
        if waiting["version"] > waiting["sent_version"]:
            _return(connection, waiting["id"], Tries(uncertain_at=result.tries.uncertain_at), moment.now, "")
        elif result.fate == "again":
            _return(connection, waiting["id"], result.tries, result.due_at, result.reason)
        else:
            drop(connection, claimed.account, row)
        deaths += _settle_event(connection, row.event_id, waiting["event_id"], result, now=moment.now)
    return deaths


def _write_attempt(connection: sqlite3.Connection, attempt_id: int, answered: Answered, now: float) -> None:
    connection.execute(
        """
        UPDATE attempts SET
            answered_at = ?, ms = ?, method = ?, path = ?, status = ?, outcome = ?, reached = ?, error = ?
        WHERE id = ?
        """,
        (
            now,
            answered.ms,
            answered.method,
            answered.path,
            answered.status,
            type(answered.outcome).__name__.lower(),
            answered.reached,
            answered.error,
            attempt_id,
        ),
    )


def _tries(waiting: sqlite3.Row) -> Tries:
    return Tries(
        failures=waiting["failures"],
        unanswered=waiting["unanswered"],
        corrections=waiting["corrections"],
        unreached_since=waiting["unreached_since"],
        uncertain_at=waiting["uncertain_at"],
        only_existing=waiting["only_existing"],
    )


def _settle_event(
    connection: sqlite3.Connection, sent_event: int, newest_event: int, result: Verdict, *, now: float
) -> list[Death]:
    """The event whose version was sent; a newer one that waits in the same row is not touched."""
    match result.fate:
        case "delivered":
            release(connection, sent_event, now)
        case "withdrawn":
            release(connection, sent_event, now, reason=result.reason)
        case "dead":
            if die(connection, sent_event, result.reason, result.fix, now):
                return [Death(sent_event, result.reason, result.fix)]
        case "again":
            if sent_event != newest_event:
                release(connection, sent_event, now, superseded_by=newest_event)
    return []


def _learn(
    connection: sqlite3.Connection,
    account: str,
    row: Due,
    result: Verdict,
    outcome: Outcome,
    now: float,
    *,
    created: bool,
) -> None:
    """Bring the lead map up to what the answer showed."""
    place = (account, row.campaign_id, row.phone)
    if result.exists is None:
        return
    if not result.exists:
        connection.execute("DELETE FROM lead_map WHERE account = ? AND campaign_id = ? AND phone = ?", place)
        return
    lead_id, body = None, None
    if isinstance(outcome, Delivered):
        lead_id = outcome.lead_ids.get(row.phone)
        body = json.dumps(settled(merge(_known_body(connection, place), row.body)))
    connection.execute(
        """
        INSERT INTO lead_map (account, campaign_id, phone, lead_id, body, delivered_at, origin)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (account, campaign_id, phone) DO UPDATE SET
            lead_id = COALESCE(excluded.lead_id, lead_id),
            body = COALESCE(excluded.body, body),
            delivered_at = COALESCE(excluded.delivered_at, delivered_at)
        """,
        (*place, lead_id, body, now if body else None, "created" if created else "found"),
    )


def _known_body(connection: sqlite3.Connection, place: tuple[str, str, str]) -> Body | None:
    row = connection.execute(
        "SELECT body FROM lead_map WHERE account = ? AND campaign_id = ? AND phone = ?", place
    ).fetchone()
    return json.loads(row["body"]) if row and row["body"] else None


def _remember(connection: sqlite3.Connection, account: str, row: Due, waiting: Body) -> None:
    known = _known_body(connection, (account, row.campaign_id, row.phone))
    connection.execute(
        "UPDATE outbox SET body = ? WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?",
        (json.dumps(merge(known, waiting)), LANE, account, row.campaign_id, row.phone),
    )


def _return(connection: sqlite3.Connection, row_id: int, tries: Tries, due_at: float, error: str) -> None:
    """The row waits again."""
    connection.execute(
        """
        UPDATE outbox SET
            sent_version = NULL, sent_event_id = NULL, failures = ?, unanswered = ?, corrections = ?,
            unreached_since = ?, uncertain_at = ?, due_at = ?, last_error = ?
        WHERE id = ?
        """,
        (
            tries.failures,
            tries.unanswered,
            tries.corrections,
            tries.unreached_since,
            tries.uncertain_at,
            due_at,
            error,
            row_id,
        ),
    )


def _write_lane(connection: sqlite3.Connection, account: str, moment: Moment) -> None:
    after = moment.after
    if not after.reason:
        connection.execute("DELETE FROM lanes WHERE lane = ? AND account = ?", (LANE, account))
        return
    connection.execute(
        """
        INSERT INTO lanes VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (lane, account) DO UPDATE SET
            since = CASE WHEN reason = excluded.reason THEN since ELSE excluded.since END,
            reason = excluded.reason, detail = excluded.detail, paused_until = excluded.paused_until
        """,
        (LANE, account, after.reason, after.detail, moment.now, after.paused_until),
    )
