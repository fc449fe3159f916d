"""Whom an event's word on calls means beside the contact that it comes from.

By its e-mail addresses, and by every number that its phone can mean. Pure. Rule for editors: a block is
spread as far as it can be meant; an opt-in lifts only what the same contact, address or number said.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from bridge.model import ContactKey, Mapped, Reading
from bridge.outbox.facts import ADDRESS, DO_NOT_CALL, Decision, Facts, KnownContact, OwnTags
from bridge.outbox.placement import Leftover, tag_all

IN_VAIN = "that names nobody who is known"
_FIX = (
    "block the person by hand: send the opt-out again with the phone of their lead, or `bridge forget` that "
    "phone; where neither is known, look for the lead in Fusion"
)
_LONGEST = 320  # characters; no address has more
_READ = 1000  # characters of a value that are looked at
# What stands around them doesn't count: "Ann <ann@example.com>", "mailto:ann@example.com", a list of two.
_ADDRESSES = re.compile(r"[^\s<>()\[\]\"`,;:|?@]+@[^\s<>()\[\]\"`,;:|?@]+")


@dataclass(frozen=True, slots=True)
class Word:
    """What an event says of calls, and when."""

    no: bool  # it blocks its contact
    yes: bool  # it says that the contact may be called
    flagged: bool  # the block is do-not-disturb, no deletion
    at: float
    event_id: int
    source: str


def addresses(reading: Reading, mapped: Mapped) -> tuple[str, ...]:
    """The e-mail addresses of an event's contact, spelt so that the same ones are equal."""
    found = (reading.contact.email, mapped.lead.email if mapped.lead else "")
    each = (one.strip("'.*") for text in found for one in _ADDRESSES.findall(text[:_READ].casefold()))
    return tuple(dict.fromkeys(address for address in each if len(address) <= _LONGEST))


def speaks_of_calls(reading: Reading, mapped: Mapped) -> bool:
    """Whether the event can block or lift anything; most don't."""
    if reading.deleted or reading.dnd_all is not None or reading.dnd_call is not None:
        return True
    return mapped.blocked_if_not


def word_of(reading: Reading, mapped: Mapped, *, at: float, event_id: int) -> Word:
    """What the event says of calls."""
    said = (reading.dnd_all, reading.dnd_call)
    blocks = mapped.blocked_if_flagged if True in said else mapped.blocked_if_not
    return Word(
        no=blocks or reading.deleted,
        yes=reading.dnd_all is False and not blocks and not reading.deleted,
        flagged=blocks,
        at=at,
        event_id=event_id,
        source=reading.source,
    )


def lifted(facts: Facts, word: Word, mapped: Mapped) -> tuple[KnownContact, ...]:
    """What an opt-in lifts beside its own contact: the word on its address, and on its numbers."""
    if not word.yes:
        return ()
    theirs = {ContactKey(word.source, "", phone) for phone in mapped.plausible}
    found = (*facts.addresses, *(person for person in facts.people if person.key in theirs))
    return tuple(
        replace(each, dnd_all=False, dnd_all_at=word.at, blocked=each.dnd_call)
        for each in dict.fromkeys(found)
        if each.dnd_all and each.dnd_all_at <= word.at
    )


def heeding(contact: KnownContact, facts: Facts, mapped: Mapped) -> KnownContact:
    """The contact, blocked where its address was: the newest word counts."""
    said = [each.dnd_all_at for each in facts.addresses if each.dnd_all]
    if not said or (newest := max(said)) <= contact.dnd_all_at:
        return contact
    blocked = contact.blocked or mapped.blocked_if_flagged
    return replace(contact, dnd_all=True, dnd_all_at=newest, blocked=blocked)


def spread(
    decision: Decision,
    word: Word,
    mapped: Mapped,
    contact: KnownContact | None,
    *,
    addressed: tuple[str, ...],
    facts: Facts,
    tags: OwnTags,
    again: bool,
) -> Decision:
    """The decision on a block, with everybody beside `contact` whom it means.

    `again`: an operator sends it once more, or it is forced. One that reaches nobody is dead.
    """
    known = facts.contact is not None and facts.contact.occurred_at > 0
    anybody = bool(known or facts.kin or mapped.plausible or (contact and contact.phone))
    rows: list[KnownContact] = []
    phones: set[str] = set()
    if word.flagged:
        rows += _numbers(word, mapped, contact, facts)
        fresh = contact is None or facts.contact is None or not facts.contact.blocked
        if (fresh or again or not facts.addresses) and not facts.crowded:
            rows += _named(word, addressed, facts)
            rows += (_blocked(each, word) for each in facts.kin)
    elif not (known or (contact and contact.phone and _anything_at(contact.phone, facts))):
        # A deletion names its contact, or its phone; who else it can mean counts where neither is known.
        phones |= {*mapped.plausible}
        meant = (*facts.kin, *(each for each in facts.people if each.phone in phones))
        rows += (replace(each, deleted=True, event_id=word.event_id) for each in dict.fromkeys(meant))
    phones |= {each.phone for each in rows if each.blocked or each.deleted}
    reached = decision
    for phone in sorted(phones - {""}):
        reason, tag = ("do not call", tags.do_not_call) if word.flagged else ("deleted", tags.deleted)
        reached = _added(
            reached, tag_all(phone, tag, facts, reason=reason, priority=DO_NOT_CALL, forced=again)
        )
    before = {each.key: each for each in (*facts.addresses, *facts.people, *facts.kin)}
    others = tuple(each for each in rows if before.get(each.key) != each)
    if anybody or not (word.flagged or contact is None):
        return replace(reached, others=(*reached.others, *others))
    # Kept as a contact that was never seen: sent again it must not look settled.
    unseen = contact and replace(contact, occurred_at=0.0, stated_at=0.0)
    reason = _in_vain(word, addressed, facts)
    return Decision("dead", reason, _FIX, contact=unseen, others=(*decision.others, *others))


def _in_vain(word: Word, addressed: tuple[str, ...], facts: Facts) -> str:
    said = f"{'an opt-out' if word.flagged else 'a deletion'} {IN_VAIN}"
    if facts.crowded:
        return f"{said}: more contacts have its e-mail address than one person can be"
    return f"{said}: {'nobody has its e-mail address, and ' if addressed else ''}it has no usable phone"


def _added(decision: Decision, more: Leftover) -> Decision:
    """The same with more puts and withdrawals, none of them twice: of two for one place the block counts."""
    places = {(put.account, put.campaign_id, put.phone) for put in more.puts}
    kept = tuple(put for put in decision.puts if (put.account, put.campaign_id, put.phone) not in places)
    withdrawals = tuple(each for each in more.withdrawals if each not in decision.withdrawals)
    return Leftover(more.puts, withdrawals).added_to(replace(decision, puts=kept))


def _numbers(
    word: Word, mapped: Mapped, contact: KnownContact | None, facts: Facts
) -> Iterable[KnownContact]:
    """Every number that the phone can mean is blocked as a contact that is known by its phone.

    Not of a late event whose contact has another phone by now: the old one may be somebody else's.
    """
    if contact and mapped.phone not in ("", contact.phone):
        return
    people = {person.key: person for person in facts.people}
    for phone in mapped.plausible:
        key = ContactKey(word.source, "", phone)
        if contact is None or phone != contact.phone:
            yield _blocked(people.get(key, KnownContact(key, phone)), word)


def _named(word: Word, addressed: tuple[str, ...], facts: Facts) -> Iterable[KnownContact]:
    """What is said of an address holds for whoever comes with it later."""
    known = {each.key.contact_id: each for each in facts.addresses}
    for address in addressed:
        yield _blocked(known.get(address, KnownContact(ContactKey(ADDRESS, "", address))), word)


def _blocked(person: KnownContact, word: Word) -> KnownContact:
    """Somebody of whom this is said; a newer word of theirs stays."""
    if person.dnd_all_at > word.at:
        return person
    event_id = max(person.event_id, word.event_id)
    return replace(person, dnd_all=True, dnd_all_at=word.at, blocked=True, event_id=event_id)


def _anything_at(phone: str, facts: Facts) -> bool:
    phones = (
        *(each.phone for each in facts.people),
        *(each.phone for each in facts.leads),
        *(each.phone for each in facts.waiting),
    )
    return phone in phones
