"""Leads as Fusion takes them: from a Lead to a body, what changed, what a request carries.

Fusion's PATCH leaves absent fields as they are, replaces `tags` and merges `custom_fields` (API reference,
"Update a lead"; July revision for custom fields and for null). Rule for editors: sending two bodies one after
the other and sending `merge` of both must leave the same lead.
"""

from collections.abc import Collection
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


def changes(known: Body | None, wanted: Body, doubtful: Collection[str] = ()) -> bool:
    """Whether delivering `wanted` would change a lead that was last delivered as `known`, or might."""
    if known is None or any(name in doubtful for name in wanted):
        return True
    return settled(merge(known, wanted)) != settled(known)


def still_doubtful(doubtful: Collection[str], known: Body | None, delivered: Body) -> frozenset[str]:
    """What is in doubt after `delivered`; custom fields are merged, so all that we know must be in it."""
    told = set(delivered)
    if set((known or {}).get("custom_fields") or ()) - set(delivered.get("custom_fields") or ()):
        told.discard("custom_fields")
    return frozenset(doubtful) - told


def cleared(
    lead: Body,
    before: Body,
    doubtful: Collection[str] = (),
    *,
    clear_emptied: bool,
    own_tags: frozenset[str],
    no_tags: bool = False,
) -> dict[str, Any]:
    """Clear what was there `before`, or may have been, and is empty now: all if asked to, else our own tags.

    A tag that the bridge gave must go when its reason is gone, even from a lead that has no other tag. All of
    them go where the source says that the contact has none (`no_tags`).
    """
    may_have = {name for name in ("email", "company") if before.get(name) or name in doubtful}
    gone = {name for name in may_have if clear_emptied and name not in lead}
    result: dict[str, Any] = {**lead, **dict.fromkeys(sorted(gone))}
    had = before.get("tags") or ()
    emptied = clear_emptied or no_tags
    if "tags" not in lead and ("tags" in doubtful or (had and emptied) or own_tags.intersection(had)):
        result["tags"] = [] if emptied else [tag for tag in had if tag not in own_tags]
    return result


def tagged(before: Body | None, phone: str, tag: str) -> dict[str, Any]:
    """The smallest body that gives a lead one more tag; ours stands first, so that no limit cuts it off."""
    others = [other for other in ((before or {}).get("tags") or ()) if other != tag]
    return {"phone": phone, "tags": [tag, *others][:MAX_TAGS]}
