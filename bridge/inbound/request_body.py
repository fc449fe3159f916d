"""A webhook's body, in whatever way it comes → the object that it holds, and the bytes to store.

Knows compression, charsets, forms and objects in wrappings; `body` knows JSON. What a body is shows in its
bytes: senders often name the wrong media type, or none. Rule for editors: plain JSON is stored as it came
and costs nothing here; of everything else the object is stored as JSON, so that `body.parse` reads it.
"""

import codecs
import re
import zlib
from collections.abc import Mapping
from functools import lru_cache
from io import BytesIO
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header

from bridge.errors import MalformedPayload, PayloadTooLarge
from bridge.inbound.body import as_object, check_depth, parse, parse_value
from bridge.inbound.form_fields import FIELDS_MAX, nested

_PACKED: Final = {"gzip", "x-gzip", "deflate"}
_AUTO: Final = zlib.MAX_WBITS | 32  # gzip's head or zlib's, whichever is there
_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_UTF8: Final = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
# `key=value` or `key&`: no JSON begins so. A key of a form is escaped where it holds anything else.
_FORM: Final = re.compile(rb"[^\s=&<>{}\"\[\]][^\s=&<>{}\"]{0,199}[=&]")
_WRAPPINGS: Final = 2  # a text of JSON within a text of JSON


def read_body(
    raw: bytes, *, content_type: str = "", content_encoding: str = "", limit: int
) -> tuple[dict[str, Any], bytes]:
    """The object in the body of a request, and the bytes by which `body.parse` reads it again.

    Takes JSON (also in a list of one, as text within JSON, as a form's only field), forms (URL-encoded and
    multipart), gzip and deflate of at most `limit` bytes unpacked, and declared charsets. Raises
    PayloadTooLarge, or MalformedPayload with a reason for the sender.
    """
    if content_encoding and content_encoding.strip().lower() != "identity":
        raw = _unpacked(raw, content_encoding.strip().lower(), limit)
    media, charset = _declared(content_type)
    if media == "multipart/form-data":
        return _stored(nested(_multipart(raw, content_type)))
    text = _as_utf8(raw, charset)
    first = text.lstrip()[:1] if text[:1] != b"{" else b"{"
    if first == b"{":
        text = text.removesuffix(b"=")  # jQuery's: a form with JSON as a name without a value
        return parse(text), text
    if first in (b"[", b'"'):
        return _stored(_unwrapped(parse_value(text)))
    if _FORM.match(text) or b"%7b" in text[:3].lower():
        return _stored(nested(_urlencoded(text, charset)))
    return parse(text), text  # which says what is wrong with it


def _stored(payload: Any) -> tuple[dict[str, Any], bytes]:
    payload = as_object(payload)
    check_depth(payload)
    return payload, orjson.dumps(payload)


def _unpacked(raw: bytes, encoding: str, limit: int) -> bytes:
    """At most `limit` bytes are made, whatever a few packed ones would unfold into."""
    if encoding not in _PACKED:
        raise MalformedPayload(f"the body is compressed as {encoding[:20]}: send it as it is, or with gzip")
    for wbits in (_AUTO, -zlib.MAX_WBITS) if encoding == "deflate" else (_AUTO,):  # some send it headless
        unpacker = zlib.decompressobj(wbits)
        try:
            body = unpacker.decompress(raw, limit + 1)
        except zlib.error:
            continue
        if len(body) > limit:
            raise PayloadTooLarge(f"a body may have {limit} bytes unpacked")
        if unpacker.eof:
            return body
        raise MalformedPayload(f"the body stops in the middle of its {encoding}")
    raise MalformedPayload(f"the body is not {encoding}, although the header Content-Encoding says so")


@lru_cache(maxsize=256)  # senders have a few
def _declared(content_type: str) -> tuple[str, str]:
    """Media type and charset, both in lower case."""
    media, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"").decode("latin-1").strip().lower()
    return media.decode("latin-1").lower(), charset


def _as_utf8(raw: bytes, charset: str) -> bytes:
    """The text in UTF-8. A byte order mark says more than the header does."""
    for mark, name in _BOMS:
        if raw.startswith(mark):
            return raw.removeprefix(mark) if name == "utf-8" else _recoded(raw, name)
    return raw if charset in _UTF8 else _recoded(raw, charset)


def _recoded(raw: bytes, charset: str) -> bytes:
    try:
        return raw.decode(charset).encode()
    except LookupError:
        raise MalformedPayload(f"no charset is called {charset[:40]!r}: send UTF-8") from None
    except (UnicodeError, ValueError):
        raise MalformedPayload(f"the body is not {charset[:40]}, although its header says so") from None


def _unwrapped(value: Any) -> Any:
    """The object in a list of one, or in a text of JSON."""
    for _ in range(_WRAPPINGS):
        if isinstance(value, str):
            value = parse_value(value.encode("utf-8", "surrogatepass"))
        elif isinstance(value, list) and len(value) == 1:
            value = value[0]
    if isinstance(value, list) and len(value) > 1:
        raise MalformedPayload(f"the body is a list of {len(value)}: send one contact in each request")
    return value


def _urlencoded(text: bytes, charset: str) -> list[tuple[str, str]]:
    if text.count(b"&") >= FIELDS_MAX:
        raise MalformedPayload(f"the form has more than {FIELDS_MAX} fields")
    # As latin-1 each sign is a byte: which charset the bytes are in is found field by field.
    fields = parse_qsl(text.decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return [
        (_text(name.encode("latin-1"), charset), _text(value.encode("latin-1"), charset))
        for name, value in fields
    ]


def _multipart(raw: bytes, content_type: str) -> list[tuple[str, str]]:
    """Names and texts of the fields; of an uploaded file its name is all that is kept."""
    found: list[tuple[str, str]] = []

    def on_field(part: Field) -> None:
        found.append((_text(part.field_name), _text(part.value)))

    def on_file(part: File) -> None:
        found.append((_text(part.field_name), _text(part.file_name)))

    headers: Mapping[str, bytes] = {"Content-Type": content_type.encode("latin-1", "replace")}
    try:
        parse_form(dict(headers), BytesIO(raw), on_field, on_file)
    except (FormParserError, ValueError) as error:
        raise MalformedPayload(f"the body is no multipart form: {error}") from None
    if len(found) > FIELDS_MAX:
        raise MalformedPayload(f"the form has more than {FIELDS_MAX} fields")
    return found


def _text(value: bytes | None, charset: str = "") -> str:
    """Old forms send the page's charset, which is cp1252 where it isn't UTF-8, and don't say so."""
    for encoding in (charset or "utf-8", "cp1252"):
        try:
            return (value or b"").decode(encoding)
        except (UnicodeError, LookupError):
            continue
    return (value or b"").decode("utf-8", "replace")
