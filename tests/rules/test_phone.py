"""Phone numbers: every spelling of a number is one identity, and nothing undialable passes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import InvalidPhone
from bridge.masking import mask_phone
from bridge.rules.phone import normalize, says_no_phone


@pytest.mark.parametrize(
    ("text", "regions", "expected"),
    [
        ("+14155550101", [], "+14155550101"),
        ("(415) 555-0101", ["US"], "+14155550101"),
        ("415.555.0101", ["US"], "+14155550101"),
        ("4155550101", ["US"], "+14155550101"),
        ("1 415 555 0101", ["US"], "+14155550101"),
        ("415-555-0101 ext. 5", ["US"], "+14155550101"),
        ("+1 (415) 555-0101 x99", [], "+14155550101"),
        (" 415 555 0101\n", ["US"], "+14155550101"),
        ("tel:+1-415-555-0101", [], "+14155550101"),
        ("tel:+1-415-555-0101;ext=5", [], "+14155550101"),
        ("\uff0b\uff11\uff14\uff11\uff15\uff15\uff15\uff15\uff10\uff11\uff10\uff11", [], "+14155550101"),
        ("\uff14\uff11\uff15 555 0101", ["US"], "+14155550101"),
        ("0044 20 7946 0101", ["US"], "+442079460101"),
        ("00442079460101", [], "+442079460101"),
        ("011 44 20 7946 0101", ["US"], "+442079460101"),
        ("020 7946 0101", ["GB", "US"], "+442079460101"),
        ("+44 (0)20 7946 0101", ["US"], "+442079460101"),
        ("4155550101", ["", "XX", "us"], "+14155550101"),
        ("4155550101", ["United States"], "+14155550101"),
        ("020 7946 0101", ["UK", "US"], "+442079460101"),
        ("+12015550123", ["GB"], "+12015550123"),
    ],
)
def test_every_spelling_of_a_number_is_the_same_lead(text: str, regions: list[str], expected: str) -> None:
    assert normalize(text, regions) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "n/a",
        "garbage",
        "5550101",
        "555",
        "+1415555010",
        "4" * 400,
        "+999123456789",
        "+1415555010199",
        "+",
        "\U0001f4de",
        "+290 1234",
        "+4400739276620",  # two trunk prefixes: read twice, it would be two numbers
    ],
)
def test_a_number_that_nobody_could_dial_is_refused_with_a_fix(text: str) -> None:
    with pytest.raises(InvalidPhone) as error:
        normalize(text, ["US"])
    assert error.value.field == "phone"
    assert error.value.fix


def test_a_number_without_country_code_and_region_says_what_is_missing() -> None:
    with pytest.raises(InvalidPhone, match="no country code") as error:
        normalize("415 555 0101", [])
    assert "default_region" in error.value.fix


@pytest.mark.parametrize("text", ["+1 415 555 0101 7", "415 555 0101 415 5"])
def test_the_message_hides_the_middle_of_the_number(text: str) -> None:
    with pytest.raises(InvalidPhone) as error:
        normalize(text, ["US"])
    assert "5550" not in error.value.message
    assert "555 0" not in error.value.message
    assert "•••" in error.value.message


def test_masking() -> None:
    assert mask_phone("+14155550101") == "+1415•••0101"
    assert mask_phone("5550101") == "•••01"
    assert mask_phone("0101") == "•••"


@pytest.mark.parametrize("text", ["", " ", "-", "n/a", "N/A", "none", "NULL", "unknown", "no phone"])
def test_words_that_stand_for_no_phone(text: str) -> None:
    assert says_no_phone(text)


@pytest.mark.parametrize("text", ["555", "+14155550101", "call me"])
def test_other_words_are_a_phone_that_must_be_usable(text: str) -> None:
    assert not says_no_phone(text)


PHONES = st.text() | st.from_regex(r"\+?[0-9 ().x-]{5,20}", fullmatch=True) | st.integers(0, 10**15).map(str)
REGIONS = st.lists(
    st.sampled_from(["US", "GB", "DE", "BR", "MX", "AR", "IT", "AU", "", "Narnia"]), max_size=3
)


@given(PHONES, REGIONS)
def test_normalising_again_changes_nothing(text: str, regions: list[str]) -> None:
    try:
        number = normalize(text, regions)
    except InvalidPhone:
        return
    assert 10 <= len(number) - 1 <= 15
    assert number[0] == "+"
    assert number[1:].isascii()
    assert number[1:].isdigit()
    assert normalize(number, regions) == number
    assert normalize(number, []) == number


@given(st.from_regex(r"[2-9][0-9]{2}[2-9][0-9]{5}[01]", fullmatch=True), st.sampled_from(["US", "CA"]))
def test_the_short_way_for_american_numbers_agrees_with_the_library(digits: str, region: str) -> None:
    spellings = [digits, f"+1{digits}", f"1{digits}", f"({digits[:3]}) {digits[3:6]}-{digits[6:]}"]
    long_way = normalize(f"\u00a0+1 {digits[:3]} {digits[3:]}", [])  # spelt so that no short way takes it
    assert {normalize(each, [region]) for each in spellings} == {long_way}
