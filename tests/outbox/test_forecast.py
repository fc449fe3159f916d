"""Requests that a backlog costs, and the time that the limit makes of them."""

import pytest

from bridge.outbox.facts import BACKFILL, DO_NOT_CALL, NEW, UPDATE
from bridge.outbox.forecast import Waiting, drain_s, requests_needed


@pytest.mark.parametrize(
    ("waiting", "known_share", "requests"),
    [
        ([], 0.0, 0),
        ([Waiting("", None, NEW, 1)], 0.0, 1),
        ([Waiting("", None, NEW, 100)], 0.0, 1),
        ([Waiting("", None, NEW, 101)], 0.0, 2),
        ([Waiting("", None, UPDATE, 101)], 0.0, 101),
        ([Waiting("", None, DO_NOT_CALL, 7)], 0.0, 7),
        # a batch has one campaign and one kind
        ([Waiting("a", "call", NEW, 50), Waiting("b", "call", NEW, 50)], 0.0, 2),
        ([Waiting("a", "call", NEW, 50), Waiting("a", "sms", NEW, 50)], 0.0, 2),
        # what is replayed travels with what is new
        ([Waiting("a", None, NEW, 50), Waiting("a", None, BACKFILL, 50)], 0.0, 1),
        ([Waiting("a", None, BACKFILL, 1000)], 1.0, 1000),
        ([Waiting("a", None, BACKFILL, 1000)], 0.25, 250 + 8),
        # the known share is that of the replayed ones only
        ([Waiting("a", None, NEW, 200)], 1.0, 2),
    ],
)
def test_requests_needed(waiting, known_share, requests):
    assert requests_needed(waiting, known_share) == requests


@pytest.mark.parametrize(
    ("requests", "left", "limit", "per_s", "seconds"),
    [
        (0, 100, 100, 60.0, 0.0),
        (100, 100, 100, 60.0, 0.0),
        (101, 100, 100, 60.0, 0.6),
        (450, 50, 100, 60.0, 240.0),
        (24, 0, 12, 60.0, 120.0),
        (100, 0, 1000, 1.0, 0.1),
    ],
)
def test_drain(requests, left, limit, per_s, seconds):
    assert drain_s(requests, left=left, limit=limit, per_s=per_s) == pytest.approx(seconds)
