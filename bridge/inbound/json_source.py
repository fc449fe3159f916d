"""Anything that can POST JSON: web forms, Zapier, n8n, with the contact's words mapped by the user.

Knows no payload: the configuration's compiled expressions do. Rule for editors: a mapping that fails
or gives nothing is "not said", never a refusal, so that a wrong mapping costs a replay and no event.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from bridge.errors import MappingError
from bridge.inbound import do_not_call, values
from bridge.inbound.signature import check_token
from bridge.inbound.watched import Watched
from bridge.model import Contact, ContactKey, Ignored, Incoming, Reading

Expression = Callable[[Mapping[str, Any]], Any]

_TEXT_WORDS = tuple(word.name for word in fields(Contact) if word.type is str)


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

    def authenticate(self, headers: Mapping[str, str], token: str | None, body: bytes) -> None:  # noqa: ARG002
        check_token(token or headers.get("x-bridge-token"), self.token)

    def receive(self, payload: Mapping[str, Any]) -> Incoming | Ignored:
        event_type = self._type(payload)
        return Incoming(
            type=event_type,
            external_id=values.text(_value(self.id, payload)) or None,
            contact=self._key(payload),
            occurred_at=values.moment(_value(self.occurred_at, payload)),
            urgent=event_type == "contact.deleted" or self._blocked(payload) is True,
        )

    def read(self, payload: Mapping[str, Any]) -> Reading:
        event_type = self._type(payload)
        blocked = self._blocked(payload)
        return Reading(
            contact=self._contact(payload, blocked=blocked is True),
            type=event_type,
            source=self.name,
            payload=payload,
            key=self._key(payload),
            occurred_at=values.moment(_value(self.occurred_at, payload)),
            deleted=event_type == "contact.deleted",
            dnd_all=blocked,
            tags_said=self._tags_said(payload),
            warnings=self._doubts(payload),
        )

    def _type(self, payload: Mapping[str, Any]) -> str:
        deleted = values.flag(_value(self.deleted, payload)) is True
        return "contact.deleted" if deleted else "contact.updated"

    def _key(self, payload: Mapping[str, Any]) -> ContactKey | None:
        contact_id = values.text(_value(self.contact.get("id"), payload))
        return ContactKey(self.name, "", contact_id) if contact_id else None

    def _blocked(self, payload: Mapping[str, Any]) -> bool | None:
        return do_not_call.block(_value(self.contact.get("do_not_call"), payload))

    def _doubts(self, payload: Mapping[str, Any]) -> tuple[str, ...]:
        doubt = do_not_call.doubt("do_not_call", _value(self.contact.get("do_not_call"), payload))
        return (doubt,) if doubt else ()

    def _tags_said(self, payload: Mapping[str, Any]) -> bool:
        """Whether a key that the mapping of tags names is in the payload, be it empty."""
        watched = Watched(payload)
        found = values.tags(_value(self.contact.get("tags"), watched))
        return bool(found) or any(map(values.says, watched.seen))

    def _contact(self, payload: Mapping[str, Any], *, blocked: bool) -> Contact:
        words: dict[str, Any] = {
            word: values.text(_value(self.contact.get(word), payload)) for word in _TEXT_WORDS
        }
        words["name"] = words["name"] or f"{words['first_name']} {words['last_name']}".strip()
        custom = {
            label: values.plain(_value(expression, payload)) for label, expression in self.custom.items()
        }
        return Contact(
            **words,
            tags=values.tags(_value(self.contact.get("tags"), payload)),
            do_not_call=blocked,
            custom={label: value for label, value in custom.items() if value not in ("", [], {})},
        )


def _value(expression: Expression | None, payload: Mapping[str, Any]) -> Any:
    if expression is None:
        return None
    try:
        return expression({"payload": payload})
    except MappingError:
        return None
