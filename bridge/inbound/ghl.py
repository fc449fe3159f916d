"""GHL's words for a contact, in both spellings, and what they mean in ours.

Shared by the app's webhooks (camelCase) and the workflows' (snake_case); knows no envelope and no
signature. A *layer* is an object that may hold a contact's fields; the first that has a value counts.
Rule for editors: never guess a block away, an event that doesn't speak of do-not-disturb gives None.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.errors import MalformedPayload
from bridge.inbound import keys, near_fields, values
from bridge.inbound.opt_out import Spoken
from bridge.model import Contact, ContactKey, Incoming

SYSTEM = "ghl"  # of ContactKey: app and workflow events of one contact meet in one key

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
_FIELD_VALUES = ("value", "field_value", "fieldValue", "values", "answer")
_FIELD_LABELS = ("id", "key", "fieldKey", "field_key", "name", "label", "fieldName", "title", "question")
UNFILLED_PHONE = (
    "phone: the merge field wasn't filled: a mistake in the workflow, not a contact without a phone"
)

Layers = Sequence[Mapping[str, Any]]


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


def contact(layers: Layers, contact_id: str, *, custom: Mapping[str, Any], spoken: Spoken) -> Contact:
    fields: dict[str, Any] = {field: said(layers, *names) for field, names in FIELDS.items()}
    for field in near_fields.FIELDS:
        fields[field] = fields[field] or near_fields.said(layers, field)
    for field in ("first_name", "last_name", "name"):
        fields[field] = values.name(fields[field])
    # An app event has no `name` when the contact was typed into the CRM (captured so).
    fields["name"] = fields["name"] or f"{fields['first_name']} {fields['last_name']}".strip()
    tags = next((found for said in _tags(layers) if (found := values.tags(said))), ())
    blocked = True in (spoken.everything, spoken.calls)
    return Contact(id=contact_id, tags=tags, do_not_call=blocked, custom=custom, **fields)


def tags_said(layers: Layers) -> bool:
    """Whether any layer speaks of tags, be it to say that there are none: `tags: []`, `tags: ""`."""
    return any(map(values.says, _tags(layers)))


def custom_fields(layers: Layers) -> dict[str, Any]:
    """`[{id, value}]` as a mapping; an item that also tells its key or name is found by those too.

    The webhooks send id and value; field_value (v2) and fieldValue (v3) are the API's spellings.
    """
    found: dict[str, Any] = {}
    for layer in layers:
        for word in CUSTOM_WORDS:
            listed = layer.get(word)
            if isinstance(listed, Mapping):
                found |= {str(label): values.plain(field_value(value)) for label, value in listed.items()}
            for item in listed if isinstance(listed, list) else ():
                if isinstance(item, Mapping):
                    found |= _one_field(item)
    return found


def field_value(value: Any) -> Any:
    """A custom field's value: of {"label": "Monthly bill", "value": "140"} the value."""
    labelled = isinstance(value, Mapping) and any(word in value for word in _FIELD_LABELS)
    return next((value[word] for word in _FIELD_VALUES if word in value), value) if labelled else value


def doubts(layers: Layers, read: Contact) -> tuple[str, ...]:
    """What these layers seem to say of the contact, and don't."""
    exact = {field: said(layers, *FIELDS[field]) for field in near_fields.TOLD}
    found = near_fields.doubts(layers, read, exact)
    if not read.phone and any(values.unfilled(layer.get("phone")) for layer in layers):
        found = [UNFILLED_PHONE, *found]
    found += [
        f"{name}: nothing could be read of {'an object' if isinstance(layer[name], dict) else 'a list'}"
        for field, names in FIELDS.items()
        if not getattr(read, field)
        for layer in layers
        for name in names
        if isinstance(layer.get(name), dict | list) and layer[name]
    ]
    if not read.tags:
        found += [
            f"tags: nothing could be read of {'an object' if isinstance(said, dict) else 'a list'}"
            for said in _tags(layers)
            if isinstance(said, dict | list) and said and any(each not in ("", None) for each in said)
        ]
    return tuple(dict.fromkeys(filter(None, found)))


@dataclass(frozen=True, slots=True)
class Head:
    """What must be known of an event to store it, before anything else of it is read."""

    type: str
    key: ContactKey | None
    occurred_at: float | None
    spoken: Spoken

    @property
    def deleted(self) -> bool:
        return self.type == "contact.deleted"

    def incoming(self, layers: Layers, external_id: str) -> Incoming:
        """Raises MalformedPayload when neither the contact's id nor the layers say who it is."""
        if self.key is None and not said(layers, "phone", "email") and not near_fields.reach(layers):
            raise MalformedPayload("nothing identifies a contact: no contact id, phone or e-mail")
        return Incoming(
            type=self.type,
            external_id=external_id or None,
            contact=self.key,
            occurred_at=self.occurred_at,
            urgent=self.deleted or True in (self.spoken.everything, self.spoken.calls),
        )


def _one_field(item: Mapping[str, Any]) -> dict[str, Any]:
    value = next((item[word] for word in _FIELD_VALUES if word in item), None)
    labels = (values.text(item.get(word)) for word in _FIELD_LABELS)
    return {label: values.plain(value) for label in labels if label}


def _tags(layers: Layers) -> list[Any]:
    """Whatever is under the key of tags; under a near one where there is no such key."""
    found = [layer["tags"] for layer in layers if "tags" in layer]
    return found or [
        value
        for layer in layers
        for key, value in layer.items()
        if keys.squeeze(key) in ("tags", "tag", "contacttags", "taglist")
    ]
