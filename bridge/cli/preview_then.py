"""The past in a preview: the person's state in the database, and the lead as the event first wanted it.

Pure. Rule for editors: what isn't known is left out, not called "nothing".
"""

from typing import Any

from bridge.cli.preview_memory import Stored
from bridge.model import Mapped
from bridge.outbox.body import body_of
from bridge.outbox.facts import Facts


def remembered(facts: Facts) -> list[str]:
    """Return one sentence for each known fact; empty when the contact is unknown."""
    said = []
    if facts.marked.phone or facts.marked.contact:
        said.append("erased (bridge forget): nothing of them is sent")
    contact = facts.contact
    if contact and (contact.dnd_all or contact.dnd_call or contact.blocked):
        said.append("an earlier event of the contact says do not call")
    if contact and contact.deleted:
        said.append("an earlier event says that the contact was deleted")
    said += [
        f"Fusion has the lead: account {lead.account}, "
        f"{f'campaign {lead.campaign_id}' if lead.campaign_id else 'Default Feed'}"
        for lead in facts.leads
    ]
    if facts.waiting:
        said.append("a request for the lead waits to be sent")
    return said


def changes(stored: Stored | None, mapped: Mapped | None) -> list[tuple[str, Any, Any]]:
    """The fields that today's rules make otherwise than those of then, where that is known."""
    if stored is None or stored.body is None or mapped is None:
        return []
    then = _flat(stored.body)
    now = _flat(body_of(mapped.lead)) if mapped.lead else {}
    names = dict.fromkeys((*then, *now))
    return [(name, then.get(name), now.get(name)) for name in names if then.get(name) != now.get(name)]


def _flat(body: Any) -> dict[str, Any]:
    """Return the fields of a lead with its custom fields at the same level."""
    fields = {**body}
    custom = fields.pop("custom_fields", None) or {}
    flat = {**fields, **{f"custom_fields.{name}": value for name, value in custom.items()}}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in flat.items()}
