"""Leads as Fusion takes them: from a Lead to a body, what changed, what a request carries.

Fusion's PATCH leaves absent fields as they are, replaces `tags` and merges `custom_fields` (API reference,
"Update a lead"; July revision for custom fields and for null). Rule for editors: sending two bodies one after
the other and sending `merge` of both must leave the same lead.
"""

from typing import Any

from bridge.model import Lead
from bridge.outbox.facts import Body

MAX_TAGS = 20  # Fusion refuses more


def body_of(lead: Lead) -> dict[str, Any]:
    """Only what is said: empty fields are left out, so that they stay as they are in Fusion."""
    fields = {
        "phone": lead.phone,
        "name": lead.name,
        "email": lead.email,
        "company": lead.company,
        "tags": list(lead.tags),
        "custom_fields": dict(lead.custom_fields),
    }
    return {name: value for name, value in fields.items() if value not in ("", [], {})}


def merge(older: Body | None, newer: Body) -> dict[str, Any]:
    """The body that has the effect of both, one after the other."""
    merged = {**(older or {}), **newer}
    custom = {**((older or {}).get("custom_fields") or {}), **(newer.get("custom_fields") or {})}
    if custom:
        merged["custom_fields"] = custom
    return merged


def settled(body: Body) -> dict[str, Any]:
    """What Fusion holds after `body` was delivered: cleared fields are gone."""
    return {name: value for name, value in body.items() if value is not None and value != []}


def changes(known: Body | None, wanted: Body) -> bool:
    """Whether delivering `wanted` would change a lead that was last delivered as `known`."""
    if known is None:
        return True
    return settled(merge(known, wanted)) != settled(known)


def cleared(lead: Body, before: Body, *, clear_emptied: bool, own_tags: frozenset[str]) -> dict[str, Any]:
    """Clear what was there `before` and is empty now: all of it when asked to, else only our own tags.

    A tag that the bridge gave must go when its reason is gone, even from a lead that has no other tag.
    """
    gone = {name for name in ("email", "company") if clear_emptied and before.get(name) and name not in lead}
    result: dict[str, Any] = {**lead, **dict.fromkeys(sorted(gone))}
    had = set(before.get("tags") or ())
    if "tags" not in lead and had and (clear_emptied or had & own_tags):
        kept = [] if clear_emptied else [tag for tag in before["tags"] if tag not in own_tags]
        result["tags"] = kept
    return result


def tagged(before: Body | None, phone: str, tag: str) -> dict[str, Any]:
    """The smallest body that gives a lead one more tag; ours stands first, so that no limit cuts it off."""
    others = [other for other in ((before or {}).get("tags") or ()) if other != tag]
    return {"phone": phone, "tags": [tag, *others][:MAX_TAGS]}
