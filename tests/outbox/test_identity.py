"""The table of situations: each decision, with the facts that lead to it."""

from dataclasses import replace

import pytest

from bridge.model import Contact, ContactKey, Destination, Lead, Mapped, Reading
from bridge.outbox.facts import (
    DO_NOT_CALL,
    NEW,
    UPDATE,
    Decision,
    Facts,
    KnownContact,
    KnownLead,
    Marked,
    OwnTags,
    Waiting,
)
from bridge.outbox.identity import Arrival, contact_key, decide

ANN = ContactKey("ghl", "loc", "ann")
BOB = ContactKey("ghl", "loc", "bob")
P1, P2 = "+12025550101", "+12025550102"
TAGS = OwnTags()
LEAD = Lead(P1, "Ann Lee", "ann@example.com", "", ("solar",))
BODY = {"phone": P1, "name": "Ann Lee", "email": "ann@example.com", "tags": ["solar"]}
FEED = Destination("main")
ACCEPTED = Mapped(P1, LEAD, FEED)
NO_PHONE = Mapped("", skip="no phone")
OPTED_OUT = Mapped(P1, skip="filtered: whatever")
BEFORE = KnownContact(ANN, P1, occurred_at=100.0, event_id=1, account="main")
KNOWN = KnownLead("main", "", P1, BODY)
WAITS = Waiting("main", "", P1, None, BODY)


def run(mapped=ACCEPTED, *, at=200.0, event=9, forced=False, key=ANN, reading=None, facts=None, **said):
    reading = reading or Reading(Contact(), key=key, **said)
    facts = Facts() if facts is None else facts
    accounts = {"main", "second"}
    return decide(
        Arrival(event, at, forced), reading, mapped, key=key, facts=facts, accounts=accounts, tags=TAGS
    )


def put_of(decision):
    assert decision.state == "queued"
    assert len(decision.puts) == 1
    return decision.puts[0]


def test_a_new_contact_makes_a_new_lead():
    put = put_of(run())
    assert (put.account, put.campaign_id, put.phone, put.priority) == ("main", "", P1, NEW)
    assert put.body == BODY
    assert put.only_existing == ""


def test_a_known_lead_is_updated():
    changed = replace(ACCEPTED, lead=replace(LEAD, name="Ann Leigh"))
    put = put_of(run(changed, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))))
    assert put.priority == UPDATE
    assert put.body["name"] == "Ann Leigh"


def test_what_was_delivered_already_is_unchanged():
    decision = run(facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))
    assert (decision.state, decision.reason, decision.puts) == ("skipped", "unchanged", ())


def test_force_delivers_the_unchanged():
    assert put_of(run(forced=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))).body == BODY


def test_a_found_lead_of_unknown_content_is_updated():
    found = replace(KNOWN, body=None)
    assert put_of(run(facts=Facts(BEFORE, (BEFORE,), (found,)))).priority == UPDATE


def test_an_empty_field_is_left_as_it_is_in_fusion():
    without = replace(ACCEPTED, lead=replace(LEAD, email="", tags=()))
    decision = run(without, facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))
    assert decision.reason == "unchanged"


def test_clear_emptied_clears_what_became_empty():
    clearing = Mapped(P1, replace(LEAD, email="", tags=()), replace(FEED, clear_emptied=True))
    put = put_of(run(clearing, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))))
    assert put.body["email"] is None
    assert put.body["tags"] == []


def test_fifty_updates_of_a_waiting_lead_are_one_row_with_everything_they_said():
    waiting = replace(WAITS, body={"phone": P1, "name": "Old", "company": "Acme"})
    put = put_of(run(facts=Facts(BEFORE, (BEFORE,), (), (waiting,))))
    assert put.body == {**BODY, "company": "Acme"}


def test_what_is_on_its_way_already_is_unchanged():
    decision = run(facts=Facts(BEFORE, (BEFORE,), (), (replace(WAITS, in_flight=True),)))
    assert decision.reason == "unchanged"


def test_another_content_than_what_is_on_its_way_is_queued():
    flying = replace(WAITS, in_flight=True, body={**BODY, "name": "Old"})
    assert put_of(run(facts=Facts(BEFORE, (BEFORE,), (), (flying,)))).body["name"] == "Ann Lee"


# Two contacts, one phone


def test_two_contacts_with_one_phone_are_one_lead_and_the_newest_wins():
    bob = KnownContact(BOB, P1, occurred_at=100.0, event_id=1)
    changed = replace(ACCEPTED, lead=replace(LEAD, name="Ann Newest"))
    put = put_of(run(changed, facts=Facts(None, (bob,), (KNOWN,))))
    assert (put.campaign_id, put.body["name"], put.priority) == ("", "Ann Newest", UPDATE)


def test_an_older_event_of_another_contact_with_the_phone_is_stale():
    bob = KnownContact(BOB, P1, occurred_at=300.0, event_id=1, account="main")
    decision = run(facts=Facts(None, (bob,), (KNOWN,)))
    assert (decision.state, decision.reason) == ("skipped", "stale")
    assert decision.contact.phone == P1  # but known from now on


@pytest.mark.parametrize("blocker", [{"blocked": True}, {"deleted": True}])
def test_do_not_call_of_either_contact_blocks_the_phone(blocker):
    bob = KnownContact(BOB, P1, occurred_at=100.0, event_id=1, **blocker)
    decision = run(facts=Facts(None, (bob,)))
    assert (decision.state, decision.puts) == ("skipped", ())
    assert decision.reason == ("do not call" if "blocked" in blocker else "deleted")


# Phone changes


def test_a_changed_phone_is_a_new_lead_and_the_old_one_is_tagged():
    moved = Mapped(P2, replace(LEAD, phone=P2), FEED)
    decision = run(moved, facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))
    new, old = sorted(decision.puts, key=lambda put: put.priority)
    assert (new.phone, new.priority, new.body["name"]) == (P2, NEW, "Ann Lee")
    assert (old.phone, old.only_existing) == (P1, "phone changed")
    assert old.body == {"phone": P1, "tags": ["phone-changed", "solar"]}
    assert decision.contact.phone == P2


def test_the_old_phone_is_left_alone_when_somebody_else_still_has_it():
    moved = Mapped(P2, replace(LEAD, phone=P2), FEED)
    bob = KnownContact(BOB, P1, occurred_at=100.0, event_id=1)
    assert put_of(run(moved, facts=Facts(BEFORE, (BEFORE, bob), (KNOWN,)))).phone == P2


def test_a_creation_that_waits_under_the_old_phone_is_withdrawn():
    moved = Mapped(P2, replace(LEAD, phone=P2), FEED)
    decision = run(moved, facts=Facts(BEFORE, (BEFORE,), (), (WAITS,)))
    assert put_of(decision).phone == P2
    assert [row.phone for row in decision.withdrawals] == [P1]


def test_a_phone_that_comes_back_loses_the_tag():
    tagged = replace(KNOWN, body={"phone": P1, "name": "Ann Lee", "tags": ["phone-changed"]})
    before = replace(BEFORE, phone=P2)
    back = replace(ACCEPTED, lead=replace(LEAD, tags=(), email=""))
    decision = run(back, facts=Facts(before, (before,), (tagged,)))
    assert put_of(decision).body["tags"] == []


def test_a_filtered_event_with_a_changed_phone_still_tags_the_old_lead():
    decision = run(Mapped(P2, skip="filtered: customer"), facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))
    assert put_of(decision).only_existing == "phone changed"


# No phone


def test_no_phone_is_skipped_and_a_later_event_with_a_phone_makes_the_lead():
    first = run(NO_PHONE)
    assert (first.state, first.reason) == ("skipped", "no phone")
    second = run(at=300.0, event=10, facts=Facts(first.contact))
    assert put_of(second).priority == NEW


def test_neither_id_nor_phone_is_nobody():
    decision = run(NO_PHONE, key=None)
    assert (decision.state, decision.reason, decision.contact) == ("skipped", "no phone", None)


def test_a_source_without_ids_knows_people_by_their_phone():
    assert contact_key("forms", Reading(Contact()), P1) == ContactKey("forms", "", P1)
    assert contact_key("forms", Reading(Contact(), key=ANN), P1) == ANN
    assert contact_key("forms", Reading(Contact()), "") is None


# Order


def test_an_older_event_is_stale():
    assert run(at=50.0, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))).reason == "stale"


def test_equal_times_go_by_arrival():
    facts = Facts(replace(BEFORE, event_id=5), (BEFORE,), ())
    assert run(at=100.0, event=6, facts=facts).state == "queued"
    assert run(at=100.0, event=4, facts=facts).reason == "stale"
    assert run(at=100.0, event=5, facts=facts).state == "queued"  # its own replay


# Campaigns


def test_a_lead_stays_in_the_campaign_where_it_was_created():
    elsewhere = replace(ACCEPTED, destination=Destination("main", "other"))
    changed = replace(elsewhere, lead=replace(LEAD, name="Ann Leigh"))
    put = put_of(run(changed, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))))
    assert (put.campaign_id, put.priority) == ("", UPDATE)
    (warning,) = run(changed, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))).warnings
    assert "stays where it is (main, Default Feed)" in warning


@pytest.mark.parametrize("fact", [{"in_flight": True}, {"uncertain": True}])
def test_a_lead_that_may_have_been_created_stays_there_too(fact):
    elsewhere = replace(ACCEPTED, destination=Destination("main", "other"), lead=replace(LEAD, name="X Y"))
    put = put_of(run(elsewhere, facts=Facts(BEFORE, (BEFORE,), (), (replace(WAITS, **fact),))))
    assert put.campaign_id == ""


def test_a_creation_that_never_left_goes_where_the_newest_event_says():
    elsewhere = replace(ACCEPTED, destination=Destination("main", "other"))
    decision = run(elsewhere, facts=Facts(BEFORE, (BEFORE,), (), (WAITS,)))
    assert put_of(decision).campaign_id == "other"
    assert [row.campaign_id for row in decision.withdrawals] == [""]


def test_move_creates_it_anew_and_tags_the_old_one():
    move = replace(ACCEPTED, destination=Destination("main", "other", move=True))
    decision = run(move, facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))
    new, old = sorted(decision.puts, key=lambda put: put.priority)
    assert (new.campaign_id, new.priority) == ("other", NEW)
    assert (old.campaign_id, old.only_existing, old.body["tags"]) == ("", "moved", ["moved", "solar"])


def test_a_moved_lead_is_no_home_any_more():
    gone = replace(KNOWN, body={**BODY, "tags": ["moved"]})
    there = KnownLead("main", "other", P1, BODY)
    elsewhere = replace(ACCEPTED, destination=Destination("main", "third"), lead=replace(LEAD, name="X Y"))
    assert put_of(run(elsewhere, facts=Facts(BEFORE, (BEFORE,), (gone, there)))).campaign_id == "other"


def test_the_lead_of_this_contact_stays_in_its_account():
    other = replace(ACCEPTED, destination=Destination("second"), lead=replace(LEAD, name="X Y"))
    assert put_of(run(other, facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))).account == "main"


def test_another_clients_newer_event_makes_nothing_stale():
    bob = KnownContact(BOB, P1, occurred_at=300.0, event_id=1, account="second")
    assert put_of(run(facts=Facts(None, (bob,)))).account == "main"


def test_a_waiting_creation_follows_the_route_to_another_account():
    other = replace(ACCEPTED, destination=Destination("second"))
    decision = run(other, facts=Facts(BEFORE, (BEFORE,), (), (WAITS,)))
    assert put_of(decision).account == "second"
    assert [row.account for row in decision.withdrawals] == ["main"]
    bob = KnownContact(BOB, P1, occurred_at=100.0, event_id=1, account="main")
    assert run(other, facts=Facts(BEFORE, (BEFORE, bob), (), (WAITS,))).withdrawals == ()


def test_move_leaves_other_clients_leads_alone():
    move = replace(ACCEPTED, destination=Destination("main", "other", move=True))
    bobs = KnownLead("second", "", P1, BODY)
    decision = run(move, facts=Facts(BEFORE, (BEFORE,), (KNOWN, bobs)))
    assert {put.account for put in decision.puts} == {"main"}


def test_a_place_that_is_being_left_is_no_home():
    leaving = Waiting("main", "", P1, None, {"phone": P1, "tags": ["moved"]}, only_existing="moved")
    there = KnownLead("main", "other", P1, {**BODY, "name": "Old"})
    stay = run(facts=Facts(BEFORE, (BEFORE,), (KNOWN, there), (leaving,)))
    assert put_of(stay).campaign_id == "other"
    back = replace(ACCEPTED, destination=Destination("main", "", move=True))
    decision = run(back, facts=Facts(BEFORE, (BEFORE,), (KNOWN, there), (leaving,)))
    assert {(put.campaign_id, put.only_existing) for put in decision.puts} == {("", ""), ("other", "moved")}


def test_a_phone_that_another_lead_left_is_still_a_home():
    """The lead of the contact's old phone was moved; the lead of the new phone was not."""
    old = KnownLead("main", "", P2, {"phone": P2, "tags": ["moved"]})
    bobs = KnownLead("main", "", P1, {**BODY, "name": "Bob"})
    before = replace(BEFORE, phone=P2)
    elsewhere = replace(ACCEPTED, destination=Destination("main", "other"))
    decision = run(elsewhere, facts=Facts(before, (before,), (old, bobs)))
    assert decision.puts[0].campaign_id == ""


def test_an_opt_out_reaches_for_accounts_that_left_the_configuration():
    gone = KnownLead("left", "", P1, BODY)
    assert put_of(run(dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (gone,)))).account == "left"
    assert put_of(run(facts=Facts(BEFORE, (BEFORE,), (gone,)))).account == "main"


def test_so_it_does_when_another_lead_of_the_phone_is_in_reach():
    gone = KnownLead("left", "", P1, BODY)
    decision = run(dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN, gone)))
    assert [put.account for put in decision.puts] == ["main", "left"]
    deleted = run(deleted=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN, gone)))
    assert [put.account for put in deleted.puts] == ["main", "left"]


def test_a_blocked_creation_that_may_have_happened_is_a_home_once_it_is_lifted():
    flying = Waiting("main", "", P1, None, BODY, in_flight=True, only_existing="do not call")
    elsewhere = replace(ACCEPTED, destination=Destination("main", "other"))
    assert (
        put_of(run(elsewhere, dnd_all=False, facts=Facts(BEFORE, (BEFORE,), (), (flying,)))).campaign_id == ""
    )


def test_another_clients_lead_is_none_of_our_business():
    other = replace(ACCEPTED, destination=Destination("second"))
    bob = KnownContact(BOB, P1, occurred_at=100.0, event_id=1, account="main")
    put = put_of(run(other, facts=Facts(None, (bob,), (KNOWN,))))
    assert (put.account, put.priority) == ("second", NEW)


# Do not call


def test_do_not_call_creates_nothing():
    decision = run(dnd_all=True)
    assert (decision.state, decision.reason) == ("skipped", "do not call")
    assert decision.contact.blocked


def test_do_not_call_withdraws_a_waiting_creation():
    decision = run(dnd_call=True, facts=Facts(BEFORE, (BEFORE,), (), (WAITS,)))
    assert (decision.reason, [row.phone for row in decision.withdrawals]) == ("do not call", [P1])


def test_do_not_call_tags_an_existing_lead_ahead_of_everything():
    put = put_of(run(dnd_call=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))))
    assert (put.priority, put.only_existing) == (DO_NOT_CALL, "do not call")
    assert put.body == {"phone": P1, "tags": ["do-not-call", "solar"]}


@pytest.mark.parametrize("fact", [{"in_flight": True}, {"uncertain": True}])
def test_do_not_call_follows_a_creation_that_may_have_happened(fact):
    put = put_of(run(dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (), (replace(WAITS, **fact),))))
    assert (put.only_existing, put.body["tags"]) == ("do not call", ["do-not-call", "solar"])


def test_do_not_call_reaches_the_leads_of_every_account():
    second = KnownLead("second", "c", P1, None)
    decision = run(dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN, second)))
    assert {put.account for put in decision.puts} == {"main", "second"}


def test_a_tagged_lead_is_not_tagged_again():
    tagged = replace(KNOWN, body={**BODY, "tags": ["do-not-call"]})
    assert run(dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (tagged,))).reason == "do not call"


def test_a_tag_that_may_be_gone_is_given_again():
    doubtful = replace(KNOWN, body={**BODY, "tags": ["do-not-call"]}, doubtful=frozenset({"tags"}))
    facts = Facts(BEFORE, (BEFORE,), (doubtful,))
    assert put_of(run(dnd_all=True, facts=facts)).body["tags"] == ["do-not-call"]
    on_its_way = replace(WAITS, body={"phone": P1, "tags": ["do-not-call"]}, only_existing="do not call")
    assert run(dnd_all=True, facts=replace(facts, waiting=(on_its_way,))).reason == "do not call"


def test_a_tag_is_given_again_by_force():
    tagged = replace(KNOWN, body={**BODY, "tags": ["do-not-call"]})
    put = put_of(run(dnd_all=True, forced=True, facts=Facts(BEFORE, (BEFORE,), (tagged,))))
    assert (put.body["tags"], put.priority) == (["do-not-call"], DO_NOT_CALL)


def test_a_later_event_that_is_silent_about_it_does_not_lift_the_block():
    blocked = replace(BEFORE, dnd_all=True, blocked=True)
    decision = run(facts=Facts(blocked, (blocked,)))
    assert (decision.reason, decision.contact.blocked) == ("do not call", True)


def test_each_kind_of_block_is_lifted_by_itself_only():
    blocked = replace(BEFORE, dnd_call=True, blocked=True)
    assert run(dnd_all=False, facts=Facts(blocked, (blocked,))).reason == "do not call"
    assert run(dnd_call=False, facts=Facts(blocked, (blocked,))).state == "queued"


def test_a_lifted_block_removes_the_tag_even_from_a_lead_without_other_tags():
    blocked = replace(BEFORE, dnd_all=True, blocked=True)
    tagged = replace(KNOWN, body={"phone": P1, "name": "Ann Lee", "tags": ["do-not-call"]})
    bare = replace(ACCEPTED, lead=Lead(P1, "Ann Lee"))
    put = put_of(run(bare, dnd_all=False, facts=Facts(blocked, (blocked,), (tagged,))))
    assert (put.body["tags"], put.only_existing) == ([], "")


def test_do_not_call_without_a_phone_blocks_the_phone_we_know():
    put = put_of(run(NO_PHONE, dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))))
    assert put.phone == P1


def test_do_not_call_without_a_phone_is_remembered_until_one_comes():
    first = run(NO_PHONE, dnd_all=True)
    second = run(at=300.0, event=10, facts=Facts(first.contact, (first.contact,)))
    assert second.reason == "do not call"


def test_do_not_call_counts_even_when_the_rules_fail():
    broken = Mapped(P1, error="no usable name", fix="add one")
    put = put_of(run(broken, dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))))
    assert put.body["tags"][0] == "do-not-call"


def test_an_overtaken_do_not_call_still_blocks():
    late = run(at=50.0, dnd_all=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN,)))
    assert put_of(late).only_existing == "do not call"
    assert late.contact.occurred_at == BEFORE.occurred_at


def test_an_overtaken_do_not_call_yields_to_a_newer_word_about_the_same_flag():
    lifted = replace(BEFORE, dnd_all_at=100.0)
    assert run(at=50.0, dnd_all=True, facts=Facts(lifted, (lifted,), (KNOWN,))).reason == "stale"
    assert put_of(run(at=50.0, dnd_call=True, facts=Facts(lifted, (lifted,), (KNOWN,)))).body["tags"]


def test_an_overtaken_lift_is_remembered_for_the_next_event():
    blocked = replace(BEFORE, dnd_all=True, dnd_all_at=10.0, blocked=True)
    late = run(at=50.0, dnd_all=False, facts=Facts(blocked, (blocked,)))
    assert (late.reason, late.contact.dnd_all, late.contact.blocked) == ("do not call", False, True)
    following = run(at=200.0, facts=Facts(late.contact, (late.contact,)))
    assert following.state == "queued"


def test_an_overtaken_deletion_is_stale_since_the_contact_was_seen_alive_after_it():
    assert run(at=50.0, deleted=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))).reason == "stale"


def test_an_overtaken_event_still_tells_the_phone_that_no_newer_one_told():
    nameless = replace(BEFORE, phone="")
    decision = run(at=50.0, facts=Facts(nameless))
    assert put_of(decision).phone == P1
    assert (decision.contact.phone, decision.contact.occurred_at) == (P1, BEFORE.occurred_at)


def test_the_configurations_own_rule_decides():
    by_tag = replace(ACCEPTED, blocked_if_flagged=False, blocked_if_not=False)
    assert run(by_tag, dnd_all=True).state == "queued"
    assert run(replace(by_tag, blocked_if_not=True)).reason == "do not call"
    assert run(by_tag, at=50.0, dnd_all=True, facts=Facts(BEFORE, (BEFORE,))).reason == "stale"


# Deleted


def test_a_deleted_contact_gets_the_deleted_tag():
    put = put_of(run(deleted=True, facts=Facts(BEFORE, (BEFORE,), (KNOWN,))))
    assert (put.priority, put.only_existing) == (DO_NOT_CALL, "deleted")
    assert put.body["tags"] == ["deleted-in-crm", "solar"]


def test_a_deleted_contact_without_a_lead_is_skipped():
    assert run(deleted=True).reason == "deleted"


def test_a_deletion_withdraws_a_waiting_creation():
    decision = run(deleted=True, facts=Facts(BEFORE, (BEFORE,), (), (WAITS,)))
    assert (decision.reason, len(decision.withdrawals)) == ("deleted", 1)


def test_a_restored_contact_is_called_again():
    gone = replace(BEFORE, deleted=True)
    assert run(facts=Facts(gone, (gone,))).state == "queued"


# Errors


def test_an_impossible_lead_is_dead_with_a_fix_and_leaves_no_trace_that_would_make_its_replay_stale():
    decision = run(Mapped(P1, error="no usable name", fix="add one to lead.name"))
    assert (decision.state, decision.reason, decision.fix) == (
        "dead",
        "no usable name",
        "add one to lead.name",
    )
    assert decision.contact is None


def test_a_filtered_event_says_by_what():
    assert run(Mapped(P1, skip="filtered: already a customer")).reason == "filtered: already a customer"


# Somebody who demanded erasure

ERASED_PHONE, ERASED_CONTACT = Marked(phone=True), Marked(contact=True)
ELSEWHERE = replace(BEFORE, phone=P2)
OWN_LEAD = replace(KNOWN, phone=P2, body={**BODY, "phone": P2})


@pytest.mark.parametrize(
    ("marked", "contact", "mapped"),
    [
        (ERASED_PHONE, None, ACCEPTED),
        (ERASED_PHONE, None, OPTED_OUT),
        (ERASED_PHONE, None, Mapped(P1, error="no name", fix="mend it")),
        (ERASED_CONTACT, None, ACCEPTED),
        (ERASED_CONTACT, BEFORE, ACCEPTED),
        (ERASED_CONTACT, ELSEWHERE, ACCEPTED),
        (ERASED_CONTACT, None, NO_PHONE),
        (Marked(phone=True, contact=True), BEFORE, ACCEPTED),
    ],
)
@pytest.mark.parametrize("said", [{}, {"dnd_all": True}, {"deleted": True}])
@pytest.mark.parametrize("forced", [False, True])
def test_an_event_of_somebody_erased_is_its_own_end(marked, contact, mapped, said, forced):
    facts = Facts(contact, (contact,) if contact else (), (KNOWN,), (WAITS,), marked)
    assert run(mapped, facts=facts, forced=forced, **said) == Decision(
        "skipped", "do not call", erase="event"
    )


def test_somebody_else_who_is_known_comes_with_an_erased_phone():
    decision = run(facts=Facts(ELSEWHERE, (ELSEWHERE,), (OWN_LEAD,), (), ERASED_PHONE))
    assert (decision.state, decision.reason, decision.erase) == ("skipped", "do not call", "payload")
    assert (decision.puts, decision.withdrawals) == ((), ())
    assert decision.contact.phone == P2
    assert decision.contact.event_id == 9


def test_and_their_opt_out_counts_for_the_phone_they_have():
    decision = run(dnd_all=True, facts=Facts(ELSEWHERE, (ELSEWHERE,), (OWN_LEAD,), (), ERASED_PHONE))
    assert decision.erase == "payload"
    assert (put_of(decision).phone, put_of(decision).priority) == (P2, DO_NOT_CALL)
    assert decision.contact.blocked


def test_and_their_own_rule_of_do_not_call_does_too():
    decision = run(
        replace(ACCEPTED, blocked_if_not=True), facts=Facts(ELSEWHERE, (ELSEWHERE,), (), (), ERASED_PHONE)
    )
    assert decision.contact.blocked


def test_a_known_contact_without_a_phone_doesn_t_get_an_erased_one():
    without = replace(BEFORE, phone="")
    decision = run(facts=Facts(without, (), (), (), ERASED_PHONE))
    assert (decision.state, decision.reason, decision.erase) == ("skipped", "do not call", "payload")
    assert decision.contact.phone == ""


def test_nobody_else_is_erased():
    assert run().erase == ""
    assert run(key=None, facts=Facts(marked=Marked())).erase == ""
