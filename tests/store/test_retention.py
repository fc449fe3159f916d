"""What goes, what stays whatever its age, and that a million events aren't read for it."""

import itertools
import time

import pytest

from bridge.model import ContactKey, Destination, Lead, Mapped
from bridge.outbox.facts import Decision, KnownContact, OwnTags
from bridge.store import adopting, claiming, events, wanted
from bridge.store.retention import ORDER, Cutoffs, Slice, look, take
from tests.stocked import BUDGET, Stock, plans

DAY = 86_400.0
ANN, BEN = "+12025550101", "+12025550102"


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


def cutoffs(payloads=30, kept=90, counted_s=200.0):
    return Cutoffs.at(time.time(), payloads_s=payloads * DAY, events_s=kept * DAY, counted_s=counted_s)


def sweep(stock, until=None, *, window=2000):
    """All of it, as the worker goes about it. Returns how much went."""
    until, gone = until or cutoffs(), {}
    for what in ORDER:
        gone[what], first, last = 0, 0, False
        while not last:
            found = look(stock.connection, what, first=first, cutoffs=until, window=window)
            gone[what] += take(stock.connection, what, found.ids, until)[0]
            first, last = found.next_id, found.last
    assert stock.rows("PRAGMA foreign_key_check") == []
    return tuple(gone[what] for what in ORDER)


def old(days):
    return {"ago": days * DAY}


def settle_at(stock, event_id, days):
    at = time.time() - days * DAY
    stock.connection.execute("UPDATE events SET settled_at = ? WHERE id = ?", (at, event_id))


def ids(stock):
    return [row["id"] for row in stock.rows("SELECT id FROM events ORDER BY id")]


def emptied(stock):
    return [row["id"] for row in stock.rows("SELECT id FROM events WHERE payload = x'' ORDER BY id")]


def test_by_age(stock):
    stock.deliver("ann", ANN, **old(91))
    stock.deliver("ben", BEN, **old(31))
    stock.deliver("cyd", "+12025550103", **old(29))

    assert sweep(stock) == (1, 1, 1)
    assert (ids(stock), emptied(stock)) == ([2, 3], [2])
    assert [row["attempt_id"] for row in stock.rows("SELECT attempt_id FROM attempt_leads")] == [2, 3]
    assert sweep(stock) == (0, 0, 0)


def test_who_is_which_lead_is_kept(stock):
    stock.deliver("ann", ANN, **old(400))
    stock.deliver("ben", BEN, **old(1))

    sweep(stock)

    assert [row["phone"] for row in stock.rows("SELECT phone FROM lead_map ORDER BY phone")] == [ANN, BEN]
    assert len(stock.rows("SELECT 1 FROM contact_map")) == 2


def test_age_counts_from_the_end_of_an_event(stock):
    """It waited for two months, or was replayed yesterday: somebody may still have to look at it."""
    event_id = stock.deliver("ann", ANN, **old(100))
    settle_at(stock, event_id, 1)
    stock.deliver("ben", BEN, **old(0))

    assert sweep(stock) == (0, 0, 0)
    assert stock.rows("SELECT COUNT(*) AS n FROM attempts") == [{"n": 2}]


@pytest.mark.parametrize("how", ["received", "queued", "in flight", "replayed"])
def test_what_waits_is_never_touched(stock, how):
    event_id = stock.deliver("ann", ANN, **old(300)) if how == "replayed" else None
    event_id = event_id or (
        stock.accept("ann", **old(300)) if how == "received" else stock.queue("ann", ANN, **old(300))
    )
    if how == "replayed":
        events.replay(stock.connection, [event_id], force=False)
    if how == "in flight":
        claiming.claim(stock.connection, "main", budget=BUDGET, room=1, now=time.time() - 299 * DAY)
    stock.skip("zoe", ago=0)

    assert sweep(stock) == (0, 0, 0)
    assert ids(stock)[0] == event_id
    assert emptied(stock) == []


def test_an_event_of_which_half_is_dead_and_half_waits(stock):
    event_id = stock.queue("ann", ANN, **old(300))
    events.die(stock.connection, event_id, "refused", "correct it", time.time() - 299 * DAY)
    stock.skip("zoe", ago=0)

    assert stock.state(event_id) == "dead"
    assert sweep(stock) == (0, 0, 0)


def test_what_was_superseded_goes_before_what_superseded_it(stock):
    for _ in range(3):
        stock.queue("ann", ANN, **old(100))
    stock.send(ago=99 * DAY)
    settle_at(stock, 1, 1)  # 1 → 2 → 3, and 1 is fresh
    settle_at(stock, 2, 100)
    stock.skip("zoe", ago=0)

    assert stock.rows("SELECT superseded_by AS by FROM events WHERE id = 2") == [{"by": 3}]
    assert sweep(stock) == (0, 0, 2)  # only the payloads of 2 and 3
    settle_at(stock, 1, 100)
    assert sweep(stock)[0] == 3
    assert ids(stock) == [4]


def test_one_that_was_superseded_by_an_older_one(stock):
    """An old event that was replayed took its place: the older one goes a sweep later."""
    stock.skip("ann", **old(100))
    stock.skip("ben", **old(100))
    stock.connection.execute(
        "UPDATE events SET state = 'superseded', superseded_by = 1 WHERE id = 2",
    )
    settle_at(stock, 1, 99)
    settle_at(stock, 2, 99)
    stock.skip("zoe", ago=0)

    assert sweep(stock)[0] == 1
    assert sweep(stock)[0] == 1
    assert ids(stock) == [3]


def test_the_newest_numbers_are_not_given_out_again(stock):
    stock.deliver("ann", ANN, **old(200))
    stock.deliver("ben", BEN, **old(100))

    assert sweep(stock) == (1, 1, 1)
    assert (ids(stock), attempts(stock)) == ([2], [2])
    assert stock.accept("cyd") == 3


def opted_out(stock, contact, phone, *, source="workflow", key=None, **more):
    event_id = stock.accept(contact, source=source, **more)
    known = KnownContact(
        key or ContactKey("ghl", "loc", contact), phone=phone, event_id=event_id, blocked=True
    )
    stock.decide(event_id, Decision("skipped", "do not call", contact=known), phone, **more)
    return event_id


def test_who_opted_out_can_still_be_tagged(stock):
    """Fusion turns out to have them months later: their event is there, whole, and carries the tag."""
    first = opted_out(stock, "ann", ANN, **old(400))
    by_phone = opted_out(stock, "", BEN, source="forms", key=ContactKey("forms", "", BEN), **old(400))
    older = stock.skip("ann", **old(400))
    settle_at(stock, older, 399)
    stock.skip("zoe", ago=0)

    assert sweep(stock) == (1, 0, 0)
    assert (ids(stock), emptied(stock)) == ([first, by_phone, older + 1], [])
    leads = [(ANN, "lead-7"), (BEN, "lead-8")]
    learned = adopting.learn(stock.connection, "main", "", leads, tags=OwnTags(), now=time.time())
    assert learned.opt_outs == 2
    assert stock.state(first) == stock.state(by_phone) == "queued"
    assert [row["event_id"] for row in stock.rows("SELECT event_id FROM outbox")] == [first, by_phone]


def test_whom_the_opt_out_of_an_address_blocked_can_still_be_tagged(stock):
    """The event that said it is nobody's by its own words."""
    out = stock.accept("", source="forms", **old(400))
    kin = KnownContact(ContactKey("ghl", "loc", "ann"), phone=ANN, event_id=out, blocked=True, dnd_all=True)
    stock.decide(out, Decision("skipped", "do not call", others=(kin,)), **old(400))
    stock.skip("zoe", ago=0)
    assert sweep(stock) == (0, 0, 0)
    learned = adopting.learn(stock.connection, "main", "", [(ANN, "lead-7")], tags=OwnTags(), now=time.time())
    assert learned.opt_outs == 1
    assert stock.state(out) == "queued"


def test_who_may_be_called_again_is_no_exception(stock):
    opted_out(stock, "ann", ANN, **old(400))
    newer = stock.queue("ann", ANN, **old(399))
    stock.send(ago=398 * DAY)
    stock.skip("zoe", ago=0)

    assert sweep(stock)[0] == 2
    assert ids(stock) == [newer + 1]


def attempt(stock, days, **columns):
    at = time.time() - days * DAY
    names = "".join(f", {name}" for name in columns)
    marks = ", ?" * len(columns)
    cursor = stock.connection.execute(
        f"""
        INSERT INTO attempts (lane, account, started_at, answered_at, method, leads, outcome{names})
        VALUES ('leads', 'main', ?, ?, 'GET', 0, 'delivered'{marks})
        """,
        (at, at, *columns.values()),
    )
    return cursor.lastrowid


def attempts(stock):
    return [row["id"] for row in stock.rows("SELECT id FROM attempts ORDER BY id")]


@pytest.mark.parametrize("column", ["suspects", "doubt"])
def test_an_attempt_that_a_waiting_row_refers_to_stays(stock, column):
    kept = attempt(stock, 200)
    attempt(stock, 200)
    newest = attempt(stock, 0)
    stock.queue("ann", ANN, ago=10)
    since = ", doubt_since = 1, doubt_version = 1" if column == "doubt" else ""
    stock.connection.execute(f"UPDATE outbox SET {column} = ?{since}", (kept,))

    assert sweep(stock) == (0, 1, 0)
    assert attempts(stock) == [kept, newest]


def test_what_is_not_answered_stays(stock):
    stock.connection.execute(
        "INSERT INTO attempts (lane, account, started_at, method, leads) VALUES ('leads', 'a', 1, 'GET', 0)"
    )
    attempt(stock, 0)

    assert sweep(stock) == (0, 0, 0)


def test_what_the_budget_counts_stays(stock):
    """A limit of so many requests a month, of which the events are kept for a day."""
    for days in (40, 20, 2, 0):
        attempt(stock, days)

    assert sweep(stock, cutoffs(1, 1, counted_s=30 * DAY))[1] == 1
    assert attempts(stock) == [2, 3, 4]


def test_a_batch_stays_as_long_as_one_of_its_events(stock):
    for contact, phone in (("ann", ANN), ("ben", BEN)):
        stock.queue(contact, phone, **old(100))
    stock.send(ago=99 * DAY)
    settle_at(stock, 2, 1)
    stock.skip("zoe", ago=0)
    attempt(stock, 0)

    assert sweep(stock)[:2] == (1, 0)
    settle_at(stock, 2, 100)
    assert sweep(stock)[:2] == (1, 1)


def test_what_was_replayed_since_it_was_found_stays(stock):
    event_id = stock.skip("ann", **old(100))
    settle_at(stock, event_id, 99)
    stock.skip("zoe", ago=0)
    until = cutoffs()
    found = look(stock.connection, "events", first=0, cutoffs=until)
    events.replay(stock.connection, [event_id], force=False)

    assert found.ids == (event_id,)
    for what in ("events", "payloads"):
        assert take(stock.connection, what, found.ids, until)[0] == 0


def test_windows_go_through_everything_and_end_where_it_is_young(stock):
    for number in range(10):
        settle_at(stock, stock.skip(f"old-{number}", **old(100)), 99)
    for number in range(10):
        stock.skip(f"new-{number}", ago=60)
    seen, first = [], 0
    for _ in itertools.count():
        found = look(stock.connection, "events", first=first, cutoffs=cutoffs(), window=4)
        seen.append((found.ids, found.next_id, found.young, found.last))
        first = found.next_id
        if found.last:
            break

    assert seen == [
        ((1, 2, 3, 4), 5, None, False),
        ((5, 6, 7, 8), 9, None, False),
        ((9, 10), 13, 11, False),
        ((), 17, 13, True),
    ]
    assert sweep(stock, window=3) == (10, 0, 0)


def test_a_clock_that_was_wrong_for_a_moment_is_no_end(stock):
    settle_at(stock, stock.skip("ann", **old(100)), 99)
    stock.skip("from-the-future", ago=-400 * DAY)
    settle_at(stock, stock.skip("ben", **old(100)), 99)
    stock.skip("zoe", ago=0)

    assert sweep(stock, window=2)[0] == 2
    assert sweep(stock)[0] == 0


def test_nothing_at_all(stock):
    assert sweep(stock) == (0, 0, 0)


def test_a_window_reads_its_ids_and_no_more(stock):
    """By indexes, whatever else is in the database."""
    for what in ORDER:
        said = plans(
            stock.connection, lambda reader, what=what: look(reader, what, first=5, cutoffs=cutoffs())
        )
        assert not [each for each in said if each.startswith("SCAN") and "CONSTANT" not in each], said
        assert [each for each in said if "TEMP B-TREE" in each] == []


def test_a_slice_is_as_large_as_the_disk_carries():
    assert Slice(100).after(100, 0.003).rows == 100
    assert Slice(100).after(100, 0.0001).rows == 200
    assert Slice(100).after(100, 10.0).rows == 50
    assert Slice(20).after(20, 10.0).rows == 10
    assert Slice(10).after(10, 10.0).rows == 10
    assert Slice(200).after(3, 0.0).rows == 200


def test_what_an_event_wanted_and_what_was_sent_goes_with_its_payload(stock):
    """And all of it with the event."""
    for name, phone, days in (("ann", ANN, 91), ("ben", BEN, 31), ("cam", "+12025550103", 1)):
        event = stock.deliver(name, phone, **old(days))
        settle_at(stock, event, days)
        lead = Lead(phone, "Ann Lee")
        wanted.write(stock.connection, event, Mapped(phone, lead, Destination("main")), "mark")
    assert sweep(stock)[0] == 1
    kept = stock.rows("SELECT event_id, body IS NOT NULL AS body FROM event_leads ORDER BY event_id")
    assert [tuple(row.values()) for row in kept] == [(2, 0), (3, 1)]
    sent = stock.rows("SELECT event_id, body IS NOT NULL AS body FROM attempt_leads ORDER BY event_id")
    assert [tuple(row.values()) for row in sent] == [(2, 0), (3, 1)]
