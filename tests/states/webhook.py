"""Webhooks as a workflow sends them, with or without an id and a time of their own."""

import json
from datetime import UTC, datetime


def webhook(said, *, team="", at=None, bare=False, spelt=""):
    """The body that says this; the route goes by `team`. A bare one has no id."""
    fields = said.fields
    payload = {
        "email": fields["email"],
        "customData": {
            "team": team,
            **({"event": "contact.deleted"} if said.deleted else {}),
            **({} if bare else {"webhookId": f"webhook-{said.number}"}),
            **({} if at is None else {"timestamp": datetime.fromtimestamp(at, UTC).isoformat()}),
        },
        **({"contact_id": said.contact} if said.contact else {}),
        **({"phone": spelt} if spelt else {}),
        **({} if said.dnd is None else {"dnd": said.dnd}),
    }
    if said.contact or spelt:
        payload |= {
            "full_name": fields["name"],
            "company_name": fields["company"],
            "tags": ",".join(fields["tags"]),
            "city": fields["custom_fields"]["city"],
        }
    return json.dumps(payload).encode()
