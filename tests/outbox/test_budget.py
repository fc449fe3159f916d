"""The budget: our count is never below Fusion's, whatever the network does."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.outbox.budget import MARGIN_S, Budget
from bridge.outbox.compose import Due, compose, plan


def test_places_are_taken_by_sending_and_freed_one_window_after_the_answer():
    budget = Budget(2, 60)
    budget.send()
    assert budget.left(0) == 1
    budget.answered(10)
    budget.send()
    budget.answered(20)
    assert budget.left(60) == 0
    assert budget.free_at(60) == 70 + MARGIN_S
    assert budget.left(70 + MARGIN_S) == 1


def test_a_request_that_never_arrived_gives_its_place_back():
    budget = Budget(1, 60)
    budget.send()
    budget.answered(10, reached=False)
    assert budget.left(10) == 1


def test_after_a_restart_it_goes_on_counting():
    budget = Budget(3, 60, [50.0, 10.0])
    assert budget.left(60) == 1
    assert budget.left(75) == 2


def test_all_places_under_way():
    budget = Budget(1, 60)
    budget.send()
    assert budget.free_at(0) == float("inf")


def test_another_user_of_the_key_is_believed():
    budget = Budget(100, 60)
    budget.send()
    budget.answered(0)
    budget.believe(40, 0)
    assert budget.left(0) == 40
    budget.believe(None, 0)
    budget.believe(99, 0)  # more than we counted: our own count stands
    assert budget.left(0) == 40


def test_a_reload_changes_the_limit():
    budget = Budget(1, 60, [0.0])
    budget.resize(3, 60, [])
    assert budget.left(1) == 2
    budget.resize(1, 60, [])
    assert budget.free_at(1) == 60 + MARGIN_S


def test_a_longer_window_counts_again_what_the_shorter_one_had_let_go():
    budget = Budget(2, 1, [0.0])
    assert budget.left(5) == 2
    budget.resize(2, 60, [0.0])
    assert budget.left(5) == 1


@given(
    st.lists(st.tuples(st.floats(0, 3), st.floats(0, 1), st.floats(0, 1)), max_size=60),
    st.integers(1, 5),
)
def test_never_over_the_limit_however_slow_the_network_is(steps, limit):
    """Requests one after another: each arrives somewhere between sending and its answer."""
    budget, now, arrivals = Budget(limit, 10), 0.0, []
    for wait, travel, took in steps:
        now += wait
        if not budget.left(now):
            continue
        budget.send()
        arrivals.append(now + travel * took * 5)
        now += took * 5
        budget.answered(now)
    for index, at in enumerate(arrivals):
        assert sum(1 for other in arrivals[: index + 1] if other > at - 10) <= limit


def row(**fields):
    body = {"phone": "+12025550101", "name": "Ann", "email": None, "tags": []}
    base = {"campaign_id": "c", "phone": "+12025550101", "kind": "call", "body": body, "event_id": 1}
    flags = {"known": False, "uncertain": False, "only_existing": ""}
    return Due(**{**base, **flags, **fields})


def test_plans():
    assert plan(row()) == "create"
    assert plan(row(known=True)) == "update"
    assert plan(row(uncertain=True)) == "create"  # a repeat is harmless: 409, then PATCH
    assert plan(row(only_existing="moved", known=True)) == "update"
    assert plan(row(only_existing="moved", uncertain=True)) == "update"
    assert plan(row(only_existing="moved")) == "withdraw"


def test_one_request_a_row_as_far_as_the_places_go():
    rows = [row(event_id=n) for n in range(3)]
    assert [composed.rows[0].event_id for composed in compose(rows, 2)] == [0, 1]
    assert compose(rows, 0) == []


def test_a_creation_has_nothing_to_clear_and_an_update_has():
    created = compose([row()], 1)[0].request
    assert (created.plan, created.campaign_id, created.kind) == ("create", "c", "call")
    assert created.leads == ({"phone": "+12025550101", "name": "Ann"},)
    updated = compose([row(known=True)], 1)[0].request
    assert (updated.plan, updated.leads[0]["email"], updated.leads[0]["tags"]) == ("update", None, [])
