"""Every way in which an object comes, and what can't be read, with words for the sender."""

import contextlib
import gzip
import json
import zlib
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import MalformedPayload, PayloadTooLarge
from bridge.inbound.body import parse
from bridge.inbound.request_body import read_body

LIMIT = 1024 * 1024
ANN = {"name": "Ann Lee", "phone": "+12025550101"}
TEXT = json.dumps(ANN).encode()
FORM = "application/x-www-form-urlencoded"


def read(raw, content_type="", content_encoding=""):
    payload, stored = read_body(
        raw, content_type=content_type, content_encoding=content_encoding, limit=LIMIT
    )
    assert parse(stored) == payload  # what is stored is read again by the resolver
    return payload


def multipart(*parts):
    lines = [f"--b\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n" for head, value in parts]
    return "".join([*lines, "--b--\r\n"]).encode()


def test_plain_json_is_stored_as_it_came():
    raw = b'{ "name":"Ann Lee",\n "phone" : "+12025550101" }'
    assert read_body(raw, limit=LIMIT) == (ANN, raw)


@pytest.mark.parametrize(
    ("raw", "content_type", "content_encoding"),
    [
        (TEXT, "application/json; charset=utf-8", ""),
        (TEXT, "text/plain", "identity"),
        (TEXT, FORM, ""),  # curl -d
        (TEXT + b"=", FORM, ""),  # jQuery
        (quote(TEXT).encode(), FORM, ""),
        (quote(TEXT).encode() + b"=", FORM, ""),
        (b"[" + TEXT + b"]", "", ""),
        (b" \n [" + TEXT + b"]\n", "application/json", ""),
        (json.dumps(TEXT.decode()).encode(), "application/json", ""),
        (json.dumps([TEXT.decode()]).encode(), "application/json", ""),
        (urlencode(ANN).encode(), FORM, ""),
        (urlencode(ANN).encode(), "", ""),
        (urlencode(ANN).encode(), "application/json", ""),
        (urlencode(ANN).encode(), f"{FORM}; charset=UTF-8", ""),
        (
            multipart(('name="name"', "Ann Lee"), ('name="phone"', "+12025550101")),
            "multipart/form-data; boundary=b",
            "",
        ),
        (
            multipart(('name="name"', "Ann Lee"), ('name="phone"', "+12025550101")),
            'Multipart/Form-Data; boundary="b"',
            "",
        ),
        (gzip.compress(TEXT, mtime=0), "application/json", "gzip"),
        (gzip.compress(urlencode(ANN).encode(), mtime=0), FORM, "GZIP"),
        (zlib.compress(TEXT), "application/json", "deflate"),
        (zlib.compress(TEXT)[2:-4], "application/json", "deflate"),  # without its head
        (b"\xef\xbb\xbf" + TEXT, "application/json", ""),
        (TEXT.decode().encode("utf-16"), "application/json", ""),
        (TEXT.decode().encode("utf-16-be"), "application/json; charset=utf-16be", ""),
    ],
)
def test_it_is_that_object(raw, content_type, content_encoding):
    assert read(raw, content_type, content_encoding) == ANN


@pytest.mark.parametrize(
    ("form", "payload"),
    [
        (
            "form_fields[name]=Ann+Lee&form_fields[phone]=1",
            {"form_fields": {"name": "Ann Lee", "phone": "1"}, "name": "Ann Lee", "phone": "1"},
        ),
        (
            "fields[phone][value]=1&fields[phone][title]=Phone&id=2",
            {"fields": {"phone": {"value": "1", "title": "Phone"}}, "id": "2"},
        ),
        ("tags[]=a&tags[]=b&x=1", {"tags": ["a", "b"], "x": "1"}),
        ("contact[tags][]=a&x=1", {"contact": {"tags": ["a"]}, "x": "1"}),
        ("tags=a&tags=b", {"tags": ["a", "b"]}),
        ("i[0][q]=a&i[1][q]=b&x=", {"i": [{"q": "a"}, {"q": "b"}], "x": ""}),
        ("a=1&a[b]=2", {"a": "1", "a[b]": "2"}),
        ("payload=%7B%22phone%22%3A%221%22%7D", {"payload": {"phone": "1"}, "phone": "1"}),
        ("rawRequest=%7B%22q%22%3A%221%22%7D&formID=7", {"rawRequest": {"q": "1"}, "formID": "7"}),
        ("note=%7Bsmile&x=[1", {"note": "{smile", "x": "[1"}),
        ("list=[1,2]&x=1", {"list": [1, 2], "x": "1"}),
        ("name=Zo%C3%AB&city=K%F6ln", {"name": "Zoë", "city": "Köln"}),
        ("Monthly+bill=%24120&x", {"Monthly bill": "$120", "x": ""}),
    ],
)
def test_a_forms_names_and_values(form, payload):
    assert read(form.encode(), FORM) == payload


def test_a_file_is_named_and_not_kept():
    raw = multipart(('name="phone"', "1"), ('name="cv"; filename="cv.pdf"', "%PDF"))
    assert read(raw, "multipart/form-data; boundary=b") == {"phone": "1", "cv": "cv.pdf"}


@pytest.mark.parametrize(
    ("charset", "name"),
    [("iso-8859-1", "José"), ("windows-1251", "Иван"), ("shift_jis", "花子"), ("utf-16", "Zoë")],
)
def test_a_declared_charset(charset, name):
    raw = json.dumps({"name": name}, ensure_ascii=False).encode(charset)
    assert read(raw, f"application/json; charset={charset}") == {"name": name}


@pytest.mark.parametrize(
    ("raw", "content_type", "content_encoding", "words"),
    [
        (b"", "", "", "empty"),
        (b"hello", "", "", "not JSON"),
        (b"<contact phone='1'/>", "application/xml", "", "not JSON"),
        (b"contact: ann", "", "", "not JSON"),
        (b"[]", "", "", "not a JSON object"),
        (json.dumps([ANN, ANN]).encode(), "", "", "a list of 2: send one contact"),
        (b'"text"', "", "", "not JSON"),
        (b"12", "", "", "not a JSON object"),
        (b"\x0b\x02", "", "br", "compressed as br"),
        (b"nonsense", "", "gzip", "is not gzip"),
        (gzip.compress(TEXT, mtime=0)[:-9], "", "gzip", "stops in the middle"),
        ('{"n":"é"}'.encode("latin-1"), "application/json", "", "not UTF-8"),
        (b'{"a":"\xe9"}', "application/json; charset=klingon", "", "no charset is called 'klingon'"),
        (b"\xff", "application/json; charset=utf-16", "", "not utf-16"),
        (b"x", "multipart/form-data; boundary=b", "", "no multipart form"),
        (b"x", "multipart/form-data", "", "no multipart form"),
        (b"&".join([b"a=1"] * 1001), FORM, "", "more than 1000 fields"),
        (b"a=" + b"[" * 100 + b"1" + b"]" * 100 + b"&b=1", FORM, "", ""),
    ],
)
def test_refused_with_a_reason(raw, content_type, content_encoding, words):
    if not words:  # too deep to be JSON: it stays a text
        assert read(raw, content_type, content_encoding)["a"].startswith("[[")
        return
    with pytest.raises(MalformedPayload, match=words):
        read(raw, content_type, content_encoding)


def test_a_bomb_is_refused_before_it_unfolds():
    with pytest.raises(PayloadTooLarge):
        read(gzip.compress(b" " * 100 * LIMIT, mtime=0), "", "gzip")


HEADERS = st.sampled_from(
    [
        "",
        "application/json",
        FORM,
        "multipart/form-data; boundary=b",
        "multipart/form-data",
        "text/plain; charset=utf-16",
        "x",
        ";;=",
        "a/b; charset=\0",
    ]
)
PIECES = st.sampled_from(
    [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b"a",
        b"=",
        b"&",
        b":",
        b",",
        b"1",
        b"%7B",
        b"%",
        b"--b\r\n",
        b"--b--",
        b"\r\n\r\n",
        b"\xff",
        b"\xfe",
        b"[]",
        b'Content-Disposition: form-data; name="a"',
    ]
)


@given(
    st.binary(max_size=60) | st.lists(PIECES, max_size=25).map(b"".join),
    HEADERS,
    st.sampled_from(["", "gzip", "deflate"]),
)
def test_any_bytes_are_an_object_or_refused(raw, content_type, content_encoding):
    with contextlib.suppress(MalformedPayload):
        assert isinstance(read(raw, content_type, content_encoding), dict)
