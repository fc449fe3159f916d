"""The tables of what comes in and isn't an event: counts, and a small sample.

Rule for editors: a released migration is never changed.
"""

# An id that the sender gives may come again with other content: it is no id of an event then.
DOOR = """
DROP INDEX events_external_id;
CREATE INDEX events_external_id ON events (source, external_id, id) WHERE external_id IS NOT NULL;

-- How often a request was refused or ignored, and why the last one was. source '': none of the configuration.
CREATE TABLE refusals (
    source TEXT NOT NULL,
    outcome TEXT NOT NULL,
    count INTEGER NOT NULL CHECK (count > 0),
    reason TEXT NOT NULL,
    last_at REAL NOT NULL,
    PRIMARY KEY (source, outcome)
) STRICT, WITHOUT ROWID;

-- The newest of those whose sender proved who it is: as they came, for the operator.
CREATE TABLE refused_bodies (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    at REAL NOT NULL,
    content_type TEXT NOT NULL,
    size INTEGER NOT NULL, -- of the body in bytes; more than is kept of it, perhaps
    body BLOB NOT NULL
) STRICT;
"""
