"""The words that people use for an event: "contact.deleted", "Unsubscribed", "DND enabled".

Knows the keys of events and their words, no payload's shape. Rule for editors: a word that may mean a
deletion or an opt-out and isn't understood blocks, with a doubt; a `type` may be anything's.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from bridge.inbound import keys, values

# https://marketplace.gohighlevel.com/docs/webhook/ContactCreate and its four neighbours
GHL_TYPES: Mapping[str, str] = {
    "ContactCreate": "contact.created",
    "ContactUpdate": "contact.updated",
    "ContactDelete": "contact.deleted",
    "ContactTagUpdate": "contact.tags",
    "ContactDndUpdate": "contact.dnd",
}
# "ContactCreate", "contact.created" and "contact_create" without what differs.
_TYPES: Mapping[str, str] = {
    **{ghl_type.lower(): ours for ghl_type, ours in GHL_TYPES.items()},
    **{ours.replace(".", ""): ours for ours in GHL_TYPES.values()},
    **dict.fromkeys(("contactdndupdated", "dnd", "dndupdate", "dndupdated", "dndchanged"), "contact.dnd"),
}
_KEYS = ("event", "eventtype", "eventname", "type", "action", "actiontype")
_NOT_A_LETTER = re.compile("[^a-z]")
# People's own words. Without "contact", only where the key speaks of an event: a `type` may be anything's.
_DELETED = frozenset({"delete", "deleted", "remove", "removed", "deletion"})
_DELETED_PERSON = re.compile(
    "(contact|customer|lead|person)s?(is|was|has|been)*(delet|remov)[a-z]{1,4}"
    "|(delete|deleted|remove|removed)(the)?(contact|customer|lead|person)"
)
_DND_OFF = re.compile(
    r"\b(dnd|dnc|do not disturb) (was |is )?(off|disabled|removed|lifted|inactive|cleared)\b"
)
# A contact's event in words that aren't ours: a warning, as it may be a deletion. Other words are the user's.
_LIKE_OURS = re.compile("contacts?(is|was|has|been)*(creat|updat|delet|remov|tag|dnd).*")
_SHOWN = 40  # characters of a stranger's word in a warning


@dataclass(frozen=True, slots=True)
class Stated:
    """What the words for the event say."""

    type: str = ""  # one of ours, where they say one
    opted_out: bool | None = None
    doubts: tuple[str, ...] = ()

    @property
    def about_dnd(self) -> bool:
        return self.type == "contact.dnd"


def stated(layers: Iterable[Mapping[str, Any]]) -> Stated:
    """The event as these layers state it; users also send words of their own."""
    said = [each for layer in layers for each in _said(layer)]
    if not said:
        return Stated()
    types = [_type(key, word) for key, word in said]
    opted_out = next((out for key, word in said if (out := _opted_out(key, word)) is not None), None)
    found = "contact.deleted" if "contact.deleted" in types else next(filter(None, types), "")
    if not found and opted_out is not None:
        found = "contact.dnd"
    unsure = [] if found else [(key, word) for key, word in said if _letters(word) in _DELETED]
    doubts = tuple(f"{key}: {word[:_SHOWN]!r} may be a deletion, so nobody is called" for key, word in unsure)
    if not found and not doubts:
        doubts = tuple(_unknown(said))
    return Stated(found, True if unsure else opted_out, doubts)


def _said(layer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Keys and words, in the order of _KEYS."""
    ranks = _RANKS
    found = [(rank, key) for key in layer if (rank := ranks[key]) >= 0]
    if not found:
        return []
    return [(key, word) for _, key in sorted(found) if (word := values.text(layer[key]))]


def _rank(key: str) -> int:
    squeezed = keys.squeeze(key)
    return _KEYS.index(squeezed) if squeezed in _KEYS else -1


def _type(key: str, word: str) -> str:
    letters = _letters(word)
    if _DELETED_PERSON.fullmatch(letters) or (letters in _DELETED and keys.squeeze(key) != "type"):
        return "contact.deleted"
    return _TYPES.get(letters, "")


def _opted_out(key: str, word: str) -> bool | None:
    if _DND_OFF.search(keys.words(word)):
        return False
    if keys.squeeze(key) == "type" and keys.squeeze(word) == "stop":
        return None
    # "dnd" alone says that it is about do-not-disturb, not which way.
    about = _letters(word) in _TYPES
    return True if keys.speaks(word) in ("exact", "looks") and not about else None


def _unknown(said: Iterable[tuple[str, str]]) -> Iterator[str]:
    known = ", ".join(GHL_TYPES.values())
    for key, word in said:
        if _LIKE_OURS.fullmatch(_letters(word)):
            yield f"{key}: {word[:_SHOWN]!r} isn't one of {known}"


def _letters(said: str) -> str:
    return _NOT_A_LETTER.sub("", said.lower())


_RANKS: keys.Known[int] = keys.Known(_rank, -1)
