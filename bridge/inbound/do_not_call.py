"""Do-not-disturb in whatever words it is said: a block, none, or something that can't be understood.

Knows words and channels, not where they stand. Rule for editors: what is said and not understood blocks,
because calling somebody by mistake is the costlier error; what isn't said never blocks and never lifts.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from bridge.inbound import values

Said = bool | Literal["unclear"] | None

_CALLS = frozenset({"call", "calls", "phone", "phone call", "phone calls", "voice", "voice call"})
_ALL = frozenset({"all", "all channels", "every channel", "everything"})
_BLOCKED = (
    _CALLS
    | _ALL
    | frozenset({"enable", "enabled", "block", "blocked", "opt out", "optout", "opted out", "unsubscribed"})
    | frozenset({"dnd", "dnc", "do not call", "do not contact", "do not disturb", "stop"})
)
_ALLOWED = frozenset({"disable", "disabled", "unblocked", "allowed", "opt in", "opted in"})
# Of these nothing follows about calls: other channels, and what programs write for "no value".
_CHANNELS = frozenset({"sms", "email", "e mail", "whatsapp", "gmb", "fb", "facebook", "instagram", "rcs"})
_NOTHING = _CHANNELS | frozenset({"live chat", "none", "nil", "n/a", "na", "not set", ""})
_GAP = re.compile(r"[\s_-]+")
# Nobody means more by it, and a stranger's megabyte of commas would take a second of everybody's time.
_WORDS_READ, _TEXT_READ = 100, 2_000
_SHOWN = 40  # characters of a stranger's word in a warning


def block(value: Any) -> bool | None:
    """Yes, no, or None where nothing is said. What isn't understood is a yes."""
    said = _meaning(value)
    return True if said == "unclear" else said


def doubt(word: str, value: Any) -> str:
    """What the operator must know of this value; '' when it is clear."""
    if values.unfilled(value):
        return f"{word}: the merge field wasn't filled"
    if _meaning(value) != "unclear":
        return ""
    text = values.text(value)
    shown = repr(text[:_SHOWN]) if text else "an object" if isinstance(value, Mapping) else "a list"
    return f"{word}: {shown} isn't understood, so it counts as true: write true or false"


def statuses(channels: Mapping[str, Any]) -> list[Any]:
    """What an object of channels says of calls: {"Call": {"status": "active"}} → ["active"]."""
    said = [value for name, value in channels.items() if _fold(str(name)) in _CALLS | _ALL]
    return [value.get("status") if isinstance(value, Mapping) else value for value in said]


def _meaning(value: Any) -> Said:
    match value:
        case bool():
            return value
        case Mapping():
            said = statuses(value)
            known = said or not value or any(_fold(str(name)) in _CHANNELS for name in value)
            return _strictest(map(_flat, said)) if known else "unclear"
        case list() | tuple():
            return _strictest(map(_flat, value)) if len(value) <= _WORDS_READ else "unclear"
        case _:
            return _flat(value)


def _flat(value: Any) -> Said:
    """Of one word, or of words between commas; no list and no object is looked into."""
    if isinstance(value, Mapping | list | tuple):
        return "unclear"
    if isinstance(value, str) and len(value) > _TEXT_READ:
        return "unclear"
    flag = values.flag(value)
    if flag is not None:
        return flag
    return _strictest(_word(_fold(part)) for part in re.split("[,;|]", values.text(value)))


def _word(word: str) -> Said:
    word = word.removeprefix("dnd ")
    if word in _BLOCKED or word in _ALLOWED:
        return word in _BLOCKED
    return None if word in _NOTHING else flag if (flag := values.flag(word)) is not None else "unclear"


def _strictest(found: Iterable[Said]) -> Said:
    said = list(found)
    return next((each for each in (True, "unclear", False) if each in said), None)


def _fold(word: str) -> str:
    return _GAP.sub(" ", word.casefold()).strip()
