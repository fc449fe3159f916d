"""Whatever happened to a few people who share phones: one is erased, and nothing else changes."""

import contextlib
import json
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.outbox.facts import Decision
from bridge.outbox.outcome import Rejected, Unreachable
from bridge.store import claiming, events
from bridge.store.person import with_left_behind
from tests.stocked import BUDGET
from tests.store.test_forgetting import Town

WHO = ("ann", "bob", "cam", "dan")
PHONES = tuple(f"+1202555010{number}" for number in range(4))
SPELT = {phone: f"({phone[2:5]}) {phone[5:8]}-{phone[8:]}" for phone in PHONES}
HAPPENED = (
    "accept",
    "want",
    "has",
    "refuse",
    "fail",
    "claim",
    "skip",
    "die",
    "note",
    "form",
    "block",
    "replay",
)
HISTORY = st.lists(
    st.tuples(st.sampled_from(HAPPENED), st.sampled_from(WHO), st.sampled_from(PHONES)),
    min_size=1,
    max_size=14,
)


def happen(town, what, who, phone):
    waiting = town.rows("SELECT 1 FROM outbox WHERE sent_version IS NULL")
    match what:
        case "accept":
            town.accept(who, body=town.body(who, SPELT[phone]))
        case "want" | "has" | "refuse" | "fail":
            town.wants(who, phone)
        case "block":
            town.wants(who, phone, blocked=True)
        case "claim" if waiting:
            claiming.claim(town.connection, "main", budget=BUDGET, room=1, now=2e9)
        case "skip":
            event_id = town.accept(who, body=town.body(who))
            town.decide(event_id, Decision("skipped", "no phone"))
        case "die":
            event_id = town.accept(who, body=town.body(who, phone))
            reason = f"{SPELT[phone]} of {who.title()} Ives is taken"
            town.decide(event_id, Decision("dead", reason, f"write to {who}@example.com"), phone)
        case "note":
            town.wants(who, own(town, who, phone), custom_fields={"note": SPELT[phone]})
        case "form":
            said = {"email": f"{who}@example.com", "full_name": f"{who.title()} Ives", "n": town.tick()}
            event_id = town.accept("", body=json.dumps(said).encode())
            town.decide(event_id, Decision("skipped", "no phone"))
        case "replay":
            events.replay(town.connection, [1], force=False)
    outcome = {"has": None, "refuse": Rejected("no", ""), "fail": Unreachable("nobody", uncertain=True)}
    if what in outcome:
        with contextlib.suppress(ValueError):  # what waits may not be due, or stands behind another
            town.send(outcome[what], status=None if what == "fail" else 201, error=f"no: {who.title()} Ives")


def own(town, who, phone):
    """The phone that somebody has, else this one."""
    found = town.rows("SELECT phone FROM contact_map WHERE contact_id = ? AND phone <> ''", who)
    return found[0]["phone"] if found else phone


def rows_of(town, table, but):
    """What isn't theirs: by phone, and of contacts by id."""
    return [
        row
        for row in town.rows(f"SELECT * FROM {table}")
        if row["phone"] not in but.phones and ("ghl", row.get("contact_id")) not in but.contacts
    ]


@settings(max_examples=60, deadline=None)
@example([("want", "cam", PHONES[0]), ("want", "cam", PHONES[1]), ("has", "cam", PHONES[2])], PHONES[0])
@given(HISTORY, st.sampled_from(PHONES))
def test_one_is_erased_and_the_others_are_what_they_were(history, phone):
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder))
        for what, who, of in history:
            happen(town, what, who, of)
        person = with_left_behind(town.connection, town.find(phone))
        theirs = {who for _, who in person.contacts}
        traces = [each[2:] for each in person.phones] + [
            SPELT[each] for each in person.phones if each in SPELT
        ]
        traces += [trace for who in theirs for trace in (f"{who}@", f"{who.title()} Ives", f"'{who}'")]
        before = {
            table: rows_of(town, table, person) for table in ("events", "lead_map", "contact_map", "outbox")
        }
        ids = town.rows("SELECT id FROM events ORDER BY id")

        erased = town.forget(phone)

        assert erased.clean
        left = repr({table: rows for table, rows in town.everything().items() if table != "forgotten"})
        assert [trace for trace in traces if trace in left] == []
        assert [trace for trace in traces if "'" not in trace and trace.encode() in town.raw()] == []
        assert town.rows("SELECT id FROM events ORDER BY id") == ids
        assert town.rows("PRAGMA foreign_key_check") == []
        assert town.rows("SELECT 1 FROM outbox WHERE event_id NOT IN (SELECT id FROM events)") == []
        for table, rows in before.items():
            after = {json.dumps(row, default=repr) for row in rows_of(town, table, person)}
            for row in rows:
                text = json.dumps(row, default=repr)
                named = any(trace.strip("'") in text for trace in traces)
                assert named or text in after, (table, row)
        queued = town.rows("SELECT id FROM events WHERE state = 'queued'")
        carried = town.rows("SELECT event_id AS id FROM outbox UNION SELECT sent_event_id FROM outbox")
        assert [each for each in queued if each not in carried] == []
        assert town.forget(phone).events == 0
        town.connection.close()
