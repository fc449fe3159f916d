"""Every way in which an object comes, and what can't be read, with words for the sender."""

import contextlib
import gzip
import json
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import MalformedPayload
from tests.inbound.bodies import ANN, FORM, TEXT, multipart, read, stored

PARTS = multipart(('name="name"', "Ann Lee"), ('name="phone"', "+12025550101"))
JSON = TEXT.decode()


def test_plain_json_is_stored_as_it_came():
    raw = b'{ "name":"Ann Lee",\n "phone" : "+12025550101" }'
    assert stored(raw) == (ANN, raw)


SAME = {
    "JSON with a charset": (TEXT, "application/json; charset=utf-8"),
    "JSON as a form, as curl -d sends it": (TEXT, FORM),
    "JSON as a form, as jQuery sends it": (TEXT + b"=", FORM),
    "JSON escaped as a form": (quote(TEXT).encode(), FORM),
    "JSON escaped as a form's only name": (quote(TEXT).encode() + b"=", FORM),
    "a list of one": (f" \n [{JSON}]\n".encode(), "application/json"),
    "a list of one without a type": (f"[{JSON}]".encode(), ""),
    "a list of a list": (f"[[{JSON}]]".encode(), ""),
    "encoded twice": (json.dumps(JSON).encode(), "application/json"),
    "encoded thrice": (json.dumps(json.dumps(JSON)).encode(), "application/json"),
    "a text in a list": (json.dumps([JSON]).encode(), "application/json"),
    "a form": (urlencode(ANN).encode(), FORM),
    "a form with a charset": (b"name=Ann%20Lee&phone=%2B12025550101", f"{FORM}; charset=UTF-8"),
    "a form as plain text": (urlencode(ANN).encode(), "text/plain"),
    "a form as JSON": (urlencode(ANN).encode(), "application/json"),
    "a form without a type": (urlencode(ANN).encode() + b"\n", ""),
    "multipart": (PARTS, "multipart/form-data; boundary=b"),
    "multipart, boundary in quotes": (PARTS, 'Multipart/Form-Data; boundary="b"'),
    "multipart without a boundary": (PARTS, "multipart/form-data"),
    "multipart without a type": (PARTS, ""),
    "multipart without its end": (PARTS[:-7], "multipart/form-data; boundary=b"),
}


@pytest.mark.parametrize("way", SAME)
def test_whatever_way_an_object_comes_it_is_that_object(way):
    assert read(*SAME[way]) == ANN


@pytest.mark.parametrize(
    ("body", "content_type", "reason"),
    [
        (b"", "", "empty"),
        (b"", FORM, "empty"),
        (b"&&&", FORM, "not JSON"),
        (b"=", FORM, "not JSON"),
        (TEXT[:-5], FORM, "not JSON"),
        (b"hello", "", "not JSON"),
        (b"contact: ann", "", "not JSON"),
        (b"Ann Lee = 5 apples", "text/plain", "not JSON"),
        (b"<contact phone='1'/>", "application/xml", "not JSON"),
        (b'"text"', "", "not JSON"),
        (b"12", "", "not a JSON object"),
        (b"[]", "", "not a JSON object"),
        (json.dumps([ANN, ANN]).encode(), "", "a list of 2: send one contact"),
        (b"nothing", "multipart/form-data", "no boundary"),
        (b"x", "multipart/form-data; boundary=b", "no multipart form"),
        (b"--b\r\nnonsense", "multipart/form-data; boundary=b", "no multipart form"),
        (b"&".join([b"a=1"] * 1001), FORM, "more than 1000 fields"),
    ],
)
def test_what_cannot_be_read_says_why(body, content_type, reason):
    with pytest.raises(MalformedPayload, match=reason):
        read(body, content_type)


TYPES = ("", "application/json", FORM, "text/plain; charset=utf-16", "multipart/form-data", ";;=")
LATIN = st.characters(max_codepoint=255)
HEADERS = st.sampled_from([*TYPES, "multipart/form-data; boundary=b", "a/b; charset=\0"]) | st.text(LATIN)
CODINGS = st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip"]) | st.text(LATIN, max_size=20)
SIGNS = [bytes([sign]) for sign in b'{}[]"a=&:,1%\xff\xfe']
HEAD = b'Content-Disposition: form-data; name="a"'
PIECES = st.sampled_from([*SIGNS, b"%7B", b"--b\r\n", b"--b--", b"\r\n\r\n", HEAD])
BODIES = st.binary(max_size=200) | st.lists(PIECES, max_size=25).map(b"".join)


@settings(deadline=None, max_examples=400)
@given(
    BODIES | st.builds(gzip.compress, BODIES) | st.builds(lambda body: PARTS[:40] + body, BODIES),
    HEADERS,
    CODINGS,
)
def test_any_bytes_are_an_object_or_refused(body, content_type, coding):
    with contextlib.suppress(MalformedPayload):
        assert isinstance(read(body, content_type, coding), dict)
