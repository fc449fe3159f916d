"""An opt-out reaches the person or it shows: by e-mail, by another reading of the phone, in any order."""

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bridge.fusion.sandbox import Fault
from bridge.store import events
from tests.harness import TOKEN, running

P1, P2, P3 = (f"+1202555010{number}" for number in (1, 2, 3))
ANN = "ann@example.com"
FORMS_TOKEN = "forms-token-for-the-tests-only"
KEY = Ed25519PrivateKey.generate()
PEM = KEY.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
)
SOURCES = {
    "workflow": {"type": "ghl_workflow", "token": TOKEN},
    "app": {"type": "ghl_app", "public_keys": [PEM.decode()]},
    "forms": {
        "type": "json",
        "token": FORMS_TOKEN,
        "contact": {
            "name": "{{ payload.name }}",
            "phone": "{{ payload.phone }}",
            "email": "{{ payload.email }}",
            "do_not_call": "{{ payload.stop }}",
        },
    },
}


def bridge_of(tmp_path, **more):
    return running(tmp_path, sources=SOURCES, default_region="US", **more)


async def form(bridge, **payload):
    answer = await bridge.post(payload, source="forms", token=FORMS_TOKEN)
    await bridge.settled()
    return answer.json()["event_id"]


async def workflow(bridge, **payload):
    event_id = await bridge.accept(**payload)
    await bridge.settled()
    return event_id


async def signed(bridge, kind, ago_s=0.0, **payload):
    at = datetime.fromtimestamp(time.time() - ago_s, UTC).isoformat()
    body = {"type": kind, "locationId": "L1", "id": "ann", "timestamp": at, "webhookId": f"{kind}{at}"}
    content = json.dumps({**body, **payload}).encode()
    headers = {"X-GHL-Signature": base64.b64encode(KEY.sign(content)).decode()}
    answer = await bridge.post(source="app", token="", content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    await bridge.settled()
    return answer.json()["event_id"]


def blocked(bridge, phone):
    lead = bridge.lead(phone)
    return lead is None or "do-not-call" in lead.tags


# By e-mail


async def test_by_e_mail_every_lead_of_the_address_is_tagged(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1, email=ANN)
        await workflow(bridge, contact_id="her-other-card", phone=P2, email="Ann@Example.com")
        await workflow(bridge, contact_id="bob", phone=P3, email="bob@example.com")
        out = await form(bridge, email=" ANN@example.com ", stop="yes")
        assert bridge.fate(out) == "delivered"
        assert (blocked(bridge, P1), blocked(bridge, P2), blocked(bridge, P3)) == (True, True, False)


async def test_by_an_address_that_the_contact_had_before(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1, email=ANN)
        await workflow(bridge, phone=P1, email="new@example.com")
        await form(bridge, email=ANN, stop="yes")
        assert blocked(bridge, P1)


async def test_the_person_stays_blocked_until_the_same_contact_opts_in(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1, email=ANN)
        await form(bridge, email=ANN, stop="yes")
        for silent in ({"email": ANN, "tags": "hot"}, {"last_name": "Leigh"}):
            event_id = await workflow(bridge, phone=P1, **silent)
            assert bridge.fate(event_id) == "skipped: do not call"
        await workflow(bridge, phone=P1, dnd="false")
        assert not blocked(bridge, P1)
        # What was said of the address before is older than that.
        await workflow(bridge, phone=P1, email=ANN, last_name="Lane")
        assert not blocked(bridge, P1)


async def test_a_creation_that_waits_is_withdrawn(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        bridge.fusion.faults.down = True
        await bridge.accept(phone=P2, contact_id="probe")
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM lanes"))
        new = await bridge.accept(phone=P1, email=ANN)
        await bridge.until(lambda: bridge.event(new)["state"] == "queued")
        answer = await bridge.post({"email": ANN, "stop": "yes"}, source="forms", token=FORMS_TOKEN)
        await bridge.until(lambda: bridge.event(new)["state"] == "superseded")
        bridge.fusion.faults.down = False
        await bridge.settled()
        assert bridge.event(new)["superseded_by"] == answer.json()["event_id"]
        assert bridge.lead(P1) is None


async def test_whoever_comes_with_the_address_later_is_blocked_and_that_settles_the_opt_out(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        out = await form(bridge, email=ANN, stop="yes")
        assert bridge.event(out)["state"] == "dead"
        assert bridge.event(out)["reason"].startswith("an opt-out that names nobody who is known: ")
        assert "bridge forget" in bridge.event(out)["fix"]
        came = await workflow(bridge, phone=P1, email=ANN)
        assert bridge.fate(came) == "skipped: do not call"
        assert (bridge.fate(out), bridge.event(out)["superseded_by"]) == ("superseded", came)
        silent = await workflow(bridge, phone=P1)
        assert bridge.fate(silent) == "skipped: do not call"
        assert bridge.methods() == []


async def test_the_address_itself_is_lifted_by_an_opt_in_of_the_address(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await form(bridge, email=ANN, stop="yes")
        await form(bridge, email=ANN, stop="no")
        came = await workflow(bridge, phone=P1, email=ANN)
        assert bridge.fate(came) == "delivered"


async def test_a_repeat_of_the_block_undoes_no_opt_in_of_somebody_with_the_same_address(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1, email=ANN)
        await workflow(bridge, contact_id="bob", phone=P2, email=ANN)
        await workflow(bridge, phone=P1, email=ANN, dnd="true")
        assert blocked(bridge, P2)
        await workflow(bridge, contact_id="bob", phone=P2, email=ANN, dnd="false")
        assert not blocked(bridge, P2)
        await workflow(bridge, phone=P1, email=ANN, dnd="true", last_name="Leigh")
        assert (blocked(bridge, P1), blocked(bridge, P2)) == (True, False)


async def test_an_address_of_a_crowd_is_nobodys(tmp_path, monkeypatch):
    monkeypatch.setattr("bridge.store.reaching.MOST_KIN", 1)
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1, email="none@example.com")
        await workflow(bridge, contact_id="bob", phone=P2, email="none@example.com")
        out = await form(bridge, email="none@example.com", stop="yes")
        assert bridge.event(out)["state"] == "dead"
        assert "more contacts" in bridge.event(out)["reason"]
        assert not blocked(bridge, P1)


async def test_the_fix_of_an_opt_out_that_reached_nobody_works(tmp_path):
    """Sent again with the phone of the lead."""
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1)
        out = await form(bridge, email=ANN, stop="yes")
        assert "send the opt-out again with the phone" in bridge.event(out)["fix"]
        await form(bridge, email=ANN, phone=P1, stop="yes")
        assert blocked(bridge, P1)


async def test_a_replay_of_an_opt_out_that_reached_nobody_looks_again(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        out = await workflow(bridge, contact_id="never-seen", dnd="true")
        assert bridge.event(out)["state"] == "dead"
        for _ in range(2):
            await bridge.service.writer.run(lambda db: events.replay(db, [out], force=False))
            await bridge.settled()
            assert bridge.event(out)["state"] == "dead"
        came = await workflow(bridge, contact_id="never-seen", phone=P1)
        assert bridge.fate(came) == "skipped: do not call"
        assert bridge.fate(out) == "superseded"


async def test_a_known_contact_without_a_phone_is_known(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, email=ANN)
        for out in ({"contact_id": "ann", "dnd": "true"}, {"contact_id": "", "email": ANN, "dnd": "true"}):
            event_id = await workflow(bridge, **out)
            assert bridge.fate(event_id) == "skipped: do not call"


# By another reading of the phone


@pytest.mark.parametrize(
    "spelt", ["491713920012", "0049 171 3920012", "49 171 3920012", "+49 (0)171 3920012"]
)
async def test_a_number_counts_as_whatever_it_can_mean(tmp_path, spelt):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone="+49 171 3920012")
        out = await form(bridge, phone=spelt, stop="yes")
        assert bridge.fate(out) == "delivered"
        assert blocked(bridge, "+491713920012")


async def test_a_reading_that_nobody_has_yet_is_remembered_and_lifted_by_the_same_words(tmp_path):
    """Belgian with a plus, American without."""
    async with bridge_of(tmp_path) as bridge:
        await form(bridge, phone="3214567890", stop="yes")
        for phone in ("+32 14 56 78 90", "+1 321 456 7890", "+32 14 56 78 90"):
            came = await workflow(bridge, phone=phone)
            assert bridge.fate(came) == "skipped: do not call"
        assert bridge.methods() == []
        await form(bridge, name="Ann Lee", phone="3214567890", stop="no")
        came = await workflow(bridge, phone="+32 14 56 78 90", last_name="Leigh")
        assert bridge.fate(came) == "delivered"


async def test_every_reading_that_is_known_is_tagged(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone="+32 14 56 78 90")
        await workflow(bridge, contact_id="bob", phone="+1 321 456 7890")
        await workflow(bridge, contact_id="", phone="3214567890", dnd="true")
        assert [blocked(bridge, phone) for phone in ("+3214567890", "+13214567890")] == [True, True]


# A deletion with the sender's time, amid events that count by their arrival


async def test_a_signed_deletion_is_not_stale_because_of_an_event_that_has_no_time(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1)
        gone = await signed(bridge, "ContactDelete", ago_s=5)
        assert bridge.fate(gone) == "delivered"
        assert bridge.lead(P1).tags == ["deleted-in-crm"]


async def test_any_later_event_restores_it_and_what_came_before_does_not(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        first = await workflow(bridge, phone=P1)
        await signed(bridge, "ContactDelete", ago_s=5)
        await bridge.service.writer.run(lambda db: events.replay(db, [first], force=False))
        await bridge.settled()
        assert bridge.lead(P1).tags == ["deleted-in-crm"]
        later = await workflow(bridge, phone=P1, last_name="Leigh")
        assert bridge.fate(later) == "delivered"
        assert not bridge.lead(P1).tags


async def test_it_is_stale_because_of_a_newer_time_of_the_sender(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await signed(bridge, "ContactCreate", phone=P1, firstName="Ann", lastName="Lee")
        gone = await signed(bridge, "ContactDelete", ago_s=60)
        assert bridge.fate(gone) == "skipped: stale"
        assert not bridge.lead(P1).tags


async def test_a_signed_block_is_not_stale_either(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1)
        out = await signed(bridge, "ContactDndUpdate", ago_s=5, dnd=True)
        assert bridge.fate(out) == "delivered"
        assert blocked(bridge, P1)


async def test_nor_one_by_the_configurations_own_rule(tmp_path):
    rule = {"when": "'dnc' in contact.tags"}
    async with bridge_of(tmp_path, do_not_call=rule) as bridge:
        await workflow(bridge, phone=P1)
        await signed(bridge, "ContactTagUpdate", ago_s=5, phone=P1, tags=["dnc"])
        assert blocked(bridge, P1)


async def test_a_rule_of_ones_own_takes_no_opt_out_away(tmp_path):
    """`when` is for a question of their own: who opted out in the usual way is blocked beside it."""
    async with bridge_of(tmp_path, do_not_call={"when": "'dnc' in contact.tags"}) as bridge:
        usual = await workflow(bridge, phone=P1, customData={"dnd": "true"})
        assert bridge.fate(usual) == "skipped: do not call"
        mapped = await form(bridge, name="Bob Ray", phone=P2, stop="on")
        assert bridge.fate(mapped) == "skipped: do not call"
        assert bridge.methods() == []


# Tags emptied


@pytest.mark.parametrize("none", ["", []])
async def test_a_source_that_says_that_there_are_no_tags_empties_them(tmp_path, none):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1, tags="hot, new")
        await workflow(bridge, phone=P1)
        assert bridge.lead(P1).tags == ["hot", "new"]  # silent
        await workflow(bridge, phone=P1, tags="hot")
        emptied = await workflow(bridge, phone=P1, tags=none)
        assert (bridge.fate(emptied), bridge.lead(P1).tags) == ("delivered", [])
        again = await workflow(bridge, phone=P1, tags=none, city="Reno")
        assert bridge.fate(again) == "skipped: unchanged"
        assert bridge.methods() == ["POST 201", "PATCH 200", "PATCH 200"]


async def test_tags_that_the_rules_do_not_take_from_the_contact_are_not_emptied(tmp_path):
    lead = {"name": "{{ contact.name }}", "phone": "{{ contact.phone }}", "tags": "{{ data.team }}"}
    async with bridge_of(tmp_path, lead=lead) as bridge:
        await workflow(bridge, phone=P1, customData={"team": "east"})
        same = await workflow(bridge, phone=P1, tags="", customData={"by": "form"})
        assert (bridge.fate(same), bridge.lead(P1).tags) == ("skipped: unchanged", ["east"])


async def test_tags_that_wait_are_emptied_before_they_leave(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        await workflow(bridge, phone=P1, tags="hot")
        bridge.fusion.faults.down = True
        first = await bridge.accept(phone=P1, tags="hot, new")
        await bridge.until(lambda: bridge.event(first)["state"] == "queued")
        await bridge.accept(phone=P1, tags="", last_name="Leigh")
        await bridge.until(lambda: bridge.event(first)["state"] == "superseded")
        bridge.fusion.faults.down = False
        await bridge.settled()
        assert (bridge.lead(P1).name, bridge.lead(P1).tags) == ("Ann Leigh", [])


# What was dead of a contact


@pytest.mark.parametrize("bad", [{"phone": "12345"}, {"phone": P1, "first_name": "", "last_name": ""}])
async def test_the_next_event_of_the_contact_settles_a_dead_one(tmp_path, bad):
    async with bridge_of(tmp_path) as bridge:
        dead = await workflow(bridge, **bad)
        other = await workflow(bridge, contact_id="bob", phone="12345")
        assert bridge.event(dead)["state"] == "dead"
        good = await workflow(bridge, phone=P1)
        assert (bridge.fate(dead), bridge.event(dead)["superseded_by"]) == ("superseded", good)
        assert bridge.event(other)["state"] == "dead"


async def test_a_form_without_ids_settles_by_phone(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        dead = await form(bridge, phone=P1)
        assert bridge.event(dead)["state"] == "dead"
        await form(bridge, phone=P1, name="Ann Lee")
        assert bridge.fate(dead) == "superseded"


async def test_what_fusion_refused_is_not_settled_so(tmp_path):
    async with bridge_of(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("status", status=400, times=1))
        dead = await workflow(bridge, phone=P1)
        await workflow(bridge, phone=P1, last_name="Leigh")
        assert bridge.event(dead)["state"] == "dead"
