"""What a batch's outcome is to each of its leads, in tables: `shares`, `looked_up`, and then `in_company`."""

from dataclasses import dataclass

import pytest

from bridge.outbox.batch import STANDS_ALONE, WHOLE_TRIES, Apart, looked_up, shares
from bridge.outbox.lane import LaneState, after
from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.retry import STEP_ASIDE_S, Retry
from bridge.outbox.settle import Moment, Tries, in_company

NOW = 1_000.0
RETRY = Retry(max_attempts=3, first_delay_s=5, max_delay_s=60, give_up_after_s=3600)
A, B, C = "+12025550101", "+12025550102", "+12025550103"


@dataclass(frozen=True)
class Row:
    phone: str
    doubt: int | None = None
    suspects: int | None = None
    refusals: int = 0


def batch(**fields):
    return [Row(phone, **fields) for phone in (A, B, C)]


def companies(parts):
    """In which company each lead waits again; of what ended otherwise the outcome's name."""
    return [part.company if isinstance(part, Apart) else type(part).__name__ for part in parts]


ALL = {A: "a", B: "b", C: "c"}


@pytest.mark.parametrize(
    ("outcome", "fates"),
    [
        (Delivered(ALL, 3), ["Delivered"] * 3),
        (Delivered(ALL), ["Delivered"] * 3),
        (Delivered({A: "", B: "", C: ""}, 3), ["Delivered"] * 3),  # told of without ids
        (Delivered({}, 3), ["Delivered"] * 3),  # said yes, and no more
        (Delivered(), ["Delivered"] * 3),
        (Delivered({A: "a", B: "b"}, 2), ["Delivered", "Delivered", "alone"]),
        (Delivered({}, 0), ["alone"] * 3),
        (Delivered({}, 2), ["alone"] * 3),  # and nobody says which
        (Delivered({A: "a", B: "b"}, 3), ["Delivered", "Delivered", "doubt"]),
        (Delivered({"+19995550101": "x"}, 3), ["doubt"] * 3),
        (Delivered({"+19995550101": "x"}), ["doubt"] * 3),
        (Exists("there"), ["suspects"] * 3),
        (Exists("there", (1,)), ["free", "Exists", "free"]),
        (Exists("there", (0, 1, 2)), ["Exists"] * 3),
        (Rejected("no", "fix"), ["suspects"] * 3),
        (Rejected("no", "fix", {2: "phone: Invalid"}), ["free", "free", "alone"]),
        (Rejected("no", "fix", {0: "x", 1: "y", 2: "z"}), ["Rejected"] * 3),
        (Rejected("no such campaign", "fix", whole=True), ["Rejected"] * 3),
        (Failed("500", uncertain=True), ["doubt"] * 3),
        (Unreachable("cut", uncertain=True), ["doubt"] * 3),
        (Failed("408"), ["Failed"] * 3),
        (Unreachable("503"), ["Unreachable"] * 3),
        (Throttled(30), ["Throttled"] * 3),
        (Unauthorized("bad key"), ["Unauthorized"] * 3),
    ],
)
def test_a_batchs_outcome_is_shared_out(outcome, fates):
    assert companies(shares(outcome, batch())) == fates


def test_each_lead_gets_its_own_id_and_its_own_words():
    assert shares(Delivered(ALL, 3), batch())[1] == Delivered({B: "b"})
    every = Rejected("no", "mend it", {0: "x", 1: "y", 2: "z"})
    assert shares(every, batch())[2] == Rejected("z", "mend it")
    assert shares(Rejected("no", "mend it", {1: "y"}), batch())[1] == Apart("alone", "y")


@pytest.mark.parametrize(
    ("rows", "fates"),
    [
        (batch(doubt=7), ["doubt"] * 3),  # the first one may have been carried out late
        (batch(doubt=7, refusals=WHOLE_TRIES), ["doubt"] * 3),
        (batch(doubt=7, refusals=WHOLE_TRIES + 1), ["suspects"] * 3),  # it was looked up often enough
        (batch(doubt=7, suspects=8), ["suspects"] * 3),
        ([Row(A, doubt=7), Row(B)], ["doubt", "free"]),
    ],
)
def test_409_to_a_batch_that_was_in_doubt_before(rows, fates):
    assert companies(shares(Exists("there"), rows)) == fates


@pytest.mark.parametrize(
    ("outcome", "fates"),
    [
        (Delivered({A: "a"}), ["Delivered"] * 3),
        (Gone("none"), ["free"] * 3),
        (Exists("there before"), ["Exists", "free", "free"]),
        (Rejected("no", "fix"), ["suspects"] * 3),
        (Failed("500"), ["suspects"] * 3),
        (Unreachable("cut"), ["Unreachable"] * 3),
        (Throttled(30), ["Throttled"] * 3),
        (Unauthorized("bad key"), ["Unauthorized"] * 3),
    ],
)
def test_one_look_up_tells_for_all(outcome, fates):
    parts = looked_up(outcome, batch(doubt=7))
    assert companies(parts) == fates
    if isinstance(outcome, Delivered):
        assert parts == [Delivered({A: "a"}), Delivered({B: ""}), Delivered({C: ""})]


def settle(share, outcome=None, plan="create", tries=None, before=None):
    outcome = share if outcome is None else outcome
    before = before or LaneState()
    lane = after(before, outcome, sent_at=NOW, now=NOW, jitter=1.0)
    return in_company(share, outcome, plan, tries or Tries(), Moment(NOW, 1.0, before, lane), RETRY)


@pytest.mark.parametrize(
    ("share", "fate", "company", "refusals"),
    [
        (Delivered({A: "a"}), "delivered", "as before", 0),
        (Exists("there"), "again", "free", 0),
        (Rejected("no", "fix"), "dead", "as before", 0),
        (Apart("alone", "no"), "again", "free", STANDS_ALONE),
        (Apart("suspects", "no"), "again", "suspects", 1),
        (Throttled(30), "again", "as before", 0),
        (Unauthorized("bad key"), "again", "as before", 0),
    ],
)
def test_the_fate_of_one_in_company(share, fate, company, refusals):
    outcome = Rejected("no", "fix") if isinstance(share, Apart) else share
    result = settle(share, outcome)
    assert (result.fate, result.company, result.tries.refusals) == (fate, company, refusals)
    assert result.tries.failures == 0


def test_who_was_left_out_of_a_yes_may_have_been_created_all_the_same():
    result = settle(Apart("alone", "Fusion inserted 2 of 3"), Delivered({A: "a"}, 2))
    assert (result.due_at, result.tries.uncertain_at) == (NOW, NOW)
    assert settle(Apart("alone", "no"), Rejected("no", "fix")).tries.uncertain_at is None


def test_in_doubt_it_waits_as_long_as_the_outcome_asks_for():
    yes = settle(Apart("doubt", "others"), Delivered({"+19995550101": "x"}, 3))
    failed = settle(Apart("doubt", "500"), Failed("500", uncertain=True))
    away = settle(Apart("doubt", "cut"), Unreachable("cut", uncertain=True))
    for result, due_at in ((yes, NOW), (failed, NOW + 5), (away, NOW + 5)):
        assert (result.fate, result.company, result.tries.uncertain_at) == ("again", "doubt", NOW)
        assert result.due_at == due_at
    down = LaneState("unreachable", "no answer", NOW + 2, 4)
    probe = settle(Apart("doubt", "cut"), Unreachable("cut", uncertain=True), before=down)
    lane = after(down, Unreachable("cut"), sent_at=NOW, now=NOW, jitter=1.0)
    assert probe.due_at == lane.paused_until + STEP_ASIDE_S


def test_nobody_dies_of_a_failure_that_may_be_anothers():
    tries = Tries()
    for _ in range(20):
        result = settle(Failed("408"), tries=tries)
        assert result.fate == "again"
        assert result.due_at > NOW
        tries = result.tries
    assert tries.failures < RETRY.max_attempts
    assert settle(Apart("doubt", "500"), Failed("500", uncertain=True), tries=tries).fate == "again"


def test_a_batch_that_fails_without_a_word_is_halved_in_the_end():
    tries = Tries()
    for number in range(1, WHOLE_TRIES + 1):
        result = settle(Failed("408"), tries=tries)
        assert (result.company == "suspects") == (number >= WHOLE_TRIES)
        tries = result.tries
    tries = Tries(uncertain_at=NOW)
    for number in range(1, WHOLE_TRIES + 1):  # the same with a look-up between the tries
        result = settle(Apart("free", "none"), Gone("none"), "look", tries)
        assert (result.company, result.due_at) == ("suspects" if number >= WHOLE_TRIES else "free", NOW)
        tries = result.tries


def test_refused_for_ever_it_stands_alone():
    tries = Tries()
    for _ in range(20):
        tries = settle(Apart("suspects", "no"), Exists("there"), tries=tries).tries
    assert tries.refusals == STANDS_ALONE


def test_a_fusion_that_is_away_for_days_is_given_up_in_company_too():
    tries = Tries(unreached_since=NOW - 3601)
    for share in (Unreachable("503"), Apart("doubt", "cut")):
        result = settle(share, Unreachable("cut", uncertain=True), tries=tries)
        assert result.fate == "dead"
    assert settle(Apart("suspects", "no"), Exists("there"), tries=tries).tries.unreached_since is None


def test_the_first_of_a_looked_up_batch_that_was_there_before_is_updated():
    first, *others = looked_up(Exists("there before"), batch(doubt=7))
    result = settle(first, plan="look", tries=Tries(uncertain_at=NOW))
    assert (result.fate, result.exists, result.company) == ("again", True, "free")
    assert result.tries.uncertain_at is None
    for share in others:
        result = settle(share, Exists("there before"), "look", Tries(uncertain_at=NOW))
        assert (result.company, result.exists) == ("free", None)


@pytest.mark.parametrize("outcome", [Unreachable("cut"), Throttled(30), Unauthorized("bad key")])
def test_a_look_up_that_was_not_answered_leaves_the_doubt_as_it_is(outcome):
    (share, *_) = looked_up(outcome, batch(doubt=7))
    result = settle(share, plan="look", tries=Tries(uncertain_at=NOW - 5))
    assert (result.fate, result.company, result.tries.uncertain_at) == ("again", "as before", NOW - 5)
