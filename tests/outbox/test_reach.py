"""Whom an event's word on calls means beside its own contact: tables, and what holds for any facts."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Contact, ContactKey, Destination, Lead, Mapped, Reading
from bridge.outbox.facts import (
    ADDRESS,
    DO_NOT_CALL,
    Facts,
    KnownContact,
    KnownLead,
    OwnTags,
    Waiting,
)
from bridge.outbox.identity import Arrival, contact_key, decide
from bridge.outbox.reach import addresses

ANN, BOB = (ContactKey("ghl", "loc", name) for name in ("ann", "bob"))
P1, P2, P3 = (f"+1202555010{number}" for number in (1, 2, 3))
EMAIL = "ann@example.com"
HER_ADDRESS = KnownContact(ContactKey(ADDRESS, "", EMAIL))
BOBS = KnownContact(BOB, P2, occurred_at=100.0, event_id=1)
LEAD = Lead(P1, "Ann Lee", EMAIL, "", ())


def run(facts=None, *, key=None, phone="", readings=(), email=EMAIL, at=200.0, event=9, again=False, **said):
    reading = Reading(Contact(email=email), key=key, source="forms", **said)
    lead = replace(LEAD, phone=phone, email=email) if phone else None
    mapped = Mapped(
        phone,
        lead=lead,
        destination=Destination("main") if lead else None,
        skip="" if lead else "no phone",
        plausible=readings or ((phone,) if phone else ()),
    )
    return decide(
        Arrival(event, at, replayed=again),
        reading,
        mapped,
        key=key or contact_key("forms", reading, phone),
        facts=facts or Facts(),
        accounts={"main"},
        tags=OwnTags(),
    )


def row(decision, key):
    return next((each for each in decision.others if each.key == key), None)


@pytest.mark.parametrize(
    ("spelt", "kept"),
    [
        (" Ann@Example.COM ", (EMAIL,)),
        ("ann.lee@gmail.com", ("ann.lee@gmail.com",)),  # dots are left as they are
        ("STRASSE@EXAMPLE.COM", ("strasse@example.com",)),
        ("Ann Lee <ann@example.com>", (EMAIL,)),
        ("mailto:ann@example.com?subject=no", (EMAIL,)),
        ("E-Mail: 'ann@example.com'.", (EMAIL,)),
        ("ann@example.com, bo@example.com", (EMAIL, "bo@example.com")),
        ("pat.o'neil@example.com", ("pat.o'neil@example.com",)),
        ("none", ()),
        ("@", ()),
        ("", ()),
        ("x" * 400 + "@example.com", ()),
    ],
)
def test_an_address_as_it_is_compared(spelt, kept):
    assert addresses(Reading(Contact(email=spelt)), Mapped()) == kept


def test_an_opt_out_of_nobody_is_dead_and_remembered_by_its_address():
    decision = run(dnd_all=True)
    assert decision.state == "dead"
    assert decision.reason.startswith("an opt-out that names nobody who is known: ")
    assert decision.fix.startswith("block the person by hand")
    said = row(decision, HER_ADDRESS.key)
    assert (said.dnd_all, said.dnd_all_at, said.blocked) == (True, 200.0, True)


def test_so_is_one_of_a_contact_that_was_never_seen_and_it_looks_unseen():
    decision = run(key=ANN, email="", dnd_call=True)
    assert (decision.state, decision.contact.blocked, decision.contact.occurred_at) == ("dead", True, 0.0)
    again = run(Facts(decision.contact), key=ANN, email="", dnd_call=True, at=300.0, again=True)
    assert again.state == "dead"


def test_a_deletion_that_names_nobody_is_dead_and_one_of_a_contact_is_skipped():
    assert run(deleted=True).reason.startswith("a deletion that names nobody")
    assert run(key=ANN, email="", deleted=True).reason == "deleted"


def test_a_deletion_by_address_alone_reaches_who_has_it():
    decision = run(Facts(kin=(BOBS,), people=(BOBS,), leads=(KnownLead("main", "", P2, {}),)), deleted=True)
    (put,) = decision.puts
    assert (put.phone, put.body["tags"]) == (P2, ["deleted-in-crm"])
    assert row(decision, BOB).deleted


def test_a_deletion_of_a_known_contact_deletes_nobody_else():
    ann = KnownContact(ANN, P1, occurred_at=100.0, event_id=1)
    decision = run(Facts(ann, (ann, BOBS), kin=(BOBS,)), key=ANN, deleted=True)
    assert decision.others == ()


def test_an_address_blocks_whoever_comes_with_it():
    said = replace(HER_ADDRESS, dnd_all=True, dnd_all_at=50.0, blocked=True, event_id=3)
    decision = run(Facts(addresses=(said,)), key=ANN, phone=P1)
    assert (decision.reason, decision.contact.blocked, decision.in_effect) == ("do not call", True, (3,))


def test_but_not_who_opted_in_later():
    said = replace(HER_ADDRESS, dnd_all=True, dnd_all_at=50.0, blocked=True, event_id=3)
    ann = KnownContact(ANN, P1, occurred_at=100.0, event_id=4, dnd_all_at=100.0)
    assert run(Facts(ann, (ann,), addresses=(said,)), key=ANN, phone=P1).state == "queued"


def test_an_older_word_than_theirs_blocks_nobody():
    opted_in = replace(BOBS, dnd_all_at=300.0)
    decision = run(Facts(kin=(opted_in,), people=(opted_in,)), dnd_all=True)
    assert row(decision, BOB) is None


def test_an_overtaken_opt_out_is_not_spread():
    ann = KnownContact(ANN, P1, occurred_at=300.0, event_id=1, dnd_all_at=300.0)
    decision = run(Facts(ann, (ann, BOBS), kin=(BOBS,)), key=ANN, phone=P1, dnd_all=True)
    assert (decision.reason, decision.others) == ("stale", ())


def test_a_late_opt_out_leaves_the_phone_alone_that_the_contact_had_then():
    ann = KnownContact(ANN, P2, occurred_at=300.0, event_id=1)
    decision = run(Facts(ann, (ann,)), key=ANN, phone=P1, email="", dnd_all=True)
    assert (decision.contact.blocked, decision.contact.phone, decision.others) == (True, P2, ())


def test_a_block_counts_for_a_lead_that_is_left_at_the_same_time():
    """The contact changes its phone with an opt-out, and somebody with its address has the old one."""
    ann = KnownContact(ANN, P1, occurred_at=100.0, event_id=1)
    bob = replace(BOBS, phone=P1, deleted=True)
    facts = Facts(ann, (ann, bob), (KnownLead("main", "", P1, {"tags": ["x"]}),), kin=(bob,))
    (put,) = run(facts, key=ANN, phone=P3, dnd_all=True).puts
    assert (put.phone, put.priority, put.body["tags"][0]) == (P1, DO_NOT_CALL, "do-not-call")


def test_every_number_that_it_can_mean_is_blocked_and_lifted():
    out = run(phone=P1, readings=(P1, P2, P3), email="", dnd_all=True)
    assert (out.state, out.reason) == ("skipped", "do not call")
    assert {each.phone for each in out.others if each.blocked} == {P2, P3}
    facts = Facts(out.contact, (out.contact, *out.others))
    lifted = run(facts, phone=P1, readings=(P1, P2, P3), email="", dnd_all=False, at=300.0, event=10)
    assert lifted.state == "queued"
    assert not any(each.blocked for each in (lifted.contact, *lifted.others))


def test_an_unusable_phone_with_readings_is_remembered_by_them():
    decision = run(readings=(P1, P2), email="", dnd_all=True)
    assert (decision.state, decision.reason) == ("skipped", "do not call")
    assert {each.phone for each in decision.others} == {P1, P2}


def test_a_crowd_with_one_address_is_left_alone():
    decision = run(Facts(crowded=True), dnd_all=True)
    assert decision.state == "dead"
    assert "more contacts" in decision.reason
    assert decision.others == ()


def test_the_configurations_own_rule_speaks_without_a_flag():
    reading = Reading(Contact(email=EMAIL), source="forms")
    mapped = Mapped(skip="no phone", blocked_if_not=True)
    facts = Facts(kin=(BOBS,), people=(BOBS,))
    decision = decide(
        Arrival(9, 200.0), reading, mapped, key=None, facts=facts, accounts={"main"}, tags=OwnTags()
    )
    assert row(decision, BOB).blocked


people = st.builds(
    lambda number, at, blocked, deleted: KnownContact(
        ContactKey("ghl", "loc", f"c{number}"),
        f"+1202555010{number}",
        occurred_at=100.0,
        event_id=number + 1,
        dnd_all=blocked,
        dnd_all_at=at,
        blocked=blocked,
        deleted=deleted,
    ),
    st.integers(0, 9),
    st.sampled_from([0.0, 150.0, 250.0]),
    st.booleans(),
    st.booleans(),
)


@given(
    kin=st.lists(people, max_size=4, unique_by=lambda each: each.key),
    known=st.sets(st.integers(0, 9)),
    waits=st.sets(st.integers(0, 9)),
    flying=st.booleans(),
    mine=st.sampled_from(["nobody", "unseen", "seen"]),
    phone=st.sampled_from(["", P1]),
    readings=st.lists(st.integers(0, 9), max_size=3),
    email=st.sampled_from(["", EMAIL]),
)
def test_an_opt_out_reaches_everybody_or_is_dead(kin, known, waits, flying, mine, phone, readings, email):
    """Whatever the facts: who is meant is blocked, their leads are tagged, what waits is taken back."""
    kin = kin if email else []
    numbers = tuple(dict.fromkeys([*([phone] if phone else []), *(f"+1202555010{n}" for n in readings)]))
    leads = tuple(KnownLead("main", "", f"+1202555010{n}", {"tags": ["x"]}) for n in known)
    rows = tuple(
        Waiting("main", "east", f"+1202555010{n}", None, {"name": "Ann"}, in_flight=flying) for n in waits
    )
    ann = KnownContact(ANN, occurred_at=100.0, event_id=1) if mine == "seen" else None
    facts = Facts(ann, tuple(kin), leads, rows, kin=tuple(kin))
    decision = run(
        facts,
        key=None if mine == "nobody" else ANN,
        phone=phone,
        readings=numbers,
        email=email,
        dnd_all=True,
    )
    meant = {each.phone for each in kin if each.dnd_all_at <= 200.0} | {*numbers}
    after = {each.key: each for each in (*kin, *decision.others, *filter(None, [decision.contact]))}
    assert meant <= {each.phone for each in after.values() if each.blocked}
    tagged = {(put.campaign_id, put.phone) for put in decision.puts if "do-not-call" in put.body["tags"]}
    gone = {(each.campaign_id, each.phone) for each in decision.withdrawals}
    assert {("", lead.phone) for lead in leads if lead.phone in meant} <= tagged
    assert {(each.campaign_id, each.phone) for each in rows if each.phone in meant} <= tagged | gone
    assert all(put.priority == DO_NOT_CALL and put.only_existing for put in decision.puts)
    nobody = not kin and not numbers and mine != "seen"
    assert (decision.state == "dead") == nobody
    assert len({(put.account, put.campaign_id, put.phone) for put in decision.puts}) == len(decision.puts)
    assert (decision.state == "queued") == bool(decision.puts)
