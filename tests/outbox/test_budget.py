"""The budget: our count is never below Fusion's, whatever the network does; and it is used, evenly."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.outbox.budget import MARGIN_S, Allowance, Budget, Spent
from bridge.outbox.outcome import Quota


def test_places_are_taken_by_sending_and_freed_one_window_after_the_answer():
    budget = Budget(2, 60)
    assert budget.allow(Spent((), 2, 0.0), 1.0).urgent == 0
    full = budget.allow(Spent((10.0, 20.0), 0, 5.0), 60.0)
    assert (full.places, full.urgent, full.next_urgent_at) == (0, 0, 70 + MARGIN_S)
    assert budget.allow(Spent((10.0, 20.0), 0, 5.0), 70 + MARGIN_S).urgent == 1


def test_an_idle_account_sends_at_once_up_to_half_of_its_window():
    budget = Budget(100, 60)
    assert budget.allow(Spent(), 0.0) == Allowance(50, 100, 0.0, 0.0)
    assert budget.allow(Spent(tuple([0.0] * 49), 0, 0.0), 0.5).places == 1


def test_a_busy_account_spreads_what_is_left_over_what_is_left_of_the_window():
    budget = Budget(100, 60)
    spent = Spent(tuple([0.0] * 50), 0, 0.0)
    allowance = budget.allow(spent, 0.0)
    assert (allowance.places, allowance.urgent) == (0, 50)
    assert allowance.next_at == pytest.approx(60 / 49, rel=0.01)  # 48 places for 60 s: 2 are reserved
    assert budget.allow(spent, allowance.next_at).places == 1


def test_an_even_stream_goes_on_evenly_and_uses_the_window():
    spacing = 60 / 98
    spent = Spent(tuple(number * spacing for number in range(97)), 0, 96 * spacing)
    allowance = Budget(100, 60).allow(spent, 96 * spacing)
    assert allowance.next_at - 96 * spacing == pytest.approx(spacing, rel=0.05)


def test_the_reserve_is_for_do_not_call_only():
    budget = Budget(100, 60)
    allowance = budget.allow(Spent(tuple([0.0] * 98), 0, 0.0), 30.0)
    assert (allowance.places, allowance.urgent, allowance.next_at) == (0, 2, 60 + MARGIN_S)
    assert Budget(3, 60).allow(Spent((0.0, 0.0), 0, 0.0), 59.0).urgent == 1  # too small for a reserve
    assert Budget(1, 60).allow(Spent(), 0.0).urgent == 1


def test_all_places_under_way():
    allowance = Budget(1, 60).allow(Spent((), 1, 0.0), 0.0)
    assert (allowance.places, allowance.urgent) == (0, 0)
    assert allowance.next_at == allowance.next_urgent_at == float("inf")


def test_another_user_of_the_key_is_believed_and_forgiven():
    budget, spent = Budget(100, 60), Spent((0.0,), 0, 0.0, (0.0,))
    budget.believe(Quota(remaining=40), spent, 0.0)
    assert budget.allow(spent, 0.0).urgent == 40
    budget.believe(Quota(), spent, 1.0)  # an answer without headers: what was told still holds
    assert budget.allow(spent, 1.0).urgent == 40
    budget.believe(Quota(remaining=80), spent, 2.0)
    assert budget.allow(spent, 2.0).urgent == 80
    budget.believe(Quota(remaining=200), spent, 3.0)  # more than we counted: our own count stands
    assert budget.allow(spent, 3.0).urgent == 99
    assert budget.allow(spent, 61.0).urgent == 100


def test_when_others_took_everything_one_place_is_free_at_the_reset_and_the_rest_a_window_later():
    budget, spent = Budget(100, 60), Spent((0.0,), 0, 0.0, (0.0,))
    budget.believe(Quota(remaining=0, reset_at=20.0), spent, 10.0)
    full = budget.allow(spent, 10.0)
    assert (full.urgent, full.next_urgent_at) == (0, 20 + MARGIN_S)
    assert budget.allow(spent, 20.1).urgent == 1
    assert budget.allow(spent, 70.1).urgent == 100
    budget.believe(Quota(remaining=0, reset_at=5.0), spent, 10.0)  # a clock that is behind
    assert budget.allow(spent, 10.1).urgent == 1


def test_a_lower_limit_than_the_configured_one_is_believed_and_a_higher_one_is_not():
    budget = Budget(100, 60)
    budget.believe(Quota(limit=20, remaining=19), Spent((0.0,), 0, 0.0, (0.0,)), 0.0)
    assert budget.allow(Spent((0.0,), 0, 0.0, (0.0,)), 0.0).urgent == 19
    budget.believe(Quota(limit=1000, remaining=999), Spent((0.0,), 0, 0.0, (0.0,)), 0.0)
    assert budget.allow(Spent((0.0,), 0, 0.0, (0.0,)), 0.0).urgent == 99


def test_a_reload_changes_the_limit():
    budget = Budget(1, 60)
    budget.resize(3, 30)
    assert budget.allow(Spent((0.0,), 0, 0.0, (0.0,)), 1.0).urgent == 2
    assert budget.allow(Spent((0.0,), 0, 0.0, (0.0,)), 31.0).urgent == 3


STEPS = st.lists(
    st.tuples(st.floats(0, 4), st.floats(0, 1), st.floats(0, 6), st.booleans()), min_size=1, max_size=80
)


@given(STEPS, st.integers(1, 30), st.integers(1, 4))
def test_never_over_the_limit_however_slow_the_network_and_however_many_are_under_way(steps, limit, lanes):
    """Each request arrives somewhere between its sending and its answer."""
    budget, now = Budget(limit, 10), 0.0
    arrivals, answers, last = [], [], 0.0
    for wait, travel, took, urgent in steps:
        now += wait
        under_way = sum(at > now for at in answers)
        answered = tuple(sorted(at for at in answers if now - 11 < at <= now))
        allowance = budget.allow(Spent(answered, under_way, last), now)
        if under_way >= lanes or not (allowance.urgent if urgent else allowance.places):
            continue
        arrivals.append(now + travel * took)
        answers.append(now + took)
        last = now
    arrivals.sort()
    for index, at in enumerate(arrivals):
        assert sum(1 for other in arrivals[: index + 1] if other > at - 10) <= limit


@example([0.0, 1.0], 0, 2, 60.0)
@given(st.lists(st.floats(0, 60), max_size=100), st.integers(0, 4), st.integers(1, 120), st.floats(0, 60))
def test_an_allowance_is_sound_and_something_may_always_leave_some_time(answered, under_way, limit, last):
    now, budget = 60.0, Budget(limit, 60)
    spent = Spent(tuple(sorted(answered)), under_way, last)
    allowance = budget.allow(spent, now)
    assert 0 <= allowance.places <= allowance.urgent <= limit
    assert allowance.places or allowance.next_at > now
    turns = 0
    while not allowance.places and allowance.next_at < float("inf"):  # a place is free, then the pace lets go
        allowance = budget.allow(spent, allowance.next_at)
        turns += 1
        assert turns <= 3
    assert allowance.places or under_way
