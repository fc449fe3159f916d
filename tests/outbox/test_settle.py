"""Every outcome of a request: what becomes of the row, of the account, and of the next try."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from bridge.outbox.retry import MAX_PROBE_DELAY_S, Retry, backoff_s, probe_delay_s
from bridge.outbox.settle import Moment, Tries, verdict

NOW = 1_000.0
RETRY = Retry(max_attempts=3, first_delay_s=5, max_delay_s=60, give_up_after_s=3600)
FINE = LaneState()
DOWN = LaneState("unreachable", "no answer", NOW + 2, 4)
FRESH = Tries()


def settle(outcome, plan="create", tries=FRESH, before=FINE, jitter=1.0):
    moment = Moment(NOW, jitter, before, after(before, outcome, sent_at=NOW, now=NOW, jitter=jitter))
    return verdict(outcome, plan, tries, moment, RETRY)


def test_delivered():
    result = settle(Delivered({"+12025550101": "id"}, 1))
    assert (result.fate, result.exists) == ("delivered", True)


def test_a_yes_that_inserted_nothing_is_no_delivery():
    result = settle(Delivered({}, 0))
    assert (result.fate, result.tries.failures, result.tries.uncertain_at) == ("again", 1, NOW)
    assert settle(Delivered({}, 0), plan="update").fate == "delivered"


@pytest.mark.parametrize(
    ("outcome", "plan", "exists"), [(Exists("dup"), "create", True), (Gone("none"), "update", False)]
)
def test_a_wrong_map_is_corrected_at_once_and_costs_nothing(outcome, plan, exists):
    result = settle(outcome, plan)
    assert (result.fate, result.due_at, result.exists) == ("again", NOW, exists)
    assert (result.tries.failures, result.tries.corrections) == (0, 1)


def test_a_second_correction_in_a_row_counts_as_a_failure():
    result = settle(Exists("dup"), tries=Tries(corrections=1))
    assert (result.fate, result.due_at, result.tries) == ("again", NOW + 5, Tries(failures=1))
    assert result.exists is True


def test_a_contradictory_fusion_ends_dead():
    assert settle(Gone("none"), "update", Tries(failures=2, corrections=1)).fate == "dead"


def test_a_lead_that_was_only_to_be_tagged_is_not_created_when_it_is_gone():
    result = settle(Gone("none"), "update", Tries(only_existing="do not call"))
    assert (result.fate, result.reason, result.exists) == ("withdrawn", "do not call", False)


def test_rejected_is_dead_at_once_with_fusions_words_and_a_fix():
    result = settle(Rejected("phone: Invalid", "mend the phone rule"))
    assert result.fate == "dead"
    assert "phone: Invalid" in result.reason
    assert result.fix == "mend the phone rule"


def test_failed_is_counted_and_backs_off_until_max_attempts():
    first = settle(Failed("500"))
    assert (first.fate, first.due_at, first.tries.failures) == ("again", NOW + 5, 1)
    second = settle(Failed("500"), tries=first.tries)
    assert (second.due_at, second.tries.failures) == (NOW + 10, 2)
    third = settle(Failed("boom"), tries=second.tries)
    assert third.fate == "dead"
    assert "3 times" in third.reason
    assert "boom" in third.reason
    assert "replay" in third.fix


def test_unreachable_is_not_counted():
    result = settle(Unreachable("no answer"))
    assert (result.fate, result.tries.failures, result.tries.unanswered) == ("again", 0, 1)
    assert result.due_at == NOW + 5


def test_during_an_outage_the_probe_steps_aside_for_the_next_one():
    result = settle(Unreachable("no answer"), before=DOWN)
    lane = after(DOWN, Unreachable("no answer"), sent_at=NOW, now=NOW, jitter=1.0)
    assert lane.paused_until < result.due_at < lane.paused_until + 1
    assert result.tries.unanswered == 0


def test_unreachable_is_dead_only_after_give_up_after():
    assert settle(Unreachable("x")).tries.unreached_since == NOW
    assert settle(Unreachable("x"), tries=Tries(unreached_since=NOW - 3599)).fate == "again"
    assert settle(Failed("x"), tries=Tries(unreached_since=NOW - 3601)).tries.unreached_since is None
    result = settle(Unreachable("x"), tries=Tries(unreached_since=NOW - 3601))
    assert result.fate == "dead"
    assert "1 hours" in result.reason


@pytest.mark.parametrize("outcome", [Failed("?", uncertain=True), Unreachable("?", uncertain=True)])
def test_a_creation_that_may_have_happened_is_remembered_as_uncertain(outcome):
    assert settle(outcome, "create").tries.uncertain_at == NOW
    assert settle(outcome, "update").tries.uncertain_at is None
    assert settle(Failed("sure"), tries=Tries(uncertain_at=5.0)).tries.uncertain_at == 5.0


@pytest.mark.parametrize("outcome", [Failed("?"), Rejected("no", "fix")])
def test_a_lead_that_dies_but_may_exist_stays_in_the_map(outcome):
    dying = Tries(failures=RETRY.max_attempts - 1, uncertain_at=5.0)
    assert (settle(outcome, tries=dying).fate, settle(outcome, tries=dying).exists) == ("dead", True)
    assert settle(outcome, tries=replace(dying, uncertain_at=None)).exists is None


def test_a_blocked_lead_that_may_come_late_is_looked_for_again():
    late = Tries(only_existing="do not call", uncertain_at=NOW - 10)
    result = settle(Gone("none"), "update", late)
    assert (result.fate, result.due_at, result.tries) == ("again", NOW + 15, late)
    assert settle(Gone("none"), "update", replace(late, uncertain_at=NOW - 61)).fate == "withdrawn"


@pytest.mark.parametrize("outcome", [Throttled(30), Unauthorized("bad key")])
def test_throttled_and_unauthorized_cost_the_lead_nothing(outcome):
    result = settle(outcome)
    assert (result.fate, result.tries, result.due_at) == ("again", FRESH, NOW)


@pytest.mark.parametrize(
    ("outcome", "reason", "until"),
    [
        (Throttled(30), "throttled", NOW + 30),
        (Unauthorized("bad key"), "unauthorized", NOW + 5),
        (Unreachable("x"), "unreachable", NOW + 0.5),
    ],
)
def test_an_account_pauses_for_what_concerns_all_its_leads(outcome, reason, until):
    state = after(FINE, outcome, sent_at=NOW, now=NOW, jitter=1.0)
    assert (state.reason, state.paused_until) == (reason, until)
    assert not state.ready(until - 0.1)
    assert state.ready(until)


@pytest.mark.parametrize("outcome", [Delivered(), Exists(""), Gone(""), Rejected("", ""), Failed("")])
def test_an_answer_closes_the_breaker(outcome):
    assert after(DOWN, outcome, sent_at=NOW, now=NOW, jitter=1.0) == FINE


def test_a_stray_401_costs_five_seconds_and_a_refused_key_one_probe_in_five_minutes():
    state, now, pauses = FINE, NOW, []
    for _ in range(9):
        state = after(state, Unauthorized("bad key"), sent_at=now, now=now, jitter=1.0)
        pauses.append(state.paused_until - now)
        now = state.paused_until
    assert pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300]
    assert after(state, Delivered(), sent_at=now, now=now, jitter=1.0) == FINE
    away = after(state, Unreachable("x"), sent_at=now, now=now, jitter=1.0)
    assert after(away, Unauthorized("bad key"), sent_at=now, now=now, jitter=1.0).paused_until == now + 5


def test_of_requests_refused_together_one_counts():
    first = after(FINE, Unauthorized("bad key"), sent_at=NOW - 1, now=NOW, jitter=1.0)
    assert after(first, Unauthorized("bad key"), sent_at=NOW - 1, now=NOW + 1, jitter=1.0) == first


def test_forty_five_seconds_without_fusion_cost_at_most_25_probes():
    for jitter in (0.0, 0.5, 1.0):
        state, now, probes = FINE, 0.0, 0
        while now < 45:
            state = after(state, Unreachable("x"), sent_at=now, now=now, jitter=jitter)
            now, probes = state.paused_until, probes + 1
        assert probes <= 25


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_delays_are_bounded_and_positive(failures, jitter):
    assert 0 < backoff_s(RETRY, failures, jitter) <= RETRY.max_delay_s
    assert 0 < probe_delay_s(failures, jitter) <= MAX_PROBE_DELAY_S


ANY = st.one_of(
    st.builds(Delivered, st.just({}), st.sampled_from([None, 0, 1])),
    st.just(Exists("")),
    st.just(Gone("")),
    st.builds(Failed, st.just("x"), st.booleans()),
    st.builds(Unreachable, st.just("x"), st.booleans()),
    st.just(Rejected("x", "y")),
    st.builds(Throttled, st.floats(1, 3600)),
    st.just(Unauthorized("x")),
)


@given(st.lists(st.tuples(ANY, st.sampled_from(["create", "update"])), max_size=40), st.floats(0, 1))
def test_any_sequence_of_outcomes_ends_legal(sequence, jitter):
    tries, state, now = Tries(), FINE, 0.0
    for outcome, plan in sequence:
        later = after(state, outcome, sent_at=now, now=now, jitter=jitter)
        result = verdict(outcome, plan, tries, Moment(now, jitter, state, later), RETRY)
        if result.fate != "again":
            assert result.fate in ("delivered", "dead")
            assert result.fate != "dead" or (result.reason and result.fix)
            return
        assert now <= result.due_at <= max(now + RETRY.max_delay_s, later.paused_until + 1)
        assert result.tries.failures < RETRY.max_attempts
        tries, state, now = result.tries, later, max(result.due_at, later.paused_until)
