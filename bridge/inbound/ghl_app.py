"""Webhooks of a GHL marketplace app: signed, flat, with an id of their own.

Knows the envelope; the contact in it is `ghl`'s business. Rule for editors: all but `type` may be
missing (empty fields are left out, older deliveries lack appId), and an unknown type is no error,
because whatever isn't answered 2xx is sent again up to 12 times.
https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from bridge.errors import InvalidSignature, MalformedPayload
from bridge.inbound import events, ghl, values
from bridge.inbound.opt_out import spoken
from bridge.inbound.signature import verify
from bridge.model import ContactKey, Ignored, Incoming, Reading

_SHOWN = 80  # characters of a stranger's word in a reason


@dataclass(frozen=True, slots=True)
class GhlApp:
    name: str
    public_keys: tuple[Ed25519PublicKey, ...]
    app_id: str = ""  # empty: any app's; a client id (app id, hyphen, suffix) does as well
    locations: frozenset[str] = frozenset()  # empty: every location
    default_region: str = ""
    written: values.Zone = values.NO_ZONE

    def authenticate(self, headers: Mapping[str, str], token: str | None, body: bytes) -> None:  # noqa: ARG002
        verify(body, headers.get("x-ghl-signature"), self.public_keys)

    def receive(self, payload: Mapping[str, Any]) -> Incoming | Ignored:
        record = _flat(payload)
        event_type = values.text(record.get("type"))
        if not event_type:
            raise MalformedPayload("no event type")
        if event_type not in events.GHL_TYPES:
            return Ignored(f"event type {event_type[:_SHOWN]} is not used")
        location = values.text(record.get("locationId"))
        if self.locations and location not in self.locations:
            return Ignored(f"location {location[:_SHOWN] or '(none)'} is not listed")
        self._check_app(record.get("appId"))  # last: what isn't used anyway need not be refused, and repeated
        return _head(record, self.written).incoming((record,), values.text(record.get("webhookId")))

    def read(self, payload: Mapping[str, Any]) -> Reading:
        record = _flat(payload)
        head, layers = _head(record, self.written), (record,)
        contact = ghl.contact(
            layers, values.text(record.get("id")), custom=ghl.custom_fields(layers), spoken=head.spoken
        )
        return Reading(
            contact=contact,
            type=head.type,
            source=self.name,
            location_id=values.text(record.get("locationId")),
            payload=payload,
            key=head.key,
            occurred_at=head.occurred_at,
            deleted=head.deleted,
            dnd_all=head.spoken.everything,
            dnd_call=head.spoken.calls,
            tags_said=ghl.tags_said(layers),
            warnings=(
                *head.spoken.doubts,
                *ghl.doubts(layers, contact),
                *filter(None, [values.time_doubt("timestamp", record.get("timestamp"), self.written)]),
            ),
        )

    def _check_app(self, app_id: Any) -> None:
        """GHL signs every app's webhooks with one key: another app's could be sent on to us."""
        if not self.app_id or app_id in (None, ""):
            return
        # The client id is the app id and a suffix; GHL's own SDK compares what is before the hyphen.
        if values.text(app_id) != self.app_id.partition("-")[0]:
            raise InvalidSignature("a delivery of another app")


def _head(record: Mapping[str, Any], written: values.Zone) -> ghl.Head:
    event_type = events.GHL_TYPES.get(values.text(record.get("type")), "contact.updated")
    location, contact_id = values.text(record.get("locationId")), values.text(record.get("id"))
    said = spoken(record, about=event_type == "contact.dnd")
    return ghl.Head(
        type="contact.deleted" if said.deleted else event_type,
        key=ContactKey(ghl.SYSTEM, location, contact_id) if contact_id else None,
        # The time of sending: these events carry no time of the change itself.
        occurred_at=values.moment(record.get("timestamp"), written),
        spoken=said,
    )


def _flat(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Envelope and record side by side, as every captured delivery has them.

    GHL's guide reads `req.body.data`, which was never captured: taken when the root has no record.
    """
    record = ghl.nested(payload, "data")
    if not record or values.text(payload.get("id")):
        return payload
    envelope = {key: value for key, value in payload.items() if key != "data" and value not in (None, "")}
    return {**record, **envelope}
