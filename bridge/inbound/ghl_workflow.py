"""Bodies of GHL's two workflow actions: the free Webhook (fixed keys) and the Custom Webhook (free form).

Neither is signed, has an event id or tells what happened, unless the user adds it as custom data.
Rule for editors: what a user could have meant is read, but the root's `id` is the contact's only where
nothing speaks of another record (an opportunity, mostly), and `date_created` is the contact's age, not the
event's time.
https://help.gohighlevel.com/support/solutions/articles/155000003299
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import Any

from bridge.inbound import events, ghl, keys, near_fields, values
from bridge.inbound.opt_out import spoken
from bridge.inbound.signature import check_token
from bridge.model import ContactKey, Ignored, Incoming, Reading

_SHOWN = 80  # characters of a stranger's word in a reason
_EVENT_ID_WORDS = ("webhookId", "webhook_id", "event_id", "eventId")
_TIME_WORDS = ("timestamp", "occurred_at", "occurredAt")
_CONTACT_ID_WORDS = ("contact_id", "contactId")
_LOCATION_ID_WORDS = ("location_id", "locationId")

# What is in the root besides the contact and never a custom field.
_ENVELOPE = frozenset(
    {"id", "tags", "full_address", "fullAddress", "gclid", "date_created", "dateAdded", "dateUpdated"}
    | {"location_name", "workflow_name", "companyId", "attributionSource", "lastAttributionSource"}
    | {"triggerData", "customData", "custom_data", *_CONTACT_ID_WORDS, *_LOCATION_ID_WORDS}
    | {"event", "type", "event_type", "eventType", *_EVENT_ID_WORDS, *_TIME_WORDS}
    | {*ghl.CUSTOM_WORDS, "dnd", "do_not_call", "doNotCall", "dndSettings", "dnd_settings"}
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
# Words in a key, or in the event, by which an `id` isn't the contact's; a form's "message" is only a text.
_RECORDS = frozenset({"opportunity", "pipeline", "pipleline", "deal", "appointment"})
_OBJECTS = frozenset(
    {"calendar", "order", "invoice", "payment", "task", "note", "message", "conversation", "subscription"}
    | {"transaction", "ticket", "call"}
)
_NAMES = ("full_name", "fullName", "name", "contact_name", "contactName")
_CONTACT_MARKS = (*_CONTACT_ID_WORDS, "phone", "email", "first_name", "firstName", "last_name", "lastName")


@dataclass(frozen=True, slots=True)
class GhlWorkflow:
    name: str
    token: str = field(repr=False)
    default_region: str = ""
    locations: frozenset[str] = frozenset()  # empty: every location
    written: values.Zone = values.NO_ZONE
    zones: Mapping[str, tzinfo] = field(default_factory=dict)  # by location, where `written` has none

    def authenticate(self, headers: Mapping[str, str], token: str | None, body: bytes) -> None:  # noqa: ARG002
        check_token(token or headers.get("x-bridge-token"), self.token)

    def receive(self, payload: Mapping[str, Any]) -> Incoming | Ignored:
        body = _Body.of(payload)
        location = body.location_id
        if self.locations and location and location not in self.locations:  # one that names none may be ours
            return Ignored(f"location {location[:_SHOWN]} is not listed")
        external_id = ghl.said((payload, body.data), *_EVENT_ID_WORDS)
        # The contact's id in the event id's place would make every later event a "duplicate".
        mistaken = external_id == body.contact_id
        return _head(body, self._written(body)).incoming(body.layers, "" if mistaken else external_id)

    def _written(self, body: "_Body") -> values.Zone:
        if self.written.zone or not self.zones:
            return self.written
        return replace(self.written, zone=self.zones.get(body.location_id))

    def read(self, payload: Mapping[str, Any]) -> Reading:
        body = _Body.of(payload)
        written = self._written(body)
        head = _head(body, written)
        location, workflow = ghl.nested(payload, "location"), ghl.nested(payload, "workflow")
        contact = ghl.contact(
            body.layers,
            body.contact_id,
            custom=_custom(body.root, body.layers),
            spoken=head.spoken,
        )
        return Reading(
            contact=contact,
            type=head.type,
            source=self.name,
            location_id=body.location_id,
            location_name=ghl.said((location,), "name") or ghl.said((body.root,), "location_name"),
            workflow_name=ghl.said((workflow,), "name") or ghl.said((body.root,), "workflow_name"),
            data={key: values.plain(value) for key, value in body.data.items()},
            payload=payload,
            key=head.key,
            occurred_at=head.occurred_at,
            deleted=head.deleted,
            dnd_all=head.spoken.everything,
            dnd_call=head.spoken.calls,
            tags_said=ghl.tags_said(body.layers),
            warnings=(
                *head.spoken.doubts,
                *ghl.doubts(body.layers, contact),
                *body.stated.doubts,
                *_time_doubts(body, written),
            ),
        )


@dataclass(frozen=True, slots=True)
class _Body:
    """The parts of a body that may speak of the contact."""

    root: Mapping[str, Any]
    data: Mapping[str, Any]
    layers: ghl.Layers  # where the contact's fields may be
    stated: events.Stated
    contact_id: str
    location_id: str

    @classmethod
    def of(cls, payload: Mapping[str, Any]) -> "_Body":
        root, data = _without_opportunity(payload), _custom_data(payload)
        nested = _nested_contacts(payload)
        # Custom data has the user's own keys: "name" may be a campaign's. These can't mislead.
        reachable = {key: value for key, value in data.items() if near_fields.reaches(key)}
        stated = events.stated((root, data))
        return cls(
            root=root,
            data=data,
            layers=(root, *nested, reachable),
            stated=stated,
            contact_id=_contact_id(payload, data, about_a_contact=bool(stated.type)),
            location_id=ghl.said((ghl.nested(payload, "location"),), "id")
            or ghl.said((root, *nested, data), *_LOCATION_ID_WORDS),
        )


def _head(body: _Body, written: values.Zone) -> ghl.Head:
    said = spoken(body.root, event=body.stated.opted_out, about=body.stated.about_dnd)
    times = (values.moment(value, written) for _, value in _times(body))
    return ghl.Head(
        type="contact.deleted" if said.deleted else body.stated.type or "contact.updated",
        key=ContactKey(ghl.SYSTEM, body.location_id, body.contact_id) if body.contact_id else None,
        occurred_at=next((at for at in times if at is not None), None),
        spoken=said,
    )


def _times(body: _Body) -> list[tuple[str, Any]]:
    return [(word, layer[word]) for layer in (body.root, body.data) for word in _TIME_WORDS if word in layer]


def _time_doubts(body: _Body, written: values.Zone) -> tuple[str, ...]:
    found = [values.time_doubt(word, value, written) for word, value in _times(body)]
    return tuple(filter(None, found)) if all(found) else ()


def _custom_data(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """The user's pairs; free-form bodies tend to call them `data`."""
    return ghl.nested(payload, "customData", "custom_data", "data")


def _nested_contacts(payload: Mapping[str, Any]) -> tuple[Mapping[str, Any], ...]:
    """Free-form bodies nest the contact; the free action's `contact` holds its attribution only."""
    found = (ghl.nested(payload, "contact"), ghl.nested(payload, "data"))
    return tuple(layer for layer in found if layer and (_marked(layer) or near_fields.reach((layer,))))


def _marked(layer: Mapping[str, Any]) -> bool:
    return bool(ghl.said((layer,), *_CONTACT_MARKS))


def _contact_id(payload: Mapping[str, Any], custom: Mapping[str, Any], *, about_a_contact: bool) -> str:
    contact, data = ghl.nested(payload, "contact"), ghl.nested(payload, "data")
    named = ghl.said((payload, contact, data, custom), *_CONTACT_ID_WORDS)
    # Inside `contact` an `id` is the contact's; inside `data` also where the body says it is about one.
    named = named or ghl.said((contact, data) if about_a_contact else (contact,), "id")
    if named or ("id" not in payload and "id" not in data):
        return named
    return next((ghl.said((layer,), "id") for layer in (payload, data) if _is_a_contact(layer, payload)), "")


def _is_a_contact(layer: Mapping[str, Any], payload: Mapping[str, Any]) -> bool:
    """An `id` beside a name, e-mail or phone is the contact's, unless anything speaks of another record."""
    if not layer.get("id") or not (
        _marked(layer) or near_fields.reach((layer,)) or ghl.said((layer,), *_NAMES)
    ):
        return False
    return not any(_another_record(key, value) for key, value in (*payload.items(), *layer.items()))


def _another_record(key: str, value: Any) -> bool:
    if value in (None, "", {}, []):
        return False
    words = keys.words(key[:200]).split()
    if keys.squeeze(key) in ("type", "event", "eventtype", "action"):
        return not (_RECORDS | _OBJECTS).isdisjoint(keys.words(values.text(value)[:200]).split())
    if isinstance(value, dict) or words[-1:] == ["id"]:
        return not (_RECORDS | _OBJECTS).isdisjoint(words)
    return not _RECORDS.isdisjoint(words)


def _without_opportunity(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    if "pipeline_id" not in payload and "opportunity_name" not in payload:
        return payload
    return {key: value for key, value in payload.items() if key not in _OPPORTUNITY}


def _custom(root: Mapping[str, Any], layers: ghl.Layers) -> dict[str, Any]:
    """The custom fields: every key of the root that is nothing else, by its display label as sent."""
    by_label = {
        key: values.plain(ghl.field_value(value))
        for key, value in root.items()
        if key not in _ENVELOPE and not (key in _GROUPS and isinstance(value, Mapping))
    }
    return ghl.custom_fields(layers) | by_label
