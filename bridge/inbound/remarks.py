"""What people write beside a number or a name: "202-555-0143 - do not call", "DNC Ann Lee".

Knows words and which fields people put them into. Rule for editors: only what nobody can mean otherwise
blocks; a remark about hours ("no calls after 9") or about another channel ("no texts") doesn't.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from bridge.inbound import keys, near_fields

DOUBT: Final = "the words beside it say do not call, and count as an opt-out"

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

REMARKED: keys.Known[bool] = keys.Known(lambda key: keys.squeeze(key) in _NAMES, of_long=False)


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
