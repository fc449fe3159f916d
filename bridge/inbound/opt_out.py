"""Where a payload speaks of do-not-call, under whatever key and how deep, and what follows from all of it.

The one place that decides: `receive` takes the urgency of an event from it, `read` its blocks and doubts.
Knows keys and values, no source. Rule for editors: never guess a block away; what isn't said is None.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.inbound import do_not_call, keys, remarks, values

# Objects of other people and things: the agent's "do not disturb" isn't the contact's.
_OTHERS = frozenset(
    {"location", "workflow", "user", "agent", "owner", "operator", "staff", "host", "organizer", "account"}
    | {"assignedto", "assigneduser", "calendar", "appointment", "opportunity", "campaign", "order", "invoice"}
    | {"payment", "task", "note", "message", "form", "site", "attributionsource", "lastattributionsource"}
)
_REFUSED = frozenset({"revoked", "withdrawn", "refused", "declined", "denied", "not given"})  # consent
_LABELS = ("label", "name", "key", "fieldkey", "field", "title", "question")
_VALUES = ("value", "fieldvalue", "values", "answer")
_DEEPEST, _KEYS_READ = 4, 20_000
_USUAL = 2_000  # keys of an object; a stranger's 60,000 phrases would take two seconds of everybody's time
_DOUBTS = 10  # they go with the event
_SHOWN = 40
SILENT = (
    "event: do-not-disturb changed and nothing says how, so it counts as true: add `dnd` to what is sent,"
    " with true or false"
)


@dataclass(frozen=True, slots=True)
class Said:
    """A key that speaks of do-not-call, of consent or of a deletion, with its value."""

    key: str
    speaks: keys.Speaks
    value: Any

    @property
    def filled(self) -> bool:
        return self.value not in (None, "", [], {}) and values.says(self.value) and self.value != ()


@dataclass(frozen=True, slots=True)
class Spoken:
    """All that one payload says of it."""

    said: tuple[Said, ...] = ()
    event: bool | None = None  # what the word for the event says: "unsubscribed"
    silent: bool = False  # an event about do-not-disturb, which says no value

    @property
    def deleted(self) -> bool:
        return any(each.speaks == "deleted" and do_not_call.meaning(each.value) is True for each in self.said)

    @property
    def everything(self) -> bool | None:
        """A block of all channels, or of calls where it isn't said of which."""
        flags = [self.event, True if self.silent else None]
        return strictest([*flags, *map(_flag, self.said)])

    @property
    def calls(self) -> bool | None:
        """What an object of channels says of calls; a channel that it leaves out isn't blocked."""
        found = [each for each in map(_channels, self.said) if each is not None]
        return strictest([any(map(_blocked, do_not_call.calls(each))) for each in found])

    @property
    def doubts(self) -> tuple[str, ...]:
        """What the operator must know."""
        found = [doubt for each in self.said for doubt in _doubts(each)]
        return tuple(dict.fromkeys(filter(None, [SILENT if self.silent else "", *found])))[:_DOUBTS]


def spoken(payload: Mapping[str, Any], *, event: bool | None = None, about: bool = False) -> Spoken:
    """What the payload says; `event` is what its word for the event says, `about` that it is about this."""
    said = tuple(_within(payload))
    if about and event is None:
        of_it = [each for each in said if each.filled and each.speaks in ("exact", "looks", "settings")]
        if not of_it:
            return Spoken(said, silent=not _inbound(payload))
        if all(each.speaks == "settings" for each in of_it):
            event = False  # GHL leaves out what is empty or false, and this event is about nothing else
    return Spoken(said, event)


def strictest(flags: Iterable[bool | None]) -> bool | None:
    found = list(flags)
    return True if True in found else False if False in found else None


def _inbound(payload: Mapping[str, Any]) -> bool:
    """GHL's other do-not-disturb, of what the contact sends: an event about it alone blocks nothing."""
    return any(keys.squeeze(key) == "inbounddndsettings" for key in payload)


def _within(payload: Mapping[str, Any]) -> Iterator[Said]:
    """Level by level, so that no depth and no number of keys of a stranger takes long."""
    level: Sequence[Mapping[str, Any]] = (payload,)
    left, known, remarked = _KEYS_READ, keys.SPEAKS, remarks.REMARKED
    for _ in range(_DEEPEST):
        deeper: list[Mapping[str, Any]] = []
        for layer in level:
            left -= len(layer)
            usual = len(layer) <= _USUAL
            for key, value in layer.items():
                if speaks := known[key] if usual else keys.in_so_many_words(key):
                    yield Said(key, speaks, value)
                    continue
                kind = type(value)  # JSON has no sub-classes, and most values are texts
                if kind is dict:
                    if value and keys.squeeze(key) not in _OTHERS:
                        deeper.append(value)
                elif kind is list:
                    yield from _labelled(value)
                elif kind is str and usual and (says_no := remarked[key]) and says_no(value, beside=layer):
                    yield Said(key, "remark", value)
            if left < 0:
                return
        if not deeper:
            return
        level = deeper


def _labelled(items: list[Any]) -> Iterator[Said]:
    """Fields in a list: [{"label": "Do Not Call", "value": "Yes"}]."""
    for item in items[:1000]:
        if not isinstance(item, dict) or len(item) > 20:
            continue
        by_word = {keys.squeeze(key): value for key, value in item.items()}
        value = next((by_word[word] for word in _VALUES if word in by_word), None)
        labels = (by_word[word] for word in _LABELS if isinstance(by_word.get(word), str))
        for label in labels:
            speaks = keys.speaks(label)
            if speaks and value is not None:
                yield Said(label, speaks, value)
                break


def _channels(said: Said) -> Mapping[str, Any] | None:
    return (do_not_call.channels(said.value) or None) if said.speaks == "settings" else None


def _blocked(channel: tuple[str, Any]) -> bool:
    return do_not_call.block(channel[1]) is True


def _flag(said: Said) -> bool | None:
    meaning = do_not_call.meaning(said.value)
    match said.speaks:
        case "exact":
            return None if _another_stop(said) else True if meaning == "unclear" else meaning
        case "looks":
            return True if meaning in (True, "unclear") else None
        case "consent":
            return True if meaning is False or _refused(said.value) else None
        case "remark":
            return True
        case "settings":
            return None if _channels(said) is not None else True if meaning == "unclear" else meaning
        case _:  # a deletion that can't be read: whoever it is must not be called
            return True if meaning == "unclear" else None


def _refused(value: Any) -> bool:
    return isinstance(value, str) and value.strip(" .!").casefold() in _REFUSED


def _another_stop(said: Said) -> bool:
    """A key "stop" may be a bus's: "Stop 12, Elm Street" is no answer to whether to call."""
    if keys.squeeze(said.key) != "stop" or do_not_call.meaning(said.value) != "unclear":
        return False
    return any(map(str.isdigit, values.text(said.value)))


def _doubts(said: Said) -> Iterator[str]:
    if _another_stop(said):
        shown = values.text(said.value)[:_SHOWN]
        yield f"{said.key}: {shown!r} isn't taken for an opt-out: write true if it is one"
    elif (channels := _channels(said)) is not None:
        for name, status in do_not_call.calls(channels):
            yield do_not_call.doubt(f"{said.key}.{name}", status)
    elif said.speaks == "remark":
        yield f"{said.key}: {remarks.DOUBT}"
    elif said.speaks == "consent":
        if _flag(said):
            yield f"{said.key}: no consent to calls counts as an opt-out"
    elif said.speaks == "deleted" and do_not_call.meaning(said.value) == "unclear":
        yield f"{said.key}: it isn't understood whether the contact was deleted, so it isn't called"
    elif said.speaks != "deleted":
        yield do_not_call.doubt(said.key, said.value)
