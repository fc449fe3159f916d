"""Anything that can POST JSON: web forms, Zapier, n8n, with the contact's words mapped by the user.

Knows no payload: the configuration's compiled expressions do. Rule for editors: a mapping that fails
or gives nothing is "not said", never a refusal, so that a wrong mapping costs a replay and no event. Only
do-not-call is looked for beside the mapping, because mappings are written before anybody opts out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from itertools import islice
from typing import Any

from bridge.errors import MappingError
from bridge.inbound import do_not_call, events, near_fields, remarks, values
from bridge.inbound.opt_out import Spoken, spoken, strictest
from bridge.inbound.signature import check_token
from bridge.inbound.watched import Watched
from bridge.model import NOTES, Contact, ContactKey, Ignored, Incoming, Reading

Expression = Callable[[Mapping[str, Any]], Any]

_TEXT_WORDS = tuple(word.name for word in fields(Contact) if word.type is str)
_NAMES = ("first_name", "last_name", "name")
_REMARKED = ("phone", *_NAMES)


@dataclass(frozen=True, slots=True)
class JsonSource:
    name: str
    token: str = field(repr=False)
    contact: Mapping[str, Expression]  # by the words of Contact
    custom: Mapping[str, Expression] = field(default_factory=dict)  # by label
    id: Expression | None = None
    occurred_at: Expression | None = None
    deleted: Expression | None = None
    default_region: str = ""
    written: values.Zone = values.NO_ZONE

    def authenticate(self, headers: Mapping[str, str], token: str | None, body: bytes) -> None:  # noqa: ARG002
        check_token(token or headers.get("x-bridge-token"), self.token)

    def receive(self, payload: Mapping[str, Any]) -> Incoming | Ignored:
        said = _Said.of(self, payload)
        return Incoming(
            type=said.type,
            external_id=values.text(_value(self.id, payload)) or None,
            contact=self._key(payload),
            occurred_at=values.moment(_value(self.occurred_at, payload), self.written),
            urgent=said.type == "contact.deleted" or said.blocked is True,
        )

    def read(self, payload: Mapping[str, Any]) -> Reading:
        said = _Said.of(self, payload)
        notes: list[str] = []  # what the mapping looks for and the payload calls otherwise
        occurred_at = _value(self.occurred_at, payload, notes)
        time_doubt = values.time_doubt("occurred_at", occurred_at, self.written)
        contact = self._contact(payload, notes, blocked=said.blocked is True)
        beside = next((word for word in _REMARKED if remarks.says_no(getattr(contact, word))), "")
        if beside and not said.blocked:  # under a key of the user's own, which `spoken` doesn't know
            said = said.and_blocked(f"{beside}: {remarks.DOUBT}")
            contact = replace(contact, do_not_call=True)
        if not contact.phone:
            notes += _unmapped(payload, notes)
        return Reading(
            contact=contact,
            type=said.type,
            source=self.name,
            payload=payload,
            key=self._key(payload),
            occurred_at=values.moment(occurred_at, self.written),
            deleted=said.type == "contact.deleted",
            dnd_all=said.everything,
            dnd_call=said.spoken.calls,
            tags_said=self._tags_said(payload),
            warnings=(*said.doubts, *self._nothing_read(payload), *filter(None, [time_doubt]), *notes),
        )

    def _key(self, payload: Mapping[str, Any]) -> ContactKey | None:
        contact_id = values.text(_value(self.contact.get("id"), payload))
        return ContactKey(self.name, "", contact_id) if contact_id else None

    def _tags_said(self, payload: Mapping[str, Any]) -> bool:
        """Whether a key that the mapping of tags names is in the payload, be it empty."""
        watched = Watched(payload)
        found = values.tags(_value(self.contact.get("tags"), watched))
        return bool(found) or any(values.says(value) for _, value in watched.seen)

    def _nothing_read(self, payload: Mapping[str, Any]) -> list[str]:
        """Mappings that give a list or an object of which no text could be made."""
        found = ((word, _value(self.contact.get(word), payload)) for word in _TEXT_WORDS)
        return [
            f"{word}: nothing could be read of {'an object' if isinstance(value, Mapping) else 'a list'}"
            for word, value in found
            if isinstance(value, list | Mapping) and value and not values.text(value)
        ]

    def _contact(self, payload: Mapping[str, Any], notes: list[str], *, blocked: bool) -> Contact:
        words: dict[str, Any] = {
            word: values.text(_value(self.contact.get(word), payload, notes)) for word in _TEXT_WORDS
        }
        for word in _NAMES:
            words[word] = values.name(words[word])
        words["name"] = words["name"] or f"{words['first_name']} {words['last_name']}".strip()
        custom = {
            label: values.plain(_value(expression, payload, notes))
            for label, expression in self.custom.items()
        }
        return Contact(
            **words,
            tags=values.tags(_value(self.contact.get("tags"), payload, notes)),
            do_not_call=blocked,
            custom={label: value for label, value in custom.items() if value not in ("", [], {})},
        )


@dataclass(frozen=True, slots=True)
class _Said:
    """What the mapping says of do-not-call and of a deletion, and what the payload says beside it."""

    type: str
    mapped: Any
    spoken: Spoken
    event_doubts: tuple[str, ...]

    @property
    def everything(self) -> bool | None:
        return strictest([do_not_call.block(self.mapped), self.spoken.everything])

    @property
    def blocked(self) -> bool | None:
        return strictest([self.everything, self.spoken.calls])

    @property
    def doubts(self) -> tuple[str, ...]:
        mapped = do_not_call.doubt("do_not_call", self.mapped)
        return tuple(dict.fromkeys(filter(None, (mapped, *self.spoken.doubts, *self.event_doubts))))

    def and_blocked(self, doubt: str) -> "_Said":
        spoken = replace(self.spoken, event=True)
        return replace(self, spoken=spoken, event_doubts=(*self.event_doubts, doubt))

    @classmethod
    def of(cls, source: JsonSource, payload: Mapping[str, Any]) -> "_Said":
        stated = events.stated((payload,))
        said = spoken(payload, event=stated.opted_out, about=stated.about_dnd)
        mapped = None
        if (expression := source.contact.get("do_not_call")) is not None:
            watched = Watched(payload) if said.said else payload
            mapped = _value(expression, watched)
            if isinstance(watched, Watched) and do_not_call.block(mapped) is not None:
                # The user's own reading of a key counts, not ours of the same key.
                named = {key for key, _ in watched.seen}
                said = replace(said, said=tuple(each for each in said.said if each.key not in named))
        deleted = said.deleted or stated.type == "contact.deleted"
        if source.deleted is not None:
            deleted = values.flag(_value(source.deleted, payload)) is True
        kind = "contact.deleted" if deleted else stated.type if said.event is not None else ""
        return cls(kind or "contact.updated", mapped, said, stated.doubts)


def _unmapped(payload: Mapping[str, Any], noted: list[str]) -> list[str]:
    found = list(islice(near_fields.unmapped_phones(payload), 3))
    return [
        f"phone: the mapping gives none; {path!r} may be it: write it behind `payload.` in contact.phone"
        for path in found
        if not any(repr(path.rpartition(".")[2])[1:-1] in note for note in noted)
    ]


def _value(expression: Expression | None, payload: Mapping[str, Any], notes: list[str] | None = None) -> Any:
    if expression is None:
        return None
    try:
        return expression({"payload": payload, NOTES: notes})
    except MappingError:
        return None
