"""What people write beside a number or a name, and as a status: "202-555-0143 - do not call", "DNC".

Knows words and which fields people put them into. Rule for editors: only what nobody can mean otherwise
blocks; a remark about hours ("no calls after 9") or about another channel ("no texts") doesn't.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from bridge.inbound import keys, near_fields

DOUBT: Final = "its words say do not call, and count as an opt-out"

_FIELDS: Final = ("phone", "first_name", "last_name", "name")
_NAMES: Final = frozenset(name for field in _FIELDS for name in near_fields.FIELDS[field])
_VALUES: Final = frozenset({"value", "values", "answer", "fieldValue", "field_value"})
_READ: Final = 300  # characters of a value that are looked at
# "After 5pm", "on Sundays", "9-5", but not the number itself.
_HOURS: Final = (
    r"(?!\W*(?:after|before|until|till|between|during|from|on|at|in|past|weekends?|mornings?"
    r"|[0-9]{1,2}(?![0-9.\-\s()]*[0-9]{3})))"
)
_NO: Final = re.compile(
    r"\b(?:(?:do\W?not|don['’]?t|never)\W?(?:call|phone|ring|dial|contact|disturb)|no\W?(?:more\W)?(?:phone\W)?calls?"
    r"|d\.?n\.?[cd]|opted\W?out|opt\W?out|unsubscribed?)\b" + _HOURS,
    re.IGNORECASE,
)
_DNC: Final = re.compile(r"d\.?n\.?[cd]", re.IGNORECASE)

# Where people write what became of somebody: "Lead Status", "disposition", "pipeline_stage", "lost reason".
_STATUS: Final = frozenset({"status", "disposition", "outcome", "result", "stage", "reason"})
# As a status these mean that nobody was reached, or speak of a mailing list or an order.
_UNSURE: Final = frozenset(
    {"stop", "unsubscribe", "unsubscribed", "unsub", "nocall", "nocalls", "nocontact", "nophonecalls"}
    | {"blockedcalls", "callblocked", "callsblocked", "blockcalls"}
)
_PARTS: Final = re.compile(r"\s[-–—/]\s|[(),;|:]")


def says_no(value: Any, beside: Mapping[str, Any] = MappingProxyType({})) -> bool:
    """Whether the words in a phone or a name say that the person must not be called.

    With a value beside it a name is that of a field: {"name": "Do not call", "value": "no"}.
    """
    if not isinstance(value, str) or value.isdigit() or not _VALUES.isdisjoint(beside):
        return False
    found = _NO.search(value[:_READ])
    # "Dnc" may be somebody's initials; programs and people write the mark in capitals, or beside digits.
    return found is not None and (
        not _DNC.fullmatch(found[0]) or found[0].isupper() or any(map(str.isdigit, value))
    )


def status_says_no(value: Any, beside: Mapping[str, Any] = MappingProxyType({})) -> bool:
    """Whether a status says it in so many words: "DNC", "Do Not Call", "Lost - do not contact"."""
    if not isinstance(value, str) or not _VALUES.isdisjoint(beside):
        return False
    parts = _PARTS.split(value[:_READ])
    return any(keys.speaks(part) == "exact" and keys.squeeze(part) not in _UNSURE for part in parts)


def _reader(key: str) -> Callable[..., bool] | None:
    if keys.squeeze(key) in _NAMES:
        return says_no
    return status_says_no if keys.words(key).rpartition(" ")[2] in _STATUS else None


# What reads the values under a key; None of most keys.
REMARKED: Final[keys.Known[Callable[..., bool] | None]] = keys.Known(_reader, of_long=None)
