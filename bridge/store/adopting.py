"""SQL of adopting: the leads that Fusion turns out to have, and how far an account's list has been read.

A page's leads and the page to go on with are one transaction, so that a kill costs a page at most. Rule for
editors: what the mapping table knows already is never overwritten, and a row under way is left alone: its
answer will say what there is to learn.
"""

import json
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bridge.errors import StoreError
from bridge.outbox.facts import DO_NOT_CALL, NEW, UPDATE, Facts, KnownLead, OwnTags
from bridge.outbox.placement import tag_all
from bridge.store.lead_map import known_body
from bridge.store.marks import Marks
from bridge.store.resolving import LANE, waiting_for, write_put

# As for a replay: longer than the service ever holds the lock.
BUSY_MS = 10_000


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a campaign's list has been read."""

    next_page: int = 1
    total: int | None = None  # leads in the campaign, as told last
    done_at: float | None = None
    began_at: float | None = None  # when page 1 was asked for; None: by an older release
    not_taken: int = 0  # leads shown since that the map doesn't take

    def after(
        self, learned: "Learned", *, next_page: int, total: int | None, asked_at: float, done_at: float | None
    ) -> "Progress":
        """One page further. Page 1 begins anew; what is read a second time isn't counted twice."""
        began_at = asked_at if self.next_page == 1 and self.began_at is None else self.began_at
        again = done_at is None and next_page <= self.next_page
        not_taken = 0 if again else self.not_taken + len(learned.forgotten) + learned.under_way
        return Progress(next_page, total, done_at, began_at, not_taken)


@dataclass(frozen=True, slots=True)
class Learned:
    """What a page brought: leads that the mapping table didn't have, and how many of them want a tag."""

    new: int
    opt_outs: int  # of people who must not be called
    forgotten: tuple[str, ...] = ()  # ids of leads of people who were erased: they aren't learned
    under_way: int = 0  # whose own request is to say what there is to learn


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
        """
        SELECT next_page, total, done_at, began_at, not_taken FROM adoptions
        WHERE account = ? AND campaign_id = ?
        """,
        (account, campaign_id),
    ).fetchone()
    return Progress(*row) if row else Progress()


def write_progress(connection: sqlite3.Connection, account: str, campaign_id: str, reached: Progress) -> None:
    """How far the list has been read now."""
    connection.execute(
        """
        INSERT OR REPLACE INTO adoptions
            (account, campaign_id, next_page, total, done_at, began_at, not_taken)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        """,
        (
            account,
            campaign_id,
            reached.next_page,
            reached.total,
            reached.done_at,
            reached.began_at,
            reached.not_taken,
        ),
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
    *,
    tags: OwnTags,
    now: float,
) -> Learned:
    """Write a page's leads, each a phone and its id (or ""), to the mapping table.

    What waited to be created is an update now, and nothing is suspected or in doubt of it any more. Where a
    person opted out while nobody knew of the lead, its tag (of `tags`) is queued. One whose phone is marked
    (`marks`) was erased, and stays unknown.

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
    seen = [(now, account, campaign_id, phone) for phone, _ in leads]
    known = connection.executemany(
        "UPDATE lead_map SET seen_at = ? WHERE account = ? AND campaign_id = ? AND phone = ?", seen
    ).rowcount
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
    opt_outs = tag_opt_outs(connection, account, campaign_id, [row["phone"] for row in new], tags, now)
    return Learned(len(new), opt_outs, tuple(forgotten), under_way=len(leads) - known)


# The event that the contact was known by last: the retention keeps it. Where an opt-out came late, that one
# may have gone before, while nobody was blocked: then the newest that is there.
_WHO_IS_BLOCKED = """
SELECT c.phone, MAX(c.blocked) AS blocked, MAX(COALESCE(
    (SELECT id FROM events WHERE id = c.event_id),
    (SELECT MAX(id) FROM events
        WHERE contact_id = c.contact_id AND contact_id <> '' AND c.system IN ('ghl', source)),
    (SELECT MAX(id) FROM events WHERE phone = c.contact_id AND phone <> '' AND source = c.system)
)) AS event_id
FROM contact_map AS c
WHERE c.phone IN (SELECT value FROM json_each(?)) AND (c.blocked OR c.deleted)
GROUP BY c.phone
"""


def tag_opt_outs(
    connection: sqlite3.Connection,
    account: str,
    campaign_id: str,
    phones: Collection[str],
    tags: OwnTags,
    now: float,
) -> int:
    """Queue the tag of every lead here whose person must not be called. Returns how many there are.

    Nothing is decided anew: what they said may be erased, or too old, or wait itself for another account.
    """
    count = 0
    for row in connection.execute(_WHO_IS_BLOCKED, (json.dumps(list(phones)),)).fetchall():
        phone, event_id = row["phone"], row["event_id"]
        if event_id is None:  # nothing to carry it; the next event of theirs brings the tag
            continue
        reason, tag = ("do not call", tags.do_not_call) if row["blocked"] else ("deleted", tags.deleted)
        waiting = [
            each
            for each in waiting_for(connection, phone)
            if (each.account, each.campaign_id) == (account, campaign_id)
        ]
        body = known_body(connection, (account, campaign_id, phone))
        here = Facts(leads=(KnownLead(account, campaign_id, phone, body),), waiting=tuple(waiting))
        for put in tag_all(phone, tag, here, reason=reason, priority=DO_NOT_CALL).puts:
            _reopen(connection, event_id)
            write_put(connection, put, event_id, now)
        count += 1
    return count


def _reopen(connection: sqlite3.Connection, event_id: int) -> None:
    """An event that carries a row again is queued, and ends with it, as after a replay.

    A dead one stays so, with its reason and its fix: what failed elsewhere isn't cured by this lead.
    """
    connection.execute(
        """
        UPDATE events SET
            state = 'queued', reason = '', fix = '', settled_at = NULL, superseded_by = NULL,
            replayed_after = (SELECT COALESCE(MAX(id), 0) FROM attempts)
        WHERE id = ? AND state IN ('delivered', 'skipped', 'superseded')
        """,
        (event_id,),
    )


def interrupt(connection: sqlite3.Connection, attempt_id: int, now: float) -> None:
    """The request was broken off: it was sent no later than now, and counts from now."""
    connection.execute(
        "UPDATE attempts SET answered_at = ?, outcome = 'interrupted' WHERE id = ? AND answered_at IS NULL",
        (now, attempt_id),
    )
