"""A webhook's body, in whatever way it comes → the object that it holds, and the bytes to store.

Knows forms and objects in wrappings; `packing` knows compression and charsets, `body` JSON. What a body is
shows in its bytes: senders often name the wrong media type, or none. Rule for editors: plain JSON is stored
as it came and costs nothing here; of everything else the object is stored as JSON, for `body.parse`.
"""

import re
from functools import lru_cache
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from python_multipart import FormParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, parse_options_header

from bridge.errors import MalformedPayload
from bridge.inbound.body import as_object, check_depth, parse, parse_value
from bridge.inbound.form_fields import FIELDS_MAX, nested
from bridge.inbound.packing import known, to_utf8, unpack

# `key=value` or `key&`: no JSON begins so. A key of a form is escaped where it holds anything else.
_FORM: Final = re.compile(rb"[^\s=&<>{}\"\[\]][^\s=&<>{}\"]{0,199}[=&]")
_BOUNDARY: Final = re.compile(rb"--([!-~]{1,200})[ \t]*\r?\n")
_WRAPPINGS: Final = 2  # a text of JSON within a text of JSON


def read_body(
    raw: bytes, *, content_type: str = "", content_encoding: str = "", limit: int
) -> tuple[dict[str, Any], bytes]:
    """The object in the body of a request, and the bytes by which `body.parse` reads it again.

    Takes JSON (also in a list of one, as text within JSON, as a form's only field), forms (URL-encoded and
    multipart), gzip and deflate of at most `limit` bytes unpacked, and declared charsets. Raises
    PayloadTooLarge, or MalformedPayload with a reason for the sender.
    """
    raw = unpack(raw, content_encoding, limit)
    media, charset, boundary = _declared(content_type)
    if media == "multipart/form-data" or raw[:2] == b"--":
        return _stored(nested(_multipart(raw, boundary)))
    text = to_utf8(raw, charset)
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


@lru_cache(maxsize=256)  # senders have a few
def _declared(content_type: str) -> tuple[str, str, bytes]:
    """Media type and charset, both in lower case, and the boundary of a multipart body."""
    media, options = parse_options_header(content_type)
    charset = options.get(b"charset", b"").decode("latin-1").strip().lower()
    return media.decode("latin-1").lower(), charset, options.get(b"boundary", b"")


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
    fields = parse_qsl(text.strip().decode("latin-1"), keep_blank_values=True, encoding="latin-1")
    return [
        (_text(name.encode("latin-1"), charset), _text(value.encode("latin-1"), charset))
        for name, value in fields
    ]


def _multipart(raw: bytes, boundary: bytes) -> list[tuple[str, str]]:
    """Names and texts of the fields; of an uploaded file its name is all that is kept."""
    if raw.count(b"\nContent-Disposition") + raw.count(b"\ncontent-disposition") > FIELDS_MAX:
        raise MalformedPayload(f"the form has more than {FIELDS_MAX} fields")
    found: list[tuple[str, str]] = []

    def on_field(part: Field) -> None:
        found.append((_text(part.field_name), _text(part.value)))

    def on_file(part: File) -> None:
        found.append((_text(part.field_name), _text(part.file_name)))

    if not boundary or b"--" + boundary not in raw:  # many a program sets the type itself, without it
        first = _BOUNDARY.match(raw)
        boundary = first[1] if first else boundary
    if not boundary:
        raise MalformedPayload("the body is no multipart form: no boundary is given")
    if b"--" + boundary + b"--" not in raw:  # some leave out the end, and their last field would be lost
        raw += (b"" if raw.endswith(b"\n") else b"\r\n") + b"--" + boundary + b"--\r\n"
    try:
        # A body is smaller than what the parser keeps in memory: no file is written.
        parser = FormParser("multipart/form-data", on_field, on_file, boundary=boundary)
        parser.write(raw)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise MalformedPayload(f"the body is no multipart form: {error}") from None
    if len(found) > FIELDS_MAX:
        raise MalformedPayload(f"the form has more than {FIELDS_MAX} fields")
    return found


def _text(value: bytes | None, charset: str = "") -> str:
    """Old forms send the page's charset, which is cp1252 where it isn't UTF-8, and don't say so."""
    for encoding in (known(charset) or "utf-8", "cp1252"):
        try:
            return (value or b"").decode(encoding)
        except UnicodeError:
            continue
    return (value or b"").decode("utf-8", "replace")
