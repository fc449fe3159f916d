"""Any JSON value as text, as yes or no, as a moment, as tags, as do-not-disturb; any text as a signature."""

import base64
import math
import re

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.errors import InvalidSignature
from bridge.inbound import do_not_call, values
from bridge.inbound.signature import GHL_PUBLIC_KEY, check_token, load_public_key, verify

KEY = Ed25519PrivateKey.from_private_bytes(b"\x01" * 32)
PUBLIC = (KEY.public_key(),)

SAID = ["null", "{{contact.phone}}", "{{a", "true", "active", "SMS, Call", "dnd", "2026-09-14T15:04:05Z"]
TEXT = st.text(max_size=20) | st.sampled_from(SAID) | st.text("a\0\u202a\u2028 ,|;\ud800nul", max_size=12)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.just(10**4000)
NAMES = st.sampled_from(["Call", "call", "All", "SMS", "status", "x"]) | TEXT
ANYTHING = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4)
)


@settings(deadline=None)
@given(ANYTHING)
def test_a_text_is_one_line_of_what_can_be_seen_and_stays_itself(value):
    text = values.text(value)
    assert text == text.strip()
    assert text.splitlines() in ([], [text])
    assert not re.search("[\0-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert values.text(text) == text or "&" in text  # entities are decoded once


@settings(deadline=None)
@given(ANYTHING)
def test_tags_are_texts_without_repeats_and_stay_themselves(value):
    tags = values.tags(value)
    assert len(set(tags)) == len(tags)
    assert all(tag and values.text(tag) == tag for tag in tags)
    assert values.tags(tags) == tags


@settings(deadline=None)
@given(ANYTHING)
def test_a_plain_value_is_plain_and_stays_itself(value):
    plain = values.plain(value)
    assert isinstance(plain, str | int | float | list | dict)
    assert values.plain(plain) == plain
    assert not isinstance(plain, float) or math.isfinite(plain)


TIMES = st.datetimes().map(lambda at: at.isoformat()) | st.datetimes(timezones=st.timezones()).map(str)


@settings(deadline=None)
@given(ANYTHING | TIMES | st.floats(0, 1e14) | st.from_regex("[0-9T:.Z+-]{0,30}", fullmatch=True))
def test_a_moment_is_one_of_this_century_or_none(value):
    at = values.moment(value)
    assert at is None or (isinstance(at, float) and 946_684_800 <= at < 4_102_444_800)


@settings(deadline=None)
@given(st.floats(946_684_800, 4_102_444_000))
def test_every_spelling_of_a_moment_is_the_same(at):
    at = round(at, 3)
    for spelt in (at, at * 1000, f"{at:.3f}", f" {at * 1000:.0f}"):
        assert abs(values.moment(spelt) - at) < 0.01


@settings(deadline=None)
@given(ANYTHING)
def test_do_not_disturb_is_yes_no_or_nothing_and_doubt_blocks(value):
    block, doubt = do_not_call.block(value), do_not_call.doubt("dnd", value)
    assert block in {True, False, None}
    assert block is True or not doubt or values.unfilled(value)
    assert len(doubt) < 600  # a sign's escape has ten letters


@settings(deadline=None)
@given(st.lists(TEXT | st.booleans(), max_size=5), st.randoms())
def test_the_order_of_words_does_not_matter_and_one_more_never_lifts(words, random):
    block = do_not_call.block(words)
    other = list(words)
    random.shuffle(other)
    assert do_not_call.block(other) == block
    assert do_not_call.block([*words, "call"]) is True
    if block is True:
        assert do_not_call.block([*words, "no", False, "SMS"]) is True


@settings(deadline=None)
@given(TEXT | st.sampled_from(["Call", "opt out", "DND enabled", "inactive", "sms,email"]))
def test_capitals_and_dashes_in_do_not_disturb_do_not_matter(word):
    if word.isascii() and "{{" not in word and word.strip().lower() not in {"null", "undefined"}:
        assert do_not_call.block(word.upper()) == do_not_call.block(word.lower())
        assert do_not_call.block(word.replace(" ", "_")) == do_not_call.block(word.replace(" ", "-"))


@settings(deadline=None)
@given(st.dictionaries(NAMES, ANYTHING, max_size=4))
def test_a_channel_that_is_blocked_blocks_whatever_stands_beside_it(channels):
    assert do_not_call.block(channels | {"Call": {"status": "active"}}) is True


@settings(deadline=None)
@given(st.binary(max_size=40), st.text(max_size=100) | st.binary(max_size=70).map(base64.b64encode).map(str))
def test_no_header_but_the_right_one_is_a_signature(body, header):
    good = base64.b64encode(KEY.sign(body)).decode()
    verify(body, good, PUBLIC)
    for wrong in (header, good[:-4] + header, header + good, good.swapcase()):
        try:
            verify(body, wrong, PUBLIC)
        except InvalidSignature:
            continue
        assert wrong.strip() == good


@settings(deadline=None)
@given(st.binary(min_size=1, max_size=40), st.integers(0, 511), st.integers(0, 319))
def test_no_bit_of_body_or_signature_may_differ(body, in_signature, in_body):
    signature = bytearray(KEY.sign(body))
    signature[in_signature // 8] ^= 1 << in_signature % 8
    altered = bytearray(body)
    altered[in_body // 8 % len(body)] ^= 1 << in_body % 8
    for these, by in ((body, bytes(signature)), (bytes(altered), KEY.sign(body))):
        try:
            verify(these, base64.b64encode(by).decode(), PUBLIC)
        except InvalidSignature:
            continue
        raise AssertionError("it was taken")


ANY_TEXT = st.text(st.characters(codec=None), max_size=30)


@given(ANY_TEXT, ANY_TEXT)
@example("ä", "a\u0308")
def test_a_token_is_the_same_text_or_none(given_, expected):
    try:
        check_token(given_, expected)
    except InvalidSignature:
        assert not given_ or given_ != expected
    else:
        assert given_ == expected != ""


@settings(deadline=None)
@given(ANY_TEXT, st.integers(0, len(GHL_PUBLIC_KEY)), st.integers(0, 10))
def test_any_text_is_a_key_or_refused_in_words(text, at, removed):
    slip = GHL_PUBLIC_KEY[:at] + text + GHL_PUBLIC_KEY[at + removed :]
    for pem in (text, f"-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----", slip):
        try:
            key = load_public_key(pem)
        except ValueError as refusal:
            key = str(refusal)
        assert isinstance(key, Ed25519PublicKey) or "PEM form" in key or "not an Ed25519 key" in key
