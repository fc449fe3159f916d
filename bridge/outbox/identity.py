"""Who is this event about, and may that person be called: the first half of the table of situations.

Pure: (event, what the rules made of it, what the store knows) → Decision. Rule for editors: whatever else
an event says, do-not-call is decided first, and nothing below that line may create a blocked lead.
"""

from dataclasses import dataclass, replace

from bridge.model import ContactKey, Mapped, Reading
from bridge.outbox.facts import UPDATE, Decision, Facts, KnownContact, OwnTags
from bridge.outbox.placement import Leftover, block, tag_all, want


@dataclass(frozen=True, slots=True)
class Arrival:
    """When and how an event came, as the store has it."""

    event_id: int
    occurred_at: float  # never later than it was received: a sender's clock may be ahead
    forced: bool = False  # replay --force: deliver it even when it changes nothing


def contact_key(source: str, reading: Reading, phone: str) -> ContactKey | None:
    """Who the contact is; a source without contact ids knows people by their phone."""
    if reading.key is not None:
        return reading.key
    return ContactKey(source, "", phone) if phone else None


def decide(
    arrival: Arrival,
    reading: Reading,
    mapped: Mapped,
    *,
    key: ContactKey | None,
    facts: Facts,
    tags: OwnTags,
) -> Decision:
    """What becomes of the event.

    `facts` must hold every contact, lead and waiting row of both the event's phone and the phone that the
    contact had before. Never raises.
    """
    if key is None:  # neither an id nor a usable phone: nobody to know, nobody to call
        return _without_lead(mapped, None)
    contact = _contact(key, arrival, reading, mapped, facts.contact)
    if contact is None:
        return Decision("skipped", "stale")
    left = _left_behind(contact, facts, tags)
    others = [p for p in facts.people if p.key != key and mapped.phone and p.phone == mapped.phone]
    blockers = [p for p in (contact, *others) if p.blocked or p.deleted]
    if blockers:
        return block(contact, facts, tags, left, deleted=not any(p.blocked for p in blockers))
    if mapped.lead is None or mapped.destination is None:
        return left.added_to(_without_lead(mapped, contact))
    newest = max(((p.occurred_at, p.event_id) for p in others), default=(0.0, 0))
    if newest > (arrival.occurred_at, arrival.event_id):
        return left.added_to(Decision("skipped", "stale", contact=contact))
    return want(
        contact, mapped.lead, mapped.destination, facts=facts, tags=tags, left=left, forced=arrival.forced
    )


def _contact(
    key: ContactKey, arrival: Arrival, reading: Reading, mapped: Mapped, before: KnownContact | None
) -> KnownContact | None:
    """The contact as this event leaves it; None when newer events have said it all ("stale")."""
    old = before or KnownContact(key)
    if (arrival.occurred_at, arrival.event_id) < (old.occurred_at, old.event_id):
        return _overtaken(old, arrival, reading, mapped)
    # What the event doesn't say stays as it was: silence about a block must not lift it.
    dnd_all = old.dnd_all if reading.dnd_all is None else reading.dnd_all
    dnd_call = old.dnd_call if reading.dnd_call is None else reading.dnd_call
    says = reading.dnd_all is not None or reading.dnd_call is not None or reading.deleted
    return replace(
        old,
        phone=mapped.phone or old.phone,
        occurred_at=arrival.occurred_at,
        event_id=arrival.event_id,
        dnd_all=dnd_all,
        dnd_call=dnd_call,
        claimed_at=arrival.occurred_at if says else old.claimed_at,
        blocked=mapped.blocked_if_flagged if dnd_all or dnd_call else mapped.blocked_if_not,
        deleted=reading.deleted,
    )


def _overtaken(old: KnownContact, arrival: Arrival, reading: Reading, mapped: Mapped) -> KnownContact | None:
    """An event that was overtaken still blocks, unless a newer one spoke of do-not-call."""
    opted_out = bool(reading.dnd_all or reading.dnd_call)
    blocks = opted_out and mapped.blocked_if_flagged
    if arrival.occurred_at <= old.claimed_at or not (blocks or reading.deleted):
        return None
    return replace(
        old,
        dnd_all=old.dnd_all or bool(reading.dnd_all),
        dnd_call=old.dnd_call or bool(reading.dnd_call),
        claimed_at=arrival.occurred_at,
        blocked=old.blocked or blocks,
        deleted=old.deleted or reading.deleted,
    )


def _without_lead(mapped: Mapped, contact: KnownContact | None) -> Decision:
    if mapped.error:  # the contact isn't written: after a fix, the replay must not look stale
        return Decision("dead", mapped.error, mapped.fix)
    return Decision("skipped", mapped.skip or "no phone", contact=contact)


def _left_behind(contact: KnownContact, facts: Facts, tags: OwnTags) -> Leftover:
    """Tag what the contact leaves under its old phone, unless somebody else still has that phone."""
    before = facts.contact
    if before is None or not before.phone or before.phone == contact.phone:
        return Leftover()
    if any(p.phone == before.phone and p.key != contact.key and not p.deleted for p in facts.people):
        return Leftover()
    return tag_all(before.phone, tags.phone_changed, facts, reason="phone changed", priority=UPDATE)
