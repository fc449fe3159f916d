"""What an account owes, counted in the index."""

import time

import pytest

from bridge.outbox.facts import BACKFILL, UPDATE
from bridge.store.backlog import Backlog, OldestWaiting, backlog, oldest, oldest_of
from bridge.store.events import replay
from tests.stocked import CAMPAIGN, Stock, plans

ANN, BEN, EVE = "+12025550101", "+12025550102", "+12025550103"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def set_priority(stock, phone, priority):
    stock.connection.execute("UPDATE outbox SET priority = ? WHERE phone = ?", (priority, phone))


def test_nothing(stock):
    assert backlog(stock.connection, "main", now=time.time()) == Backlog(0, 0, 0, 0)
    assert oldest(stock.connection) is None
    assert oldest_of(stock.connection, "main") is None


def test_new_leads_share_a_request_within_their_campaign(stock):
    stock.queue("ann", ANN)
    stock.queue("ben", BEN)
    stock.queue("eve", EVE, campaign=CAMPAIGN)
    stock.queue("joe", "+12025550104", account="east")

    owed = backlog(stock.connection, "main", now=time.time())

    assert owed == Backlog(waiting=3, later=0, in_flight=0, requests=2)
    assert backlog(stock.connection, "main", now=time.time() - 60).later == 3
    assert backlog(stock.connection, "east", now=time.time()).rows == 1


def test_updates_go_one_by_one(stock):
    for contact, phone in (("ann", ANN), ("ben", BEN), ("eve", EVE)):
        stock.queue(contact, phone)
        set_priority(stock, phone, UPDATE)

    assert backlog(stock.connection, "main", now=time.time()).requests == 3


def test_what_is_replayed_is_an_update_where_the_lead_is_known(stock):
    stock.deliver("ann", ANN, ago=90)
    for contact, phone in (("ann", ANN), ("ben", BEN), ("eve", EVE), ("joe", "+12025550104")):
        stock.queue(contact, phone)
        set_priority(stock, phone, BACKFILL)

    assert backlog(stock.connection, "main", now=time.time()).requests == 2


def test_the_oldest_is_the_one_that_was_queued_first(stock):
    stock.queue("eve", EVE, account="east", ago=300)
    stock.queue("ann", ANN, ago=200)
    stock.queue("ben", BEN, ago=100)
    stock.queue("ann", ANN, ago=10)  # a newer version of the same row

    first = oldest(stock.connection)

    assert (first.phone, first.account) == (EVE, "east")
    assert first.since == pytest.approx(time.time() - 300, abs=5)
    assert oldest_of(stock.connection, "main").phone == ANN


def test_what_is_not_through_the_rules_may_be_the_oldest(stock):
    stock.accept("ann", ago=200)
    stock.queue("ben", BEN, ago=100)

    assert oldest(stock.connection) == OldestWaiting(pytest.approx(time.time() - 200, abs=5))


def test_a_replayed_event_has_not_waited_since_it_came(stock):
    event = stock.die("carl", ago=90_000)
    stock.deliver("ann", ANN, ago=30)
    replay(stock.connection, [event], force=False)

    assert oldest(stock.connection).since == pytest.approx(time.time() - 30, abs=5)


def test_no_row_is_read_for_it(stock):
    stock.queue("ann", ANN)
    stock.queue("ben", BEN)
    set_priority(stock, BEN, BACKFILL)

    steps = plans(stock.connection, lambda connection: backlog(connection, "main", now=time.time()))

    small = ("campaigns", "kinds", "priorities", "o", "3 CONSTANT ROWS", "4 CONSTANT ROWS")
    assert {step for step in steps if step.startswith("SCAN")} <= {f"SCAN {name}" for name in small}
    assert not [step for step in steps if "TEMP B-TREE" in step]
    counted = "outbox_company (lane=? AND account=? AND campaign_id=? AND kind=? AND priority=?)"
    assert any(counted in step for step in steps)
    assert plans(stock.connection, oldest)[0] == "SCAN outbox"  # by id: only the first row is read
