"""The filters, as tables: what goes in, what comes out, and that nothing breaks them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import MappingError
from bridge.rules.expression import PAYLOAD_SCOPE, compile_value
from bridge.rules.filters import FILTERS, NOTES, REGIONS

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


def filtered(value: Any, expression: str, *, regions: tuple[str, ...] = ("US",)) -> Any:
    compiled = compile_value("{{ payload.x | " + expression + " }}", PAYLOAD_SCOPE)
    return compiled({"payload": {"x": value}, REGIONS: regions})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1,234.50", 1234.5),
        ("$80", 80),
        ("80 USD", 80),
        (" 12 ", 12),
        ("RM 80", 80),
        ("US$ 1 234", 1234),
        ("1.234,50", 1234.5),
        ("12,5", 12.5),
        ("1,234", 1234),
        ("1.234", 1.234),
        ("1,234,567.891", 1234567.891),
        ("-5%", -5),
        ("-$5", -5),
        ("$-5", -5),
        ("\uff11\uff12", 12),
        (".5", 0.5),
        (80, 80),
        (80.25, 80.25),
        ("--5", ""),
        ("80k", ""),
        ("1e5", ""),
        ("n/a", ""),
        ("", ""),
        ("12 or 13", ""),
        ("1,2,3", ""),
        ("1.2.3", ""),
        (None, ""),
        (True, ""),
        ([5], 5),
        ([5, 6], ""),
        (float("inf"), ""),
        (float("nan"), ""),
        ("9" * 5000, ""),
    ],
)
def test_number(value: Any, expected: Any) -> None:
    assert filtered(value, "number") == expected
    assert type(filtered(value, "number")) is type(expected)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("(415) 555-0101", "4155550101"),
        (415.0, "415"),
        (12, "12"),
        ("none", ""),
        (True, ""),
        (["1"], "1"),
        (["1", "2"], ""),
    ],
)
def test_digits(value: Any, expected: str) -> None:
    assert filtered(value, "digits") == expected


@pytest.mark.parametrize(
    ("value", "expression", "expected"),
    [
        ("(415) 555-0101", "phone", "+14155550101"),
        (4155550101, "phone", "+14155550101"),
        (4155550101.0, "phone", "+14155550101"),
        ("020 7946 0101", "phone('GB')", "+442079460101"),
        ("020 7946 0101", "phone(region='GB')", "+442079460101"),
        ("12", "phone", ""),
        ([], "phone", ""),
        (None, "phone", ""),
        (True, "phone", ""),
    ],
)
def test_phone(value: Any, expression: str, expected: str) -> None:
    assert filtered(value, expression) == expected


def test_phone_takes_the_regions_of_the_reading() -> None:
    assert filtered("020 7946 0101", "phone", regions=("GB", "US")) == "+442079460101"


@pytest.mark.parametrize(
    ("value", "expression", "expected"),
    [
        ("2026-10-05", "date", "2026-10-05"),
        ("2026-10-05T23:30:00-05:00", "date", "2026-10-05"),
        ("2026-10-05T10:00:00.000Z", "date('%H:%M')", "10:00"),
        ("10/05/2026", "date", "2026-10-05"),
        ("10/5/26", "date", "2026-10-05"),
        ("10-05-2026", "date", "2026-10-05"),
        ("10/05/2026 03:30 PM", "date('%d %b %Y')", "05 Oct 2026"),
        ("Oct 5, 2026", "date", "2026-10-05"),
        ("October 5th 2026", "date", "2026-10-05"),
        ("5 Oct 2026", "date", "2026-10-05"),
        (1790000000, "date", "2026-09-21"),
        ("1790000000", "date", "2026-09-21"),
        (1790000000000, "date", "2026-09-21"),
        ("25/12/2026", "date", "2026-12-25"),  # there is no 25th month
        ("5.10.2026 16:15", "date('%d %b %Y %H:%M')", "05 Oct 2026 16:15"),
        ("Nov 3, 2026 4:15pm", "date('%Y-%m-%d %H:%M')", "2026-11-03 16:15"),
        ("Tuesday, November 3rd, 2026", "date", "2026-11-03"),
        (["10/05/2026"], "date", "2026-10-05"),
        ("99/99/2026", "date", ""),
        ("Nov 2026", "date", ""),
        ("soon", "date", ""),
        (2026, "date", ""),
        (-9e10, "date", ""),
        (float("nan"), "date", ""),
        (True, "date", ""),
        ([], "date", ""),
        ("2026-10-05", "date(5)", ""),
    ],
)
def test_date(value: Any, expression: str, expected: str) -> None:
    assert filtered(value, expression) == expected


@pytest.mark.parametrize(
    ("regions", "expected"),
    [
        (("", "US"), "2026-03-04"),
        (("GB", "", "US"), "2026-03-04"),  # the contact's country isn't the source's
        (("US", "GB", "US"), "2026-04-03"),
        (("", "", "DE", "US"), "2026-04-03"),
        (("", "PH"), "2026-03-04"),
    ],
)
def test_a_date_is_read_as_the_region_of_the_source_writes_it(regions: Any, expected: str) -> None:
    assert filtered("03/04/2026", "date", regions=regions) == expected
    assert filtered("2026-03-04", "date", regions=regions) == "2026-03-04"


@pytest.mark.parametrize(
    ("value", "expression", "expected"),
    [
        ("a, b,,c ", "split", ["a", "b", "c"]),
        ("a;b", "split(';')", ["a", "b"]),
        (["a", "b,c"], "split", ["a", "b,c"]),
        (5, "split", ["5"]),
        ("", "split", []),
        ({"a": 1}, "split", []),
    ],
)
def test_split(value: Any, expression: str, expected: list[str]) -> None:
    assert filtered(value, expression) == expected


@pytest.mark.parametrize(
    ("value", "expression", "expected"),
    [
        ("CA", "lookup({'CA': 'West', 'ca': 'x'}, 'Other')", "West"),
        (" ca ", "lookup({'CA': 'West'}, 'Other')", "West"),
        ("TX", "lookup({'CA': 'West'}, 'Other')", "Other"),
        ("TX", "lookup({'CA': 'West'})", ""),
        (5, "lookup({'5': 'five'})", "five"),
        (["CA"], "lookup({'CA': 'West'}, 'Other')", "Other"),
        (None, "lookup({'CA': 'West'}, 'Other')", "Other"),
        ("CA", "lookup('no table', 'Other')", "Other"),
    ],
)
def test_lookup(value: Any, expression: str, expected: str) -> None:
    assert filtered(value, expression) == expected


@given(JSON, st.sampled_from(sorted(FILTERS)))
def test_no_filter_fails_because_of_its_value(value: Any, name: str) -> None:
    try:
        filtered(value, f"{name}({{}})" if name == "lookup" else name)
    except MappingError as error:
        pytest.fail(error.message)


def test_every_filter_explains_itself() -> None:
    assert all(each.__doc__ for each in FILTERS.values())


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("447700900123", "phone: its country code was read without a plus"),
        ("202-555-01429", "taken as empty"),
        ("n/a", ""),
        ("(202) 555-0142", ""),
    ],
)
def test_phone_notes_a_guess_and_a_refusal_without_the_number(value: str, says: str) -> None:
    notes: list[str] = []
    compiled = compile_value("{{ payload.x | phone('US') }}", PAYLOAD_SCOPE)
    compiled({"payload": {"x": value}, REGIONS: (), NOTES: notes})
    assert len(notes) == bool(says)
    assert not says or says in notes[0]
    assert not any("55501" in note or "77009" in note for note in notes)
