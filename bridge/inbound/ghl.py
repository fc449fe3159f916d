"""GHL's words for a contact, in both spellings, and what they mean in ours.

Shared by the app's webhooks (camelCase) and the workflows' (snake_case); knows no envelope and no
signature. A *layer* is an object that may hold a contact's fields; the first that has a value counts.
Rule for editors: never guess a block away, an event that doesn't speak of do-not-disturb gives None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.errors import MalformedPayload
from bridge.inbound import do_not_call, values
from bridge.model import Contact, ContactKey, Incoming

SYSTEM = "ghl"  # of ContactKey: app and workflow events of one contact meet in one key

# https://marketplace.gohighlevel.com/docs/webhook/ContactCreate and its four neighbours
EVENT_TYPES: Mapping[str, str] = {
    "ContactCreate": "contact.created",
    "ContactUpdate": "contact.updated",
    "ContactDelete": "contact.deleted",
    "ContactTagUpdate": "contact.tags",
    "ContactDndUpdate": "contact.dnd",
}

# The contact's text fields: the workflow's spelling first, the app's next.
# https://help.gohighlevel.com/support/solutions/articles/155000003299
FIELDS: Mapping[str, tuple[str, ...]] = {
    "first_name": ("first_name", "firstName"),
    "last_name": ("last_name", "lastName"),
    "name": ("full_name", "fullName", "name", "contact_name", "contactName"),
    "email": ("email",),
    "phone": ("phone",),
    "company": ("company_name", "companyName", "company"),
    "address1": ("address1", "address"),
    "city": ("city",),
    "state": ("state",),
    "postal_code": ("postal_code", "postalCode"),
    "country": ("country",),
    "timezone": ("timezone",),
    "source": ("contact_source", "contactSource", "source"),
    "type": ("contact_type", "contactType"),  # never `type`, which is the event's
    "website": ("website",),
    "date_of_birth": ("date_of_birth", "dateOfBirth"),
    "assigned_to": ("assigned_to", "assignedTo"),
}
CUSTOM_WORDS = ("customFields", "custom_fields", "customField")
BLOCK_WORDS = ("dnd", "do_not_call", "doNotCall")
SETTINGS_WORDS = ("dndSettings", "dnd_settings")
UNFILLED_PHONE = (
    "phone: the merge field wasn't filled: a mistake in the workflow, not a contact without a phone"
)

Layers = Sequence[Mapping[str, Any]]
Blocks = tuple[bool | None, bool | None]


def nested(payload: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """The first of these that is an object with anything in it, else an empty one."""
    for name in names:
        value = payload.get(name)
        if value and isinstance(value, dict):  # JSON has no other; asking for any Mapping is slow
            return value
    return {}


def said(layers: Layers, *names: str) -> str:
    """The first of these texts that isn't empty. (Plain loops: it runs fifty times a webhook.)"""
    for layer in layers:
        for name in names:
            if name in layer and (text := values.text(layer[name])):
                return text
    return ""


def said_when(layers: Layers, *names: str) -> float | None:
    found = (values.moment(layer[name]) for layer in layers for name in names if name in layer)
    return next((at for at in found if at is not None), None)


def contact(layers: Layers, contact_id: str, *, custom: Mapping[str, Any], blocks: Blocks) -> Contact:
    fields: dict[str, Any] = {field: said(layers, *names) for field, names in FIELDS.items()}
    # An app event has no `name` when the contact was typed into the CRM (captured so).
    fields["name"] = fields["name"] or f"{fields['first_name']} {fields['last_name']}".strip()
    tags = next((found for layer in layers if (found := values.tags(layer.get("tags")))), ())
    return Contact(id=contact_id, tags=tags, do_not_call=True in blocks, custom=custom, **fields)


def tags_said(layers: Layers) -> bool:
    """Whether any layer speaks of tags, be it to say that there are none: `tags: []`, `tags: ""`."""
    return any(values.says(layer["tags"]) for layer in layers if "tags" in layer)


def custom_fields(layers: Layers) -> dict[str, Any]:
    """`[{id, value}]` as a mapping; an item that also tells its key or name is found by those too.

    The webhooks send id and value; field_value (v2) and fieldValue (v3) are the API's spellings.
    """
    found: dict[str, Any] = {}
    for layer in layers:
        for word in CUSTOM_WORDS:
            listed = layer.get(word)
            if isinstance(listed, Mapping):
                found |= {str(label): values.plain(value) for label, value in listed.items()}
            for item in listed if isinstance(listed, list) else ():
                if isinstance(item, Mapping):
                    found |= _one_field(item)
    return found


def blocks(layers: Layers, event_type: str) -> Blocks:
    """GHL's two do-not-disturbs as this event tells them: of every channel, and of calls.

    Both count for a dialer: `dnd: true` was captured with every channel inactive
    (github.com/GoHighLevel/highlevel-api-docs/issues/264). Where an event contradicts itself, the
    block wins.
    """
    flags = [layer[word] for layer in layers for word in BLOCK_WORDS if layer.get(word) not in (None, "")]
    settings = [channels for _, channels in _settings(layers)]
    everything = _strictest([do_not_call.block(value) for value in flags])
    if event_type == "contact.dnd" and settings and not flags:
        everything = False  # GHL leaves out what is empty or false, and this event is about nothing else
    return everything, _strictest([_calls_blocked(channels) for channels in settings])


def doubts(layers: Layers, read: Contact) -> tuple[str, ...]:
    """What these layers seem to say of do-not-disturb and of the phone, and don't."""
    found = [
        do_not_call.doubt(word, layer[word]) for layer in layers for word in BLOCK_WORDS if word in layer
    ]
    for word, channels in _settings(layers):
        found += [do_not_call.doubt(f"{word}.Call", status) for status in do_not_call.statuses(channels)]
    if not read.phone and any(values.unfilled(layer.get("phone")) for layer in layers):
        found.append(UNFILLED_PHONE)
    return tuple(dict.fromkeys(filter(None, found)))


@dataclass(frozen=True, slots=True)
class Head:
    """What must be known of an event to store it, before anything else of it is read."""

    type: str
    key: ContactKey | None
    occurred_at: float | None
    blocks: Blocks

    @property
    def deleted(self) -> bool:
        return self.type == "contact.deleted"

    def incoming(self, layers: Layers, external_id: str) -> Incoming:
        """Raises MalformedPayload when neither the contact's id nor the layers say who it is."""
        if self.key is None and not said(layers, "phone", "email"):
            raise MalformedPayload("nothing identifies a contact: no contact id, phone or e-mail")
        return Incoming(
            type=self.type,
            external_id=external_id or None,
            contact=self.key,
            occurred_at=self.occurred_at,
            urgent=self.deleted or True in self.blocks,
        )


def _one_field(item: Mapping[str, Any]) -> dict[str, Any]:
    value = next((item[word] for word in ("value", "field_value", "fieldValue") if word in item), None)
    labels = (values.text(item.get(word)) for word in ("id", "key", "fieldKey", "name"))
    return {label: values.plain(value) for label in labels if label}


def _calls_blocked(channels: Mapping[str, Any]) -> bool:
    """`Call` in the webhooks, `call` in API v3; `permanent` is a block that only the person can lift."""
    return any(do_not_call.block(status) is True for status in do_not_call.statuses(channels))


def _settings(layers: Layers) -> list[tuple[str, Mapping[str, Any]]]:
    """The objects of channels. An empty one says nothing: nothing may be lifted by it."""
    found = ((word, layer.get(word)) for layer in layers for word in SETTINGS_WORDS)
    return [(word, channels) for word, channels in found if isinstance(channels, Mapping) and channels]


def _strictest(flags: Sequence[bool | None]) -> bool | None:
    if True in flags:
        return True
    return False if False in flags else None
