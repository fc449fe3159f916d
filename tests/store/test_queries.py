"""The lists: what is found, and that a million events wouldn't be read for it."""

import time
from functools import partial

import pytest

from bridge.errors import StoreError
from bridge.model import Incoming
from bridge.outbox.outcome import Unreachable
from bridge.store import events
from bridge.store.database import owned
from bridge.store.queries import (
    Wanted,
    by_digits,
    count_events,
    count_leads,
    find_ids,
    first_since,
    list_events,
    rewriting,
    states_of,
)
from bridge.store.status import Window, look, owner, size_of
from bridge.store.story import tell
from tests.stocked import plans

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def ids(stock):
    """Ann delivered two days ago; Bob skipped an hour ago; Carl dead; Ben waits."""
    return {
        "ann": stock.deliver("ann", ANN, ago=172_800),
        "bob": stock.skip("bob", ago=3600),
        "carl": stock.die("carl", source="forms", external_id="x-1"),
        "ben": stock.queue("ben", BEN, ago=10),
    }


WANTED = [
    (Wanted(), "ben carl bob ann"),
    (Wanted(states=("dead",)), "carl"),
    (Wanted(states=("dead", "skipped", "dead")), "carl bob"),
    (Wanted(states=("received",)), ""),
    (Wanted(ids=(1, 4)), "ben ann"),
    (Wanted(ids=()), ""),
    (Wanted(contact="bob"), "bob"),
    (Wanted(source="forms"), "carl"),
    (Wanted(source="nowhere"), ""),
    (Wanted(states=("delivered", "dead"), source="workflow", ids=(1, 2), contact="ann"), "ann"),
    (Wanted(states=("dead",), source="forms", ids=(3, 4)), "carl"),
]


@pytest.mark.parametrize(("wanted", "names"), WANTED)
def test_events_are_found(reader, ids, wanted, names):
    found = [event.id for event in list_events(reader, wanted, limit=50)]

    assert found == [ids[name] for name in names.split()]
    assert [event.id for event in list_events(reader, wanted, limit=0)] == found
    assert count_events(reader, wanted) == len(found)
    assert find_ids(reader, wanted) == found[::-1]


@pytest.mark.parametrize(
    ("ago", "names"), [(1, ""), (30, "ben"), (7200, "ben carl bob"), (1e6, "ben carl bob ann")]
)
def test_events_since(reader, ids, ago, names):
    found = list_events(reader, Wanted(since=time.time() - ago), limit=50)

    assert [event.id for event in found] == [ids[name] for name in names.split()]


def test_the_newest_of_all_states_together(stock, reader):
    made = [stock.skip() if number % 3 else stock.die() for number in range(9)]

    found = list_events(reader, Wanted(states=("skipped", "dead")), limit=4)

    assert [event.id for event in found] == made[:-5:-1]


def test_since_is_found_by_halving_over_gaps(stock, reader):
    now = time.time()
    made = [stock.accept(str(number), ago=10_000 - 100 * number) for number in range(100)]
    stock.connection.execute("DELETE FROM events WHERE id % 7 = 0 OR id < 20")

    for number in range(0, 100, 5):
        first = first_since(reader, now - 10_000 + 100 * number - 50)
        left = [event for event in made[number:] if event % 7 and event >= 20]
        assert [event for event in made if event >= first and event % 7 and event >= 20] == left


def test_since_without_events(reader):
    assert list_events(reader, Wanted(since=0.0), limit=5) == []


@pytest.mark.parametrize("wanted", [wanted for wanted, _ in WANTED] + [Wanted(since=1.0, states=("dead",))])
@pytest.mark.usefixtures("ids")
def test_no_list_reads_all_events(reader, wanted):
    for step in plans(reader, lambda connection: list_events(connection, wanted, limit=50)):
        assert "TEMP B-TREE" not in step or wanted.contact  # few enough to be sorted
        # By id from the newest, with a limit; or no table at all.
        if step.startswith("SCAN") and "json_each" not in step:
            assert step in ("SCAN events", "SCAN CONSTANT ROW", "SCAN sqlite_master")
            assert step != "SCAN events" or wanted == Wanted()


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        (Wanted(source="forms"), "INDEX events_source (source=? AND state=?)"),
        (Wanted(source="forms", states=("dead",)), "INDEX events_source (source=? AND state=?)"),
        (Wanted(source="forms", since=1.0), "INDEX events_source (source=? AND state=? AND id>?)"),
        (Wanted(states=("dead",), since=1.0), "INDEX events_state (state=? AND id>?)"),
        (Wanted(source="forms", states=("dead",), contact="ann"), "INDEX events_contact (contact_id=?)"),
        (Wanted(source="forms", states=("dead",), ids=(1,)), "INTEGER PRIMARY KEY (rowid=?)"),
        (Wanted(source="forms", reasons=("unchanged",)), "INDEX events_reason (reason=?)"),
    ],
)
@pytest.mark.usefixtures("ids")
def test_a_list_takes_the_index_with_the_fewest_events(reader, wanted, index):
    asked = plans(reader, lambda connection: list_events(connection, wanted, limit=50))

    assert {step for step in asked if step.startswith("SEARCH events USING INDEX")} in (
        {f"SEARCH events USING {index}"},
        set(),
    )
    assert f"SEARCH events USING {index}" in asked


@pytest.mark.parametrize(
    ("digits", "found"),
    [
        ("0102", "ben"),
        ("555010", ""),
        ("101", "ann"),
        ("0000101", ""),
        ("12025550101", "ann"),
        ("012025550101", ""),
        ("1" * 40, ""),
    ],
)
def test_events_by_the_last_digits_of_a_phone(reader, ids, digits, found):
    assert by_digits(reader, digits) == tuple(ids[name] for name in found.split())
    assert plans(reader, lambda connection: by_digits(connection, digits)) == [
        "SCAN events USING COVERING INDEX events_phone"
    ]


def test_a_repeat_is_looked_for_among_the_youngest(stock):
    said, now = Incoming("contact.updated"), time.time()
    accept = partial(events.accept, source="forms", incoming=said, body=b"{}", body_hash="h", now=now)
    first, _ = accept(stock.connection)

    steps = plans(stock.connection, accept)

    assert accept(stock.connection) == (first, False)
    assert steps == [
        "SEARCH events USING COVERING INDEX events_body_hash (source=? AND body_hash=? AND received_at>?)",
        "USE TEMP B-TREE FOR ORDER BY",
        "SEARCH events USING INTEGER PRIMARY KEY (rowid>?)",
    ]


@pytest.mark.usefixtures("ids")
def test_a_story_reads_only_what_it_tells(reader):
    assert not [
        step for step in plans(reader, lambda connection: tell(connection, 1)) if step.startswith("SCAN e")
    ]


def test_status_counts_from_the_index(reader):
    steps = plans(reader, lambda c: look(c, ["main"], now=9.0, midnight=0.0, budget=Window(100, 60.0)))

    assert not [step for step in steps if step == "SCAN events"]


def test_counting_ends_somewhere(stock, reader, monkeypatch):
    monkeypatch.setattr("bridge.store.queries.COUNTED", 2)
    for number in range(3):
        stock.skip(f"c{number}")

    assert count_events(reader, Wanted(states=("skipped", "dead"))) == 2


def test_people_behind_events(stock, reader):
    ids = [stock.queue("ann", ANN), stock.queue("ann", ANN), stock.skip("bob"), stock.skip("eve")]

    assert count_leads(reader, ids) == 3
    assert states_of(reader, [*ids, 999]) == dict(
        zip(ids, ["superseded", "queued", "skipped", "skipped"], strict=True)
    )


def test_a_story(stock, reader):
    event_id = stock.queue("ann", ANN)
    stock.send(Unreachable("no answer"), status=None, error="no answer")
    waiting = tell(reader, event_id)
    stock.send(ago=1)
    delivered = tell(reader, event_id)

    assert waiting.state == "queued"
    assert waiting.warnings == ("tag cut",)
    assert waiting.leads == ()
    (row,) = waiting.waiting
    assert (row.phone, row.in_flight, row.last_error) == (ANN, False, "no answer")
    assert [each.outcome for each in delivered.attempts] == ["unreachable", "delivered"]
    assert delivered.waiting == ()
    assert delivered.leads[0].body["name"] == "Ann Lee"
    assert tell(reader, 999) is None


def test_rewriting_makes_no_database(tmp_path):
    with pytest.raises(StoreError, match="no database"), rewriting(tmp_path / "none.db"):
        pass
    assert not (tmp_path / "none.db").exists()


def test_rewriting_is_all_or_nothing(stock, reader):
    event_id = stock.die()

    def fail():
        with rewriting(stock.database) as connection:
            connection.execute("UPDATE events SET reason = 'other'")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert tell(reader, event_id).reason == "no such phone"


def test_rewriting_waits_no_longer_than_a_person_would(stock, monkeypatch):
    monkeypatch.setattr("bridge.store.queries.BUSY_S", 0.05)
    stock.connection.execute("BEGIN IMMEDIATE")

    with pytest.raises(StoreError, match="locked"), rewriting(stock.database):
        pass
    stock.connection.execute("ROLLBACK")


def test_whose_database_it_is(stock):
    assert owner(stock.database) == ""
    with owned(stock.database):
        assert owner(stock.database).startswith("process ")
    assert owner(stock.database) == ""
    assert size_of(stock.database) >= stock.database.stat().st_size
