"""The tables as the first releases made them. Impossible states don't fit in them.

A comment beside each state says who puts a row there. Rule for editors: a released migration is never
changed; a new one gets a module of its own beside this one, and its line in `migrations`.
"""

# Events: received (accept, replay) → queued (resolve: an outbox row carries it)
#   → delivered (settle) | skipped (resolve, settle: with a reason) | superseded (by a newer event)
#   | dead (resolve, settle: with a reason and a fix). `replay` takes any settled one back to received.
FIRST = """
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    external_id TEXT,
    body_hash TEXT,
    type TEXT NOT NULL,
    location_id TEXT NOT NULL DEFAULT '',
    contact_id TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL DEFAULT '',
    urgent INTEGER NOT NULL DEFAULT 0 CHECK (urgent IN (0, 1)),
    forced INTEGER NOT NULL DEFAULT 0 CHECK (forced IN (0, 1)),
    replayed_after INTEGER NOT NULL DEFAULT 0, -- the last attempt before its last replay
    received_at REAL NOT NULL,
    occurred_at REAL NOT NULL CHECK (occurred_at <= received_at),
    settled_at REAL,
    route TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'received'
        CHECK (state IN ('received', 'queued', 'delivered', 'skipped', 'superseded', 'dead')),
    reason TEXT NOT NULL DEFAULT '',
    fix TEXT NOT NULL DEFAULT '',
    superseded_by INTEGER REFERENCES events (id),
    warnings TEXT NOT NULL DEFAULT '[]',
    payload BLOB NOT NULL, -- last: what stands behind a long value is slow to read
    CHECK ((external_id IS NULL) <> (body_hash IS NULL)),
    CHECK ((state IN ('received', 'queued')) = (settled_at IS NULL)),
    CHECK ((state = 'superseded') = (superseded_by IS NOT NULL)),
    CHECK (state NOT IN ('skipped', 'dead') OR reason <> '')
) STRICT;
CREATE UNIQUE INDEX events_external_id ON events (source, external_id) WHERE external_id IS NOT NULL;
CREATE INDEX events_body_hash ON events (source, body_hash, received_at) WHERE body_hash IS NOT NULL;
CREATE INDEX events_received ON events (state, urgent DESC, id) WHERE state = 'received';
CREATE INDEX events_state ON events (state, id);
CREATE INDEX events_phone ON events (phone, id) WHERE phone <> '';
CREATE INDEX events_contact ON events (contact_id, id) WHERE contact_id <> '';
CREATE INDEX events_superseded_by ON events (superseded_by) WHERE superseded_by IS NOT NULL;

CREATE TABLE contact_map (
    system TEXT NOT NULL,
    location_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    phone TEXT NOT NULL DEFAULT '',
    occurred_at REAL NOT NULL,
    event_id INTEGER NOT NULL,
    dnd_all INTEGER NOT NULL CHECK (dnd_all IN (0, 1)),
    dnd_all_at REAL NOT NULL,
    dnd_call INTEGER NOT NULL CHECK (dnd_call IN (0, 1)),
    dnd_call_at REAL NOT NULL,
    blocked INTEGER NOT NULL CHECK (blocked IN (0, 1)),
    deleted INTEGER NOT NULL CHECK (deleted IN (0, 1)),
    account TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (system, contact_id, location_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_map_phone ON contact_map (phone);

-- The mapping table: this phone is that lead. campaign_id '' is the account's Default Feed.
CREATE TABLE lead_map (
    account TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    phone TEXT NOT NULL CHECK (phone LIKE '+%'),
    lead_id TEXT,
    body TEXT CHECK (body IS NULL OR json_valid(body)),
    delivered_at REAL,
    origin TEXT NOT NULL CHECK (origin IN ('created', 'adopted', 'found')),
    CHECK ((body IS NULL) = (delivered_at IS NULL)),
    PRIMARY KEY (account, campaign_id, phone)
) STRICT, WITHOUT ROWID;
CREATE INDEX lead_map_phone ON lead_map (phone);

-- What we owe: one row a key, the wanted state. A row is in flight while sent_version is set.
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL CHECK (lane IN ('leads')),
    account TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    phone TEXT NOT NULL CHECK (phone LIKE '+%'),
    kind TEXT CHECK (kind IN ('call', 'sms')),
    body TEXT NOT NULL CHECK (json_valid(body)),
    version INTEGER NOT NULL DEFAULT 1,
    event_id INTEGER NOT NULL REFERENCES events (id),
    sent_version INTEGER CHECK (sent_version <= version),
    sent_event_id INTEGER REFERENCES events (id),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 2),
    only_existing TEXT NOT NULL DEFAULT '',
    uncertain_at REAL,
    unreached_since REAL,
    failures INTEGER NOT NULL DEFAULT 0,
    unanswered INTEGER NOT NULL DEFAULT 0,
    corrections INTEGER NOT NULL DEFAULT 0,
    queued_at REAL NOT NULL,
    due_at REAL NOT NULL,
    last_error TEXT NOT NULL DEFAULT '',
    UNIQUE (lane, account, campaign_id, phone),
    CHECK ((sent_version IS NULL) = (sent_event_id IS NULL))
) STRICT;
CREATE INDEX outbox_due ON outbox (lane, account, priority, due_at) WHERE sent_version IS NULL;
CREATE INDEX outbox_phone ON outbox (phone);
CREATE INDEX outbox_event ON outbox (event_id);
CREATE INDEX outbox_sent_event ON outbox (sent_event_id) WHERE sent_event_id IS NOT NULL;

-- One row a request, written before it leaves: the budget is rebuilt from these after a crash.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL,
    account TEXT NOT NULL,
    started_at REAL NOT NULL,
    answered_at REAL,
    ms REAL,
    method TEXT NOT NULL,
    path TEXT NOT NULL DEFAULT '',
    leads INTEGER NOT NULL,
    status INTEGER,
    outcome TEXT,
    reached INTEGER NOT NULL DEFAULT 1 CHECK (reached IN (0, 1)),
    error TEXT NOT NULL DEFAULT '',
    CHECK ((answered_at IS NULL) = (outcome IS NULL))
) STRICT;
CREATE INDEX attempts_account ON attempts (lane, account, answered_at);
CREATE TABLE attempt_leads (
    attempt_id INTEGER NOT NULL REFERENCES attempts (id) ON DELETE CASCADE,
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    campaign_id TEXT NOT NULL,
    phone TEXT NOT NULL,
    PRIMARY KEY (attempt_id, event_id, campaign_id, phone)
) STRICT, WITHOUT ROWID;
CREATE INDEX attempt_leads_event ON attempt_leads (event_id);

-- Why an account doesn't send now, for people: the service itself keeps this in memory.
CREATE TABLE lanes (
    lane TEXT NOT NULL,
    account TEXT NOT NULL,
    reason TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT '',
    since REAL NOT NULL,
    paused_until REAL NOT NULL,
    PRIMARY KEY (lane, account)
) STRICT, WITHOUT ROWID;
"""


# Batches: which request carries a row, whom it is suspected or doubted with, and how often it was refused in
# company. SQLite can't change a CHECK, so the table is built anew.
SECOND = """
CREATE TABLE outbox_2 (
    id INTEGER PRIMARY KEY,
    lane TEXT NOT NULL CHECK (lane IN ('leads')),
    account TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    phone TEXT NOT NULL CHECK (phone LIKE '+%'),
    kind TEXT CHECK (kind IN ('call', 'sms')),
    body TEXT NOT NULL CHECK (json_valid(body)),
    version INTEGER NOT NULL DEFAULT 1,
    event_id INTEGER NOT NULL REFERENCES events (id),
    sent_version INTEGER CHECK (sent_version <= version),
    sent_event_id INTEGER REFERENCES events (id),
    attempt_id INTEGER REFERENCES attempts (id), -- the request under way
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    only_existing TEXT NOT NULL DEFAULT '',
    uncertain_at REAL,
    unreached_since REAL,
    failures INTEGER NOT NULL DEFAULT 0,
    unanswered INTEGER NOT NULL DEFAULT 0,
    corrections INTEGER NOT NULL DEFAULT 0,
    refusals INTEGER NOT NULL DEFAULT 0,
    suspects INTEGER, -- the refused batch of which one must be the culprit
    doubt INTEGER, -- the last batch with it that got no answer …
    doubt_since REAL, -- … and when the first such batch left: each was a part of the one before
    doubt_version INTEGER CHECK (doubt_version <= version), -- what that first one carried
    look_up INTEGER NOT NULL DEFAULT 0 CHECK (look_up IN (0, 1)), -- whether it is there: not known yet
    queued_at REAL NOT NULL,
    due_at REAL NOT NULL,
    last_error TEXT NOT NULL DEFAULT '',
    UNIQUE (lane, account, campaign_id, phone),
    CHECK ((sent_version IS NULL) = (sent_event_id IS NULL)),
    CHECK ((sent_version IS NULL) = (attempt_id IS NULL)),
    CHECK ((doubt IS NULL) = (doubt_since IS NULL)),
    CHECK ((doubt IS NULL) = (doubt_version IS NULL)),
    CHECK (look_up = 0 OR doubt IS NOT NULL)
) STRICT;
INSERT INTO outbox_2 (
    id, lane, account, campaign_id, phone, kind, body, version, event_id,
    sent_version, sent_event_id, attempt_id, priority, only_existing, uncertain_at, unreached_since,
    failures, unanswered, corrections, queued_at, due_at, last_error
) SELECT
    id, lane, account, campaign_id, phone, kind, body, version, event_id, sent_version, sent_event_id,
    (
        SELECT a.id FROM attempt_leads AS l JOIN attempts AS a ON a.id = l.attempt_id
        WHERE l.event_id = sent_event_id AND l.phone = outbox.phone AND l.campaign_id = outbox.campaign_id
            AND a.account = outbox.account AND a.answered_at IS NULL
    ),
    priority, only_existing, uncertain_at, unreached_since,
    failures, unanswered, corrections, queued_at, due_at, last_error
FROM outbox;
DROP TABLE outbox;
ALTER TABLE outbox_2 RENAME TO outbox;
CREATE INDEX outbox_due ON outbox (lane, account, priority, due_at) WHERE sent_version IS NULL;
CREATE INDEX outbox_company ON outbox (lane, account, campaign_id, kind, priority, due_at)
    WHERE sent_version IS NULL;
CREATE INDEX outbox_phone ON outbox (phone);
CREATE INDEX outbox_event ON outbox (event_id);
CREATE INDEX outbox_sent_event ON outbox (sent_event_id) WHERE sent_event_id IS NOT NULL;
CREATE INDEX outbox_attempt ON outbox (attempt_id) WHERE attempt_id IS NOT NULL;
CREATE INDEX outbox_suspects ON outbox (suspects) WHERE suspects IS NOT NULL;
CREATE INDEX outbox_doubt ON outbox (doubt) WHERE doubt IS NOT NULL;

-- The window is read before every request: from the index alone.
DROP INDEX attempts_account;
CREATE INDEX attempts_account ON attempts (lane, account, answered_at, reached, started_at, status);

-- How far `bridge adopt` has read an account's leads.
CREATE TABLE adoptions (
    account TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    next_page INTEGER NOT NULL,
    total INTEGER,
    done_at REAL,
    PRIMARY KEY (account, campaign_id)
) STRICT, WITHOUT ROWID;
"""

# Marks of people who demanded erasure: nobody calls them again, and nobody can read here who they are. `hash`
# is keyed (`store.marks`), by a key that isn't in the database.
THIRD = """
CREATE TABLE forgotten (
    hash BLOB PRIMARY KEY CHECK (length(hash) = 32),
    of_contact INTEGER NOT NULL CHECK (of_contact IN (0, 1)), -- of a contact's id, else of a phone
    key_id BLOB NOT NULL CHECK (length(key_id) = 8), -- which key made it
    person BLOB NOT NULL, -- the hash of the phone by which they were erased: what was marked together
    at REAL NOT NULL,
    stage INTEGER NOT NULL DEFAULT 0 CHECK (stage IN (0, 1, 2)) -- marked, being erased, erased
) STRICT, WITHOUT ROWID;
CREATE INDEX forgotten_key ON forgotten (key_id);
CREATE INDEX forgotten_person ON forgotten (person);

-- Lists for people answer at once: the events of a rare source, who was delivered last, who is blocked.
CREATE INDEX events_source ON events (source, state, id);
CREATE INDEX lead_map_delivered ON lead_map (account, delivered_at);
CREATE INDEX contact_map_blocked ON contact_map (phone) WHERE blocked OR deleted;
"""

# Fields of a lead that an update which was given up may have changed since `body` was delivered.
FOURTH = "ALTER TABLE lead_map ADD COLUMN doubtful TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(doubtful))"
