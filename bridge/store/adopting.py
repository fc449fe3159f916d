"""SQL of adopting: the leads that Fusion turns out to have, and how far an account's list has been read.

A page's leads and the page to go on with are one transaction, so that a kill costs a page at most. Rule for
editors: what the mapping table knows already is never overwritten, and a row under way is left alone: its
answer will say what there is to learn.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.errors import StoreError
from bridge.outbox.facts import NEW, UPDATE
from bridge.store.events import replay
from bridge.store.marks import Marks
from bridge.store.resolving import LANE

# As for a replay: longer than the service ever holds the lock.
BUSY_MS = 10_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign's list has been read."""

    next_page: int = 1
    total: int | None = None  # leads in the campaign, as told last
    done_at: float | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """What a page brought: leads that the mapping table didn't have, and opt-outs that they concern."""

    new: int
    opt_outs: int
    forgotten: tuple[str, ...] = ()  # ids of leads of people who were erased: they aren't learned


@contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """A transaction beside the running service. Keep it short.

    Raises:
        StoreError: the database can't be written now.
    """
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        finally:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        fix = "check that this user may write the file, and that the disk has space; then run it again"
        raise StoreError(f"the database can't be written: {error}", fix=fix) from error


def progress(connection: sqlite3.Connection, account: str, campaign_id: str) -> Progress:
    """Reads how far this campaign's list has been read; from the start where it never was."""
    row = connection.execute(
        "SELECT next_page, total, done_at FROM adoptions WHERE account = ? AND campaign_id = ?",
        (account, campaign_id),
    ).fetchone()
    return Progress(*row) if row else Progress()


def write_progress(connection: sqlite3.Connection, account: str, campaign_id: str, reached: Progress) -> None:
    """How far the list has been read now."""
    connection.execute(
        """
        INSERT OR REPLACE INTO adoptions (account, campaign_id, next_page, total, done_at)
        VALUES (?, ?, ?, ?, ?)
        """,
        (account, campaign_id, reached.next_page, reached.total, reached.done_at),
    )


def start_over(connection: sqlite3.Connection, places: Iterable[tuple[str, str]]) -> None:
    """These lists (account, campaign) are read from page 1 again."""
    connection.executemany("DELETE FROM adoptions WHERE account = ? AND campaign_id = ?", places)


def learn(
    connection: sqlite3.Connection,
    account: str,
    campaign_id: str,
    leads: Sequence[tuple[str, str]],
    marks: Marks | None = None,
) -> Learned:
    """Write a page's leads, each a phone and its id (or ""), to the mapping table.

    What waited to be created is an update now, and nothing is suspected or in doubt of it any more. A person
    who opted out while nobody knew of the lead is a matter for the rules again: the lead wants its tag. One
    whose phone is marked (`marks`) was erased, and stays unknown.

    Raises:
        KeyTrouble: there are marks that can't be read.
    """
    forgotten: list[str] = []
    if marks is not None and marks.readable(connection):
        erased = {phone for phone, _ in leads if marks.has_phone(connection, phone)}
        forgotten = [lead_id for phone, lead_id in leads if phone in erased]
        leads = [(phone, lead_id) for phone, lead_id in leads if phone not in erased]
    place = {"lane": LANE, "account": account, "campaign": campaign_id}
    new = connection.execute(
        """
        INSERT INTO lead_map (account, campaign_id, phone, lead_id, origin)
        SELECT :account, :campaign, json_extract(value, '$[0]'), NULLIF(json_extract(value, '$[1]'), ''),
            'adopted'
        FROM json_each(:leads)
        WHERE NOT EXISTS (
            SELECT 1 FROM outbox AS o
            WHERE o.lane = :lane AND o.account = :account AND o.campaign_id = :campaign
                AND o.phone = json_extract(value, '$[0]') AND o.sent_version IS NOT NULL
        )
        ON CONFLICT (account, campaign_id, phone) DO NOTHING
        RETURNING phone
        """,
        {**place, "leads": json.dumps(leads)},
    ).fetchall()
    connection.executemany(
        """
        UPDATE lead_map SET lead_id = ?
        WHERE account = ? AND campaign_id = ? AND phone = ? AND lead_id IS NULL
        """,
        [(lead_id, account, campaign_id, phone) for phone, lead_id in leads if lead_id],
    )
    phones = json.dumps([row["phone"] for row in new])
    connection.execute(
        """
        UPDATE outbox SET
            priority = CASE priority WHEN :new THEN :update ELSE priority END,
            suspects = NULL, look_up = 0
        WHERE lane = :lane AND account = :account AND campaign_id = :campaign AND sent_version IS NULL
            AND phone IN (SELECT value FROM json_each(:phones))
        """,
        {**place, "phones": phones, "new": NEW, "update": UPDATE},
    )
    return Learned(len(new), _opt_outs(connection, phones), tuple(forgotten))


def _opt_outs(connection: sqlite3.Connection, phones: str) -> int:
    """The newest events of contacts that must not be called, and have one of these phones, go again."""
    rows = connection.execute(
        """
        SELECT DISTINCT event_id FROM contact_map
        WHERE phone IN (SELECT value FROM json_each(?)) AND (blocked OR deleted)
        """,
        (phones,),
    ).fetchall()
    return replay(connection, [row["event_id"] for row in rows], force=False)


def interrupt(connection: sqlite3.Connection, attempt_id: int, now: float) -> None:
    """The request was broken off: it was sent no later than now, and counts from now."""
    connection.execute(
        "UPDATE attempts SET answered_at = ?, outcome = 'interrupted' WHERE id = ? AND answered_at IS NULL",
        (now, attempt_id),
    )
