"""The tables of what an event wanted, what was sent for it, and under which rules.

Rule for editors: a released migration is never changed.
"""

# What a lead should be goes with the payload that said so, whoever empties that: retention, `forget`, or the
# resolver. (A trigger's body is one line: `migrations` splits at the ends of lines.)
WANTED = """
CREATE TABLE rule_sets (
    rules TEXT PRIMARY KEY, -- a fingerprint of the rules
    since REAL NOT NULL -- when a service used them first
) STRICT, WITHOUT ROWID;

CREATE TABLE event_leads (
    event_id INTEGER PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
    rules TEXT NOT NULL,
    name TEXT NOT NULL DEFAULT '', -- of the contact, as it was sent: for lists
    account TEXT NOT NULL DEFAULT '',
    campaign_id TEXT NOT NULL DEFAULT '',
    phone TEXT NOT NULL DEFAULT '',
    body TEXT CHECK (body IS NULL OR json_valid(body)), -- the lead as the rules made it
    places TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(places)) -- by field, the places of its rules
) STRICT;

ALTER TABLE attempt_leads ADD COLUMN body TEXT CHECK (body IS NULL OR json_valid(body));

CREATE TRIGGER events_emptied AFTER UPDATE OF payload ON events WHEN length(new.payload) = 0
BEGIN UPDATE event_leads SET body = NULL, phone = '', name = '' WHERE event_id = new.id; \
UPDATE attempt_leads SET body = NULL WHERE event_id = new.id AND body IS NOT NULL; END;

-- What the service has read, and what it refused last.
CREATE TABLE loaded_config (
    only_one INTEGER PRIMARY KEY CHECK (only_one = 1),
    saved TEXT NOT NULL, -- when the files were saved, and their sizes
    loaded_at REAL NOT NULL,
    refused_saved TEXT,
    refused_at REAL,
    problem TEXT NOT NULL DEFAULT ''
) STRICT;

-- What Fusion's headers said last of an account's limit, where that is less than we know ourselves.
CREATE TABLE told_limits (
    account TEXT PRIMARY KEY,
    told INTEGER, -- the limit that it names, where it is lower
    others INTEGER NOT NULL, -- places that others with the same key took …
    until REAL NOT NULL -- … and when the last of them is free again
) STRICT, WITHOUT ROWID;
"""
