"""The tables by which people find events: words of the name, the e-mail address, digits of the phone as sent.

Rule for editors: a released migration is never changed.
"""

# digits are kept backwards: the last ones of a number are a beginning then.
WORDS = """
CREATE TABLE event_words (
    kind TEXT NOT NULL CHECK (kind IN ('name', 'email', 'digits')),
    word TEXT NOT NULL CHECK (word <> ''),
    event_id INTEGER NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    PRIMARY KEY (kind, word, event_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_words_event ON event_words (event_id);
-- What was said of a person goes with the payload.
CREATE TRIGGER event_words_go AFTER UPDATE OF payload ON events
WHEN length(new.payload) = 0
BEGIN DELETE FROM event_words WHERE event_id = new.id; END;
CREATE INDEX events_reason ON events (reason, id) WHERE reason <> '';
CREATE INDEX events_route ON events (route, id) WHERE route <> '';
CREATE INDEX events_warned ON events (id) WHERE warnings <> '[]';
"""
