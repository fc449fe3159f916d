"""SQL of whom an event can mean: its indexes, its limit, and who was known before addresses were kept."""

import sqlite3

import pytest

from bridge.model import ContactKey
from bridge.outbox.facts import ADDRESS, Decision, KnownContact
from bridge.store import reaching
from bridge.store.schema_reach import REACH
from tests.stocked import plans

ANN = ContactKey("ghl", "loc", "ann")
PHONE = "+12025550101"


def known(stock, key, phone, *emails, **more):
    event_id = stock.accept(key.contact_id)
    contact = KnownContact(key, phone=phone, event_id=event_id, **more)
    stock.decide(event_id, Decision("skipped", "no phone", contact=contact, addresses=emails), phone)


def test_each_question_is_a_look_up(stock):
    def ask(connection):
        reaching.said_of(connection, ["ann@example.com"])
        reaching.kin_of(connection, ["ann@example.com"], None)
        reaching.settle_earlier(connection, ANN, PHONE, 1, 1.0)
        reaching.settle_earlier(connection, ContactKey("forms", "", PHONE), PHONE, 1, 1.0)

    steps = plans(stock.connection, ask)
    assert not [step for step in steps if step.startswith("SCAN")], steps
    assert any("events_dead_contact" in step for step in steps)
    assert any("events_dead_phone" in step for step in steps)


def test_who_ever_had_an_address_is_found_and_the_asker_is_left_out(stock):
    known(stock, ANN, PHONE, "ann@example.com", "family@example.com")
    bob = ContactKey("forms", "", "+12025550102")
    known(stock, bob, "+12025550102", "family@example.com")
    found, crowded = reaching.kin_of(stock.connection, ["ann@example.com", "family@example.com"], ANN)
    assert ([each.key for each in found], crowded) == ([bob], False)


def test_too_many_are_nobody(stock):
    for number in range(reaching.MOST_KIN + 1):
        known(stock, ContactKey("ghl", "", f"c{number}"), "", "none@example.com")
    assert reaching.kin_of(stock.connection, ["none@example.com"], None) == ((), True)


def test_what_was_said_of_an_address_alone(stock):
    known(stock, ContactKey(ADDRESS, "", "ann@example.com"), "", blocked=True)
    (said,) = reaching.said_of(stock.connection, ["ann@example.com", "bob@example.com"])
    assert said.blocked


def test_who_was_known_before_is_found_by_the_address_of_their_lead(stock):
    stock.deliver("ann", PHONE)
    stock.connection.execute("UPDATE lead_map SET body = json_set(body, '$.email', ' Ann@Example.com ')")
    fill = next(each for each in REACH.split(";\n") if each.startswith("INSERT"))
    stock.connection.execute(fill)
    (found,), _ = reaching.kin_of(stock.connection, ["ann@example.com"], None)
    assert (found.key.contact_id, found.phone) == ("ann", PHONE)


def test_an_address_is_one(stock):
    with pytest.raises(sqlite3.IntegrityError):
        stock.connection.execute("INSERT INTO contact_emails VALUES ('nobody', 's', '', 'ann')")
