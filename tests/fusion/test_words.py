"""What is masked, and what only looks like a phone."""

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bridge.fusion.words import for_log, one_line
from bridge.masking import mask_text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("+14155550101", "+1415•••0101"),
        ("4155550101 4155550102", "415•••0101 415•••0102"),
        ("+14155550101,+14155550102", "+1415•••0101,+1415•••0102"),
        ("phone +1 (415) 555-0101.", "phone +1415•••0101."),
        ("(415) 555-0101 exists", "415•••0101 exists"),
        ("'+4712345678'", "'+471•••5678'"),
        ("ann.lee@example.com and b@x.org", "a***@example.com and b***@x.org"),
        ("6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55", None),
        ("550e8400-e29b-41d4-a716-446655440000", None),
        ("12345678-1234-4123-8123-446655440000", None),
        ("2026-06-17T12:00:00.000Z", None),
        ("2026-06-17 12:00:00", None),
        ("at most 100 characters, 20 tags", None),
        ("12345678901234567890", None),
    ],
)
def test_mask(text, masked):
    assert mask_text(text) == (masked or text)


def test_one_line():
    assert one_line(" a\n\tb\x00c  d ") == "a b c d"
    assert one_line("x" * 10, limit=5) == "xxxx…"


@pytest.mark.parametrize(
    ("said", "logged"),
    [
        (
            "Fusion refused it: Lead 'Annabel Leeworth' of Oak Street 5, phone 555-0101, is not valid",
            "Fusion refused it: Lead '•••' of ••• 5, phone •••, is not valid",
        ),
        ("phone is taken by José O'Brien, born 1970-01-02", "phone is ••• by •••'•••, •••"),
        ("Zoe\u0308 <a***@example.com> (202) 555 01 01", "••• <a***@•••.•••> (•••"),
    ],
)
def test_of_people_nothing_is_left_for_the_log(said, logged):
    assert for_log(said) == logged


@pytest.mark.parametrize(
    "words",
    [
        "Fusion refused it: Validation failed: phone: Must have 10 to 15 digits",
        "Fusion refused it: kind: sms needs a campaign_id",
        "Fusion refused it: custom_fields: At most 20 fields",
        "Fusion refused it: Lead not found",
        "Fusion contradicts itself: A lead with this phone already exists in the campaign",
        "Unauthorized: Invalid or missing API key",
        "failed 3 times, last: Fusion answered 500",
        "failed 3 times, last: Fusion said yes, but that it inserted nothing",
        "failed 3 times, last: Fusion's answer can't be read",
        "Fusion not reached for 24 hours, last: can't connect to Fusion: [Errno 111] Connection refused",
        "Fusion answered 302, a redirect: fusion.base_url must name its final address",
        "Fusion asked for 30 s",
    ],
)
def test_why_something_failed_is_understood_from_the_log(words):
    assert for_log(words) == words


NAMES = st.from_regex(r"[A-ZÉÖŁ][a-zéöł]{4,12}(?:[ '-][A-Z][a-z]{4,12})?", fullmatch=True)
PHONES = st.from_regex(r"[2-9][0-9]{2}555[0-9]{4}", fullmatch=True)
WAYS = st.sampled_from(["{}{}{}", "+1{}{}{}", "({}) {}-{}", "{}.{}.{}", "{} / {} / {}", "_{}_{}_{}_"])


@given(st.text(max_size=60), NAMES, st.text(max_size=20), PHONES, WAYS, st.text(max_size=60))
def test_whatever_words_stand_around_a_person(before, name, between, phone, way, after):
    parts = re.split("[ '-]", name)
    assume(all(for_log(part) == "•••" for part in parts))  # nobody is called "Invalid"
    number = way.format(phone[:3], phone[3:6], phone[6:])
    mail = f"{name.split()[0].lower()}.x@{name[:5].lower()}.example"
    for said in (
        f"{before}{name}{between} {number} {mail}{after}",
        f"{before} {number}{between}{name}{after}",
    ):
        logged = for_log(one_line(said))
        left = set(re.split(r"[\W_]+", logged.lower()))
        assert left.isdisjoint(part.lower() for part in parts)
        assert phone[3:] not in re.sub("[^0-9]", "", logged)
        assert for_log(logged) == logged


@given(st.text())
def test_a_log_has_only_words_that_were_agreed_on(said):
    for word in re.findall(r"[^\W_]+", for_log(said)):
        assert word.isascii()
        assert len(word) < 4 if word.isdigit() else for_log(word) == word
