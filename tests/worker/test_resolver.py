"""How the resolver shares the processor with the webhooks; `python -m tests.benchmarks bulk` measures it."""

from bridge.outbox.compose import MAX_BATCH
from bridge.worker.resolver import LONGEST_REST_S, RESOLVE_BATCH, rest_s

FUSION_PER_S = 100 * MAX_BATCH / 60
BATCH_S = RESOLVE_BATCH * 0.0015  # of a slow machine


def test_who_came_makes_it_rest_and_nobody_else_does():
    assert rest_s(0) == 0
    assert 0 < rest_s(1) < rest_s(10) < rest_s(10_000) == rest_s(1_000_000)


def test_a_few_hundred_webhooks_a_second_leave_it_time_to_keep_up():
    for per_s in (100, 200, 300):
        resolved_per_s = RESOLVE_BATCH / (BATCH_S + rest_s(round(per_s * BATCH_S)))
        assert resolved_per_s > per_s


def test_a_flood_leaves_it_time_for_all_that_one_account_can_carry_away():
    assert RESOLVE_BATCH / (BATCH_S + LONGEST_REST_S) > FUSION_PER_S
