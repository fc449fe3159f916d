"""SQL of resolving: load the facts about a contact and its phones, write the decision.

Both run in one transaction of the writer, so that a decision is never made on facts that have changed.
Rule for editors: what a decision means is decided in `outbox`; here it is only written down.
"""

import json
import sqlite3
from itertools import chain
from typing import Any

from bridge.model import ContactKey, Mapped
from bridge.outbox.facts import (
    BACKFILL,
    DO_NOT_CALL,
    Decision,
    Facts,
    KnownContact,
    KnownLead,
    Marked,
    Put,
    Waiting,
    Withdrawal,
)
from bridge.store.events import ENDED, Ended, release
from bridge.store.leaving_out import refused_before
from bridge.store.reaching import (
    Asked,
    kin_of,
    known_contact,
    said_of,
    settle_earlier,
    settle_in_vain,
    write_addresses,
)

LANE = "leads"
NOBODY = Marked()
NOTHING = Asked()


def load_facts(
    connection: sqlite3.Connection,
    key: ContactKey | None,
    phone: str,
    *,
    marked: Marked = NOBODY,
    asked: Asked = NOTHING,
) -> Facts:
    """Everything known of this contact, of `phone` and of the phone the contact had before.

    And of whom else the event can mean, as far as that is `asked`. Of a phone that is `marked` there is
    nothing to be known.
    """
    phone = "" if marked.phone else phone
    contact = _find_contact(connection, key) if key else None
    phones = {phone, contact.phone if contact else ""}
    kin, crowded = (
        kin_of(connection, asked.addresses, contact.key if contact else key) if asked.calls else ((), False)
    )
    if asked.calls:
        phones |= {*asked.phones, *(each.phone for each in kin)}
    people: list[KnownContact] = []
    leads: list[KnownLead] = []
    waiting: list[Waiting] = []
    for each in phones - {""}:
        people += map(known_contact, connection.execute("SELECT * FROM contact_map WHERE phone = ?", (each,)))
        leads += map(_lead, connection.execute("SELECT * FROM lead_map WHERE phone = ?", (each,)))
        waiting += waiting_for(connection, each)
    return Facts(
        contact,
        tuple(people),
        tuple(leads),
        tuple(waiting),
        marked,
        addresses=said_of(connection, asked.addresses),
        kin=kin,
        crowded=crowded,
    )


def _find_contact(connection: sqlite3.Connection, key: ContactKey) -> KnownContact | None:
    """GHL's contact ids are unique everywhere, and a workflow may leave out the location."""
    rows = connection.execute(
        """
        SELECT * FROM contact_map
        WHERE system = ? AND contact_id = ? AND (location_id = ? OR location_id = '' OR ? = '')
        ORDER BY location_id = ? DESC
        LIMIT 1
        """,
        (key.system, key.contact_id, key.location_id, key.location_id, key.location_id),
    )
    return next(map(known_contact, rows), None)


def _lead(row: sqlite3.Row) -> KnownLead:
    body = json.loads(row["body"]) if row["body"] else None
    doubtful = frozenset(json.loads(row["doubtful"]))
    return KnownLead(row["account"], row["campaign_id"], row["phone"], body, doubtful)


def waiting_for(connection: sqlite3.Connection, phone: str) -> list[Waiting]:
    """Reads what waits for this phone, in every account."""
    return [_waiting(row) for row in connection.execute("SELECT * FROM outbox WHERE phone = ?", (phone,))]


def _waiting(row: sqlite3.Row) -> Waiting:
    return Waiting(
        row["account"],
        row["campaign_id"],
        row["phone"],
        row["kind"],
        json.loads(row["body"]),
        in_flight=row["sent_version"] is not None,
        uncertain=row["uncertain_at"] is not None,
        only_existing=row["only_existing"],
    )


def write_decision(
    connection: sqlite3.Connection, event_id: int, decision: Decision, mapped: Mapped, now: float
) -> list[Ended]:
    """Write what was decided for an event; one that isn't received any more is left as it is.

    Returns the events that have their end now: this one, perhaps, and those it takes the place of.
    """
    contact = decision.contact
    # Of a marked phone only the decision knows: the rules saw it.
    about = "" if decision.erase else mapped.phone
    warnings = () if decision.erase else (*mapped.warnings, *decision.warnings)
    written = connection.execute(
        f"""
        UPDATE events SET
            state = ?, reason = ?, fix = ?, phone = ?, route = ?, warnings = ?, forced = 0, settled_at = ?
        WHERE id = ? AND state = 'received'
        RETURNING {ENDED}
        """,  # noqa: S608 - our own words
        (
            decision.state,
            decision.reason,
            decision.fix,
            decision.puts[0].phone if decision.puts else about or (contact.phone if contact else ""),
            mapped.route,
            json.dumps(warnings),
            None if decision.state == "queued" else now,
            event_id,
        ),
    ).fetchall()
    if not written:
        return []
    if decision.erase:
        _erase(connection, event_id, whole=decision.erase == "event")
    for each in decision.others:
        _write_contact(connection, each)
    if contact is not None:
        _write_contact(connection, contact)
        if decision.addresses and not decision.erase:
            write_addresses(connection, contact.key, decision.addresses)
    ended = [] if decision.state == "queued" else [Ended(*written[0])]
    if contact is not None and decision.settles_earlier:
        ended += settle_earlier(connection, contact.key, contact.phone, event_id, now)
    ended += settle_in_vain(connection, decision.in_effect, event_id, now)
    for withdrawal in decision.withdrawals:
        ended += _withdraw(connection, withdrawal, event_id, now)
    for put in decision.puts:
        ended += write_put(connection, put, event_id, now)
    return ended


def _erase(connection: sqlite3.Connection, event_id: int, *, whole: bool) -> None:
    """What it said goes at once, and a hash of it would tell as much; whole: also whom it was about."""
    connection.execute(
        """
        UPDATE events SET
            payload = x'',
            contact_id = CASE WHEN :whole THEN '' ELSE contact_id END,
            body_hash = CASE WHEN :whole OR external_id IS NULL THEN '' END,
            external_id = CASE WHEN :whole THEN NULL ELSE external_id END
        WHERE id = :id
        """,
        {"id": event_id, "whole": whole},
    )


def _write_contact(connection: sqlite3.Connection, contact: KnownContact) -> None:
    row: dict[str, Any] = {
        "system": contact.key.system,
        "location_id": contact.key.location_id,
        "contact_id": contact.key.contact_id,
        "phone": contact.phone,
        "occurred_at": contact.occurred_at,
        "event_id": contact.event_id,
        "dnd_all": contact.dnd_all,
        "dnd_all_at": contact.dnd_all_at,
        "dnd_call": contact.dnd_call,
        "dnd_call_at": contact.dnd_call_at,
        "blocked": contact.blocked,
        "deleted": contact.deleted,
        "account": contact.account,
        "stated_at": contact.stated_at,
    }
    connection.execute(
        """
        INSERT OR REPLACE INTO contact_map VALUES (
            :system, :location_id, :contact_id, :phone, :occurred_at, :event_id,
            :dnd_all, :dnd_all_at, :dnd_call, :dnd_call_at, :blocked, :deleted, :account,
            :stated_at
        )
        """,
        row,
    )


def _withdraw(connection: sqlite3.Connection, row: Withdrawal, event_id: int, now: float) -> list[Ended]:
    taken = connection.execute(
        """
        DELETE FROM outbox
        WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?
            AND sent_version IS NULL AND uncertain_at IS NULL
        RETURNING event_id
        """,
        (LANE, row.account, row.campaign_id, row.phone),
    ).fetchall()
    ended = (release(connection, each["event_id"], now, superseded_by=event_id) for each in taken)
    return list(chain.from_iterable(ended))


def write_put(connection: sqlite3.Connection, put: Put, event_id: int, now: float) -> list[Ended]:
    """Write a row of the outbox, carried by this event. Returns the events that it takes the place of."""
    place = (LANE, put.account, put.campaign_id, put.phone)
    before = connection.execute(
        "SELECT event_id FROM outbox WHERE lane = ? AND account = ? AND campaign_id = ? AND phone = ?", place
    ).fetchone()
    connection.execute(
        """
        INSERT INTO outbox (
            lane, account, campaign_id, phone, kind, body, event_id,
            priority, only_existing, queued_at, due_at, left_out
        ) VALUES (
            :lane, :account, :campaign_id, :phone, :kind, :body, :event_id,
            :priority, :only_existing, :now, :now, :left_out
        )
        ON CONFLICT (lane, account, campaign_id, phone) DO UPDATE SET
            kind = excluded.kind,
            body = excluded.body,
            left_out = excluded.left_out,
            version = version + 1,
            event_id = excluded.event_id,
            priority = CASE
                WHEN excluded.only_existing <> '' THEN MIN(priority, excluded.priority)
                WHEN excluded.priority = :backfill AND only_existing = '' THEN priority
                ELSE excluded.priority END,
            only_existing = excluded.only_existing,
            look_up = CASE WHEN excluded.only_existing = '' THEN look_up ELSE 0 END,
            suspects = NULL,
            refusals = CASE WHEN uncertain_at IS NULL THEN 0 ELSE refusals END,
            failures = 0,
            unanswered = 0,
            corrections = 0,
            unreached_since = NULL,
            due_at = CASE WHEN excluded.priority = :do_not_call THEN excluded.due_at ELSE due_at END
        """,
        {
            "lane": LANE,
            "account": put.account,
            "campaign_id": put.campaign_id,
            "phone": put.phone,
            "kind": put.kind,
            "body": json.dumps(put.body),
            "left_out": refused_before(connection, place[1:], put.body),
            "event_id": event_id,
            "priority": put.priority,
            "only_existing": put.only_existing,
            "now": now,
            "do_not_call": DO_NOT_CALL,
            "backfill": BACKFILL,
        },
    )
    if before is None or before["event_id"] == event_id:
        return []
    return release(connection, before["event_id"], now, superseded_by=event_id)
