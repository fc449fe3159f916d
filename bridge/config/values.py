"""The types of single values: text in, the value that the bridge works with out, or a refusal in plain words.

Knows durations, regions, secrets, expressions; not where they stand. The rule to keep: refuse with `refusal`
and write {value} where the value may be shown, because one from the environment must not be.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from phonenumbers import SUPPORTED_REGIONS
from pydantic import AfterValidator, PlainValidator, ValidationInfo

from bridge.config.wording import refusal
from bridge.errors import ExpressionError, MappingError
from bridge.inbound.signature import load_public_key
from bridge.inbound.values import tags
from bridge.rules.destination import is_expression
from bridge.rules.expression import PAYLOAD_SCOPE, compile_value

_DURATION = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*(ms|s|m|h|d)")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_LONGEST_S = 3650 * 86_400.0  # ten years: anything above is a slip of the keyboard
_COUNTRY_HABITS = {"UK": "GB", "EN": "GB", "USA": "US"}  # what people write for a region
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UUID_FIX = "copy the UUID from the campaign's address in Fusion; a name of campaigns: goes behind campaign:"
_TAG = re.compile(r"[A-Za-z0-9_-]{1,50}")
# A secret travels in a header, a token in a path as well, where a / would end it.
_SECRET = re.compile(r"[!-~]+")
TOKEN = re.compile(r"[!-.0-~]+")


def _text(value: str) -> str:
    if not value.strip():
        raise refusal("is empty", "give it a value, or remove the line")
    return value


def _secret(value: str) -> str:
    _text(value)
    if not _SECRET.fullmatch(value):
        raise refusal("has a space or a character that no key has", "copy it again, without spaces around it")
    return value


def _token(value: str) -> str:
    _text(value)
    if not TOKEN.fullmatch(value):
        raise refusal("has a character that doesn't fit into a URL", "use letters, digits, - and _")
    return value


def seconds(value: Any) -> float:
    """60s, 15m, 72h, 30d, 500ms."""
    if not isinstance(value, str):
        raise refusal("must be a time", "write for example 60s, 15m or 72h")
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value):
        raise refusal("has no unit", "write {value}s, {value}m or {value}h", value)
    match = _DURATION.fullmatch(value)
    if match is None:
        raise refusal("{value} is not a time", "write for example 500ms, 60s, 15m, 72h or 30d", value)
    length = float(match[1]) * _UNITS[match[2]]
    if not 0 < length <= _LONGEST_S:
        raise refusal("must be longer than 0 and at most ten years", "write for example 60s, 15m or 72h")
    return length


def _whole_second(length: float) -> float:
    if length < 1:
        raise refusal("must be at least 1s", "write 60s, as Fusion counts")
    return length


def _day(length: float) -> float:
    if length < 86_400:
        raise refusal("must be at least 1d", "write for example 30d")
    return length


def _region(value: str) -> str:
    region = value.upper()
    if region in SUPPORTED_REGIONS:
        return region
    known = _COUNTRY_HABITS.get(region)
    fix = f"did you mean `{known}`?" if known else "write the two letters of the country: US, GB, DE"
    raise refusal("{value} is not a region", fix, value)


def _timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (KeyError, OSError, ValueError):  # OSError: the name of a folder of zones
        fix = "write a name as in America/New_York or Europe/Berlin"
        raise refusal("{value} is not a time zone", fix, value) from None
    return value


def _uuid(value: str) -> str:
    identifier = value.lower()
    if not _UUID.fullmatch(identifier):
        raise refusal("{value} is not a campaign id", _UUID_FIX, value)
    return identifier


def _uuid_or_expression(value: str) -> str:
    return value if is_expression(value) else _uuid(value)


def _tag(value: str) -> str:
    if not _TAG.fullmatch(value):
        raise refusal("{value} is not a tag Fusion takes", "use 1 to 50 letters, digits, - and _", value)
    return value


def _rule(value: Any) -> str | list[str]:
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not all(isinstance(each, str | None) for each in value):
        raise refusal("must be text, or a list of texts", 'write "{{ contact.name }}", or one - "…" a line')
    return value


def _expression(value: Any) -> Any:
    if not isinstance(value, str):
        raise refusal("must be text", 'write "{{ payload.name }}", in quotes')
    try:
        return compile_value(value, PAYLOAD_SCOPE)
    except ExpressionError as error:
        raise refusal(error.message, error.fix, veiled="is not an expression that can be used") from None


def _per_event(value: Any) -> Any:
    if isinstance(value, str) and "{{" not in value:
        raise refusal(
            "would be the same for every event", 'write "{{ payload.… }}", with the name of the field'
        )
    return _expression(value)


def _tags(value: Any) -> Any:
    if not isinstance(value, list):
        return _expression(value)
    rules = [item for item in value if item is not None]  # blanks are told elsewhere
    expressions = [(_expression(rule), "{{" in rule) for rule in rules]
    return lambda words: [tag for each, found in expressions for tag in _given(each, words, found=found)]


def _given(expression: Callable[..., Any], words: Mapping[str, Any], *, found: bool) -> list[Any]:
    """The tags of one rule. Of a text that was found, "vip, new" is two tags; a literal text is one."""
    try:
        value = expression(words)
    except MappingError:
        return []  # one tag that fails mustn't cost the others
    if found and isinstance(value, str):
        return list(tags(value))
    return list(value) if isinstance(value, list | tuple) else [value]


def _public_key(value: Any, info: ValidationInfo) -> Ed25519PublicKey:
    if not isinstance(value, str):
        raise refusal("must be text", "write a PEM, or the path of a file that holds one")
    try:
        pem = value if "-----BEGIN" in value else _read((info.context or {})["folder"] / value)
        return load_public_key(pem)
    except OSError:
        raise refusal("the key's file can't be read", "correct the path, or paste the PEM itself") from None
    except ValueError as error:
        raise refusal(str(error), "copy the key from GHL's webhook documentation") from None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("the key's file is not text") from None


Text = Annotated[str, AfterValidator(_text)]
Secret = Annotated[str, AfterValidator(_secret)]
Token = Annotated[str, AfterValidator(_token)]
Duration = Annotated[float, PlainValidator(seconds)]
WholeSecond = Annotated[float, PlainValidator(seconds), AfterValidator(_whole_second)]
Days = Annotated[float, PlainValidator(seconds), AfterValidator(_day)]
Region = Annotated[str, AfterValidator(_region)]
Timezone = Annotated[str, AfterValidator(_timezone)]
CampaignId = Annotated[str, AfterValidator(_uuid)]
CampaignRule = Annotated[str, AfterValidator(_uuid_or_expression)]
Tag = Annotated[str, AfterValidator(_tag)]
Rule = Annotated[str | list[str], PlainValidator(_rule)]
Expression = Annotated[Callable[..., Any], PlainValidator(_expression)]
PerEvent = Annotated[Callable[..., Any], PlainValidator(_per_event)]
TagsExpression = Annotated[Callable[..., Any], PlainValidator(_tags)]
PublicKey = Annotated[Ed25519PublicKey, PlainValidator(_public_key)]
