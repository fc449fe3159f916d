"""Whatever happened, and whenever: what waits is the same after a sweep, and everything fits together."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.outbox.outcome import Rejected, Unreachable
from bridge.store import claiming, events
from tests.stocked import BUDGET, Stock
from tests.store.test_retention import DAY, cutoffs, sweep

HAPPENED = ("accept", "queue", "send", "refuse", "fail", "claim", "skip", "block", "opt out", "replay")
HISTORY = st.lists(
    st.tuples(st.sampled_from(HAPPENED), st.integers(0, 3), st.integers(0, 200)), min_size=1, max_size=25
)


def happen(stock, what, who, ago):
    contact, phone = f"c-{who}", f"+1202555010{who}"
    waiting = stock.rows("SELECT 1 FROM outbox WHERE sent_version IS NULL AND due_at <= unixepoch() - ?", ago)
    match what:
        case "accept":
            stock.accept(contact, ago=ago)
        case "queue":
            stock.queue(contact, phone, ago=ago)
        case "block":
            stock.queue(contact, phone, blocked=True, ago=ago)
        case "skip":
            stock.skip(contact, ago=ago)
        case "opt out":
            stock.opt_out(contact, phone, ago=ago)
        case "replay":
            events.replay(stock.connection, [who + 1], force=False)
        case "claim" if waiting:
            claiming.claim(stock.connection, "main", budget=BUDGET, room=1, now=stock.now(ago))
        case _ if waiting:
            outcome = {"refuse": Rejected("no", "correct it"), "fail": Unreachable("nobody")}.get(what)
            stock.send(outcome, ago=ago, status=None if what == "fail" else 201)


class Aged(Stock):
    def now(self, ago):
        (row,) = self.rows("SELECT unixepoch() - ? AS now", ago)
        return row["now"]


def waits(stock):
    return [
        stock.rows("SELECT * FROM events WHERE settled_at IS NULL ORDER BY id"),
        stock.rows("SELECT * FROM outbox ORDER BY id"),
        stock.rows("SELECT * FROM contact_map ORDER BY contact_id"),
        stock.rows("SELECT * FROM lead_map ORDER BY phone"),
        stock.rows("SELECT * FROM attempts WHERE answered_at IS NULL ORDER BY id"),
    ]


@settings(max_examples=60, deadline=None)
@given(HISTORY)
def test_what_waits_and_who_is_who_is_the_same(history):
    with tempfile.TemporaryDirectory() as folder:
        stock = Aged(Path(folder))
        for what, who, days in sorted(history, key=lambda each: -each[2]):
            happen(stock, what, who, days * DAY + 100)
        before = waits(stock)
        newest = stock.rows("SELECT MAX(id) AS id FROM events")

        sweep(stock)
        sweep(stock)

        assert waits(stock) == before
        assert stock.rows("SELECT MAX(id) AS id FROM events") == newest
        until = cutoffs()
        old = stock.rows("SELECT id FROM events WHERE settled_at < ? AND payload <> x''", until.payloads)
        kept = stock.rows("SELECT event_id AS id FROM contact_map WHERE blocked OR deleted")
        kept += stock.rows("SELECT event_id AS id FROM outbox UNION SELECT sent_event_id FROM outbox")
        assert [each for each in old if each not in kept] == []
        stock.connection.close()
