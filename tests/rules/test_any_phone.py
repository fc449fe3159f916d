"""Whatever text comes as a phone: a number or InvalidPhone, always the same, and letters change no digit."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import InvalidPhone
from bridge.rules.countries import region_of
from bridge.rules.phone import normalize, plausible, read
from tests.benchmarks.phone_spellings import spellings

REGIONS = st.tuples(
    st.sampled_from(
        ["US", "CA", "GB", "DE", "BR", "MX", "AR", "IT", "AU", "SG", "NO", "JM", "", "Narnia", "Spain"]
    ),
    st.sampled_from(["", "GB", "DE", "SG", "AU"]),
    st.sampled_from(["US", "GB", "AT", ""]),
)
SIGNS = "0123456789+-() ./,;:_x#&%\u00a0\u200b\uff11\uff0b"
TEXTS = (
    st.text()
    | st.text(SIGNS, max_size=40)
    | st.sampled_from(spellings()).map(lambda each: each.text)
    | st.builds(
        "{}{}{}".format, st.text(max_size=5), st.from_regex(r"\+?[0-9 ().-]{7,18}", fullmatch=True), st.text()
    )
)
LETTERS = st.text("abcdefghijklmnopqrstuvwyzäéßñøλжあ", min_size=1, max_size=12)


def number(text, regions):
    try:
        return normalize(text, regions)
    except InvalidPhone:
        return ""


@settings(max_examples=400, deadline=None)
@given(TEXTS, REGIONS)
@example("+6598765432", ("US", "SG", "US"))
@example("98765432", ("US", "SG", "US"))
@example("+4400739276620", ("US", "", "US"))
@example("+52 1 1555555010", ("MX", "", "US"))
def test_a_number_read_again_stays_what_it_is(text, regions):
    found = number(text, regions)
    if found:
        assert 10 <= len(found[1:]) <= 15
        assert found[1:].isascii()
        assert found[1:].isdigit()
        assert number(found, regions) == found
        assert number(found, ()) == found
    every = plausible(text, regions)
    assert len(every) <= 8
    assert len(set(every)) == len(every)
    assert not found or every[0] == found


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(spellings()), LETTERS, st.sampled_from([" {}", " ({})", ", {}", " / {}", " - {}", ": {}"])
)
def test_a_remark_of_letters_changes_no_digit(spelling, letters, form):
    regions = (spelling.country, spelling.region)
    plain = number(spelling.text, regions)
    assert number(spelling.text + form.format(letters), regions) == plain


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(spellings()), LETTERS)
def test_a_word_before_a_number_may_only_make_it_doubtful(spelling, letters):
    regions = (spelling.country, spelling.region)
    assert number(f"{letters}: {spelling.text}", regions) in (spelling.meant, "")


@settings(deadline=None)
@given(st.text(max_size=40))
def test_any_country_is_a_region_or_unknown(text):
    region = region_of(text)
    assert region is None or region == "" or region_of(region) == region


@pytest.mark.parametrize(
    "text", ["1" * 100_000, "+" * 100_000, "1 " * 50_000, "(1)," * 50_000, "\ufdfa" * 10_000]
)
def test_a_text_of_a_megabyte_takes_no_time(text):
    assert number(text, ("US", "", "US")) == ""
    assert plausible(text, ("US", "", "US")) == ()
    assert not region_of(text)


def test_a_country_of_a_megabyte_is_unknown():
    with pytest.raises(InvalidPhone, match="is not known"):
        read("202-555-0142", ("x" * 1_000_000, "", "US"))
