"""kill -9 while webhooks come in and Fusion fails: nothing is lost, doubled, stale, or over the limit.

The whole of it (2,000 webhooks, ten kills) is `python -m tests.benchmarks kill`.
"""

from pathlib import Path

import pytest

from tests.crash.harness import Plan, crash


@pytest.mark.parametrize(("rules", "seed"), [("june", 7)])
def test_every_accepted_event_ends_well(tmp_path: Path, rules: str, seed: int) -> None:
    plan = Plan(seed=seed, webhooks=120, kills=3, rate=30, limit=(20, 1), rules=rules)

    report = crash(plan, tmp_path)

    assert report.faults == []
    assert report.kills == plan.kills
