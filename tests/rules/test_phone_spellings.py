"""A tenth of the spellings of the benchmark `phones`: the shares that are read as meant, kind by kind."""

from collections import Counter

import pytest

from bridge.errors import InvalidPhone
from bridge.rules.phone import normalize
from tests.benchmarks.phone_spellings import spellings

EVERY = spellings()
KINDS = list(dict.fromkeys(each.kind for each in EVERY))


def judged(spelling):
    try:
        number = normalize(spelling.text, (spelling.country, spelling.region))
    except InvalidPhone:
        return "refused"
    return "right" if number == spelling.meant else "another"


def test_there_are_as_many_as_promised():
    assert len(EVERY) == 7_500
    assert len({each.meant for each in EVERY}) == 150


@pytest.mark.parametrize("kind", KINDS)
def test_no_share_drops(kind):
    counts = Counter(judged(each) for each in [each for each in EVERY if each.kind == kind][::5])
    assert counts["another"] == 0
    assert counts["right"] >= 0.95 * counts.total()
