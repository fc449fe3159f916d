"""Bytes as they came to bytes of UTF-8: content codings are undone, declared charsets are decoded.

Knows headers of HTTP, neither JSON nor forms. Rule for editors: whatever is unpacked is unpacked within the
limit, piece by piece, because a kilobyte can hold a gigabyte.
"""

import codecs
import re
import zlib

from bridge.errors import MalformedPayload, PayloadTooLarge

_GZIP_MAGIC = b"\x1f\x8b\x08"
_AUTO = zlib.MAX_WBITS | 32  # gzip's head or zlib's, whichever is there
_MOST_CODINGS = 3
_MOST_MEMBERS = 100
_BOMS = (  # the longer ones first: that of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Charsets of people's programs. Python knows more codecs: some take quadratic time, some are no charsets.
_CHARSETS = re.compile(
    r"utf-(8|16|32)(-[lb]e)?|ascii|iso8859-\d+|cp\d+|koi8-[ru]|shift_jis|cp932|euc_(jp|kr)|iso2022_jp"
    r"|gb2312|gbk|gb18030|big5|mac-roman"
)
# What declares these means its superset by Microsoft, as every browser reads it.
_SUPERSETS = {"iso8859-1": "cp1252", "ascii": "cp1252"}


def unpack(body: bytes, codings: str, limit: int) -> bytes:
    """The body without its content codings. Raises PayloadTooLarge for more than `limit` bytes."""
    if not codings and not body.startswith(_GZIP_MAGIC):
        return body
    if body.lstrip()[:1] in (b"{", b"["):  # unpacked by a proxy that left the header
        return body
    named = [coding for coding in re.split(r"[,\s]+", codings.lower()) if coding not in ("", "identity")]
    if len(named) > _MOST_CODINGS:
        raise MalformedPayload(f"the body is compressed {len(named)} times: send it as it is")
    for coding in reversed(named):
        if coding in ("gzip", "x-gzip"):
            body = _inflate(body, limit, coding, (_AUTO,))
        elif coding == "deflate":  # by the standard with zlib's head; many send it without
            body = _inflate(body, limit, coding, (_AUTO, -zlib.MAX_WBITS))
        else:
            raise MalformedPayload(f"the body is compressed as {coding[:20]}: send it as it is, or with gzip")
    if not named and body.startswith(_GZIP_MAGIC):
        return _inflate(body, limit, "gzip", (_AUTO,))
    return body


def _inflate(body: bytes, limit: int, coding: str, formats: tuple[int, ...]) -> bytes:
    for format_ in formats:
        try:
            return _inflate_as(body, limit, coding, format_)
        except zlib.error:
            continue
    raise MalformedPayload(f"the body is not {coding}, although the header Content-Encoding says so")


def _inflate_as(body: bytes, limit: int, coding: str, format_: int) -> bytes:
    unpacked, members = bytearray(), 0
    while body:  # gzip may have several members
        members += 1
        if members > _MOST_MEMBERS:
            raise MalformedPayload(f"the body is {coding} in more than {_MOST_MEMBERS} pieces: send it whole")
        engine = zlib.decompressobj(format_)
        unpacked += engine.decompress(body, limit + 1 - len(unpacked))
        if len(unpacked) > limit:
            raise PayloadTooLarge(f"a body may have {limit} bytes unpacked")
        if not engine.eof:
            raise MalformedPayload(f"the body stops in the middle of its {coding}")
        body = engine.unused_data.lstrip(b"\0")  # padding behind the last member
    return bytes(unpacked)


def to_utf8(body: bytes, charset: str) -> bytes:
    """The same text in UTF-8. A byte order mark counts for more than a declaration; undeclared is UTF-8."""
    for mark, name in _BOMS:
        if body.startswith(mark):
            body = body[len(mark) :]
            return body if name == "utf-8" else _decoded(body, name, name)
    if not charset or _is_utf8(body):  # bytes that are UTF-8 are so, whatever was declared
        return body
    name = known(charset)
    if not name:
        raise MalformedPayload(f"no charset is called {charset[:40]!r}: send UTF-8")
    if name in ("utf-16", "utf-32"):  # without a mark: JSON begins with an ASCII sign
        name += "-be" if body[:1] == b"\0" else "-le"
    return _decoded(body, _SUPERSETS.get(name, name), charset)


def known(charset: str) -> str:
    """Python's name of a charset that people's programs use, empty for any other."""
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return ""
    return name if _CHARSETS.fullmatch(name) else ""


def _is_utf8(body: bytes) -> bool:
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return "\0" not in text and "\x1b" not in text  # UTF-16 and ISO 2022 may look like it


def _decoded(body: bytes, name: str, declared: str) -> bytes:
    errors = "surrogatepass" if name.startswith("utf-") else "replace" if name == "cp1252" else "strict"
    try:
        return body.decode(name, errors).encode("utf-8", "surrogatepass")
    except UnicodeError:
        raise MalformedPayload(f"the body is not {declared[:40]}, although its header says so") from None
