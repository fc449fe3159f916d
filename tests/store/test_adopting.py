"""What a page of Fusion's leads changes in the tables, and what it leaves alone."""

import json
import time
from dataclasses import replace

import pytest

from bridge.errors import StoreError
from bridge.model import ContactKey
from bridge.outbox.budget import Budget
from bridge.outbox.facts import (
    BACKFILL,
    DO_NOT_CALL,
    NEW,
    UPDATE,
    Decision,
    KnownContact,
    OwnTags,
    Put,
)
from bridge.outbox.outcome import Exists, Gone, Unreachable
from bridge.store import adopting, claiming, recovering, spending
from bridge.store.adopting import Learned, Progress
from bridge.store.database import open_writer
from tests.stocked import CAMPAIGN, Stock

ANN, BOB, CAM = "+12025550101", "+12025550102", "+12025550103"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def learn(stock, *leads, account="main", campaign=""):
    with adopting.writing(stock.connection) as connection:
        return adopting.learn(connection, account, campaign, leads, tags=OwnTags(), now=time.time() - 45)


def lead(stock, phone, campaign=""):
    columns = "account, campaign_id, phone, lead_id, body, delivered_at, origin"
    sql = f"SELECT {columns} FROM lead_map WHERE phone = ? AND campaign_id = ?"
    found = stock.rows(sql, phone, campaign)
    return found[0] if found else None


def waiting(stock, *columns):
    return [tuple(row.values()) for row in stock.rows(f"SELECT {', '.join(columns)} FROM outbox ORDER BY id")]


def test_new_leads_are_written_once(stock):
    assert learn(stock, (ANN, "lead-1"), (BOB, ""), (ANN, "lead-1")) == Learned(2, 0)
    assert learn(stock, (ANN, "lead-1"), (BOB, "")) == Learned(0, 0)
    assert lead(stock, ANN) == {
        "account": "main",
        "campaign_id": "",
        "phone": ANN,
        "lead_id": "lead-1",
        "body": None,
        "delivered_at": None,
        "origin": "adopted",
    }
    assert lead(stock, BOB)["lead_id"] is None


def test_the_same_phone_elsewhere_is_another_lead(stock):
    learn(stock, (ANN, "lead-1"))
    assert learn(stock, (ANN, "lead-2"), campaign=CAMPAIGN) == Learned(1, 0)
    assert learn(stock, (ANN, "lead-3"), account="east") == Learned(1, 0)


def test_what_is_known_is_not_overwritten(stock):
    stock.deliver("ann", ANN)
    before = lead(stock, ANN)
    assert learn(stock, (ANN, "another-id")) == Learned(0, 0)
    assert lead(stock, ANN) == before


def test_an_id_that_was_missing_is_filled(stock):
    learn(stock, (ANN, ""))
    learn(stock, (ANN, "lead-1"))
    assert lead(stock, ANN)["lead_id"] == "lead-1"


def test_what_waits_to_be_created_is_an_update_now(stock):
    stock.queue("ann", ANN)
    stock.queue("bob", BOB)
    stock.queue("cam", CAM)
    stock.queue("dan", "+12025550104", account="east")
    stock.connection.execute("UPDATE outbox SET priority = ? WHERE phone = ?", (DO_NOT_CALL, BOB))
    stock.connection.execute("UPDATE outbox SET priority = ? WHERE phone = ?", (BACKFILL, CAM))
    learn(stock, *((phone, "") for phone in (ANN, BOB, CAM, "+12025550104")))

    assert waiting(stock, "priority", "version") == [(UPDATE, 1), (DO_NOT_CALL, 1), (BACKFILL, 1), (NEW, 1)]


def test_what_is_under_way_is_left_alone(stock):
    """Its answer tells whether it was created by us; a lead that is known already can't be."""
    stock.queue("ann", ANN)
    claim(stock)
    assert learn(stock, (ANN, "lead-1")) == Learned(0, 0, under_way=1)
    assert lead(stock, ANN) is None
    assert waiting(stock, "priority", "sent_version") == [(NEW, 1)]


def claim(stock):
    return claiming.claim(stock.connection, "main", budget=Budget(1000, 60), room=1, now=10**10).claimed


def test_what_is_suspected_or_in_doubt_is_so_no_more(stock):
    """A newer version than the one in doubt is sent as it is, once."""
    stock.queue("ann", ANN)
    stock.queue("bob", BOB)
    stock.send(Unreachable("cut", uncertain=True))
    stock.queue("ann", ANN, name="Ann Long")
    assert waiting(stock, "look_up = 0", "version") == [(0, 2), (0, 1)]
    learn(stock, (ANN, "lead-1"))
    assert waiting(stock, "look_up = 0", "version") == [(1, 2), (0, 1)]
    claimed = {each.request.plan: each for each in (*claim(stock), *claim(stock))}
    assert claimed["update"].request.leads[0]["name"] == "Ann Long"
    assert waiting(stock, "sent_version")[0] == (2,)


def test_a_culprit_that_is_found_leaves_its_batch(stock):
    stock.queue("ann", ANN)
    stock.queue("bob", BOB)
    stock.send(Exists("there"), status=409)
    assert None not in [suspects for (suspects,) in waiting(stock, "suspects")]
    learn(stock, (ANN, "lead-1"))
    assert [suspects is None for (suspects,) in waiting(stock, "suspects")] == [True, False]


def known(stock, contact, phone, decision=None, *, ago=50.0, **more):
    """A contact by its newest event, and what was decided for that."""
    event_id = stock.accept(contact, ago=ago)
    contact = KnownContact(ContactKey("ghl", "loc", contact), phone=phone, event_id=event_id, **more)
    decision = decision or Decision("skipped", "do not call")
    stock.decide(event_id, replace(decision, contact=contact), phone, ago=ago)
    return event_id


def tags_waiting(stock):
    rows = waiting(stock, "account", "campaign_id", "phone", "priority", "only_existing", "event_id", "body")
    return [(*row[:-1], json.loads(row[-1])["tags"]) for row in rows]


def test_who_opted_out_before_gets_the_tag(stock):
    ann = known(stock, "ann", ANN, blocked=True)
    bob = stock.deliver("bob", BOB)
    cam = known(stock, "cam", CAM, Decision("skipped", "deleted"), deleted=True)
    assert learn(stock, (ANN, ""), (BOB, ""), (CAM, ""), campaign=CAMPAIGN) == Learned(3, 2)
    assert tags_waiting(stock) == [
        ("main", CAMPAIGN, ANN, DO_NOT_CALL, "do not call", ann, ["do-not-call"]),
        ("main", CAMPAIGN, CAM, DO_NOT_CALL, "deleted", cam, ["deleted-in-crm"]),
    ]
    assert [stock.state(each) for each in (ann, bob, cam)] == ["queued", "delivered", "queued"]
    assert learn(stock, (ANN, ""), (CAM, ""), campaign=CAMPAIGN) == Learned(0, 0)


@pytest.mark.parametrize(
    ("outcome", "state", "reason"), [(None, "delivered", ""), (Gone("gone"), "skipped", "do not call")]
)
def test_an_opt_out_ends_with_its_tag(stock, outcome, state, reason):
    ann = known(stock, "ann", ANN, blocked=True)
    learn(stock, (ANN, "lead-1"))
    stock.send(outcome)
    assert stock.rows("SELECT state, reason FROM events WHERE id = ?", ann) == [
        {"state": state, "reason": reason}
    ]
    assert waiting(stock, "id") == []


def test_an_opt_out_that_waits_for_another_account_waits_for_this_one_too(stock):
    body = {"phone": ANN, "tags": ["do-not-call"]}
    stock.deliver("ann", ANN, account="east")
    put = Put("east", "", ANN, None, body, DO_NOT_CALL, "do not call")
    ann = known(stock, "ann", ANN, Decision("queued", puts=(put,)), blocked=True)
    assert learn(stock, (ANN, "")) == Learned(1, 1)
    states = []
    for account in ("main", "east"):
        stock.send(account=account)
        states.append(stock.state(ann))
    assert states == ["queued", "delivered"]


def test_an_opt_out_that_can_not_be_read_any_more_is_obeyed(stock):
    ann = known(stock, "ann", ANN, blocked=True)
    stock.connection.execute("UPDATE events SET payload = x''")
    assert learn(stock, (ANN, "")) == Learned(1, 1)
    assert stock.state(ann) == "queued"


def test_an_opt_out_that_came_when_what_it_was_late_for_is_gone(stock):
    """Nobody was blocked then, so it went by its age; the contact is still known by it."""
    gone = known(stock, "ann", ANN)
    late = stock.accept("ann", ago=40)
    stock.decide(late, Decision("skipped", "do not call"), ANN)
    stock.connection.execute("UPDATE contact_map SET blocked = 1")
    stock.connection.execute("DELETE FROM events WHERE id = ?", (gone,))
    assert learn(stock, (ANN, "")) == Learned(1, 1)
    assert waiting(stock, "event_id") == [(late,)]

    stock.connection.execute("DELETE FROM outbox")
    stock.connection.execute("DELETE FROM events")
    assert learn(stock, (ANN, ""), campaign=CAMPAIGN) == Learned(1, 0)  # nothing to carry it


def test_an_opt_out_that_failed_elsewhere_stays_dead(stock):
    put = Put("east", "", ANN, None, {"phone": ANN, "tags": ["do-not-call"]}, DO_NOT_CALL, "do not call")
    known(stock, "ann", ANN, Decision("queued", puts=(put,)), blocked=True)
    recovering.abandon(stock.connection, ["main"], 1e9)
    before = stock.rows("SELECT state, reason, fix FROM events")
    assert learn(stock, (ANN, "")) == Learned(1, 1)
    stock.send()
    assert stock.rows("SELECT state, reason, fix FROM events") == before
    assert before[0]["state"] == "dead"
    assert json.loads(lead(stock, ANN)["body"])["tags"] == ["do-not-call"]


def test_a_tag_that_is_on_its_way_is_not_put_again(stock):
    """Of a creation that nobody knows the end of."""
    stock.queue("ann", ANN)
    stock.send(Unreachable("cut", uncertain=True))
    put = Put("main", "", ANN, None, {"phone": ANN, "tags": ["do-not-call"]}, DO_NOT_CALL, "do not call")
    ann = known(stock, "ann", ANN, Decision("queued", puts=(put,)), blocked=True)
    before = waiting(stock, "event_id", "version")
    assert learn(stock, (ANN, "")) == Learned(1, 1)
    assert waiting(stock, "event_id", "version") == before == [(ann, 2)]


def test_progress(stock):
    assert adopting.progress(stock.connection, "main", "") == Progress(1, None, None)
    for reached in (Progress(2, 250, None), Progress(4, 250, 1000.0)):
        adopting.write_progress(stock.connection, "main", "", reached)
        assert adopting.progress(stock.connection, "main", "") == reached
    adopting.start_over(stock.connection, [("main", ""), ("main", CAMPAIGN)])
    assert adopting.progress(stock.connection, "main", "") == Progress()


def test_a_request_that_was_broken_off_counts_from_now(stock):
    attempt = spending.begin_attempt(stock.connection, "main", method="GET", leads=0, now=100.0)
    adopting.interrupt(stock.connection, attempt, 102.0)
    adopting.interrupt(stock.connection, attempt, 107.0)
    counted = spending.spent(stock.connection, "main", now=110.0, per_s=60)
    assert (list(counted.answered_at), counted.under_way) == ([102.0], 0)


def test_what_fails_changes_nothing(stock):
    def fail():
        with adopting.writing(stock.connection) as connection:
            adopting.learn(connection, "main", "", [(ANN, "")], tags=OwnTags(), now=1000.0)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert lead(stock, ANN) is None


def test_a_lock_is_said_in_words(stock, monkeypatch):
    monkeypatch.setattr(adopting, "BUSY_MS", 10)
    other = open_writer(stock.database)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked") as refused, adopting.writing(stock.connection):
        pass
    assert refused.value.fix
    other.close()


def test_a_page_is_learned_quickly(stock):
    """The service can't store webhooks meanwhile."""
    leads = [(f"+1202556{number:04}", f"lead-{number}") for number in range(100)]
    statements = []
    stock.connection.set_trace_callback(statements.append)
    learn(stock, *leads)
    stock.connection.set_trace_callback(None)
    plans = [
        row["detail"]
        for statement in statements
        if statement.lstrip().startswith(("INSERT INTO lead_map", "UPDATE outbox", "SELECT c.phone"))
        for row in stock.connection.execute(f"EXPLAIN QUERY PLAN {statement}")
    ]
    assert not [plan for plan in plans if plan.startswith("SCAN") and "json_each" not in plan], json.dumps(
        plans
    )
