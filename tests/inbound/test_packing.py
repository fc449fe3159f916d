"""Further ways in which one object comes: packed, in another charset, in parts, by names with brackets."""

import gzip
import json
import tracemalloc
import zlib
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import MalformedPayload, PayloadTooLarge
from bridge.inbound.body import fingerprint, parse
from bridge.inbound.request_body import read_body

MAX_BODY = 1024 * 1024


def stored(body, content_type="", coding=""):
    return read_body(body, content_type=content_type, content_encoding=coding, limit=MAX_BODY)


def read(body, content_type="", coding=""):
    return stored(body, content_type, coding)[0]


FORM = "application/x-www-form-urlencoded"
ANN = {"name": "Ann Lee", "phone": "+12025550101"}
TEXT = json.dumps(ANN)


def mixed(*parts, boundary="b1"):
    lines = [
        f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n" for head, value in parts
    ]
    return ("".join(lines) + f"--{boundary}--\r\n").encode()


MULTIPART = mixed(('name="name"', "Ann Lee"), ('name="phone"', "+12025550101"))
PACKED = gzip.compress(TEXT.encode(), mtime=0)
RAW_DEFLATE = zlib.compressobj(wbits=-15)
RAW = RAW_DEFLATE.compress(TEXT.encode()) + RAW_DEFLATE.flush()

SAME = {
    "a form": (b"name=Ann+Lee&phone=%2B12025550101", FORM),
    "a form with a charset": (b"name=Ann%20Lee&phone=%2B12025550101", f"{FORM}; charset=UTF-8"),
    "a form as plain text": (b"name=Ann+Lee&phone=%2B12025550101", "text/plain"),
    "a form as JSON": (b"name=Ann+Lee&phone=%2B12025550101", "application/json"),
    "a form without a type": (b"name=Ann+Lee&phone=%2B12025550101\n", ""),
    "JSON as a form": (TEXT.encode(), FORM),
    "JSON encoded as a form's only name": (
        b"%7B%22name%22%3A%22Ann+Lee%22%2C%22phone%22%3A%22%2B12025550101%22%7D=",
        FORM,
    ),
    "JSON with a charset": (TEXT.encode(), "application/json; charset=utf-8"),
    "JSON in UTF-16": (TEXT.encode("utf-16"), "application/json"),
    "JSON in UTF-16, declared": (TEXT.encode("utf-16-be"), "application/json; charset=utf-16"),
    "JSON in UTF-16, little": (TEXT.encode("utf-16-le"), 'application/json; charset="utf-16le"'),
    "JSON in UTF-32": (TEXT.encode("utf-32"), ""),
    "multipart": (MULTIPART, "multipart/form-data; boundary=b1"),
    "multipart, boundary in quotes": (MULTIPART, 'Multipart/Form-Data; boundary="b1"'),
    "multipart without a boundary": (MULTIPART, "multipart/form-data"),
    "multipart without a type": (MULTIPART, ""),
    "multipart without its end": (MULTIPART[:-8], "multipart/form-data; boundary=b1"),
    "a list of one": (f"[{TEXT}]".encode(), "application/json"),
    "a list of a list": (f"[[{TEXT}]]".encode(), ""),
    "encoded twice": (json.dumps(TEXT).encode(), "application/json"),
    "encoded thrice": (json.dumps(json.dumps(TEXT)).encode(), "application/json"),
    "a text in a list": (json.dumps([TEXT]).encode(), ""),
    "gzip that isn't declared": (PACKED, ""),
}


@pytest.mark.parametrize("case", SAME)
def test_whatever_way_an_object_comes_it_is_that_object(case):
    payload, kept = stored(*SAME[case])
    assert payload == ANN
    assert parse(kept) == ANN


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (PACKED, "gzip"),
        (PACKED, "x-gzip, identity"),
        (zlib.compress(TEXT.encode()), "deflate"),
        (RAW, "Deflate"),
        (gzip.compress(TEXT[:9].encode(), mtime=0) + gzip.compress(TEXT[9:].encode(), mtime=0), "gzip"),
        (gzip.compress(zlib.compress(TEXT.encode()), mtime=0), "deflate, gzip"),
        (TEXT.encode(), "gzip"),  # declared by a proxy that had unpacked it
    ],
)
def test_what_is_packed_is_unpacked(body, coding):
    assert read(body, "application/json", coding) == ANN


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_a_bomb_is_too_large_and_takes_no_memory(coding):
    bomb = b" " * 50_000_000
    packed = gzip.compress(bomb, mtime=0) if coding == "gzip" else zlib.compress(bomb)
    del bomb
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLarge):
            read(packed, "", coding)
        assert tracemalloc.get_traced_memory()[1] < 8 * MAX_BODY
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("body", "content_type", "coding", "reason"),
    [
        (TEXT[:-5].encode(), FORM, "", "not JSON"),
        (b"", FORM, "", "empty"),
        (b"&&&", FORM, "", "not JSON"),
        (b"=", FORM, "", "not JSON"),
        (b"<a>1</a>", "text/xml", "", "not JSON"),
        (b"Ann Lee = 5 apples", "text/plain", "", "not JSON"),
        ("&".join("a" * 3000).encode(), FORM, "", "1000 fields"),
        (b"--b1\r\nnonsense", "multipart/form-data; boundary=b1", "", "no multipart form"),
        (b"nothing", "multipart/form-data", "", "no boundary"),
        (PACKED[:-9], "", "gzip", "middle"),
        (b"\0\1nonsense", "", "gzip", "is not gzip"),
        pytest.param(gzip.compress(b"", mtime=0) * 50_000, "", "gzip", "100 pieces", id="many pieces"),
        (b"nonsense", "", "br", "compressed as br"),
        (PACKED, "", "gzip, gzip, gzip, gzip", "4 times"),
        (b'{"a":"\xe9"}', "application/json; charset=klingon", "", "called 'klingon'"),
        (b'{"a":"\xe9"}', "application/json; charset=idna", "", "called 'idna'"),
        (b'{"a":"\xff\xff"}', "application/json; charset=shift_jis", "", "not shift_jis"),
    ],
)
def test_what_cannot_be_read_says_why(body, content_type, coding, reason):
    with pytest.raises(MalformedPayload, match=reason):
        read(body, content_type, coding)


@pytest.mark.parametrize(
    ("body", "payload"),
    [
        (b"form[name]=Ann&form[phone]=1&x=", {"form": {"name": "Ann", "phone": "1"}, "x": ""}),
        (b"fields%5Bphone%5D%5Bvalue%5D=1&x=", {"fields": {"phone": {"value": "1"}}, "x": ""}),
        (b"tags[]=a&tags[]=b", {"tags": ["a", "b"]}),
        (b"tags[0]=a&tags[1]=b", {"tags": ["a", "b"]}),
        (b"tag=a&tag=b&tag=c", {"tag": ["a", "b", "c"]}),
        (b"a=1&a[b]=2", {"a": "1", "a[b]": "2"}),
        (b"a[b]=1&a=2", {"a": [{"b": "1"}, "2"]}),
        (b"a[=1&b]=2", {"a[": "1", "b]": "2"}),
        (b"name=Jos%C3%A9", {"name": "José"}),
        (b"name=Jos%E9", {"name": "José"}),
        (b"name=Jos\xc3\xa9&x=", {"name": "José", "x": ""}),
        (
            b"note=a%3Db%26c&url=https://example.com/?x=1",
            {"note": "a=b&c", "url": "https://example.com/?x=1"},
        ),
        (b"contact[0]=x&contact[2]=y&x=", {"contact": {"0": "x", "2": "y"}, "x": ""}),
        (b"raw=%7B%220%22%3A1%7D&x=1", {"raw": {"0": 1}, "x": "1"}),
        (b"note=%5Bcall+me%5D&x=1", {"note": "[call me]", "x": "1"}),
        (b"payload=%7B%22a%22%3A1%7D", {"a": 1, "payload": {"a": 1}}),
        (b"form%5Btags%5D%5B%5D=a&form%5Btags%5D%5B%5D=b&x=", {"form": {"tags": ["a", "b"]}, "x": ""}),
    ],
)
def test_names_of_a_form(body, payload):
    assert read(body, FORM) == payload


def test_an_uploaded_file_is_named_and_not_kept():
    body = mixed(
        ('name="name"', "Ann"),
        ('name="cv"; filename="cv.pdf"\r\nContent-Type: application/pdf', "%PDF secret"),
        ('name="raw"', '{"q3": {"first": "Ann"}}'),
    )
    payload, kept = stored(body, "multipart/form-data; boundary=b1")
    assert payload == {"name": "Ann", "cv": "cv.pdf", "raw": {"q3": {"first": "Ann"}}}
    assert b"secret" not in kept


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("José".encode("latin-1"), "iso-8859-1", "José"),
        ("10 €".encode("cp1252"), "ISO-8859-1", "10 €"),
        ("José".encode("cp1252"), "windows-1252", "José"),
        ("Łódź".encode("iso8859-2"), "iso-8859-2", "Łódź"),
        ("Иван".encode("cp1251"), "windows-1251", "Иван"),
        ("山田".encode("shift_jis"), "Shift_JIS", "山田"),
        ("山田".encode("iso2022_jp"), "iso-2022-jp", "山田"),
        ("王".encode("gb18030"), "gb2312", "王"),
        ("José".encode(), "iso-8859-1", "José"),  # said wrongly: nearly always by a library's default
        ("José".encode(), "utf8", "José"),
    ],
)
def test_declared_charsets(body, charset, text):
    assert read(b'{"a": "' + body + b'"}', f"application/json; charset={charset}") == {"a": text}


TYPES = st.sampled_from(
    ["", "application/json", FORM, "text/plain", "multipart/form-data; boundary=b1", "multipart/form-data"]
) | st.text(st.characters(max_codepoint=255), max_size=40)
CODINGS = st.sampled_from(["", "gzip", "deflate", "br", "gzip, gzip"]) | st.text(
    st.characters(max_codepoint=255), max_size=20
)
BODIES = st.binary(max_size=200) | st.builds(
    lambda text: text.encode(), st.text("ab[]{}=&%+\"':,0", max_size=60)
)


@settings(deadline=None, max_examples=400)
@given(
    BODIES | st.builds(gzip.compress, BODIES) | st.builds(lambda body: MULTIPART[:40] + body, BODIES),
    TYPES,
    CODINGS,
)
def test_any_bytes_of_any_type_are_read_or_refused(body, content_type, coding):
    try:
        payload, kept = stored(body, content_type, coding)
    except MalformedPayload:
        return
    assert fingerprint(parse(kept)) == fingerprint(payload)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.text("abcdef", min_size=1), st.text(st.characters(exclude_categories=["Cs"])), min_size=2
    )
)
def test_a_form_is_what_was_put_into_it(fields):
    texts = {name: "x" + text for name, text in fields.items()}
    assert read(urlencode(texts).encode(), FORM) == texts
