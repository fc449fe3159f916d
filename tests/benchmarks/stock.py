"""A database as months of service leave it, written by a few statements.

Everything follows from an event's number. Of a hundred events one is dead, ten were skipped, ten superseded,
the rest delivered by requests of ten leads; the newest wait. A person has about three events, weeks apart;
one contact has a thousand. Rule for editors: what the bridge couldn't have written must not be in here: the
tables' own checks hold, and so do the foreign keys.
"""

import json
import time
from pathlib import Path

from bridge.store.database import open_writer
from tests.benchmarks.load import payload

DAY_S = 86_400.0
DAYS = 90.0

RECEIVED = 1_000  # the newest
QUEUED = 3_000  # before those

FIRST_NAMES = [f"{begin}{end}" for begin in ("Ad", "Ben", "Car", "Dan", "El") for end in
               ("a", "ie", "lo", "ny", "ra", "so", "to", "vi")]  # fmt: skip

# One of a kind, for who asks for them.
BUSY_CONTACT = "contact-of-a-thousand"
RARE_SOURCE = "forms"
MUCH_RETRIED = 778
_TRIES = 300  # of it, before it was delivered


def fill(database: Path, count: int, *, kinds: tuple[str, ...] = ("workflow", "app")) -> None:
    """So many events of the last 90 days, from these sources in turn."""
    connection = open_writer(database)
    for pragma in ("synchronous = OFF", "cache_size = -400000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {pragma}")
    now = time.time()
    bodies = [json.dumps(payload(1, kind)) for kind in kinds]
    values = {
        "count": count,
        "people": max(1, count // 3),
        "first": now - DAYS * DAY_S,
        "step": (DAYS * DAY_S - 60) / count,
        "one": kinds[0],
        "other": kinds[-1],
        "one_body": bodies[0],
        "other_body": bodies[-1],
        "lead": json.dumps(_LEAD),
        "places": json.dumps({field: ["lead." + field] for field in ("phone", *_LEAD)}),
        "first_names": json.dumps(FIRST_NAMES),
        "busy": BUSY_CONTACT,
        "rare": RARE_SOURCE,
        "waiting": count - RECEIVED - QUEUED if count > 10 * (RECEIVED + QUEUED) else count,
        "received": count - RECEIVED if count > 10 * (RECEIVED + QUEUED) else count,
    }
    connection.execute("BEGIN")
    for statement in (_EVENTS, _CONTACTS, _LEADS, _ATTEMPTS, _OUTBOX, _WANTED, _WORDS, _EMAILS, _CARRIED):
        connection.execute(statement, values)
    connection.execute("COMMIT")
    wrong = connection.execute("PRAGMA foreign_key_check").fetchone()
    if wrong is not None:
        raise RuntimeError(f"a row that belongs to nothing: {tuple(wrong)}")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


_LEAD = {
    "name": "Avery Sample",
    "email": "avery.sample.1@example.com",
    "company": "Example Fitness Studio",
    "tags": ["bridge-test", "spring campaign", "web form", "gohighlevel"],
    "custom_fields": {"city": "Springfield"},
}

_NUMBERS = """
WITH RECURSIVE
    number (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < :count),
    event AS (
        SELECT
            n,
            (n * 7919) % :people AS person,
            n % 1000 = 500 AS busy,
            CASE
                WHEN n <= 500 THEN :rare
                WHEN n % 2 THEN :one
                ELSE :other END AS source,
            CASE
                WHEN n > :received THEN 'received'
                WHEN n > :waiting THEN 'queued'
                WHEN n % 100 = 1 THEN 'dead'
                WHEN n % 100 < 12 THEN 'skipped'
                WHEN n % 100 < 22 THEN 'superseded'
                ELSE 'delivered' END AS state,
            :first + n * :step AS at
        FROM number
    )
"""
# The phone of a person, and whether the event knows it.
_PHONE = "printf('+1%010d', 3000000000 + person)"
_EVENTS = f"""
{_NUMBERS}
INSERT INTO events (
    id, source, external_id, body_hash, type, location_id, contact_id, phone, received_at, occurred_at,
    settled_at, route, state, reason, fix, superseded_by, payload
) SELECT
    n, source,
    CASE WHEN source = 'app' THEN printf('webhook-%012d', n) END,
    CASE WHEN source <> 'app' THEN lower(hex(randomblob(32))) END,
    'contact.updated', 've9EPM428h8vShlRW1KT',
    CASE WHEN busy THEN :busy ELSE printf('contact-%012d', person) END,
    CASE WHEN state = 'received' OR state = 'skipped' AND n % 100 < 5 THEN '' ELSE {_PHONE} END,
    at, at,
    CASE WHEN state NOT IN ('received', 'queued') THEN at + 1 END,
    CASE WHEN state = 'received' THEN '' ELSE 'all' END,
    state,
    CASE state WHEN 'dead' THEN 'Fusion refused it: phone: not a number that can be called'
        WHEN 'skipped' THEN CASE WHEN n % 100 < 5 THEN 'no phone yet' ELSE 'unchanged' END
        ELSE '' END,
    CASE state WHEN 'dead' THEN 'correct the phone in the CRM' ELSE '' END,
    CASE state WHEN 'superseded' THEN n + 10 END,
    CAST(CASE WHEN source = :other THEN :other_body ELSE :one_body END AS BLOB)
FROM event
"""
_CONTACTS = f"""
{_NUMBERS}
INSERT INTO contact_map (
    system, location_id, contact_id, phone, occurred_at, event_id,
    dnd_all, dnd_all_at, dnd_call, dnd_call_at, blocked, deleted, account
)
SELECT
    'ghl', 've9EPM428h8vShlRW1KT', printf('contact-%012d', person), {_PHONE}, MAX(at), MAX(n),
    0, 0, person % 100 = 7, 0, person % 100 = 7, 0, ''
FROM event
WHERE NOT busy AND n <= :waiting
GROUP BY person
"""
_LEADS = f"""
{_NUMBERS}
INSERT INTO lead_map (account, campaign_id, phone, lead_id, body, delivered_at, origin)
SELECT
    'main', '', {_PHONE}, lower(hex(randomblob(16))), json_set(:lead, '$.phone', {_PHONE}), MAX(at) + 1,
    'created'
FROM event
WHERE state = 'delivered'
GROUP BY person
"""
# The first requests all carried the same event, and failed; the others carried ten leads each.
_ATTEMPTS = f"""
WITH RECURSIVE number (n) AS (
    SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < {_TRIES} + (:waiting + 9) / 10
)
INSERT INTO attempts (
    id, lane, account, started_at, answered_at, ms, method, path, leads, status, outcome, error
) SELECT
    n, 'leads', 'main', :first + n * 10 * :step, :first + n * 10 * :step + 0.1, 100, 'POST', '/leads',
    CASE WHEN n <= {_TRIES} THEN 1 ELSE 10 END,
    CASE WHEN n <= {_TRIES} THEN 500 ELSE 201 END,
    CASE WHEN n <= {_TRIES} THEN 'failed' ELSE 'delivered' END,
    CASE WHEN n <= {_TRIES} THEN 'Fusion stumbled' ELSE '' END
FROM number
"""
_CARRIED = f"""
INSERT INTO attempt_leads (attempt_id, event_id, campaign_id, phone, body)
SELECT {_TRIES} + (id + 9) / 10, id, '', e.phone, body
FROM events AS e JOIN event_leads ON event_id = id
WHERE state = 'delivered'
UNION ALL
SELECT a.id, event_id, '', phone, body FROM attempts AS a JOIN event_leads ON event_id = {MUCH_RETRIED}
WHERE a.id <= {_TRIES}
"""
# A first name is one of forty, a last name one of 20,000.
_NAMED = """
WITH named AS (
    SELECT
        id, phone, state, json_extract(:first_names, printf('$[%d]', (id * 7919) % :people % 40)) AS first,
        printf('Family%05d', (id * 7919) % :people % 20000) AS last,
        printf('sample.%d@example.com', (id * 7919) % :people) AS email
    FROM events
    WHERE state <> 'received'
)
"""
_WANTED = f"""
{_NAMED}
INSERT INTO event_leads (event_id, rules, name, account, phone, body, places)
SELECT
    id, '0123456789', full, iif(phone = '', '', 'main'), phone,
    iif(phone = '', NULL, json_set(:lead, '$.phone', phone, '$.name', full, '$.email', email)),
    iif(phone = '', '{{}}', :places)
FROM (SELECT *, first || ' ' || last AS full FROM named)
"""
_WORDS = f"""
{_NAMED}
INSERT INTO event_words (kind, word, event_id)
SELECT 'email', email, id FROM named
UNION ALL SELECT 'name', lower(first), id FROM named
UNION ALL SELECT 'name', lower(last), id FROM named
ORDER BY 1, 2, 3
"""
_EMAILS = """
INSERT INTO contact_emails (email, system, location_id, contact_id)
SELECT 'of.' || contact_id || '@example.com', system, location_id, contact_id FROM contact_map
"""
_OUTBOX = """
INSERT INTO outbox (lane, account, campaign_id, phone, body, event_id, priority, queued_at, due_at)
SELECT 'leads', 'main', '', phone, json_set(:lead, '$.phone', phone), id, 1, received_at, received_at
FROM events
WHERE state = 'queued' AND phone <> ''
"""
