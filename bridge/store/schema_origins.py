"""The tables of which Fusion the lead map speaks of, and what is known of leads in another one.

Rule for editors: a released migration is never changed.
"""

# The columns of lead_map_elsewhere are those of lead_map, behind the Fusion in which the leads are.
ORIGINS = """
CREATE TABLE fusion_origins (
    account TEXT PRIMARY KEY,
    fusion TEXT NOT NULL, -- scheme, host and port
    since REAL NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE lead_map_elsewhere (
    fusion TEXT NOT NULL,
    account TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    phone TEXT NOT NULL CHECK (phone LIKE '+%'),
    lead_id TEXT,
    body TEXT CHECK (body IS NULL OR json_valid(body)),
    delivered_at REAL,
    origin TEXT NOT NULL CHECK (origin IN ('created', 'adopted', 'found')),
    doubtful TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(doubtful)),
    CHECK ((body IS NULL) = (delivered_at IS NULL)),
    PRIMARY KEY (account, fusion, campaign_id, phone)
) STRICT, WITHOUT ROWID;
CREATE INDEX lead_map_elsewhere_phone ON lead_map_elsewhere (phone);

CREATE TABLE adoptions_elsewhere (
    fusion TEXT NOT NULL,
    account TEXT NOT NULL,
    campaign_id TEXT NOT NULL,
    next_page INTEGER NOT NULL,
    total INTEGER,
    done_at REAL,
    PRIMARY KEY (account, fusion, campaign_id)
) STRICT, WITHOUT ROWID;
"""

# When `bridge adopt` saw a lead last; when it began to read a list, and how many of it were shown that the
# map doesn't take. What a whole list doesn't show isn't in Fusion.
SEEN = """
ALTER TABLE lead_map ADD COLUMN seen_at REAL;
ALTER TABLE adoptions ADD COLUMN began_at REAL;
ALTER TABLE adoptions ADD COLUMN not_taken INTEGER NOT NULL DEFAULT 0;
"""
