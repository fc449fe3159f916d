"""The tables: what they refuse, what they remember, and that the hot queries stay on their indexes."""

import sqlite3

import pytest

from bridge.model import Contact as Person
from bridge.model import ContactKey, Destination, Incoming, Lead, Mapped, Reading
from bridge.outbox.budget import Budget
from bridge.outbox.facts import OwnTags
from bridge.outbox.identity import Arrival, decide
from bridge.outbox.lane import LaneState
from bridge.outbox.outcome import Delivered, Failed, Gone, Throttled, Unreachable
from bridge.outbox.retry import Retry
from bridge.outbox.settle import Moment
from bridge.store.claiming import COMPANY, DOUBTED, FIRST, SUSPECTED
from bridge.store.claiming import claim as claim_within
from bridge.store.events import accept, kill, received, release, replay
from bridge.store.recovering import abandon, forget_pauses, recover, throttled_until
from bridge.store.resolving import load_facts, write_decision
from bridge.store.settling import Answered, settle
from bridge.store.spending import spent

ANN = ContactKey("ghl", "loc", "ann")
PHONE = "+12025550101"
OUTBOX = """
INSERT INTO outbox (
    lane, account, campaign_id, phone, queued_at, due_at, body, event_id, priority, sent_version
)
VALUES ('leads', 'a', '', '+1', 1, 1, {})
"""
ANSWERED_BY_NOTHING = """
INSERT INTO attempts (lane, account, started_at, method, leads, answered_at)
VALUES ('leads', 'a', 1, 'POST', 1, 2)
"""


def claim(db, account, *, now, budget=None, room=1):
    """A claim of one request, unless more are asked for."""
    return claim_within(db, account, budget=budget or Budget(1000, 60), room=room, now=now)


def event(db, **fields):
    columns = {
        "source": "s",
        "body_hash": "h",
        "type": "t",
        "received_at": 10,
        "occurred_at": 10,
        "payload": b"{}",
    }
    columns.update(fields)
    names, marks = ", ".join(columns), ", ".join("?" * len(columns))
    return db.execute(f"INSERT INTO events ({names}) VALUES ({marks})", tuple(columns.values())).lastrowid


@pytest.mark.parametrize(
    "impossible",
    [
        {"state": "sent"},
        {"state": "delivered"},  # settled without a time
        {"state": "received", "settled_at": 1},
        {"state": "superseded", "settled_at": 1},  # by nobody
        {"state": "skipped", "settled_at": 1},  # without a reason
        {"state": "dead", "settled_at": 1},
        {"external_id": "both", "body_hash": "both"},
        {"body_hash": None},
        {"occurred_at": 11},  # later than it was received
        {"payload": None},
        {"urgent": 2},
        {"superseded_by": 999, "state": "superseded", "settled_at": 1},  # by an event that isn't there
    ],
)
def test_impossible_events_do_not_fit(db, impossible):
    with pytest.raises(sqlite3.IntegrityError):
        event(db, **impossible)


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO lead_map VALUES ('a', '', '2025550101', NULL, NULL, NULL, 'found', '[]', NULL, '[]')",
        "INSERT INTO lead_map VALUES ('a', '', '+1', NULL, '{}', NULL, 'found', '[]', NULL, '[]')",
        "INSERT INTO lead_map VALUES ('a', '', '+1', NULL, 'no json', 1, 'found', '[]', NULL, '[]')",
        "INSERT INTO lead_map VALUES ('a', '', '+1', NULL, NULL, NULL, 'guessed', '[]', NULL, '[]')",
        "INSERT INTO lead_map VALUES ('a', '', '+1', NULL, NULL, NULL, 'found', 'no json', NULL, '[]')",
        OUTBOX.format("'{}', 999, 1, NULL"),  # of an event that isn't there
        OUTBOX.format("'{}', 1, 4, NULL"),  # of no known priority
        OUTBOX.format("'{}', 1, 1, 1"),  # in flight, but nobody's
        OUTBOX.format("'no json', 1, 1, NULL"),
        ANSWERED_BY_NOTHING,
    ],
)
def test_impossible_rows_do_not_fit(db, statement):
    event(db, id=1)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(statement)


def incoming(**fields):
    return Incoming(**{"type": "contact.updated", **fields})


def test_the_same_event_is_stored_once(db):
    by_id = incoming(external_id="w1")
    assert accept(db, "app", by_id, body=b"1", body_hash="", now=0.0) == (1, True)
    assert accept(db, "app", by_id, body=b"2", body_hash="", now=1e9) == (1, False)
    assert accept(db, "other", by_id, body=b"1", body_hash="", now=0.0) == (2, True)


def test_the_same_body_is_a_repeat_within_a_minute_only(db):
    assert accept(db, "wf", incoming(), body=b"1", body_hash="h", now=100.0) == (1, True)
    assert accept(db, "wf", incoming(), body=b"1", body_hash="h", now=159.9) == (1, False)
    assert accept(db, "wf", incoming(), body=b"1", body_hash="h", now=160.1) == (2, True)
    assert accept(db, "wf", incoming(), body=b"1", body_hash="other", now=160.2) == (3, True)


def test_out_in_and_out_again_within_a_minute_is_no_repeat(db):
    ann = incoming(contact=ANN)
    assert accept(db, "wf", ann, body=b"out", body_hash="out", now=1.0) == (1, True)
    assert accept(db, "wf", incoming(), body=b"x", body_hash="somebody else", now=2.0) == (2, True)
    assert accept(db, "wf", ann, body=b"out", body_hash="out", now=3.0) == (1, False)
    assert accept(db, "app", ann, body=b"in", body_hash="in", now=4.0) == (3, True)
    assert accept(db, "wf", ann, body=b"out", body_hash="out", now=5.0) == (4, True)


def test_an_account_that_left_takes_its_rows_along_with_a_fix(db):
    first = queue(db)
    db.execute("UPDATE outbox SET uncertain_at = 15.0")
    assert abandon(db, {"main"}, 20.0) == []
    assert abandon(db, {"other"}, 20.0) == ["main"]
    row = db.execute("SELECT state, reason, fix FROM events WHERE id = ?", (first,)).fetchone()
    assert row["state"] == "dead"
    assert db.execute("SELECT account, body FROM lead_map").fetchone()["body"] is None  # it may exist
    assert "'main'" in row["reason"]
    assert "replay" in row["fix"]


def test_a_contact_is_the_same_with_and_without_its_location(db):
    queue(db)
    for location in ("", "loc"):
        assert load_facts(db, ContactKey("ghl", location, PHONE), "").contact
    assert not load_facts(db, ContactKey("ghl", "other", PHONE), "").contact


def test_fusions_request_to_wait_survives_a_restart(db):
    queue(db)
    (claimed,) = claim(db, "main", now=10.0).claimed
    pause = LaneState("throttled", "Fusion asked for 30 s", 50.0)
    moment = Moment(20.0, 1.0, LaneState(), pause)
    settle(db, claimed, answer(Throttled(30.0), 429), moment=moment, retry=Retry())
    forget_pauses(db, 21.0)
    assert throttled_until(db, "main") == 50.0
    forget_pauses(db, 51.0)
    assert throttled_until(db, "main") == 0.0


def test_what_fusion_lost_with_a_lead_goes_into_the_next_creation(db):
    queue(db)
    (claimed,) = claim(db, "main", now=10.0).claimed
    finish(db, claimed, Delivered({PHONE: "id"}, 1))
    db.execute("UPDATE lead_map SET body = json_set(body, '$.email', 'ann@example.com')")
    queue(db, at=30.0)
    (claimed,) = claim(db, "main", now=30.0).claimed
    finish(db, claimed, Gone("none"), now=31.0)
    (claimed,) = claim(db, "main", now=31.0).claimed
    assert (claimed.request.plan, claimed.request.leads[0]["email"]) == ("create", "ann@example.com")


def test_a_senders_clock_that_is_ahead_is_not_believed(db):
    accept(db, "app", incoming(external_id="a", occurred_at=500.0), body=b"1", body_hash="", now=100.0)
    accept(db, "app", incoming(external_id="b", occurred_at=50.0), body=b"1", body_hash="", now=100.0)
    assert [row.occurred_at for row in received(db, 10)] == [100.0, 50.0]


def test_urgent_events_are_resolved_first(db):
    for name, urgent in (("a", False), ("b", True), ("c", False)):
        accept(db, "app", incoming(external_id=name, urgent=urgent), body=b"1", body_hash="", now=1.0)
    assert [row.id for row in received(db, 10)] == [2, 1, 3]
    assert [row.id for row in received(db, 1)] == [2]


def arrive(db, *events):
    """Store events of contacts: each a contact's id, in capitals when it is urgent."""
    for number, name in enumerate(events):
        contact = ContactKey("ghl", "loc", name.lower())
        event = incoming(external_id=f"e{number}", urgent=name.isupper(), contact=contact)
        accept(db, "app", event, body=b"1", body_hash="", now=1.0)


def test_what_a_contact_said_before_goes_with_their_urgent_event(db):
    arrive(db, "bob", "ann", "ann", "ANN", "cy", "ann", "CY", "ANN", "bob")
    assert [row.id for row in received(db, 10)] == [2, 3, 4, 5, 7, 6, 8, 1, 9]
    assert [row.urgent for row in received(db, 10)] == [True] * 7 + [False] * 2


@pytest.mark.parametrize("limit", range(1, 10))
def test_so_it_does_in_batches_of_any_size(db, limit):
    arrive(db, "bob", "ann", "ann", "ANN", "cy", "ann", "CY", "ANN", "bob")
    order = []
    while batch := received(db, limit):
        assert len(batch) <= limit
        for event in batch:
            order.append(event.id)
            kill(db, event.id, "broken", "mend it", 2.0)
    assert order == [2, 3, 4, 5, 7, 6, 8, 1, 9]


def test_urgent_events_of_nobody_in_particular_bring_nothing_along(db):
    for name, urgent in (("a", False), ("b", True)):
        event = incoming(external_id=name, urgent=urgent, contact=None)
        accept(db, "app", event, body=b"1", body_hash="", now=1.0)
    assert [row.id for row in received(db, 10)] == [2, 1]


def test_replay_takes_settled_events_only(db):
    accept(db, "app", incoming(external_id="a"), body=b"1", body_hash="", now=1.0)
    assert replay(db, [1], force=False) == 0
    kill(db, 1, "broken", "mend it", 2.0)
    assert received(db, 1) == []
    assert replay(db, [1, 99], force=True) == 1
    assert received(db, 1)[0].forced


def queue(db, *, phone=PHONE, at=10.0, reading=None):
    """Accept and resolve one event, as the worker does."""
    event_id, _ = accept(db, "app", incoming(external_id=f"w{at}{phone}"), body=b"1", body_hash="", now=at)
    mapped = Mapped(phone, Lead(phone, f"Ann {at}"), Destination("main"))
    key = ContactKey("ghl", "loc", phone)
    facts = load_facts(db, key, phone)
    reading = reading or Reading(Person(), key=key)
    decision = decide(
        Arrival(event_id, at), reading, mapped, key=key, facts=facts, accounts={"main"}, tags=OwnTags()
    )
    write_decision(db, event_id, decision, mapped, at)
    return event_id


def state(db, event_id):
    return db.execute("SELECT state FROM events WHERE id = ?", (event_id,)).fetchone()[0]


def answer(outcome, status=200):
    return Answered(outcome, status, 1.0, "POST", "/", "")


def finish(db, claimed, outcome, now=20.0):
    moment = Moment(now, 1.0, LaneState(), LaneState())
    return settle(db, claimed, answer(outcome), moment=moment, retry=Retry())


def test_a_decision_is_written_once(db):
    event_id = queue(db)
    mapped = Mapped(PHONE, Lead(PHONE, "Ann"), Destination("main"))
    facts = load_facts(db, ANN, PHONE)
    decision = decide(
        Arrival(event_id, 10.0),
        Reading(Person(), key=ANN),
        mapped,
        key=ANN,
        facts=facts,
        accounts={"main"},
        tags=OwnTags(),
    )
    write_decision(db, event_id, decision, mapped, 11.0)
    assert db.execute("SELECT version FROM outbox").fetchone()[0] == 1


def test_a_claim_is_in_the_budget_before_it_is_sent(db):
    queue(db)
    taken = claim(db, "main", now=10.0)
    assert len(taken.claimed) == 1
    assert claim(db, "main", now=10.0).claimed == ()  # never two for one key
    recover(db, 30.0)
    assert spent(db, "main", now=30.0, per_s=60).answered_at == [30.0]
    assert db.execute("SELECT uncertain_at FROM outbox").fetchone()[0] == 30.0


def test_a_newer_version_survives_the_settlement_of_an_older_one(db):
    first = queue(db, at=10.0)
    (claimed,) = claim(db, "main", now=10.0).claimed
    second = queue(db, at=11.0)
    assert (state(db, first), state(db, second)) == ("queued", "queued")
    finish(db, claimed, Delivered({PHONE: "id-1"}, 1))
    assert (state(db, first), state(db, second)) == ("delivered", "queued")
    (again,) = claim(db, "main", now=20.0).claimed
    assert (again.request.plan, again.request.leads[0]["name"]) == ("update", "Ann 11.0")
    finish(db, again, Delivered({PHONE: "id-1"}))
    assert state(db, second) == "delivered"
    assert db.execute("SELECT COUNT(*) FROM outbox").fetchone()[0] == 0


def test_a_failed_older_version_is_superseded_by_the_newer_one(db):
    first = queue(db, at=10.0)
    (claimed,) = claim(db, "main", now=10.0).claimed
    second = queue(db, at=11.0)
    finish(db, claimed, Failed("500"))
    assert (state(db, first), state(db, second)) == ("superseded", "queued")
    assert claim(db, "main", now=20.0).claimed  # the newer one waits for nothing


def test_what_was_delivered_before_a_replay_does_not_count_after_it(db):
    first = queue(db)
    (claimed,) = claim(db, "main", now=10.0).claimed
    finish(db, claimed, Delivered({PHONE: "id"}, 1))
    replay(db, [first], force=True)
    db.execute("UPDATE events SET state = 'queued' WHERE id = ?", (first,))
    release(db, first, 30.0, reason="do not call")
    assert state(db, first) == "skipped"


def test_a_blocked_creation_that_surely_failed_is_withdrawn(db):
    first = queue(db, at=10.0)
    (claimed,) = claim(db, "main", now=10.0).claimed
    key = ContactKey("ghl", "loc", PHONE)
    second = queue(db, at=11.0, reading=Reading(Person(), key=key, dnd_all=True))
    finish(db, claimed, Unreachable("refused"))
    assert claim(db, "main", now=20.0).claimed == ()
    assert (state(db, first), state(db, second)) == ("superseded", "skipped")
    assert db.execute("SELECT reason FROM events WHERE id = ?", (second,)).fetchone()[0] == "do not call"


def test_a_claim_says_when_the_next_row_is_due(db):
    assert claim(db, "main", now=10.0).next_at is None
    queue(db)
    (claimed,) = claim(db, "main", now=10.0).claimed
    finish(db, claimed, Failed("500"))
    assert claim(db, "main", now=20.1).next_at == 25.0
    assert claim(db, "other", now=99.0).next_at is None


@pytest.mark.parametrize(
    ("sql", "values"),
    [
        (FIRST, ("leads", "main", 1, 1.0)),
        (COMPANY, ("leads", "main", "", None, 1, 1.0)),
        (SUSPECTED, (1,)),
        (DOUBTED, (1,)),
        (
            "SELECT id FROM events WHERE state = 'received' ORDER BY urgent DESC, id LIMIT ?",
            (16,),
        ),
        ("SELECT id FROM events WHERE source = ? AND body_hash = ? AND received_at > ?", ("s", "h", 1.0)),
        ("SELECT * FROM contact_map WHERE phone = ?", (PHONE,)),
        ("SELECT * FROM lead_map WHERE phone = ?", (PHONE,)),
        ("SELECT * FROM outbox WHERE phone = ?", (PHONE,)),
        ("SELECT 1 FROM outbox WHERE sent_event_id = ?", (1,)),
    ],
)
def test_hot_queries_neither_scan_nor_sort(db, sql, values):
    plan = " | ".join(row["detail"] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values))
    plan = plan.replace("SCAN o ", "")  # the inner thousand rows at most, read through an index
    assert "SCAN" not in plan
    assert "TEMP B-TREE" not in plan
