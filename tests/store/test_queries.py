"""The lists: what is found, and that a million events wouldn't be read for it."""

import time

import pytest

from bridge.errors import StoreError
from bridge.outbox.outcome import Unreachable
from bridge.store.database import open_reader, owned
from bridge.store.queries import (
    Wanted,
    count_events,
    count_lead_lines,
    count_leads,
    find_ids,
    first_since,
    list_events,
    list_leads,
    rewriting,
    states_of,
)
from bridge.store.status import look, owner, size_of
from bridge.store.story import tell
from tests.stocked import Stock, plans

ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


@pytest.fixture
def reader(stock):
    reader = open_reader(stock.database)
    yield reader
    reader.close()


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
    (Wanted(phone=ANN), "ann"),
    (Wanted(phone="0102"), "ben"),
    (Wanted(phone="55501"), ""),
    (Wanted(contact="bob"), "bob"),
    (Wanted(source="forms"), "carl"),
    (Wanted(source="nowhere"), ""),
    (Wanted(states=("delivered", "dead"), source="workflow", phone="101", contact="ann"), "ann"),
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
    made = [stock.accept(str(number), ago=1000 - number) for number in range(100)]
    stock.connection.execute("DELETE FROM events WHERE id % 7 = 0 OR id < 20")

    for number in range(0, 100, 5):
        first = first_since(reader, now - 1000 + number - 0.5)
        left = [event for event in made[number:] if event % 7 and event >= 20]
        assert [event for event in made if event >= first and event % 7 and event >= 20] == left


def test_since_without_events(reader):
    assert list_events(reader, Wanted(since=0.0), limit=5) == []


@pytest.mark.parametrize("wanted", [wanted for wanted, _ in WANTED] + [Wanted(since=1.0, states=("dead",))])
@pytest.mark.usefixtures("ids")
def test_no_list_reads_all_events(reader, wanted):
    for step in plans(reader, lambda connection: list_events(connection, wanted, limit=50)):
        assert "TEMP B-TREE" not in step or wanted.contact  # few enough to be sorted
        # By id from the newest, with a limit; or the phones alone; or no table at all.
        if step.startswith("SCAN"):
            assert step in (
                "SCAN events",
                "SCAN events USING COVERING INDEX events_phone",
                "SCAN CONSTANT ROW",
            )
            assert step != "SCAN events" or not (wanted.states or wanted.phone or wanted.contact)


@pytest.mark.usefixtures("ids")
def test_a_story_reads_only_what_it_tells(reader):
    assert not [
        step for step in plans(reader, lambda connection: tell(connection, 1)) if step.startswith("SCAN e")
    ]
    steps = plans(reader, lambda connection: list_leads(connection, phone=ANN, limit=9))
    assert not [step for step in steps if step.startswith("SCAN")]


def test_status_counts_from_the_index(reader):
    steps = plans(reader, lambda c: look(c, ["main"], now=9.0, midnight=0.0, per_s=60.0))

    assert not [step for step in steps if step == "SCAN events"]


def test_leads(stock, reader):
    stock.deliver("ann", ANN, name="Ann Lee")
    stock.deliver("ben", BEN, name="Ben Fox", account="east", campaign="c-1")
    stock.queue("ben", BEN, account="east", campaign="c-1", blocked=True)

    ben, ann = sorted(list_leads(reader, limit=9), key=lambda lead: lead.name, reverse=True)

    assert (ann.phone, ann.name, ann.account, ann.campaign_id, ann.origin) == (
        ANN,
        "Ann Lee",
        "main",
        "",
        "created",
    )
    assert (ann.contacts, ann.do_not_call, ann.lead_id) == (("ann",), False, "lead-1")
    assert (ben.account, ben.campaign_id, ben.do_not_call) == ("east", "c-1", True)
    assert list_leads(reader, phone=ANN, limit=9) == [ann]
    assert list_leads(reader, phone="0102", limit=9) == [ben]
    assert list_leads(reader, account="east", limit=9) == [ben]
    assert list_leads(reader, blocked=True, limit=9) == [ben]
    assert list_leads(reader, phone="0101", blocked=True, limit=9) == []
    assert len(list_leads(reader, limit=1)) == 1
    assert len(list_leads(reader, limit=0)) == 2
    assert count_lead_lines(reader) == 2
    assert count_lead_lines(reader, phone="0102", account="east", blocked=True) == 1


def test_counting_ends_somewhere(stock, reader, monkeypatch):
    monkeypatch.setattr("bridge.store.queries.COUNTED", 2)
    for number in range(3):
        stock.deliver(f"c{number}", f"+1202555010{number}")

    assert count_events(reader, Wanted(states=("delivered", "dead"))) == 2
    assert count_lead_lines(reader) == 2


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
