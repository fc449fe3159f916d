"""SQL of what else mentions a person: others' events, the words of answers, and leads of others.

Reading goes in windows on a connection of its own, writing in small transactions. Rule for editors: a value
that mentions them goes and what stands beside it stays; nobody else's event changes its state.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

import orjson

from bridge.errors import MalformedPayload
from bridge.inbound.body import parse
from bridge.rules.mentions import Mentions
from bridge.store.forgetting import FORGOTTEN
from bridge.store.person import Person

# Rows of one statement; they are read one by one, since each may hold a megabyte.
WINDOW = 500

# Words for people: every column into which an answer of Fusion, or a payload, may find its way.
_WORDS = (
    ("attempts", ("id",), ("path", "error")),
    ("lanes", ("lane", "account"), ("reason", "detail")),
    ("outbox", ("id",), ("last_error",)),
)
# Leads as they are, or should be, in Fusion.
_LEADS = (
    ("lead_map", ("account", "campaign_id", "phone")),
    ("lead_map_elsewhere", ("account", "fusion", "campaign_id", "phone")),
    ("outbox", ("id",)),
)
# What others' events wanted, and what was sent for them.
_BODIES = (
    *_LEADS,
    ("attempt_leads", ("attempt_id", "event_id", "campaign_id", "phone")),
    ("event_leads", ("event_id",)),
)

# What a lead is called that bore somebody else's number as its name.
NO_NAME = "no name"


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody else's event, or nobody's, in which the person is mentioned."""

    id: int
    source: str
    state: str
    payload: bytes
    nobodys: bool  # no phone is known of it, and its contact isn't


def last_event(reader: sqlite3.Connection) -> int:
    """Reads the id of the newest event; 0 when there is none."""
    return int(reader.execute("SELECT COALESCE(MAX(id), 0) FROM events").fetchone()[0])


def mentions_in(
    reader: sqlite3.Connection, mentions: Mentions, *, first: int, last: int, but: Collection[int]
) -> tuple[list[Mention], int]:
    """Reads a window of events from `first` on. Returns those that mention the person, and where to go on.

    `but` are the person's own. Where it goes on is behind `last` when nothing is left.
    """
    rows = reader.execute(
        """
        SELECT id, source, state, reason, fix, warnings, external_id, payload,
            phone = '' AND NOT EXISTS (
                SELECT 1 FROM contact_map AS c
                WHERE c.contact_id = events.contact_id AND c.system IN ('ghl', events.source)
            ) AS nobodys
        FROM events
        WHERE id >= ? AND id <= ?
        ORDER BY id
        LIMIT ?
        """,
        (first, last, WINDOW),
    )
    found, count, following = [], 0, last + 1
    for row in rows:
        count, following = count + 1, row["id"] + 1
        if row["id"] not in but and _mentioned(row, mentions):
            found.append(
                Mention(row["id"], row["source"], row["state"], row["payload"], bool(row["nobodys"]))
            )
    return found, following if count == WINDOW else last + 1


def _mentioned(row: sqlite3.Row, mentions: Mentions) -> bool:
    words = (row["reason"], row["fix"], row["warnings"])
    if any(mentions.in_words(each) for each in words if each not in ("", "[]")):
        return True
    return mentions.in_text(row["external_id"] or "") or in_payload(row["payload"], mentions)


def in_payload(payload: bytes, mentions: Mentions) -> bool:
    """Whether a payload mentions the person, in any spelling."""
    if not payload or not mentions.may_be_in(payload):
        return False
    try:
        return mentions.in_value(parse(payload))
    except MalformedPayload:
        return mentions.in_text(payload.decode(errors="replace"))


def redact(connection: sqlite3.Connection, mention: Mention, mentions: Mentions) -> bytes:
    """Take the person out of somebody else's event. Returns what its payload is then.

    A hash of what it said would tell it as well.
    """
    row = connection.execute("SELECT * FROM events WHERE id = ?", (mention.id,)).fetchone()
    payload, external_id = row["payload"], row["external_id"]
    if in_payload(payload, mentions):
        payload = _payload_without(payload, mentions)
    if external_id is not None and mentions.in_text(external_id):
        external_id = None
    changed = payload != row["payload"] or external_id != row["external_id"]
    body_hash = "" if changed and external_id is None else row["body_hash"]
    warnings = [FORGOTTEN if mentions.in_words(each) else each for each in json.loads(row["warnings"])]
    connection.execute(
        """
        UPDATE events SET payload = ?, external_id = ?, body_hash = ?, reason = ?, fix = ?, warnings = ?
        WHERE id = ?
        """,
        (
            payload,
            external_id,
            body_hash,
            _words_without(row["reason"], mentions),
            _words_without(row["fix"], mentions),
            json.dumps(warnings),
            mention.id,
        ),
    )
    return bytes(payload)


def _payload_without(payload: bytes, mentions: Mentions) -> bytes:
    try:
        return orjson.dumps(mentions.without(parse(payload)))
    except MalformedPayload:
        return b""


def _words_without(words: str, mentions: Mentions) -> str:
    return FORGOTTEN if words and mentions.in_words(words) else words


def redact_words(
    reader: sqlite3.Connection, mentions: Mentions, write: Callable[[str, tuple[Any, ...]], None]
) -> int:
    """Find every word for people that mentions them, and let `write` (a statement, its values) blank it."""
    count = 0
    for table, key, columns in _WORDS:
        for row in _rows(reader, table, key, columns):
            for column in columns:
                if row[column] and mentions.in_words(row[column]):
                    where = " AND ".join(f"{name} = ?" for name in key)
                    write(
                        f"UPDATE {table} SET {column} = ? WHERE {where}",  # noqa: S608 - our own words
                        (FORGOTTEN, *(row[name] for name in key)),
                    )
                    count += 1
    return count


def redact_bodies(
    reader: sqlite3.Connection,
    mentions: Mentions,
    former: Collection[str],
    write: Callable[[str, tuple[Any, ...]], None],
) -> int:
    """The same of other people's leads. A field that goes is sent again when it comes with a new event.

    On a phone that was theirs and is somebody else's now (`former`) the lead may still bear their name.
    """
    count = 0
    for table, key in _BODIES:
        for row in _rows(reader, table, key, ("body", "phone")):
            if row["body"] is None or row["phone"] in mentions.phones:
                continue
            named = row["phone"] in former
            if not (named or mentions.may_be_in(row["body"].encode())):
                continue
            body = json.loads(row["body"])
            kept = _lead_without(body, mentions, named=named)
            if kept != body:
                where = " AND ".join(f"{name} = ?" for name in key)
                write(
                    f"UPDATE {table} SET body = ? WHERE {where} AND body = ?",  # noqa: S608 - our own words
                    (json.dumps(kept), *(row[name] for name in key), row["body"]),
                )
                count += 1
    return count


def _lead_without(body: dict[str, Any], mentions: Mentions, *, named: bool) -> dict[str, Any]:
    """Absent is "not known": what went isn't taken for something that Fusion has, or should have."""
    kept: dict[str, Any] = {}
    for name, value in body.items():
        is_theirs = named and isinstance(value, str) and mentions.in_words(value)
        if not (is_theirs or mentions.in_value(value)):
            kept[name] = value
        elif name == "name":
            kept[name] = NO_NAME
        elif isinstance(value, dict):
            kept[name] = {each: of for each, of in value.items() if not mentions.in_value({each: of})}
        elif isinstance(value, list):
            kept[name] = [each for each in value if not mentions.in_value(each)]
    return kept


def known_of(connection: sqlite3.Connection, phones: Collection[str]) -> tuple[set[str], set[str]]:
    """Reads the e-mail addresses and names that leads with these phones have."""
    emails: set[str] = set()
    names: set[str] = set()
    for table, _ in _LEADS:
        rows = connection.execute(
            f"SELECT body FROM {table} WHERE phone IN (SELECT value FROM json_each(?)) AND body IS NOT NULL",  # noqa: S608
            (json.dumps(list(phones)),),
        )
        for row in rows:
            body = json.loads(row["body"])
            emails.add(str(body.get("email") or ""))
            names.add(str(body.get("name") or ""))
    return emails - {""}, names - {""}


@dataclass(frozen=True, slots=True)
class Said:
    """What an event said of somebody."""

    source: str
    payload: bytes
    by_another: bool  # by a contact who had the phone once, and isn't meant


def said_by(connection: sqlite3.Connection, ids: Collection[int], person: Person) -> Iterator[Said]:
    """Reads what these events said, one by one."""
    for event_id in ids:
        for row in connection.execute(
            """
            SELECT source, payload, c.system, c.contact_id
            FROM events LEFT JOIN contact_map AS c
                ON c.contact_id = events.contact_id AND c.system IN ('ghl', events.source)
            WHERE events.id = ?
            LIMIT 1
            """,
            (event_id,),
        ):
            contact = (row["system"], row["contact_id"])
            another = row["system"] is not None and contact not in person.contacts
            yield Said(row["source"], row["payload"], another)


def shared_emails(
    connection: sqlite3.Connection, emails: Collection[str], phones: Collection[str]
) -> set[str]:
    """Reads which of these addresses (in lower case) a lead of somebody else has, too."""
    found: set[str] = set()
    for table, _ in _LEADS:
        rows = connection.execute(
            f"""
            SELECT DISTINCT lower(json_extract(body, '$.email')) AS email FROM {table}
            WHERE phone NOT IN (SELECT value FROM json_each(:phones))
                AND lower(json_extract(body, '$.email')) IN (SELECT value FROM json_each(:emails))
            """,  # noqa: S608 - our own words
            {"phones": json.dumps(list(phones)), "emails": json.dumps(list(emails))},
        )
        found |= {row["email"] for row in rows}
    return found


def _rows(
    reader: sqlite3.Connection, table: str, key: tuple[str, ...], columns: tuple[str, ...]
) -> Iterator[sqlite3.Row]:
    """All rows of a table in windows, so that no reading holds back the log for long."""
    names = ", ".join(dict.fromkeys((*key, *columns)))
    order = ", ".join(key)
    after = f"({order}) > ({', '.join('?' * len(key))})"
    last: tuple[Any, ...] | None = None
    while True:
        rows = reader.execute(
            f"SELECT {names} FROM {table} WHERE {after if last else 'TRUE'} ORDER BY {order} LIMIT {WINDOW}",  # noqa: S608
            last or (),
        ).fetchall()
        yield from rows
        if len(rows) < WINDOW:
            return
        last = tuple(rows[-1][name] for name in key)
