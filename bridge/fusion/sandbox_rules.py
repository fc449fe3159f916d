"""Fusion's rules for a lead, as its two reference revisions tell them, for the sandbox to enforce.

Knows what each field may hold in June and in July 2026. Doesn't know leads that exist: conflicts are the
sandbox's business. Rule for editors: the rules come from Fusion's reference, never from what the bridge
happens to send, else the sandbox proves nothing.
"""

import re
from collections.abc import Callable
from typing import Any, Literal

from bridge.fusion.rows import e164

Rules = Literal["june", "july"]

STATUSES = ("pending", "in-progress", "completed", "failed", "retry")

_UUID = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PHONE = re.compile(r"[0-9+ ()\-]*[0-9][0-9+ ()\-]*", re.ASCII)
# "Invalid email" is how Zod puts it: its own pattern for z.string().email(), the same in 3.23 to 4. It takes
# less than mail does ("&" and "/" before the @, a last label in punycode), and so may Fusion.
_EMAIL = re.compile(
    r"(?!\.)(?!.*\.\.)([A-Z0-9_'+\-.]*)[A-Z0-9_+-]@([A-Z0-9][A-Z0-9\-]*\.)+[A-Z]{2,}",
    re.ASCII | re.IGNORECASE,
)
_JULY_TAG = re.compile(r"[a-zA-Z0-9_-]{1,50}")
_CUSTOM_KEY = re.compile(r"[a-zA-Z0-9_-]+")

_CLEARABLE = {"email", "company", "tags"}  # July: null empties these


def check(body: object, *, rules: Rules, patch: bool) -> tuple[dict[str, Any], list[str]]:
    """The known fields of a lead, phone normalized, and every complaint about them.

    Unknown keys are dropped without a word, as June does with custom_fields.
    """
    if not isinstance(body, dict):
        return {}, ["Expected object"]
    required = {"phone"} if patch else {"name", "phone"}
    fields: dict[str, Any] = {}
    errors: list[str] = []
    for name, complaint in _CHECKS.items():
        if name == "custom_fields" and rules == "june":
            continue
        if name not in body:
            if name in required:
                errors.append(f"{name}: Required")
            continue
        clears = rules == "july" and name in _CLEARABLE and body[name] is None
        if problem := "" if clears else complaint(body[name], rules):
            errors.append(f"{name}: {problem}")
        else:
            fields[name] = _normal(name, body[name])
    if rules == "july" and fields.get("kind") == "sms" and "campaign_id" not in body:
        errors.append("kind: sms needs a campaign_id")
    return fields, errors


def _normal(name: str, value: Any) -> Any:
    """A valid value as Fusion keeps it."""
    match name:
        case "phone":
            return e164(value)
        case "campaign_id":
            return value.lower()
        case "tags":
            return value or []
        case _:
            return value


def is_uuid(value: object) -> bool:
    """Any UUID is a campaign or a lead id to ask for; nothing else is."""
    return isinstance(value, str) and _UUID.fullmatch(value) is not None


def phone_problem(value: object, rules: Rules) -> str:
    """Why this is no phone; empty when it is one."""
    if not isinstance(value, str):
        return "Expected string"
    if rules == "july" and not 10 <= len(value) <= 25:
        return "Must be 10 to 25 characters"
    if not _PHONE.fullmatch(value) or e164(value) is None:
        return "Must have 10 to 15 digits"
    return ""


def _length(text: str) -> int:
    """In UTF-16 units, as a JavaScript validator counts."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def _name_problem(value: object, _: Rules) -> str:
    if not isinstance(value, str):
        return "Expected string"
    return "" if 2 <= _length(value) <= 100 else "Must be 2 to 100 characters"


def _email_problem(value: object, rules: Rules) -> str:
    if not isinstance(value, str):
        return "Expected string"
    if rules == "july" and _length(value) > 254:
        return "Must be at most 254 characters"
    return "" if _EMAIL.fullmatch(value) else "Invalid email"


def _company_problem(value: object, _: Rules) -> str:
    if not isinstance(value, str):
        return "Expected string"
    return "" if _length(value) <= 100 else "Must be at most 100 characters"


def _tags_problem(value: object, rules: Rules) -> str:
    if not isinstance(value, list) or not all(isinstance(tag, str) for tag in value):
        return "Expected array of strings"
    if len(value) > 20:
        return "At most 20 tags"
    if rules == "july" and not all(_JULY_TAG.fullmatch(tag) for tag in value):
        return "Each tag must match ^[a-zA-Z0-9_-]{1,50}$"
    return ""


def _custom_fields_problem(value: object, _: Rules) -> str:
    if not isinstance(value, dict):
        return "Expected object"
    if len(value) > 20:
        return "At most 20 fields"
    for key, item in value.items():
        if not _CUSTOM_KEY.fullmatch(key):
            return "Each key must match ^[a-zA-Z0-9_-]+$"
        if not isinstance(item, str | int | float | bool | None):
            return "Each value must be a string, number, boolean or null"
        if isinstance(item, str) and _length(item) > 1000:
            return "Each value must be at most 1000 characters"
    return ""


def _campaign_problem(value: object, _: Rules) -> str:
    return "" if is_uuid(value) else "Invalid uuid"


def kind_problem(value: object, _: Rules) -> str:
    """Why this is no kind; empty when it is one."""
    return "" if value in ("call", "sms") else "Expected 'call' or 'sms'"


_CHECKS: dict[str, Callable[[object, Rules], str]] = {
    "name": _name_problem,
    "phone": phone_problem,
    "email": _email_problem,
    "company": _company_problem,
    "tags": _tags_problem,
    "custom_fields": _custom_fields_problem,
    "campaign_id": _campaign_problem,
    "kind": kind_problem,
}
