"""The fewest requests for what is due, and how the good leads of a refused batch are found."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.outbox.batch import STANDS_ALONE, shares
from bridge.outbox.compose import MAX_BATCH, Due, compose, plan
from bridge.outbox.facts import BACKFILL, DO_NOT_CALL, NEW, UPDATE
from bridge.outbox.lane import LaneState
from bridge.outbox.outcome import Delivered, Exists, Rejected
from bridge.outbox.retry import Retry
from bridge.outbox.settle import Moment, Tries, in_company, verdict

NOW = Moment(1_000.0, 1.0, LaneState(), LaneState())


def row(number=1, **fields):
    phone = f"+1202555{number:04d}"
    body = {"phone": phone, "name": "Ann", "email": None, "tags": []}
    base = {"campaign_id": "c", "phone": phone, "kind": "call", "body": body, "event_id": number}
    flags = {"priority": NEW, "known": False, "uncertain": False, "only_existing": ""}
    return Due(**{**base, **flags, **fields})


def rows(count, first=1, **fields):
    return [row(number, **fields) for number in range(first, first + count)]


def composed(due, company=None, *, places=1, urgent=None):
    """The requests, each as its plan and the numbers of its rows."""
    waiting = list(due) if company is None else company
    found = compose(
        due, lambda _: waiting[:MAX_BATCH], places=places, urgent=places if urgent is None else urgent
    )
    return [(each.request.plan, [row.event_id for row in each.rows]) for each in found.requests]


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({}, "create"),
        ({"known": True}, "update"),
        ({"uncertain": True}, "create"),  # a repeat is harmless: 409, then PATCH
        ({"only_existing": "moved", "known": True}, "update"),
        ({"only_existing": "moved", "uncertain": True}, "update"),
        ({"only_existing": "moved"}, "withdraw"),
        ({"look_up": True, "uncertain": True}, "look"),
        ({"look_up": True, "uncertain": True, "known": True}, "update"),
        ({"look_up": True, "uncertain": True, "only_existing": "do not call"}, "update"),
        ({"suspects": 1, "only_existing": "do not call"}, "withdraw"),
    ],
)
def test_plans(fields, wanted):
    assert plan(row(**fields)) == wanted


def test_a_creation_has_nothing_to_clear_and_an_update_has():
    created = compose([row()], lambda _: [row()], places=1, urgent=1).requests[0].request
    assert (created.plan, created.campaign_id, created.kind) == ("create", "c", "call")
    assert created.leads == ({"phone": "+12025550001", "name": "Ann"},)
    updated = compose([row(known=True)], lambda _: [], places=1, urgent=1).requests[0].request
    assert (updated.plan, updated.leads[0]["email"], updated.leads[0]["tags"]) == ("update", None, [])


def test_creations_go_together_whoever_they_are_found_by_and_updates_alone():
    new, known = rows(3), rows(2, first=11, known=True)
    assert composed(new) == [("create", [1, 2, 3])]
    assert composed([new[1], *known], [*new, *known], places=9) == [
        ("create", [2, 1, 3]),
        ("update", [11]),
        ("update", [12]),
    ]


def test_a_batch_is_never_larger_than_fusion_takes():
    (request,) = composed(rows(250))
    assert request == ("create", list(range(1, 101)))
    (request,) = composed([row(200)], rows(100))  # it isn't among the most urgent itself
    assert request == ("create", [200, *range(1, 100)])


def test_no_lead_is_in_two_requests():
    numbers = [number for _, batch in composed(rows(99), places=4) for number in batch]
    assert sorted(numbers) == list(range(1, 100))
    suspected = rows(8, suspects=7)
    numbers = [number for _, batch in composed(suspected, places=4) for number in batch]
    assert len(numbers) == len(set(numbers))


def test_what_does_not_fit_into_one_batch_fills_the_next():
    waiting = rows(250)
    found = compose(waiting, lambda _: waiting, places=4, urgent=4).requests
    assert [len(each.rows) for each in found] == [100, 100, 50]


def test_half_of_a_refused_batch_goes_the_one_that_has_its_turn_first():
    assert composed(rows(5, suspects=7)) == [("create", [1, 2])]
    assert composed([row(4, suspects=7)], rows(5, suspects=7)) == [("create", [4, 1])]
    assert composed([row(1, suspects=7)]) == [("create", [1])]
    assert composed([row(1, suspects=7, said_to_exist=True)]) == [("update", [1])]  # who else?
    assert composed(rows(2, suspects=7, said_to_exist=True)) == [("create", [1])]


def test_who_was_refused_often_stands_alone():
    tired = row(1, refusals=STANDS_ALONE)
    assert composed([tired], [tired, *rows(3, first=2)]) == [("create", [1])]
    suspect = row(1, suspects=7, refusals=STANDS_ALONE)
    assert composed([suspect], rows(3, suspects=7)) == [("create", [1])]


def test_one_look_up_for_a_whole_batch():
    doubted = rows(4, look_up=True, uncertain=True, doubt=7, doubt_since=990.0)
    others = [row(5, uncertain=True, doubt=7), row(6, uncertain=True, doubt=7, only_existing="do not call")]
    (request,) = compose(doubted, lambda _: [*doubted, *others], places=1, urgent=1).requests
    assert (request.request.plan, [each.event_id for each in request.rows]) == ("look", [1, 2, 3, 4])
    assert request.request.leads == ({"phone": "+12025550001"},)
    assert request.request.since == 990.0


def test_the_company_of_a_creation_holds_nobody_who_needs_something_else():
    others = [row(2, known=True), row(3, only_existing="do not call"), row(4, look_up=True), row(5)]
    assert composed([row(1)], [row(1), *others]) == [("create", [1, 5])]


def test_places_are_for_all_and_the_urgent_ones_for_do_not_call_only():
    urgent = rows(3, priority=DO_NOT_CALL, known=True, only_existing="do not call")
    due = [*urgent, row(11), row(12, known=True, priority=UPDATE)]
    assert composed(due, [row(11)], places=0, urgent=2) == [("update", [1]), ("update", [2])]
    assert composed(due, [row(11)], places=4, urgent=9) == [
        ("update", [1]),
        ("update", [2]),
        ("update", [3]),
        ("create", [11]),
    ]
    assert composed(due, [row(11)], places=0, urgent=0) == []


def test_a_row_that_needs_no_request_costs_no_place():
    due = [row(1, only_existing="do not call", priority=DO_NOT_CALL), row(2)]
    found = compose(due, lambda _: [row(2)], places=1, urgent=1)
    assert [each.event_id for each in found.hopeless] == [1]
    assert [each.rows[0].event_id for each in found.requests] == [2]


def test_no_further_than_needed_is_read():
    read = []

    def due():
        for each in rows(1000, known=True, priority=BACKFILL):
            read.append(each)
            yield each

    compose(due(), lambda _: [], places=3, urgent=3)
    assert len(read) <= 4


# The bisecting, from the first request to the last, with a Fusion that refuses whoever is named a culprit.


@dataclass
class Fusion:
    """Refuses every batch that has a culprit in it, as it is told to."""

    culprits: frozenset[str]
    status: int
    names: str  # "none", "first" or "all" of them
    created: list[str] = field(default_factory=list)
    alone: set[str] = field(default_factory=set)

    def answer(self, request):
        phones = [lead["phone"] for lead in request.leads]
        wrong = [at for at, phone in enumerate(phones) if phone in self.culprits]
        if request.plan == "update":
            return Delivered({phones[0]: "id"})
        if len(phones) == 1:
            self.alone.update(phones)
        if not wrong:
            self.created += phones
            return Delivered(dict.fromkeys(phones, "id"), len(phones))
        named = tuple({"none": [], "first": wrong[:1], "all": wrong}[self.names])
        if self.status == 409:
            return Exists("there already", named if len(phones) > 1 else ())
        return Rejected("no", "mend it", dict.fromkeys(named, "no") if len(phones) > 1 else {})


def deliver(fusion, count):
    """Compose and settle until nothing waits, as the store does. The requests, each with its size."""
    waiting = {each.event_id: each for each in rows(count)}
    requests, fates = [], {}
    while waiting:
        (sent,) = compose(waiting.values(), lambda row: company(waiting, row), places=1, urgent=1).requests
        outcome = fusion.answer(sent.request)
        requests.append((sent.request.plan, len(sent.rows)))
        assert len(requests) <= 1000, "it doesn't end"
        results = settle(sent, outcome)
        for each, result in zip(sent.rows, results, strict=True):
            if result.fate == "again":  # in its old turn
                waiting[each.event_id] = again(each, result, attempt=len(requests))
            else:
                fates[each.phone] = result.fate
                del waiting[each.event_id]
        clear(waiting, sent.rows, results)
    return requests, fates


def company(waiting, row):
    if row.suspects is not None:
        suspected = [other for other in waiting.values() if other.suspects == row.suspects]
        return sorted(suspected, key=lambda each: each.event_id)
    free = (other for other in waiting.values() if other.suspects is None and not other.known)
    return [other for other in free if other.refusals < STANDS_ALONE][:MAX_BATCH]


def settle(sent, outcome):
    tries = [Tries(refusals=row.refusals) for row in sent.rows]
    if len(sent.rows) == 1:
        return [verdict(outcome, sent.request.plan, tries[0], NOW, Retry())]
    parts = shares(outcome, sent.rows)
    return [
        in_company(part, outcome, sent.request.plan, each, NOW, Retry())
        for part, each in zip(parts, tries, strict=True)
    ]


def again(row, result, *, attempt):
    suspects = {"suspects": attempt, "free": None}.get(result.company, row.suspects)
    known = row.known or result.exists is True
    return replace(row, suspects=suspects, refusals=result.tries.refusals, known=known)


def clear(waiting, sent, results):
    """A part of a suspected batch was refused: the rest of it isn't suspected any more."""
    refused = {
        each.suspects
        for each, result in zip(sent, results, strict=True)
        if result.company in ("free", "suspects") or result.fate == "dead"
    } - {None}
    phones = {each.phone for each in sent}
    for number, each in waiting.items():
        if each.suspects in refused and each.phone not in phones:
            waiting[number] = replace(each, suspects=None)


def bound(leads, culprits, fusion):
    """The most requests. 409 always costs a PATCH; named, a culprit costs a refusal and its own request.

    One that isn't named is found in ten. Of several each costs up to twenty, the worse the closer they stand;
    but nobody is in more than eight refused batches, and then goes alone.
    """
    patches = culprits if fusion.status == 409 else 0
    if fusion.names == "all":
        return 2 + culprits
    if fusion.names == "first":
        return min(1 + 2 * culprits, 2 * leads)
    if culprits < 2:
        return 1 + 9 * culprits + patches
    return min(20 * culprits, leads + patches + 30)


CASES = st.integers(1, 100).flatmap(
    lambda leads: st.tuples(st.just(leads), st.sets(st.integers(1, leads), max_size=leads))
)


@settings(max_examples=150, deadline=None)
@given(CASES, st.sampled_from([400, 409]), st.sampled_from(["none", "first", "all"]))
@example((100, set(range(1, 101))), 409, "none")
@example((100, set(range(1, 101))), 400, "none")
@example((100, {93, 94, 100}), 409, "none")
@example((100, {1}), 400, "none")
@example((100, set(range(1, 100, 2))), 409, "first")
def test_whoever_is_to_blame_the_good_arrive_once_and_the_culprits_end_alone(case, status, names):
    leads, numbers = case
    culprits = frozenset(f"+1202555{number:04d}" for number in numbers)
    fusion = Fusion(culprits, status, names)

    requests, fates = deliver(fusion, leads)

    good = {each.phone for each in rows(leads)} - culprits
    assert sorted(fusion.created) == sorted(good)
    assert {phone for phone, fate in fates.items() if fate == "delivered"} == good | (
        culprits if status == 409 else set()
    )
    assert {phone for phone, fate in fates.items() if fate == "dead"} == (
        culprits if status == 400 else set()
    )
    if names == "none":
        assert culprits <= fusion.alone
    assert len(requests) <= bound(leads, len(culprits), fusion), requests


@pytest.mark.parametrize("status", [400, 409])
@pytest.mark.parametrize("names", ["none", "first", "all"])
def test_one_culprit_costs_at_most_ten_requests_and_its_patch_wherever_it_stands(status, names):
    for number in range(1, 101):
        fusion = Fusion(frozenset({f"+1202555{number:04d}"}), status, names)
        requests, _ = deliver(fusion, 100)
        most = 10 if names == "none" else 2 if status == 409 else 3
        assert len([plan for plan, _ in requests if plan == "create"]) <= most


@pytest.mark.parametrize("culprits", [8, 20, 50])
def test_culprits_that_are_named_one_by_one_cost_their_refusal_and_their_patch(culprits):
    fusion = Fusion(frozenset(f"+1202555{number:04d}" for number in range(1, culprits + 1)), 409, "first")
    requests, _ = deliver(fusion, 100)
    assert len(requests) <= 2 * culprits + 1
