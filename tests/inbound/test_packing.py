"""Compression and charsets, declared and not: undone within the limit, or refused with a reason."""

import gzip
import json
import tracemalloc
import zlib
from urllib.parse import urlencode

import pytest

from bridge.errors import MalformedPayload, PayloadTooLarge
from tests.inbound.bodies import ANN, FORM, LIMIT, TEXT, read

PACKED = gzip.compress(TEXT, mtime=0)
ZLIB = zlib.compress(TEXT)


@pytest.mark.parametrize(
    ("body", "content_type", "coding"),
    [
        (PACKED, "application/json", "gzip"),
        (PACKED, "application/json", "x-gzip, identity"),
        (PACKED, "application/json", ""),  # not declared
        (gzip.compress(urlencode(ANN).encode(), mtime=0), FORM, "GZIP"),
        (gzip.compress(TEXT[:9], mtime=0) + gzip.compress(TEXT[9:], mtime=0), "", "gzip"),
        (gzip.compress(ZLIB, mtime=0), "", "deflate, gzip"),
        (ZLIB, "application/json", "deflate"),
        (ZLIB[2:-4], "application/json", "Deflate"),  # without its head
        (TEXT, "text/plain", "identity"),
        (TEXT, "application/json", "gzip"),  # unpacked by a proxy that left the header
    ],
)
def test_what_is_packed_is_unpacked(body, content_type, coding):
    assert read(body, content_type, coding) == ANN


@pytest.mark.parametrize("pack", [lambda body: gzip.compress(body, mtime=0), zlib.compress])
def test_a_bomb_is_too_large_and_takes_no_memory(pack):
    packed = pack(b" " * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(PayloadTooLarge):
            read(packed, "", "gzip")
        assert tracemalloc.get_traced_memory()[1] < 8 * LIMIT
    finally:
        tracemalloc.stop()


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


@pytest.mark.parametrize(
    ("encoding", "content_type"),
    [
        ("utf-8-sig", "application/json"),
        ("utf-16", "application/json"),
        ("utf-16", "application/json; charset=utf-16"),
        ("utf-16-be", "application/json; charset=utf-16"),
        ("utf-16-be", "application/json; charset=utf-16be"),
        ("utf-16-le", 'application/json; charset="utf-16le"'),
        ("utf-32", ""),
    ],
)
def test_unicode_in_another_width(encoding, content_type):
    text = json.dumps({"name": "Zoë"}, ensure_ascii=False)
    assert read(text.encode(encoding), content_type) == {"name": "Zoë"}


@pytest.mark.parametrize(
    ("body", "content_type", "coding", "reason"),
    [
        (PACKED[:-9], "", "gzip", "stops in the middle of its gzip"),
        (b"\0\1nonsense", "", "gzip", "is not gzip"),
        (b"nonsense", "", "br", "compressed as br"),
        (PACKED, "", "gzip, gzip, gzip, gzip", "compressed 4 times"),
        pytest.param(gzip.compress(b"", mtime=0) * 50_000, "", "gzip", "100 pieces", id="many pieces"),
        (b'{"a":"\xe9"}', "application/json", "", "not UTF-8"),
        (b'{"a":"\xe9"}', "application/json; charset=klingon", "", "no charset is called 'klingon'"),
        (b'{"a":"\xe9"}', "application/json; charset=idna", "", "no charset is called 'idna'"),
        (b'{"a":"\xff\xff"}', "application/json; charset=shift_jis", "", "not shift_jis"),
        (b"\xff", "application/json; charset=utf-16", "", "not utf-16"),
    ],
)
def test_what_cannot_be_unpacked_says_why(body, content_type, coding, reason):
    with pytest.raises(MalformedPayload, match=reason):
        read(body, content_type, coding)
