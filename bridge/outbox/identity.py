"""Who is this event about, and may that person be called: the first half of the table of situations.

Pure: (event, what the rules made of it, what the store knows) → Decision. Rule for editors: whatever else
an event says, erasure is decided first and do-not-call next, and nothing below those lines may create a
lead of somebody who was erased, or is blocked.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace

from bridge.model import Contact, ContactKey, Mapped, Reading
from bridge.outbox.facts import BACKFILL, UPDATE, Decision, Facts, KnownContact, OwnTags
from bridge.outbox.placement import Leftover, block, tag_all, want
from bridge.outbox.reach import addresses, heeding, lifted, spread, word_of


@dataclass(frozen=True, slots=True)
class Arrival:
    """When and how an event came, as the store has it."""

    event_id: int
    occurred_at: float  # never later than it was received: a sender's clock may be ahead
    forced: bool = False  # replay --force: deliver it even when it changes nothing
    replayed: bool = False  # sent back by an operator: what is fresh goes first


def contact_key(source: str, reading: Reading, phone: str) -> ContactKey | None:
    """Who the contact is; a source without contact ids knows people by their phone."""
    if reading.key is not None:
        return reading.key
    return ContactKey(source, "", phone) if phone else None


def same_person(one: Contact, other: Contact) -> bool:
    """Whether two events of one entry are about the same person: by name, or by e-mail address."""
    return any(
        said and said.casefold() == now.casefold()
        for said, now in ((one.name, other.name), (one.email, other.email))
    )


def decide(
    arrival: Arrival,
    reading: Reading,
    mapped: Mapped,
    *,
    key: ContactKey | None,
    facts: Facts,
    accounts: Collection[str],
    tags: OwnTags,
) -> Decision:
    """What becomes of the event.

    `facts` must hold every contact, lead and waiting row of both the event's phone and the phone that the
    contact had before; of an event that `speaks_of_calls` also those of everybody whom it can mean.
    `accounts` are the configured ones. Never raises.
    """
    if facts.marked.contact or (facts.marked.phone and facts.contact is None):
        return Decision("skipped", "do not call", erase="event")
    if facts.marked.phone:  # somebody else, who is known: what they say of their own phone counts
        mapped = Mapped(
            skip="do not call",
            blocked_if_flagged=mapped.blocked_if_flagged,
            blocked_if_not=mapped.blocked_if_not,
        )
        reading = replace(reading, contact=replace(reading.contact, email=""))  # it may be the erased one's
    word = word_of(reading, mapped, at=arrival.occurred_at, event_id=arrival.event_id)
    freed = tuple(each for each in lifted(facts, word, mapped) if each.key != key)
    facts = _with(facts, freed)
    addressed = addresses(reading, mapped)
    if key is not None:
        decision = _decide(arrival, reading, mapped, key=key, facts=facts, accounts=accounts, tags=tags)
    elif word.no:
        decision = Decision("skipped", "do not call" if word.flagged else "deleted")
    else:  # neither an id nor a usable phone: nobody to know, nobody to call
        decision = _without_lead(mapped, None)
    contact = decision.contact
    decision = replace(decision, others=freed, addresses=addressed if contact else ())
    # One that a newer word overtook counts for nobody.
    if word.no and (contact is None or (contact.blocked if word.flagged else contact.deleted)):
        decision = spread(
            decision,
            word,
            mapped,
            contact,
            addressed=addressed,
            facts=facts,
            tags=tags,
            again=arrival.replayed or arrival.forced,
        )
    return replace(decision, erase="payload") if facts.marked.phone else decision


def _with(facts: Facts, changed: Collection[KnownContact]) -> Facts:
    """The facts with these contacts as they are now."""
    if not changed:
        return facts
    now = {each.key: each for each in changed}
    return replace(
        facts,
        people=tuple(now.get(each.key, each) for each in facts.people),
        addresses=tuple(now.get(each.key, each) for each in facts.addresses),
        kin=tuple(now.get(each.key, each) for each in facts.kin),
    )


def _decide(
    arrival: Arrival,
    reading: Reading,
    mapped: Mapped,
    *,
    key: ContactKey,
    facts: Facts,
    accounts: Collection[str],
    tags: OwnTags,
) -> Decision:
    """The same for a person who may be known."""
    before = facts.contact or KnownContact(key)
    late = (arrival.occurred_at, arrival.event_id) < (before.occurred_at, before.event_id)
    apply = _overtaken if late else _current
    contact = heeding(apply(before, arrival, reading, mapped), facts, mapped)
    here = facts.of(accounts)
    left = _left_behind(contact, here, tags)
    # Whoever shares the phone that the contact has; a late event may tell one that it had.
    others = [p for p in facts.people if p.key != contact.key and mapped.phone and p.phone == contact.phone]
    blockers = [p for p in (contact, *others) if p.blocked or p.deleted]
    # An opt-out that changes nothing any more is stale; sent back by an operator it is carried out once more.
    if blockers and (arrival.replayed or not (late and contact == before)):
        only_deleted = not any(p.blocked for p in blockers)
        # Of all accounts: a lead in one that left the configuration can't be told, and that must be seen.
        blocked = block(contact, facts, tags, left, deleted=only_deleted, forced=arrival.forced)
        return replace(blocked, in_effect=_in_effect(contact, facts))
    if late and (before.phone or not contact.phone):
        return Decision("skipped", "stale", contact=contact)
    if mapped.lead is None or mapped.destination is None:
        return left.added_to(_without_lead(mapped, contact))
    # Somebody else's word on this phone counts where their lead is: clients of an agency may share a person.
    rivals = [(p.occurred_at, p.event_id) for p in others if p.account == mapped.destination.account]
    if max(rivals, default=(0.0, 0)) > (arrival.occurred_at, arrival.event_id):
        return left.added_to(Decision("skipped", "stale", contact=contact))
    wanted = want(
        contact,
        mapped.lead,
        mapped.destination,
        facts=here,
        tags=tags,
        left=left,
        forced=arrival.forced,
        no_tags=_says_no_tags(reading, mapped),
    )
    if not arrival.replayed:
        return wanted
    return replace(wanted, puts=tuple(replace(put, priority=BACKFILL) for put in wanted.puts))


def _says_no_tags(reading: Reading, mapped: Mapped) -> bool:
    """Whether the source says that there are none, where the lead's tags are the contact's."""
    if not reading.tags_said or reading.contact.tags:
        return False
    return any(trace.field == "tags" and "tags" in trace.rule for trace in mapped.trace)


def _in_effect(contact: KnownContact, facts: Facts) -> tuple[int, ...]:
    """Opt-outs that reached nobody when they came, and hold for this contact's phone now."""
    if not contact.phone or not contact.blocked:
        return ()
    unseen = [facts.contact] if facts.contact and not facts.contact.occurred_at else []
    return tuple(each.event_id for each in (*unseen, *facts.addresses) if each.dnd_all)


def _current(before: KnownContact, arrival: Arrival, reading: Reading, mapped: Mapped) -> KnownContact:
    """The contact as this event leaves it."""
    contact = _flagged(before, arrival, reading)
    flagged = contact.dnd_all or contact.dnd_call
    return replace(
        contact,
        phone=mapped.phone or before.phone,
        occurred_at=arrival.occurred_at,
        event_id=arrival.event_id,
        stated_at=before.stated_at if reading.occurred_at is None else arrival.occurred_at,
        blocked=mapped.blocked_if_flagged if flagged else mapped.blocked_if_not,
        deleted=reading.deleted,
    )


def _overtaken(before: KnownContact, arrival: Arrival, reading: Reading, mapped: Mapped) -> KnownContact:
    """The contact after an event that newer ones overtook; mostly as it was before.

    It still blocks, unless a newer event spoke of the same flag (what it lifts, the next event applies),
    and its phone counts where no newer one has any. Events that count by their arrival, as a workflow's,
    have overtaken no block and no deletion that came after them: they don't say when they happened.
    """
    contact = _flagged(before, arrival, reading)
    newly = (contact.dnd_all and not before.dnd_all) or (contact.dnd_call and not before.dnd_call)
    blocked = before.blocked or (newly and mapped.blocked_if_flagged)
    contact = replace(contact, phone=before.phone or mapped.phone, blocked=blocked)
    by_rule = mapped.blocked_if_not and True not in (reading.dnd_all, reading.dnd_call)
    if not (reading.deleted or by_rule) or not _is_newest_stated(before, arrival, reading):
        return contact
    return replace(
        contact,
        event_id=arrival.event_id,  # what came before it, sent back, restores nobody
        stated_at=arrival.occurred_at,
        blocked=blocked or by_rule,
        deleted=before.deleted or reading.deleted,
    )


def _is_newest_stated(before: KnownContact, arrival: Arrival, reading: Reading) -> bool:
    """Whether it came last, and nothing newer was said with a time of its own."""
    if reading.occurred_at is None or arrival.event_id < before.event_id:
        return False
    return arrival.occurred_at >= before.stated_at


def _flagged(before: KnownContact, arrival: Arrival, reading: Reading) -> KnownContact:
    """Each flag as the newest event says that speaks of it: silence must not lift a block."""
    contact, at = before, arrival.occurred_at
    if reading.dnd_all is not None and at >= before.dnd_all_at:
        contact = replace(contact, dnd_all=reading.dnd_all, dnd_all_at=at)
    if reading.dnd_call is not None and at >= before.dnd_call_at:
        contact = replace(contact, dnd_call=reading.dnd_call, dnd_call_at=at)
    return contact


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
