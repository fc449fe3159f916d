"""What is kept so that an opt-out reaches the person: e-mail addresses, and times of the senders' own.

Rule for editors: a released migration is never changed.
"""

# The addresses of who is known already are those of their leads. The index on contact_map finds whom an event
# blocks (and isn't taken for a list of them all); those on events find what later events settle.
REACH = """
ALTER TABLE contact_map ADD COLUMN stated_at REAL NOT NULL DEFAULT 0;

CREATE TABLE contact_emails (
    email TEXT NOT NULL CHECK (email LIKE '%@%'),
    system TEXT NOT NULL,
    location_id TEXT NOT NULL,
    contact_id TEXT NOT NULL,
    PRIMARY KEY (email, system, contact_id, location_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX contact_emails_contact ON contact_emails (contact_id, system);
INSERT OR IGNORE INTO contact_emails (email, system, location_id, contact_id)
SELECT lower(trim(json_extract(l.body, '$.email'))), c.system, c.location_id, c.contact_id
FROM (SELECT phone, body FROM lead_map UNION ALL SELECT phone, body FROM outbox) AS l
JOIN contact_map AS c ON c.phone = l.phone
WHERE json_extract(l.body, '$.email') LIKE '%@%';

CREATE INDEX contact_map_blocker ON contact_map (event_id) WHERE blocked + deleted > 0;
CREATE INDEX events_dead_contact ON events (contact_id, id) WHERE state = 'dead';
CREATE INDEX events_dead_phone ON events (phone, id) WHERE state = 'dead';
CREATE INDEX events_in_vain ON events (id)
    WHERE state = 'dead' AND instr(reason, 'that names nobody who is known') > 0;
"""
