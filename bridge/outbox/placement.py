"""Where a lead is and what should be there: the second half of the table of situations.

Pure. Rule for editors: one phone has one lead an account, and a lead that may exist already in Fusion is
never created a second time somewhere else.
"""

from dataclasses import dataclass, replace

from bridge.model import Destination, Lead
from bridge.outbox.body import body_of, changes, cleared, merge, tagged
from bridge.outbox.facts import (
    DO_NOT_CALL,
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


def block(contact: KnownContact, facts: Facts, tags: OwnTags, left: Leftover, *, deleted: bool) -> Decision:
    """Withdraw what waits to be created, tag what exists, and create nothing."""
    reason, tag = ("deleted", tags.deleted) if deleted else ("do not call", tags.do_not_call)
    blocked = tag_all(contact.phone, tag, facts, reason=reason, priority=DO_NOT_CALL)
    return left.added_to(blocked.added_to(Decision("skipped", reason, contact=contact)))


def tag_all(phone: str, tag: str, facts: Facts, *, reason: str, priority: int) -> Leftover:
    """Give every lead of this phone the tag, in every account; take back creations that never left."""
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
        if tag in (before.get("tags") or ()) and (row is None or row.only_existing):
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
) -> Decision:
    """Queue the lead as the rules want it, where it is or else where they say, unless it is so already."""
    goal = (destination.account, destination.campaign_id)
    home = _home(contact, goal, facts, tags)
    moved = Leftover()
    if home is not None and home != goal and destination.move:
        everywhere = tag_all(contact.phone, tags.moved, facts, reason="moved", priority=UPDATE)
        moved = Leftover(tuple(put for put in everywhere.puts if (put.account, put.campaign_id) != goal))
        home = None
    place = home or goal
    known, row = _lead_at(facts, place, contact.phone), _row_at(facts, place, contact.phone)
    put = _put(place, lead, destination, known=known, row=row, tags=tags)
    wanted = Leftover((put,)) if forced or _adds(put, known, row) else Leftover()
    decision = Decision(
        "skipped",
        "unchanged",
        contact=replace(contact, account=place[0]),
        withdrawals=_elsewhere(contact.phone, place, facts),
    )
    return left.added_to(moved.added_to(wanted.added_to(decision)))


def _home(contact: KnownContact, goal: Place, facts: Facts, tags: OwnTags) -> Place | None:
    """Where this phone's lead is already: nobody is to be called by two campaigns.

    Another account counts only if this contact's lead was put there: two clients of an agency may both
    know the same person.
    """
    leads = [
        (lead.account, lead.campaign_id)
        for lead in facts.leads
        if lead.phone == contact.phone and tags.moved not in ((lead.body or {}).get("tags") or ())
    ]
    rows = [
        (row.account, row.campaign_id)
        for row in facts.waiting
        if row.phone == contact.phone and row.may_exist and not row.only_existing
    ]
    places = [*leads, *rows]
    if goal in places:
        return goal
    return next((place for place in places if place[0] in (goal[0], contact.account)), None)


def _elsewhere(phone: str, place: Place, facts: Facts) -> tuple[Withdrawal, ...]:
    """Creations of this phone that wait for another campaign of the account and never left."""
    known = {(lead.account, lead.campaign_id) for lead in facts.leads if lead.phone == phone}
    return tuple(
        Withdrawal(row.account, row.campaign_id, phone)
        for row in facts.waiting
        if row.phone == phone
        and row.account == place[0]
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
) -> Put:
    waiting = row.body if row else {}
    before = merge(known.body if known else None, waiting)
    wanted = cleared(body_of(lead), before, clear_emptied=destination.clear_emptied, own_tags=tags.all())
    at_goal = place == (destination.account, destination.campaign_id)
    kind = destination.kind if at_goal else (row.kind if row else None)
    return Put(*place, lead.phone, kind, merge(waiting, wanted), UPDATE if known else NEW)


def _adds(put: Put, known: KnownLead | None, row: Waiting | None) -> bool:
    """Whether this says more than what Fusion has, or will have when the request under way is through."""
    if row is not None:
        return not row.in_flight or bool(row.only_existing) or put.body != row.body
    return changes(known.body if known else None, put.body)


def _lead_at(facts: Facts, place: Place, phone: str) -> KnownLead | None:
    rows = (lead for lead in facts.leads if lead.phone == phone)
    return next((lead for lead in rows if (lead.account, lead.campaign_id) == place), None)


def _row_at(facts: Facts, place: Place, phone: str) -> Waiting | None:
    rows = (row for row in facts.waiting if row.phone == phone)
    return next((row for row in rows if (row.account, row.campaign_id) == place), None)
