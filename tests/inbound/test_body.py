import json

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import MalformedPayload
from bridge.inbound.body import MAX_DEPTH, fingerprint, parse


def nested(depth):
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"phone=1", "not JSON"),
        (b'{"a":1', "not JSON"),
        (b'{"a":1} x', "not JSON"),
        (b"{'a':1}", "not JSON"),
        (b"[]", "not a JSON object"),
        (b'[{"phone":"+14155550101"}]', "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"{}", "empty object"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":-Infinity}', "Infinity"),
        (b'{"a":1e400}', "too large"),
        (b'{"a":' + b"9" * 400 + b"}", "too large"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"a":"\xe9"}', "UTF-8"),
        ('{"a":1}'.encode("utf-16"), "UTF-8"),
        (nested(MAX_DEPTH + 1), "levels deep"),
        (nested(1000), "levels deep"),
        (b'{"a":' + b"[" * 500_000, "levels deep"),
        (b'{"a":"\\ud800","b":' + nested(MAX_DEPTH) + b"}", "levels deep"),
    ],
)
def test_refuses(body, reason):
    with pytest.raises(MalformedPayload, match=reason):
        parse(body)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b'\xef\xbb\xbf{"a":1}', {"a": 1}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":"\\ud800x","\\udfff":["\\ud800"]}', {"a": "\ufffdx", "\ufffd": ["\ufffd"]}),
        (b'{"a":"\\ud800","b":"\\ud83c\\udfe1"}', {"a": "\ufffd", "b": "🏡"}),
        (b'{"a":"\xed\xa0\x80"}', {"a": "\ufffd"}),
        (b'{"note":"two\nlines","n":1.5,"t":true}', {"note": "two\nlines", "n": 1.5, "t": True}),
        (b'{"a":18446744073709551616,"b":"\\ud800","c":12}', {"a": 2.0**64, "b": "\ufffd", "c": 12}),
        ('{"a":"Zoë 🏡"}'.encode(), {"a": "Zoë 🏡"}),
    ],
)
def test_accepts(body, payload):
    assert parse(body) == payload


def test_takes_the_deepest_that_is_allowed():
    assert parse(nested(MAX_DEPTH))


def test_a_body_of_a_mebibyte():
    payload = {f"field {n}": "x" * 80 for n in range(10_000)}
    assert parse(json.dumps(payload).encode()) == payload


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_parse_or_are_malformed(body):
    try:
        payload = parse(body)
    except MalformedPayload:
        return
    assert fingerprint(payload)


JSON = st.recursive(st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(), st.lists)


@settings(deadline=None)
@given(st.text("a\ud800\udfffé🏡"), JSON)
def test_what_parses_can_be_encoded_again(text, value):
    try:
        payload = parse(json.dumps({text: [text, value]}).encode())
    except MalformedPayload:  # infinity, or a number of a thousand digits
        return
    assert parse(orjson.dumps(payload)) == payload


def test_fingerprint_is_of_the_meaning_not_of_the_spelling():
    one = parse(b'{"b":[1,2],"a":{"y":"\\u00e9","x":null}}')
    two = parse('{ "a": {"x":null, "y":"é"}, "b": [1, 2] }'.encode())
    assert fingerprint(one) == fingerprint(two)
    assert len(fingerprint(one)) == 64


@pytest.mark.parametrize("other", [b'{"a":[2,1]}', b'{"a":"1"}', b'{"a":[1,2],"b":null}'])
def test_fingerprint_differs(other):
    assert fingerprint(parse(b'{"a":[1,2]}')) != fingerprint(parse(other))
