"""Bytes to a JSON object, and an object to its fingerprint. Knows JSON, not who sent it.

Strict about what would hurt later (depth, numbers that aren't, text that is no Unicode), tolerant
about what a careless sender does (a byte order mark, lone surrogates, raw line breaks inside a text).
Rule for editors: what `parse` lets through can be encoded, stored and walked without a further check.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from typing import Any, NoReturn

import orjson

from bridge.errors import MalformedPayload

# The deepest body captured has 5 levels; 64 keeps every recursive reader far below Python's limit of
# 1000 frames and orjson's of 254 when it encodes.
MAX_DEPTH = 64

_BOM = b"\xef\xbb\xbf"
_SURROGATE = re.compile("[\ud800-\udfff]")


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`. Of a repeated key the last value counts."""
    return as_object(parse_value(body))


def parse_value(body: bytes) -> Any:
    """The JSON value in `body`, of any kind. Raises MalformedPayload."""
    body = body.removeprefix(_BOM)
    if not body.strip():
        raise MalformedPayload("the body is empty")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = _parse_tolerantly(body)
        check_depth(value)
        return _mend(value)
    if body.count(b"[") + body.count(b"{") > MAX_DEPTH:  # most bodies haven't that many in all
        check_depth(value)
    return value


def as_object(value: Any) -> dict[str, Any]:
    """The value, which must be an object that isn't empty. Raises MalformedPayload."""
    if not isinstance(value, dict):
        raise MalformedPayload("the body is not a JSON object")
    if not value:
        raise MalformedPayload("the body is an empty object")
    return value


def fingerprint(payload: Mapping[str, Any]) -> str:
    """Equal for equal bodies, however they were spelt: what tells a repeat where there is no event id."""
    return hashlib.sha256(orjson.dumps(dict(payload), option=orjson.OPT_SORT_KEYS)).hexdigest()


def _parse_tolerantly(body: bytes) -> Any:
    """The same with the standard library, which takes lone surrogates as orjson never will.

    strict=False: a templated body (GHL's Custom Webhook) has raw line breaks where a merge field had them.
    """
    try:
        return json.loads(
            body.decode("utf-8", "surrogatepass"),
            strict=False,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            parse_int=_as_orjson_would,
        )
    except UnicodeDecodeError:
        raise MalformedPayload("the body is not UTF-8") from None
    except RecursionError:
        raise MalformedPayload(f"the body is nested more than {MAX_DEPTH} levels deep") from None
    except (ValueError, OverflowError) as error:
        raise MalformedPayload(f"the body is not JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _as_orjson_would(digits: str) -> int | float:
    """Whole numbers beyond 64 bits become floats, so that the body can be encoded again."""
    number = int(digits)
    return number if -(2**63) <= number < 2**64 else _finite(digits)


def check_depth(value: Any) -> None:
    """Raise MalformedPayload for data nested too deep. Level by level: recursion has Python's own limit."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
        if not level:
            return
    raise MalformedPayload(f"the body is nested more than {MAX_DEPTH} levels deep")


def _mend(value: Any) -> Any:
    """U+FFFD for every lone surrogate: such text can be neither encoded nor stored."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {_SURROGATE.sub("\ufffd", key): _mend(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_mend(child) for child in value]
    return value
