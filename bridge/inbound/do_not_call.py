"""Do-not-disturb in whatever words it is said: a block, none, or something that can't be understood.

Knows words, channels and shapes of values, not the keys around them. Rule for editors: what is said and
not understood blocks, because calling somebody by mistake is the costlier error; what isn't said never
blocks and never lifts.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import orjson

from bridge.inbound import keys, values

Said = bool | Literal["unclear"] | None

_CALLS = frozenset({"call", "calls", "phone", "phone call", "phone calls", "voice", "voice call"})
_ALL = frozenset({"all", "all channels", "every channel", "everything"})
_BLOCKED = (
    _CALLS
    | _ALL
    | frozenset({"enable", "enabled", "block", "blocked", "checked", "ticked", "✓", "✔", "☑", "✅"})
    | frozenset({"ja", "si", "sí", "oui", "sim", "requested", "set", "1.0"})
)
_ALLOWED = frozenset(
    {"disable", "disabled", "unblocked", "unchecked", "allow", "allowed", "opt in", "opted in", "optin"}
    | {"subscribed", "not opted out", "no dnd", "not dnd", "never", "nein", "non", "nao", "não", "0.0"}
    | {"removed", "lifted", "cleared", "ok", "ok to call", "can call", "callable", "☐"}
)
# Of these nothing follows about calls: other channels, and what programs write for "no value".
_CHANNELS = frozenset({"sms", "email", "e mail", "whatsapp", "gmb", "fb", "facebook", "instagram", "rcs"})
_NOTHING = _CHANNELS | frozenset({"live chat", "none", "nil", "n/a", "na", "not set", "", "[]", "{}"})
_GAP = re.compile(r"[\s_-]+")
# An object that names one channel: {"channel": "Call", "status": "active"}.
_CHANNEL_KEYS = ("channel", "channelname", "type", "medium", "name", "key")
_STATUS_KEYS = ("status", "state", "value", "enabled", "active", "dnd", "blocked", "selected", "checked")
# Nobody means more by it, and a stranger's megabyte of commas would take a second of everybody's time.
_WORDS_READ, _TEXT_READ, _LEVELS = 100, 2_000, 4
_SHOWN = 40  # characters of a stranger's word in a warning


def block(value: Any) -> bool | None:
    """Yes, no, or None where nothing is said. What isn't understood is a yes."""
    said = meaning(value)
    return True if said == "unclear" else said


def doubt(word: str, value: Any) -> str:
    """What the operator must know of this value; '' when it is clear."""
    if values.unfilled(value):
        return f"{word}: the merge field wasn't filled"
    if meaning(value) != "unclear":
        return ""
    text = values.text(value) if not isinstance(value, Mapping | list | tuple) else ""
    shown = repr(text[:_SHOWN]) if text else "an object" if isinstance(value, Mapping) else "a list"
    return f"{word}: {shown} isn't understood, so it counts as true: write true or false"


def channels(value: Any) -> Mapping[str, Any] | None:
    """`dndSettings` in any of its shapes as {channel: its status}; None where it is something else.

    An object of channels, a list of {channel, status}, or either as a text of JSON.
    """
    value = _unpacked(value)
    if isinstance(value, Mapping):
        inner = next(
            (value[key] for key in value if keys.squeeze(str(key)) in {"channels", "settings"}), None
        )
        if isinstance(inner, Mapping | list):
            return channels(inner)
        return {str(name): _status(each) for name, each in value.items()} if _names_channels(value) else None
    if isinstance(value, list | tuple) and value and len(value) <= _WORDS_READ:
        named = [_one_channel(item) for item in value]
        if all(named):
            return _joined(each for each in named if each)
    return None


def calls(found: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What channels say of calls: {"Call": "active"} → [("Call", "active")]."""
    return [(name, status) for name, status in found.items() if _fold(name) in _CALLS | _ALL]


def meaning(value: Any, levels: int = _LEVELS) -> Said:
    """What a value under a key of do-not-call says of calls."""
    value = _unpacked(value)
    match value:
        case bool():
            return value
        case Mapping() | list() | tuple() if not value:
            return None
        case Mapping() | list() | tuple() if levels == 0 or len(value) > _WORDS_READ:
            return "unclear"
        case Mapping():
            return _of_object(value, levels - 1)
        case list() | tuple():
            found = channels(value)
            if found is not None:
                return _of_object(found, levels - 1)
            return _strictest(meaning(item, levels - 1) for item in value)
        case _:
            return _flat(value)


def _of_object(value: Mapping[str, Any], levels: int) -> Said:
    found = channels(value)
    if found is not None:
        return _strictest(meaning(status, levels) for _, status in calls(found))
    by_word = {keys.squeeze(str(key)): each for key, each in value.items()}
    statuses = [by_word[word] for word in _STATUS_KEYS if word in by_word]
    return _strictest(meaning(status, levels) for status in statuses) if statuses else "unclear"


def _names_channels(value: Mapping[str, Any]) -> bool:
    return any(_fold(str(name)) in _CALLS | _ALL | _CHANNELS for name in value)


def _one_channel(item: Any) -> tuple[str, Any] | None:
    """{"channel": "Call", "status": "active"} as ("Call", "active")."""
    if not isinstance(item, Mapping):
        return None
    by_word = {keys.squeeze(str(key)): each for key, each in item.items()}
    name = next((values.text(by_word[word]) for word in _CHANNEL_KEYS if word in by_word), "")
    if _fold(name) not in _CALLS | _ALL | _CHANNELS | {"live chat"}:
        return None
    status = next((by_word[word] for word in _STATUS_KEYS if word in by_word), _MISSING)
    return name, status


def _joined(named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """One mapping of them; of a channel that is named twice both statuses are kept."""
    found: dict[str, Any] = {}
    for name, status in named:
        found[name] = [found[name], status] if name in found else status
    return found


def _status(channel: Any) -> Any:
    """What one channel of an object says: {"status": "active"} → "active"."""
    if not isinstance(channel, Mapping) or not channel:
        return None if isinstance(channel, Mapping) else channel
    by_word = {keys.squeeze(str(key)): each for key, each in channel.items()}
    return next((by_word[word] for word in _STATUS_KEYS if word in by_word), _MISSING)


_MISSING = "no status"  # under a channel: it has no meaning that is known


def _unpacked(value: Any) -> Any:
    """A text of JSON as what it holds."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")) or len(value) > _TEXT_READ:
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        return value


def _flat(value: Any) -> Said:
    """Of one word, or of words between commas."""
    if isinstance(value, str) and len(value) > _TEXT_READ:
        return "unclear"
    flag = values.flag(value)
    if flag is not None:
        return flag
    text = values.text(value)
    if isinstance(value, str) and values.is_date(text):
        return True  # the day on which they said so: opted_out_at
    return _strictest(_word(_fold(part)) for part in re.split("[,;|]", text))


def _word(word: str) -> Said:
    word = word.removeprefix("dnd ").strip(" .!")
    if word in _BLOCKED or word in _ALLOWED:
        return word in _BLOCKED
    if word in _NOTHING or not any(map(str.isalnum, word)):
        return None
    if "{" not in word and keys.speaks(word) in ("exact", "looks"):
        return True
    return flag if (flag := values.flag(word)) is not None else "unclear"


def _strictest(found: Iterable[Said]) -> Said:
    said = list(found)
    return next((each for each in (True, "unclear", False) if each in said), None)


def _fold(word: str) -> str:
    return _GAP.sub(" ", word.casefold()).strip()
