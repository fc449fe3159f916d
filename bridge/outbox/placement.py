"""Where a lead is and what should be there: the second half of the table of situations.

Pure. Rule for editors: one phone has one live lead an account, and a lead that may exist already in Fusion is
never created a second time somewhere else (but by `move`, which tags the first one).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from bridge.model import Destination, Lead
from bridge.outbox.body import body_of, changes, cleared, merge, settled, tagged
from bridge.outbox.facts import (
    DO_NOT_CALL,
    MOVED,
    NEW,
    UPDATE,
    Decision,
    Facts,
    KnownContact,
    KnownLead,
    OwnTags,
    Put,
    Waiting,
    Withdrawal,
)

Place = tuple[str, str]  # account, campaign id
At = TypeVar("At", KnownLead, Waiting)


@dataclass(frozen=True, slots=True)
class Leftover:
    """What one situation asks of the outbox, to be joined with what another one asks."""

    puts: tuple[Put, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()

    def added_to(self, decision: Decision) -> Decision:
        """The decision with this beside it; an event that puts anything is queued. Dead stays dead."""
        if decision.state == "dead":
            return decision
        puts = (*decision.puts, *self.puts)
        withdrawals = (*decision.withdrawals, *self.withdrawals)
        if puts:
            return replace(decision, state="queued", reason="", puts=puts, withdrawals=withdrawals)
        return replace(decision, withdrawals=withdrawals)


def block(
    contact: KnownContact, facts: Facts, tags: OwnTags, left: Leftover, *, deleted: bool, forced: bool
) -> Decision:
    """Withdraw what waits to be created, tag what exists, and create nothing."""
    reason, tag = ("deleted", tags.deleted) if deleted else ("do not call", tags.do_not_call)
    blocked = tag_all(contact.phone, tag, facts, reason=reason, priority=DO_NOT_CALL, forced=forced)
    return left.added_to(blocked.added_to(Decision("skipped", reason, contact=contact)))


def tag_all(
    phone: str, tag: str, facts: Facts, *, reason: str, priority: int, forced: bool = False
) -> Leftover:
    """Give every lead of this phone the tag, in every account; take back creations that never left.

    Also those that have it for all we know, if `forced`: somebody may have taken it off in Fusion.
    """
    puts: list[Put] = []
    withdrawals: list[Withdrawal] = []
    known = {(lead.account, lead.campaign_id): lead for lead in facts.leads if lead.phone == phone}
    waiting = {(row.account, row.campaign_id): row for row in facts.waiting if row.phone == phone}
    for place in dict.fromkeys((*known, *waiting)):
        lead, row = known.get(place), waiting.get(place)
        if lead is None and row is not None and not row.may_exist:
            withdrawals.append(Withdrawal(*place, phone))
            continue
        before = merge(lead.body if lead else None, row.body if row else {})
        surely = row.only_existing if row else not (forced or (lead and "tags" in lead.doubtful))
        if surely and tag in (before.get("tags") or ()):
            continue  # there, or on its way
        body = merge(row.body if row else None, tagged(before, phone, tag))
        puts.append(Put(*place, phone, row.kind if row else None, body, priority, reason))
    return Leftover(tuple(puts), tuple(withdrawals))


def want(
    contact: KnownContact,
    lead: Lead,
    destination: Destination,
    *,
    facts: Facts,
    tags: OwnTags,
    left: Leftover,
    forced: bool,
    no_tags: bool = False,
) -> Decision:
    """Queue the lead as the rules want it, where it is or else where they say, unless it is so already."""
    goal = (destination.account, destination.campaign_id)
    home = _home(contact, goal, facts, tags)
    moved = Leftover()
    if home is not None and home != goal and destination.move:
        everywhere = tag_all(contact.phone, tags.moved, facts, reason=MOVED, priority=UPDATE)
        left_places = [put for put in everywhere.puts if (put.account, put.campaign_id) != goal]
        moved = Leftover(tuple(put for put in left_places if put.account == home[0]))
        home = None
    place = home or goal
    known, row = _at(facts.leads, place, contact.phone), _at(facts.waiting, place, contact.phone)
    put = _put(place, lead, destination, known=known, row=row, tags=tags, no_tags=no_tags)
    wanted = Leftover((put,)) if forced or _adds(put, known, row) else Leftover()
    decision = Decision(
        "skipped",
        "unchanged",
        contact=replace(contact, account=place[0]),
        withdrawals=_elsewhere(contact, place, facts),
        warnings=() if place == goal else (_stays(place, goal),),
    )
    return left.added_to(moved.added_to(wanted.added_to(decision)))


def _stays(place: Place, goal: Place) -> str:
    where, there = (f"{account}, {campaign or 'Default Feed'}" for account, campaign in (place, goal))
    return f"the lead stays where it is ({where}), though the route says {there}: `move: true` moves it"


def _home(contact: KnownContact, goal: Place, facts: Facts, tags: OwnTags) -> Place | None:
    """Where this phone's lead is already: nobody is to be called by two campaigns.

    Another account counts only if this contact's lead was put there: two clients of an agency may both
    know the same person.
    """
    leads = [lead for lead in facts.leads if lead.phone == contact.phone]
    rows = [row for row in facts.waiting if row.phone == contact.phone]
    bodies = {(lead.account, lead.campaign_id): lead.body for lead in leads}
    for row in rows:
        here = (row.account, row.campaign_id)
        bodies[here] = merge(bodies.get(here), row.body)
    places = [(lead.account, lead.campaign_id) for lead in leads]
    places += [(row.account, row.campaign_id) for row in rows if row.may_exist]
    places = [place for place in places if tags.moved not in ((bodies[place] or {}).get("tags") or ())]
    if goal in places:
        return goal
    return next((place for place in places if place[0] in (goal[0], contact.account)), None)


def _elsewhere(contact: KnownContact, place: Place, facts: Facts) -> tuple[Withdrawal, ...]:
    """Creations of this phone that wait for another place and never left.

    Those of the account, and those this contact put into another account before, unless somebody else's.
    """
    shared = any(
        p.key != contact.key and p.phone == contact.phone and p.account == contact.account
        for p in facts.people
    )
    accounts = {place[0]} if shared else {place[0], contact.account}
    known = {(lead.account, lead.campaign_id) for lead in facts.leads if lead.phone == contact.phone}
    return tuple(
        Withdrawal(row.account, row.campaign_id, row.phone)
        for row in facts.waiting
        if row.phone == contact.phone
        and row.account in accounts
        and (row.account, row.campaign_id) != place
        and (row.account, row.campaign_id) not in known
        and not row.may_exist
    )


def _put(
    place: Place,
    lead: Lead,
    destination: Destination,
    *,
    known: KnownLead | None,
    row: Waiting | None,
    tags: OwnTags,
    no_tags: bool,
) -> Put:
    waiting = row.body if row else {}
    before = merge(known.body if known else None, waiting)
    doubtful = known.doubtful if known else frozenset[str]()
    if no_tags and (known is None or known.body is None):  # whatever is found there may have any
        doubtful |= {"tags"}
    wanted = cleared(
        body_of(lead),
        before,
        doubtful,
        clear_emptied=destination.clear_emptied,
        own_tags=tags.all(),
        no_tags=no_tags,
    )
    at_goal = place == (destination.account, destination.campaign_id)
    kind = destination.kind if at_goal else (row.kind if row else None)
    return Put(*place, lead.phone, kind, merge(waiting, wanted), UPDATE if known else NEW)


def _adds(put: Put, known: KnownLead | None, row: Waiting | None) -> bool:
    """Whether this says more than what Fusion has, or will have when the request under way is through."""
    if row is not None:
        # What a creation clears makes no difference to it.
        old, new = (row.body, put.body) if known else (settled(row.body), settled(put.body))
        return not row.in_flight or bool(row.only_existing) or new != old
    return changes(known.body, put.body, known.doubtful) if known else True


def _at(found: Sequence[At], place: Place, phone: str) -> At | None:
    here = (one for one in found if (one.account, one.campaign_id) == place)
    return next((one for one in here if one.phone == phone), None)
