"""Anything in any order: webhooks, faults, kills, reloads; and in the end Fusion holds what the model says.

`STATES_EXAMPLES=2000` hunts: so many runs of either revision of the rules, different ones each time.
"""

import os

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.states.machine import States

HUNT = int(os.environ.get("STATES_EXAMPLES", "0"))
SETTINGS = settings(
    max_examples=HUNT or 40,
    stateful_step_count=40,
    derandomize=not HUNT,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


class June(States):
    rules_of_fusion = "june"


class July(States):
    rules_of_fusion = "july"


@pytest.mark.parametrize("machine", [June, July])
def test_whatever_happens_in_whatever_order_the_end_is_right(machine):
    run_state_machine_as_test(machine, settings=SETTINGS)
