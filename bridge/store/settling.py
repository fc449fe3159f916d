"""SQL of settling: the outcome of a request, written to the attempt, the lead map, the rows and events.

One transaction for all of it. Rule for editors: what an outcome means is decided in `outbox.settle` and
`outbox.batch`; here it is only written down, and a newer version that came meanwhile is never touched.
"""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.outbox.batch import looked_up, shares
from bridge.outbox.body import merge
from bridge.outbox.compose import Due, spare
from bridge.outbox.facts import NEW, UPDATE, Body
from bridge.outbox.outcome import Delivered, Exists, Gone, Outcome
from bridge.outbox.retry import Retry
from bridge.outbox.settle import Moment, Tries, Verdict, in_company, verdict
from bridge.store.claiming import Claimed, drop, unlist
from bridge.store.events import Ended, die, release
from bridge.store.lead_map import known_body, write_absent, write_doubt, write_there
from bridge.store.leaving_out import leave_out, warn, write_refused
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
    reached: bool = True  # it may have arrived, and so counts there


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a request came to, for the log and the metrics."""

    ended: tuple[Ended, ...]  # the events that have their end now
    found: int  # leads that Fusion had, unknown to us
    waiting: bool  # whether any of its rows waits again


def settle(
    connection: sqlite3.Connection, claimed: Claimed, answered: Answered, *, moment: Moment, retry: Retry
) -> Settlement:
    """Write the outcome of a request and all that follows from it."""
    write_attempt(connection, claimed.attempt_id, answered, moment.now)
    _write_lane(connection, claimed.account, moment)
    waiting = {
        (row["campaign_id"], row["phone"]): row
        for row in connection.execute("SELECT * FROM outbox WHERE attempt_id = ?", (claimed.attempt_id,))
    }
    tries = [_tries(waiting[row.place], row) for row in claimed.rows]
    verdicts = _verdicts(claimed, answered.outcome, tries, moment, retry)
    ended: list[Ended] = []
    for row, result in zip(claimed.rows, verdicts, strict=True):
        ended += _settle_row(
            connection, claimed, row, waiting[row.place], result, answered.outcome, moment.now
        )
    _clear_others(connection, claimed.rows, verdicts)
    found = sum(result.exists is True and isinstance(answered.outcome, Exists) for result in verdicts)
    again = any(result.fate == "again" for result in verdicts)
    newer = any(row["version"] > row["sent_version"] for row in waiting.values())
    return Settlement(tuple(ended), found, waiting=again or newer)


def _verdicts(
    claimed: Claimed, outcome: Outcome, tries: list[Tries], moment: Moment, retry: Retry
) -> list[Verdict]:
    plan = claimed.request.plan
    if plan == "look":
        parts = looked_up(outcome, claimed.rows)
    elif len(claimed.rows) > 1:
        parts = shares(outcome, claimed.rows)
    else:
        return [verdict(outcome, plan, tries[0], moment, retry)]
    return [
        in_company(part, outcome, plan, each, moment, retry) for part, each in zip(parts, tries, strict=True)
    ]


def _settle_row(
    connection: sqlite3.Connection,
    claimed: Claimed,
    row: Due,
    waiting: sqlite3.Row,
    result: Verdict,
    outcome: Outcome,
    now: float,
) -> list[Ended]:
    if isinstance(outcome, Gone) and claimed.request.plan == "update":
        # What Fusion lost with the lead goes into the next creation.
        _remember(connection, claimed.account, row, json.loads(waiting["body"]))
    _learn(connection, claimed, row, waiting, result, outcome, now)
    if result.fate == "dead":
        write_doubt(connection, (claimed.account, row.campaign_id, row.phone), row.body)
    if isinstance(outcome, Delivered) and result.fate != "delivered":  # the others were, this one wasn't
        unlist(connection, claimed.attempt_id, row)
    newer = waiting["version"] > waiting["sent_version"]
    if result.leave_out:
        warn(connection, row.event_id, result.leave_out, result.reason)
        if not newer:  # what is new may be right
            leave_out(connection, waiting["id"], result.leave_out)
    if newer or result.fate == "again":
        _return(connection, claimed, waiting, result, now, newer=newer)
    else:
        drop(connection, claimed.account, row)
    if claimed.request.plan == "look" and row.newer:  # it tells of what came before this event
        result = replace(result, fate="again")
    return _end(connection, row.event_id, waiting["event_id"], result, now)


def write_attempt(connection: sqlite3.Connection, attempt_id: int, answered: Answered, now: float) -> None:
    """How the request ended; its place is taken for one window from now."""
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


def _tries(waiting: sqlite3.Row, row: Due) -> Tries:
    return Tries(
        failures=waiting["failures"],
        unanswered=waiting["unanswered"],
        corrections=waiting["corrections"],
        unreached_since=waiting["unreached_since"],
        uncertain_at=waiting["uncertain_at"],
        only_existing=waiting["only_existing"],
        refusals=waiting["refusals"],
        spare=spare(row),
    )


def _end(
    connection: sqlite3.Connection, sent_event: int, newest_event: int, result: Verdict, now: float
) -> list[Ended]:
    """The event whose version was sent; a newer one that waits in the same row is not touched."""
    match result.fate:
        case "delivered":
            return release(connection, sent_event, now)
        case "withdrawn":
            return release(connection, sent_event, now, reason=result.reason)
        case "dead":
            return die(connection, sent_event, result.reason, result.fix, now)
        case "again":
            if sent_event != newest_event:
                return release(connection, sent_event, now, superseded_by=newest_event)
    return []


def _learn(
    connection: sqlite3.Connection,
    claimed: Claimed,
    row: Due,
    waiting: sqlite3.Row,
    result: Verdict,
    outcome: Outcome,
    now: float,
) -> None:
    """Bring the lead map up to what the answer showed."""
    place = (claimed.account, row.campaign_id, row.phone)
    if result.exists is None:
        return
    if not result.exists:
        write_absent(connection, place)
        return
    made = claimed.request.plan != "update" and result.fate == "delivered"
    created = made or waiting["uncertain_at"] is not None or result.fate == "dead"
    lead_id = outcome.lead_ids.get(row.phone) if isinstance(outcome, Delivered) else None
    # What the batch that was looked up carried then isn't known any more.
    told = isinstance(outcome, Delivered) and not (claimed.request.plan == "look" and row.newer)
    write_there(
        connection,
        place,
        lead_id=lead_id or None,
        origin="created" if created else "found",
        delivered={**row.body, **row.withheld} if told else None,
        now=now,
    )
    if told:
        write_refused(connection, place, row.body, row.withheld)


def _remember(connection: sqlite3.Connection, account: str, row: Due, waiting: Body) -> None:
    known = known_body(connection, (account, row.campaign_id, row.phone))
    connection.execute(
        "UPDATE outbox SET body = ? WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?",
        (json.dumps(merge(known, waiting)), LANE, account, row.campaign_id, row.phone),
    )


def _return(
    connection: sqlite3.Connection,
    claimed: Claimed,
    waiting: sqlite3.Row,
    result: Verdict,
    now: float,
    *,
    newer: bool,
) -> None:
    """The row waits again; a version that came meanwhile begins anew, but for what may have been created."""
    tries = result.tries
    if newer:
        tries = Tries(uncertain_at=tries.uncertain_at, refusals=tries.refusals)
    doubted = result.company == "doubt" and not waiting["only_existing"]
    looked_up = claimed.request.plan == "look" and not (
        result.fate == "again" and result.company == "as before"
    )
    connection.execute(
        """
        UPDATE outbox SET
            sent_version = NULL, sent_event_id = NULL, attempt_id = NULL,
            failures = :failures, unanswered = :unanswered, corrections = :corrections,
            unreached_since = :unreached_since, uncertain_at = :uncertain_at, refusals = :refusals,
            suspects = CASE :company WHEN 'suspects' THEN :attempt WHEN 'free' THEN NULL ELSE suspects END,
            doubt = CASE WHEN :doubted THEN :attempt ELSE doubt END,
            doubt_since = CASE WHEN :doubted THEN COALESCE(doubt_since, :sent_at) ELSE doubt_since END,
            doubt_version = CASE
                WHEN :doubted THEN COALESCE(doubt_version, sent_version) ELSE doubt_version END,
            look_up = CASE WHEN :doubted THEN 1 WHEN :looked_up THEN 0 ELSE look_up END,
            priority = CASE
                WHEN :exists = 1 AND priority = :new THEN :update
                WHEN :exists = 0 AND priority = :update THEN :new
                ELSE priority END,
            due_at = CASE WHEN :due_at > :now THEN :due_at ELSE due_at END, -- at once: in its old turn
            last_error = :error
        WHERE id = :id
        """,
        {
            "id": waiting["id"],
            "failures": tries.failures,
            "unanswered": tries.unanswered,
            "corrections": tries.corrections,
            "unreached_since": tries.unreached_since,
            "uncertain_at": tries.uncertain_at,
            "refusals": tries.refusals,
            "company": result.company,
            "attempt": claimed.attempt_id,
            "doubted": doubted,
            "looked_up": looked_up,
            "sent_at": claimed.sent_at,
            "exists": result.exists,
            "new": NEW,
            "update": UPDATE,
            "due_at": now if newer else result.due_at,
            "now": now,
            "error": "" if newer else result.reason,
        },
    )


def _clear_others(connection: sqlite3.Connection, rows: Iterable[Due], verdicts: Iterable[Verdict]) -> None:
    """A part of a suspected batch was refused: the rest of it isn't suspected any more."""
    refused = {
        row.suspects
        for row, result in zip(rows, verdicts, strict=True)
        if row.suspects is not None and (result.company in ("free", "suspects") or result.fate == "dead")
    }
    connection.executemany(
        "UPDATE outbox SET suspects = NULL WHERE suspects = ? AND sent_version IS NULL",
        [(suspects,) for suspects in refused],
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
