"""Whatever stands around a phone, an e-mail or a secret, and however it is written: it doesn't get out."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.fusion.words import REASON_LIMIT, one_line, reason_in
from bridge.masking import mask_phone, mask_text

PHONES = st.from_regex(r"[1-9][0-9]{9,13}", fullmatch=True)
WAYS = st.sampled_from(["{}", "({0:.3}) {1}", "{0:.3}-{1}", "{0:.3}.{1}", "{0:.1} {0:.3} {1}"])
BEFORE = [
    "",
    " ",
    "phone ",
    "phone:",
    "phone: ",
    "tel:",
    "(",
    '"',
    "'",
    "=",
    ",",
    "-",
    " -",
    "[",
    "<",
    "a@",
    "…",
]
AFTER = ["", " ", ".", ",", ")", '"', "'", ">", ";", ": no", "!", " x5", "x5", " ext. 12", "\n", "…"]
ANYTHING = st.text(max_size=30) | st.text("+-(). :x@%2Bb40a1", max_size=40)


def digits(text):
    return re.sub("[^0-9]", "", text)


@given(PHONES, st.sampled_from([*BEFORE, "x", "1.5e", "++", "%2B", "15:04:05", "x-", "a."]), ANYTHING)
def test_a_phone_with_a_plus_is_masked_wherever_it_stands(phone, before, after):
    for text in (f"{before}+{phone}{after}", f"{before}+{phone[:1]} ({phone[1:4]}) {phone[4:]}{after}"):
        assert phone not in digits(mask_text(text))


@given(PHONES, st.sampled_from(BEFORE), st.sampled_from(AFTER), st.sampled_from(["", "-", ".", " ", ") "]))
def test_a_phone_without_is_masked_where_it_stands_alone(phone, before, after, between):
    text = f"{before}{phone[:3]}{between}{phone[3:]}{after}"
    assert phone not in digits(mask_text(text)), mask_text(text)


LOCAL = st.from_regex(r"[a-z][a-z0-9.+_-]{5,20}", fullmatch=True)


@given(LOCAL, st.sampled_from([*BEFORE, "b@", "<mailto:"]), st.sampled_from([*AFTER, "@x.org", "%40x"]))
def test_an_address_is_masked(local, before, after):
    for text in (f"{before}{local}@example.com{after}", f"{before}{local}%40example.com{after}"):
        assert local not in mask_text(text)


def test_a_name_in_quotes_is_one_as_well():
    assert mask_text('to "ann lee"@example.com') == "to ***@example.com"


@given(ANYTHING)
def test_masking_again_finds_nothing_new(text):
    once = mask_text(text)
    assert mask_text(once) == once


@given(st.text(max_size=30))
def test_any_text_as_a_phone(text):
    shown = mask_phone(text)
    assert len(shown) <= 12
    assert len(digits(text)) < 5 or digits(text) not in digits(shown)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text() | st.just("+12025550101"),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["error", "message", "details", "index", "phone"]) | st.text(), inner
        )
    ),
    max_leaves=20,
)


@given(JSON, st.binary(max_size=100))
def test_any_words_of_fusion_are_one_masked_line(answer, body):
    for said in (
        reason_in(answer, body),
        reason_in(None, json.dumps(answer).encode()),
        one_line(str(answer)),
    ):
        assert len(said) <= REASON_LIMIT
        assert said.isprintable()
        assert "2025550101" not in said


@pytest.mark.parametrize(
    "text",
    [
        *(sign * 800_000 for sign in ("a", "@", "1", "+")),
        *(pair * 400_000 for pair in ("a@", "1 ", "(1", '"a', "+1", "1-")),
        *(more * 200_000 for more in ("%40", "a%40", "%2B1", "1234567890-")),
        *("a@" + "b" * 800_000 + "@" * 800_000, '"' + "a" * 800_000),
    ],
    ids=lambda text: text[:12],
)
def test_a_megabyte_is_masked_in_no_time(text):
    began = time.process_time()
    mask_text(text)
    assert time.process_time() - began < 5
