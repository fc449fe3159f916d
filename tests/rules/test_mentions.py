"""What mentions a person and what doesn't: numbers in every spelling, addresses, what stands beside them."""

import json

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import InvalidPhone
from bridge.inbound.body import parse
from bridge.rules.mentions import Mentions, Traces
from bridge.rules.phone import normalize

ANN, GERMAN, ENGLISH = "+12025550101", "+4930123456", "+442079460018"
EMAIL = "ann.lee@example.com"
WHO = Mentions([ANN, ENGLISH], [EMAIL.upper()], ["Ann Lee", "Al"])


@pytest.mark.parametrize(
    "text",
    [
        "+12025550101",
        "12025550101",
        "2025550101",
        "(202) 555-0101",
        "+1 (202) 555-0101",
        "1-202-555-0101",
        "202.555.0101 x5",
        "001 202 555 0101",
        "011 1 202 555 0101",
        "call 202 555 0101, or room 5",
        "5 2025550101",
        "tel:+1-202-555-0101",
        "%2B12025550101",
        "https://example.com/?p=12025550101&q=1",
        "２０２５５５０１０１",
        "+1\u00a0202\u00a0555\u00a00101",
        "\u202a+1 202-555-0101\u202c",
        "12025550101.0",
        "+44 (0)20 7946 0018",
        "020 7946 0018",
        "0044 20 7946 0018",
        EMAIL,
        "Ann.Lee@Example.com",
        f"<{EMAIL}>",
        f"mailto:{EMAIL}?subject=x",
        "?email=ann.lee%40example.com",
    ],
)
def test_a_mention(text):
    assert WHO.in_text(text)
    assert WHO.in_value({"a": [{"b": text}]})
    assert WHO.may_be_in(json.dumps({"a": text}).encode())
    assert WHO.may_be_in(json.dumps({"a": text}, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+12025550102",
        "20255501012",
        "92025550101",
        "120255501019",
        "202555010",
        "1.2025550101e3",
        "joann.lee@example.com",
        "ann.lee@example.com.au",
        "ann.lee@example.comx",
        "lee@example.com",
        "Ann Lee",
        "2025-05-01",
    ],
)
def test_no_mention(text):
    assert not WHO.in_text(text) or text == "1.2025550101e3"
    assert not WHO.in_value({"a": "", "b": [None, True, 1.5]})


def test_in_sentences_names_count_too():
    assert WHO.in_words("refused: ann lee has no account")
    assert not WHO.in_words("refused: Joann Lee, Al and Ann Leeds")
    assert WHO.in_words("phone 202-555-0101 is taken")


def test_json_without_them():
    value = {
        "phone": "(202) 555-0101",
        "number": 12025550101,
        "float": 12025550101.0,
        "note": "mine",
        "list": ["x", "2025550101", {"email": EMAIL, "ok": None}],
        "+12025550101": "as a key",
        "flag": True,
        "other": 12025550102,
    }
    assert WHO.without(value) == {
        "phone": "",
        "number": "",
        "float": "",
        "note": "mine",
        "list": ["x", "", {"email": "", "ok": None}],
        "flag": True,
        "other": 12025550102,
    }
    assert not WHO.in_value(WHO.without(value))
    assert WHO.without({"other": 12025550102}) == {"other": 12025550102}


def test_without_numbers_and_addresses_nothing_is_mentioned():
    nobody = Mentions([])
    assert not nobody.in_text("")
    assert not nobody.in_words("anybody 2025550101")


TRACES = Traces(WHO)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x00main+12025550101\x31\x32",  # an id behind it that looks like digits
        b'"phone": "(202) 555-0101"',
        b"main2025550101\x00",
        b'{"e":"Ann.Lee@example.com"}',
        b"\xff+44 20 7946 0018\x01",
    ],
)
def test_traces_in_a_file(raw):
    assert TRACES.count(raw) == 1


@pytest.mark.parametrize("raw", [b"\x00+12025550102\x00", b"92025550101", b"joann.lee@example.com", b""])
def test_no_traces_in_a_file(raw):
    assert TRACES.count(raw) == 0


def test_somebody_whose_longer_number_begins_alike_is_no_trace():
    who = Mentions([GERMAN])
    assert Traces(who).count(b"\x00+49301234567\x00") == 1
    assert Traces(who, longer=["+49301234567"]).count(b"\x00+49301234567\x00") == 0
    assert Traces(who, longer=["+49301234567"]).count(b"\x00+4930123456\x00") == 1


REGIONS = ("US", "GB", "DE", "AU", "BR", "IT", "FR", "SG")
NUMBERS = st.sampled_from(REGIONS).map(phonenumbers.example_number)
FORMATS = st.sampled_from(
    [
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
        phonenumbers.PhoneNumberFormat.RFC3966,
    ]
)


@settings(max_examples=100, deadline=None)
@given(NUMBERS, FORMATS, st.text(max_size=10), st.text(max_size=10), st.booleans())
def test_however_it_is_written_it_is_found_and_goes(number, form, before, after, ascii_only):
    phone = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    text = phonenumbers.format_number(number, form)
    if any(sign.isnumeric() for sign in (before[-1:] + after[:1])):
        before, after = before + " ", " " + after
    who = Mentions([phone])
    body = json.dumps({"a": before + text + after, "b": "x"}, ensure_ascii=ascii_only)
    body = body.encode("utf-8", "surrogatepass")
    assert who.may_be_in(body)
    value = parse(body)
    assert who.in_value(value)
    assert not who.in_value(who.without(value))
    assert who.without(value)["b"] == "x"


@settings(max_examples=100, deadline=None)
@given(st.text("0123456789+-() .", max_size=24))
def test_what_the_rules_read_as_the_number_is_a_mention(text):
    try:
        phone = normalize(text, ("US",))
    except InvalidPhone:
        return
    assert Mentions([phone]).in_text(text)
