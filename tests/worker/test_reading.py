"""Which page comes next: every list has an end, whatever Fusion says of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.worker.reading import MOST_RETURNS, Reading

PHONES = [f"+1202556{number:04}" for number in range(1000)]


def pages(*answers):
    """The pages asked for, and what is seen in the end, of a Fusion that answers (first, count, total)."""
    reading, asked = Reading(), []
    for first, count, total in answers:
        assert not reading.done
        asked.append(reading.page)
        reading = reading.after(PHONES[first : first + count], total)
    return asked, reading.seen, reading.done


@pytest.mark.parametrize(
    ("answers", "seen"),
    [
        ([(0, 0, 0)], 0),
        ([(0, 0, None)], 0),
        ([(0, 40, 40)], 40),
        ([(0, 40, None)], 40),
        ([(0, 100, 100)], 100),
        ([(0, 100, None), (0, 0, None)], 100),  # who doesn't count must be asked
        ([(0, 100, 250), (100, 100, 250), (200, 50, 250)], 250),
        ([(0, 100, None), (100, 100, None), (200, 50, None)], 250),
        ([(0, 50, 120), (50, 50, 120), (100, 20, 120)], 120),  # pages of another size than asked for
        ([(0, 500, 500)], 500),
        ([(0, 100, 120), (100, 100, 230), (200, 30, 230)], 230),  # it grows
        ([(0, 100, 150), (100, 49, 150), (0, 0, 150)], 149),  # one has no phone
        ([(0, 100, None), (0, 100, None)], 100),  # the same page for ever
        ([(0, 100, 900), (0, 100, 900)], 100),
        ([(0, 100, 900), (0, 0, 900)], 100),
    ],
)
def test_to_the_end(answers, seen):
    assert pages(*answers) == (list(range(1, len(answers) + 1)), seen, True)


def test_a_list_that_got_shorter_is_read_again_from_where_leads_may_have_moved_to():
    asked, seen, done = pages(
        (0, 100, 350), (100, 100, 350), (200, 99, 349), (100, 100, 349), (200, 100, 349), (300, 49, 349)
    )
    assert (asked, seen, done) == ([1, 2, 3, 2, 3, 4], 349, True)


def test_after_a_break_it_goes_on():
    reading = Reading.from_page(3, 250)
    assert (reading.page, reading.seen) == (3, 200)
    assert reading.after(PHONES[200:250], 250).done


def test_a_number_that_jumps_is_believed_only_so_often():
    reading, asked = Reading(), 0
    while not reading.done:
        first = (asked * 100) % 900
        reading = reading.after(PHONES[first : first + 100], 1000 if asked % 2 else 500)
        asked += 1
    assert reading.returns <= MOST_RETURNS
    assert asked < 100


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 100), st.none() | st.integers(0, 1000))))
def test_it_always_goes_on_or_ends(answers):
    reading, turns = Reading(), 0
    for first, count, total in answers:
        before = reading
        reading = reading.after(PHONES[first * 100 : first * 100 + count], total)
        turns += reading.page <= before.page
        if reading.done:
            break
        assert reading.page >= 1
        assert reading.seen >= 0
    assert turns <= MOST_RETURNS + 1
