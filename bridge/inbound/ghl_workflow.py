"""Bodies of GHL's two workflow actions: the free Webhook (fixed keys) and the Custom Webhook (free form).

Neither is signed, has an event id or tells what happened, unless the user adds it as custom data.
Rule for editors: what a user could have meant is read, but the root's `id` is never the contact's (an
opportunity's, when there is one) and `date_created` is the contact's age, not the event's time.
https://help.gohighlevel.com/support/solutions/articles/155000003299
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.inbound import ghl, values
from bridge.inbound.signature import check_token
from bridge.model import ContactKey, Ignored, Incoming, Reading

_EVENT_WORDS = ("event", "type", "event_type", "eventType")
_EVENT_ID_WORDS = ("webhookId", "webhook_id", "event_id", "eventId")
_TIME_WORDS = ("timestamp", "occurred_at", "occurredAt")
_CONTACT_ID_WORDS = ("contact_id", "contactId")
_LOCATION_ID_WORDS = ("location_id", "locationId")

# "ContactCreate", "contact.created" and "contact_create" without what differs.
_EVENT_TYPES: Mapping[str, str] = {
    **{ghl_type.lower(): ours for ghl_type, ours in ghl.EVENT_TYPES.items()},
    **{ours.replace(".", ""): ours for ours in ghl.EVENT_TYPES.values()},
}
_NOT_A_LETTER = re.compile("[^a-z]")
# People's own words. Without "contact", only where the key speaks of an event: a `type` may be anything's.
_DELETED = frozenset({"delete", "deleted", "remove", "removed"})
_DELETED_CONTACT = frozenset(
    {"contactremove", "contactremoved", "contactdeletion", "deletecontact", "deletedcontact", "removecontact"}
)
# An event of a contact in words that aren't ours: told, as a deletion may be lost. Others are the user's.
_LIKE_OURS = re.compile(
    "contacts?(is|was|has|been)*(creat|updat|delet|remov|tag|dnd).*"
    "|(customer|lead|person)?(is|was|has|been)*(delet|remov)[a-z]{1,4}"
)
_SHOWN = 40  # characters of a stranger's word in a warning

# What is in the root besides the contact and never a custom field.
_ENVELOPE = frozenset(
    {"id", "tags", "full_address", "fullAddress", "gclid", "date_created", "dateAdded", "dateUpdated"}
    | {"location_name", "workflow_name", "companyId", "attributionSource", "lastAttributionSource"}
    | {"triggerData", "customData", "custom_data", *_CONTACT_ID_WORDS, *_LOCATION_ID_WORDS}
    | {*_EVENT_WORDS, *_EVENT_ID_WORDS, *_TIME_WORDS}
    | {*ghl.CUSTOM_WORDS, *ghl.BLOCK_WORDS, *ghl.SETTINGS_WORDS}
    | {name for names in ghl.FIELDS.values() for name in names}
)
# Only as objects: a field with such a label holds text.
_GROUPS = frozenset(
    {"location", "workflow", "contact", "data", "user", "calendar", "appointment", "opportunity"}
    | {"campaign", "order", "invoice", "payment", "task", "note", "message"}
)
# Spread over the root by opportunity triggers; `source` and `status` are the opportunity's then.
_OPPORTUNITY = frozenset(
    {"id", "opportunity_name", "status", "lead_value", "opportunity_source", "source", "pipeline_id"}
    | {"pipeline_name", "pipeline_stage", "pipleline_stage"}  # the second as GHL spells it
)
_CONTACT_MARKS = (*_CONTACT_ID_WORDS, "phone", "email", "first_name", "firstName", "last_name", "lastName")


@dataclass(frozen=True, slots=True)
class GhlWorkflow:
    name: str
    token: str = field(repr=False)
    default_region: str = ""
    locations: frozenset[str] = frozenset()  # empty: every location

    def authenticate(self, headers: Mapping[str, str], token: str | None, body: bytes) -> None:  # noqa: ARG002
        check_token(token or headers.get("x-bridge-token"), self.token)

    def receive(self, payload: Mapping[str, Any]) -> Incoming | Ignored:
        body = _Body.of(payload)
        location = _location_id(payload, body)
        if self.locations and location and location not in self.locations:  # one that names none may be ours
            return Ignored(f"location {location[:_SHOWN]} is not listed")
        external_id = ghl.said((payload, body.data), *_EVENT_ID_WORDS)
        # The contact's id in the event id's place would make every later event a "duplicate".
        mistaken = external_id == _contact_id(payload, body.stated)
        return _head(payload, body).incoming(body.layers, "" if mistaken else external_id)

    def read(self, payload: Mapping[str, Any]) -> Reading:
        body = _Body.of(payload)
        head = _head(payload, body)
        location, workflow = ghl.nested(payload, "location"), ghl.nested(payload, "workflow")
        dnd_all, dnd_call = head.blocks
        contact = ghl.contact(
            body.layers,
            _contact_id(payload, body.stated),
            custom=_custom(body.root, body.layers),
            blocks=head.blocks,
        )
        return Reading(
            contact=contact,
            type=head.type,
            source=self.name,
            location_id=_location_id(payload, body),
            location_name=ghl.said((location,), "name") or ghl.said((body.root,), "location_name"),
            workflow_name=ghl.said((workflow,), "name") or ghl.said((body.root,), "workflow_name"),
            data={key: values.plain(value) for key, value in body.data.items()},
            payload=payload,
            key=head.key,
            occurred_at=head.occurred_at,
            deleted=head.deleted,
            dnd_all=dnd_all,
            dnd_call=dnd_call,
            tags_said=ghl.tags_said(body.layers),
            warnings=ghl.doubts(body.all, contact) + _event_doubts(body),
        )


@dataclass(frozen=True, slots=True)
class _Body:
    """The parts of a body that may speak of the contact."""

    root: Mapping[str, Any]
    data: Mapping[str, Any]
    nested: ghl.Layers
    layers: ghl.Layers  # where the contact's fields may be
    stated: str  # the event type, where the user states one

    @property
    def all(self) -> ghl.Layers:
        """Custom data included: where the event itself may be spoken of."""
        return (self.root, *self.nested, self.data)

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "_Body":
        root, data = _without_opportunity(payload), _custom_data(payload)
        nested = _nested_contacts(payload)
        # Custom data has the user's own keys: "name" may be a campaign's. These two can't mislead.
        reachable = {key: data[key] for key in ("email", "phone") if key in data}
        return cls(root, data, nested, (root, *nested, reachable), _stated_type((root, data)))


def _head(payload: Mapping[str, Any], body: _Body) -> ghl.Head:
    contact_id = _contact_id(payload, body.stated)
    location_id = _location_id(payload, body)
    return ghl.Head(
        type=body.stated or "contact.updated",
        key=ContactKey(ghl.SYSTEM, location_id, contact_id) if contact_id else None,
        occurred_at=ghl.said_when((body.root, body.data), *_TIME_WORDS),
        blocks=ghl.blocks(body.all, body.stated),
    )


def _location_id(payload: Mapping[str, Any], body: _Body) -> str:
    named = ghl.said((ghl.nested(payload, "location"),), "id")
    return named or ghl.said(body.all, *_LOCATION_ID_WORDS)


def _custom_data(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The user's pairs; free-form bodies tend to call them `data`."""
    return ghl.nested(payload, "customData", "custom_data", "data")


def _nested_contacts(payload: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Free-form bodies nest the contact; the free action's `contact` holds its attribution only."""
    found = (ghl.nested(payload, "contact"), ghl.nested(payload, "data"))
    return tuple(layer for layer in found if ghl.said((layer,), *_CONTACT_MARKS))


def _contact_id(payload: Mapping[str, Any], stated: str) -> str:
    contact, data = ghl.nested(payload, "contact"), ghl.nested(payload, "data")
    named = ghl.said((payload, contact, data, _custom_data(payload)), *_CONTACT_ID_WORDS)
    # Inside `contact` an `id` is the contact's; inside `data` only where the body says it is about one.
    return named or ghl.said((contact, data) if stated else (contact,), "id")


def _stated_type(layers: ghl.Layers) -> str:
    """The event type where the user states one of ours; users also send words of their own."""
    known = (_event_type(key, word) for key, word in _event_words(layers))
    return next((found for found in known if found), "")


def _event_words(layers: ghl.Layers) -> Iterator[tuple[str, str]]:
    return ((key, values.text(layer[key])) for layer in layers for key in _EVENT_WORDS if key in layer)


def _event_type(key: str, said: str) -> str:
    word = _letters(said)
    if word in _DELETED_CONTACT or (word in _DELETED and key != "type"):
        return "contact.deleted"
    return _EVENT_TYPES.get(word, "")


def _event_doubts(body: _Body) -> tuple[str, ...]:
    if body.stated:
        return ()
    known = ", ".join(ghl.EVENT_TYPES.values())
    return tuple(
        f"{key}: {word[:_SHOWN]!r} isn't one of {known}"
        for key, word in _event_words((body.root, body.data))
        if _LIKE_OURS.fullmatch(_letters(word))
    )


def _letters(said: str) -> str:
    return _NOT_A_LETTER.sub("", said.lower())


def _without_opportunity(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    if "pipeline_id" not in payload and "opportunity_name" not in payload:
        return payload
    return {key: value for key, value in payload.items() if key not in _OPPORTUNITY}


def _custom(root: Mapping[str, Any], layers: ghl.Layers) -> dict[str, Any]:
    """The custom fields: every key of the root that is nothing else, by its display label as sent."""
    by_label = {
        key: values.plain(value)
        for key, value in root.items()
        if key not in _ENVELOPE and not (key in _GROUPS and isinstance(value, Mapping))
    }
    return ghl.custom_fields(layers) | by_label
