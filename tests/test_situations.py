"""Identity and delivery end to end: webhook in, the right lead in Fusion, every event with its fate."""

import asyncio

import pytest

from bridge.fusion.sandbox import Fault, create_sandbox
from bridge.store import events
from tests.harness import BASE, TOKEN, running, write_config

P1, P2 = "+12025550101", "+12025550102"


async def test_new_updated_repeated_unchanged(tmp_path):
    async with running(tmp_path) as bridge:
        new = await bridge.accept(phone="(202) 555-0101", email="ann@example.com", tags="solar")
        await bridge.settled()
        again = await bridge.post(
            {"contact_id": "ann", "first_name": "Ann", "last_name": "Lee", "phone": "(202) 555-0101",
             "email": "ann@example.com", "tags": "solar"}
        )  # fmt: skip
        assert again.json() == {"status": "duplicate", "event_id": new}
        same = await bridge.accept(phone="202.555.0101", email="ann@example.com", tags="solar")
        changed = await bridge.accept(phone=P1, email="ann@example.com", tags="solar", last_name="Leigh")
        await bridge.settled()
        assert bridge.fate(new) == "delivered"
        assert bridge.fate(same) == "skipped: unchanged"  # another spelling of the same phone
        assert bridge.fate(changed) == "delivered"
        assert (bridge.lead(P1).name, bridge.lead(P1).tags) == ("Ann Leigh", ["solar"])
        assert bridge.methods() == ["POST 201", "PATCH 200"]


async def test_no_phone_yet_then_a_phone(tmp_path):
    async with running(tmp_path) as bridge:
        first = await bridge.accept(email="ann@example.com")
        await bridge.settled()
        second = await bridge.accept(phone=P1)
        await bridge.settled()
        assert bridge.fate(first) == "skipped: no phone"
        assert bridge.fate(second) == "delivered"


async def test_an_unusable_phone_is_dead_with_a_fix_and_the_next_event_is_delivered(tmp_path):
    async with running(tmp_path) as bridge:
        bad = await bridge.accept(phone="12345")
        good = await bridge.accept(contact_id="bob", phone=P2)
        await bridge.settled()
        event = bridge.event(bad)
        assert event["state"] == "dead"
        assert "phone" in event["reason"]
        assert event["fix"]
        assert bridge.fate(good) == "delivered"


async def test_two_contacts_one_phone_are_one_lead(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        await bridge.accept(contact_id="bob", first_name="Bob", last_name="Ray", phone=P1)
        await bridge.settled()
        assert bridge.lead(P1).name == "Bob Ray"
        assert bridge.methods() == ["POST 201", "PATCH 200"]


async def test_a_changed_phone_is_a_new_lead_and_the_old_is_tagged(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1, tags="solar")
        await bridge.settled()
        moved = await bridge.accept(phone=P2, tags="solar")
        await bridge.settled()
        assert bridge.fate(moved) == "delivered"
        assert bridge.lead(P1).tags == ["phone-changed", "solar"]
        assert bridge.lead(P2).tags == ["solar"]


async def test_do_not_call_tags_blocks_and_is_lifted(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        out = await bridge.accept(phone=P1, dnd="true")
        await bridge.settled()
        assert bridge.fate(out) == "delivered"
        assert bridge.lead(P1).tags == ["do-not-call"]
        silent = await bridge.accept(phone=P1, last_name="Leigh")
        other = await bridge.accept(contact_id="bob", phone=P1)
        await bridge.settled()
        assert (bridge.fate(silent), bridge.fate(other)) == ("skipped: do not call",) * 2
        lifted = await bridge.accept(phone=P1, dnd="false")
        await bridge.settled()
        assert bridge.fate(lifted) == "delivered"
        assert not bridge.lead(P1).tags


async def test_do_not_call_creates_nothing(tmp_path):
    async with running(tmp_path) as bridge:
        event = await bridge.accept(phone=P1, dnd=True)
        await bridge.settled()
        assert bridge.fate(event) == "skipped: do not call"
        assert bridge.methods() == []


async def test_do_not_call_withdraws_a_creation_that_waits(tmp_path, monkeypatch):
    monkeypatch.setattr("bridge.outbox.settle.LATE_S", 0.0)
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.down = True
        new = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts WHERE outcome IS NOT NULL"))
        out = await bridge.accept(phone=P1, dnd=True)
        await bridge.until(lambda: bridge.event(out)["state"] != "received")
        bridge.fusion.faults.down = False
        await bridge.settled()
        # The creation may have arrived, so that the tag is tried; Fusion doesn't know the lead.
        assert bridge.fate(out) == "skipped: do not call"
        assert bridge.event(new)["superseded_by"] == out
        assert bridge.fusion.leads == []


async def test_do_not_call_overtakes_a_creation_that_is_on_its_way(tmp_path):
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("delay", delay_s=0.3, times=1))
        new = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts"))
        out = await bridge.accept(phone=P1, dnd=True)
        await bridge.settled()
        assert (bridge.fate(new), bridge.fate(out)) == ("delivered", "delivered")
        assert bridge.lead(P1).tags == ["do-not-call"]


async def test_do_not_call_without_a_phone_is_for_the_one_told_a_moment_before(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        # Both wait when the resolver looks, and the opt-out is the urgent one.
        await asyncio.gather(bridge.accept(phone=P2), bridge.accept(dnd=True))
        await bridge.settled()
        assert bridge.rows("SELECT phone, blocked FROM contact_map") == [{"phone": P2, "blocked": 1}]
        other = await bridge.accept(contact_id="bob", phone=P2)
        await bridge.settled()
        assert bridge.fate(other) == "skipped: do not call"
        assert bridge.lead(P2) is None


async def test_a_deleted_contact_is_tagged(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        gone = await bridge.accept(phone=P1, event="contact.deleted")
        await bridge.settled()
        assert bridge.fate(gone) == "delivered"
        assert bridge.lead(P1).tags == ["deleted-in-crm"]


async def test_a_lead_that_fusion_has_already_is_updated_in_the_same_turn(tmp_path):
    sandbox = create_sandbox(requests=1000, per_s=1)
    async with running(tmp_path / "first", sandbox=sandbox) as other:
        await other.accept(phone=P1, first_name="Old")
        await other.settled()
    async with running(tmp_path / "second", sandbox=sandbox) as bridge:
        event = await bridge.accept(phone=P1)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert bridge.lead(P1).name == "Ann Lee"
        assert bridge.methods()[-2:] == ["POST 409", "PATCH 200"]
        assert bridge.rows("SELECT origin FROM lead_map") == [{"origin": "found"}]


async def test_a_lead_that_is_gone_in_fusion_is_created_anew(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        bridge.fusion.reset()
        event = await bridge.accept(phone=P1, last_name="Leigh")
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert bridge.methods() == ["PATCH 404", "POST 201"]
        assert bridge.lead(P1).name == "Ann Leigh"


async def test_updates_during_an_outage_are_one_request_with_the_last_value(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        bridge.fusion.faults.down = True
        ids = [await bridge.accept(phone=P1, last_name=f"Lee{n}") for n in range(20)]
        await bridge.until(lambda: not bridge.rows("SELECT 1 FROM events WHERE state = 'received'"))
        bridge.fusion.faults.down = False
        await bridge.settled()
        assert bridge.fate(ids[-1]) == "delivered"
        assert {bridge.fate(event) for event in ids[:-1]} == {"superseded"}
        assert bridge.lead(P1).name == "Ann Lee19"
        assert bridge.methods().count("PATCH 200") == 1


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=500, times=1),
        Fault("status", status=503, times=1),
        Fault("status", status=429, delay_s=1, times=1),
        Fault("reset_before", times=1),
        Fault("reset_after", times=1),
        Fault("html", times=1),
        Fault("garbage", times=1),
        Fault("empty", times=1),
    ],
    ids=lambda fault: f"{fault.kind}-{fault.status}",
)
@pytest.mark.parametrize("rules", ["june", "july"])
async def test_whatever_fusion_does_once_the_lead_arrives_once(tmp_path, fault, rules):
    async with running(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(fault)
        event = await bridge.accept(phone=P1, tags="solar")
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert (bridge.lead(P1).name, bridge.lead(P1).tags) == ("Ann Lee", ["solar"])
        assert bridge.fusion.stats()["doubles"] == 0


async def test_fusions_refusal_is_dead_with_its_words_and_replay_cures_it(tmp_path):
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("status", status=400, times=1))
        event = await bridge.accept(phone=P1)
        await bridge.settled()
        assert bridge.event(event)["state"] == "dead"
        assert bridge.event(event)["reason"].startswith("Fusion refused it: ")
        assert bridge.event(event)["fix"]
        await replay(bridge, event)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"


async def test_500_for_ever_is_dead_after_max_attempts(tmp_path):
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("status", status=500))
        event = await bridge.accept(phone=P1)
        await bridge.settled()
        assert bridge.event(event)["state"] == "dead"
        assert "3 times" in bridge.event(event)["reason"]
        assert bridge.methods() == ["POST 500"] * 3


async def test_a_refused_key_pauses_the_account_and_a_reload_tries_again(tmp_path):
    sandbox = create_sandbox(api_keys=["the-new-key-of-the-account"], requests=1000, per_s=1)
    async with running(tmp_path, sandbox=sandbox) as bridge:
        event = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT reason FROM lanes"))
        lane = bridge.rows("SELECT reason FROM lanes")[0]
        assert lane == {"reason": "unauthorized"}
        assert len(bridge.rows("SELECT 1 FROM attempts")) == 1
        fusion = {**BASE["fusion"], "accounts": {"main": {"api_key": "the-new-key-of-the-account"}}}
        reload_with(bridge, fusion=fusion)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert bridge.rows("SELECT * FROM lanes") == []


async def test_a_bad_reload_keeps_the_old_configuration(tmp_path):
    async with running(tmp_path) as bridge:
        reload_with(bridge, routes="nonsense")
        event = await bridge.accept(phone=P1)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"


async def test_changed_rules_apply_after_a_reload(tmp_path):
    async with running(tmp_path) as bridge:
        reload_with(bridge, lead={"name": "{{ contact.last_name }}", "phone": "{{ contact.phone }}"})
        await bridge.accept(phone=P1, email="ann@example.com")
        await bridge.settled()
        assert (bridge.lead(P1).name, bridge.lead(P1).email) == ("Lee", None)


async def test_a_new_account_and_a_retired_one(tmp_path):
    async with running(tmp_path) as bridge:
        accounts = {"second": {"api_key": "key-of-the-second-account"}}
        reload_with(bridge, fusion={**BASE["fusion"], "accounts": accounts})
        event = await bridge.accept(phone=P1)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert bridge.rows("SELECT account FROM lead_map") == [{"account": "second"}]


async def test_what_waits_for_an_account_that_left_is_dead_with_a_fix(tmp_path):
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.down = True
        event = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts"))
        reload_with(
            bridge, fusion={**BASE["fusion"], "accounts": {"new": {"api_key": "key-of-the-main-account"}}}
        )
        await bridge.settled()
        assert bridge.event(event)["state"] == "dead"
        assert "'main'" in bridge.event(event)["reason"]
        bridge.fusion.faults.down = False
        await replay(bridge, event)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"


async def test_a_renamed_account_still_hears_of_an_opt_out(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        reload_with(
            bridge, fusion={**BASE["fusion"], "accounts": {"new": {"api_key": "key-of-the-main-account"}}}
        )
        await bridge.accept(phone=P1, last_name="Leigh")
        await bridge.settled()
        out = await bridge.accept(phone=P1, dnd=True)
        await bridge.until(lambda: bridge.lead(P1).tags == ["do-not-call"])
        assert bridge.event(out)["state"] == "dead"
        assert "'main'" in bridge.event(out)["reason"]  # nobody can tell that it is the same account


async def test_an_opt_out_for_an_account_that_left_is_dead_and_cured_by_putting_it_back(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=P1)
        await bridge.settled()
        reload_with(bridge, fusion={**BASE["fusion"], "accounts": {"new": {"api_key": "another-key-of-new"}}})
        out = await bridge.accept(phone=P1, dnd=True)
        await bridge.settled()
        assert bridge.event(out)["state"] == "dead"
        assert "'main'" in bridge.event(out)["reason"]
        reload_with(bridge)
        await replay(bridge, out)
        await bridge.settled()
        assert bridge.fate(out) == "delivered"
        assert bridge.lead(P1).tags == ["do-not-call"]


async def test_an_opt_out_tells_who_is_there_and_is_dead_for_the_account_that_left(tmp_path):
    accounts = {name: {"api_key": f"key-of-the-{name}-account"} for name in ("acme", "birch")}
    both = {
        "fusion": {**BASE["fusion"], "accounts": accounts},
        "routes": [{"when": "contact.id == 'ann'", "account": "acme"}, {"account": "birch"}],
    }
    one = {
        "fusion": {**BASE["fusion"], "accounts": {"birch": accounts["birch"]}},
        "routes": [{"account": "birch"}],
    }
    tagged = "SELECT account FROM lead_map WHERE body LIKE '%do-not-call%' ORDER BY account"
    async with running(tmp_path, **both) as bridge:
        await bridge.accept(phone=P1)
        await bridge.accept(contact_id="bob", phone=P1)
        await bridge.settled()
        reload_with(bridge, **one)
        out = await bridge.accept(phone=P1, dnd=True)
        await bridge.until(lambda: bridge.rows(tagged) == [{"account": "birch"}])
        assert bridge.event(out)["state"] == "dead"
        assert "'acme'" in bridge.event(out)["reason"]
        reload_with(bridge, **both)
        await replay(bridge, out)
        await bridge.settled()
        assert bridge.fate(out) == "delivered"
        assert bridge.rows(tagged) == [{"account": "acme"}, {"account": "birch"}]


async def test_a_reload_does_not_end_a_pause_that_fusion_asked_for(tmp_path):
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("status", status=429, delay_s=1, times=1))
        event = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM lanes"))
        reload_with(bridge)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        first, second = bridge.rows("SELECT started_at FROM attempts ORDER BY id")
        assert second["started_at"] - first["started_at"] >= 1


async def test_a_busy_window_gathers_new_leads_and_is_never_overrun(tmp_path):
    limit = {**BASE["fusion"], "leads_limit": {"requests": 4, "per": "1s"}}
    sandbox = create_sandbox(requests=4, per_s=1.0)
    async with running(tmp_path, sandbox=sandbox, fusion=limit) as bridge:
        for number in range(20):
            await bridge.accept(contact_id=f"c{number}", phone=f"+120255501{number:02d}")
            await asyncio.sleep(0.02)
        await bridge.settled()
        requests = [request for request in bridge.requests() if request["method"] == "POST"]
        assert sum(request["leads"] for request in requests) == 20
        assert len(requests) <= 6
        assert [request["leads"] for request in requests[:2]] == [1, 1]  # an idle account sends at once
        assert bridge.fusion.stats()["over_limit"] == 0


async def test_the_old_keys_refusal_does_not_pause_the_new_key(tmp_path):
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("delay", delay_s=0.5, times=1), Fault("status", status=401, times=1))
        event = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts"))
        await asyncio.sleep(0.1)  # written before it leaves; now it is under way
        reload_with(
            bridge, fusion={**BASE["fusion"], "accounts": {"main": {"api_key": "another-key-of-main"}}}
        )
        await bridge.settled()
        assert bridge.fate(event) == "delivered"


async def test_a_lead_that_died_uncertain_is_found_by_a_later_opt_out(tmp_path):
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("reset_after", times=1), Fault("status", status=500, times=3))
        event = await bridge.accept(phone=P1)
        await bridge.settled()
        assert bridge.event(event)["state"] == "dead"
        out = await bridge.accept(phone=P1, dnd=True)
        await bridge.settled()
        assert bridge.fate(out) == "delivered"
        assert bridge.lead(P1).tags == ["do-not-call"]


async def test_a_bug_between_claim_and_settle_keeps_no_lead_from_going(tmp_path, monkeypatch):
    async with running(tmp_path) as bridge:
        monkeypatch.setattr("bridge.worker.lane.settling.settle", lambda *_args, **_kw: 1 / 0)
        event = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts WHERE outcome = 'interrupted'"))
        monkeypatch.undo()
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert bridge.fusion.stats()["doubles"] == 0


async def test_an_event_of_a_source_that_left_the_configuration_is_dead_with_a_fix(tmp_path):
    async with running(tmp_path) as bridge:
        await bridge.service.writer.run(
            lambda db: db.execute(
                "INSERT INTO events (source, body_hash, type, received_at, occurred_at, payload)"
                " VALUES ('gone', 'h', 't', 1, 1, ?)",
                (b'{"contact_id": "ann"}',),
            )
        )
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM events WHERE state = 'dead'"))
        event = bridge.rows("SELECT * FROM events")[0]
        assert "gone" in event["reason"]
        assert "replay" in event["fix"]


async def test_a_stumble_of_ours_is_a_dead_event_and_the_next_one_goes_on(tmp_path, monkeypatch):
    async with running(tmp_path) as bridge:
        monkeypatch.setattr("bridge.worker.resolver.apply", lambda *_args, **_kw: 1 / 0)
        first = await bridge.accept(phone=P1)
        await bridge.settled()
        monkeypatch.undo()
        monkeypatch.setattr("bridge.worker.resolver.decide", lambda *_args, **_kw: 1 / 0)
        second = await bridge.accept(contact_id="bob", phone=P2)
        await bridge.settled()
        monkeypatch.undo()
        third = await bridge.accept(contact_id="cy", phone="+12025550103")
        await bridge.settled()
        assert bridge.event(first)["reason"] == "the bridge stumbled over it (ZeroDivisionError)"
        assert bridge.event(second)["state"] == "dead"
        assert bridge.fate(third) == "delivered"


async def test_campaigns_routes_and_skips(tmp_path):
    campaign = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
    routes = [
        {"name": "customers", "when": "'customer' in contact.tags", "skip": "already a customer"},
        {"name": "solar", "when": "'solar' in contact.tags", "campaign_id": campaign, "kind": "call"},
        {"name": "everyone else"},
    ]
    async with running(tmp_path, routes=routes) as bridge:
        skipped = await bridge.accept(contact_id="c", phone="+12025550103", tags="customer, solar")
        solar = await bridge.accept(phone=P1, tags="solar")
        await bridge.accept(contact_id="bob", phone=P2)
        await bridge.settled()
        assert bridge.fate(skipped) == "skipped: filtered: already a customer"
        assert bridge.event(solar)["route"] == "solar"
        assert (bridge.lead(P1).campaign_id, bridge.lead(P2).campaign_id) == (campaign, "")


async def test_what_a_crash_left_under_way_is_sent_again_and_not_twice(tmp_path):
    sandbox = create_sandbox(requests=1000, per_s=1)
    async with running(tmp_path, sandbox=sandbox) as bridge:
        sandbox.state.sandbox.faults.add(Fault("delay", delay_s=30, times=1))
        event = await bridge.accept(phone=P1)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts"))
        database = bridge.rows("SELECT sent_version FROM outbox")
        assert database == [{"sent_version": 1}]
        await bridge.service.writer.stop()  # nothing more is written, as after a kill
    sandbox.state.sandbox.faults.clear()
    async with running(tmp_path, sandbox=sandbox) as bridge:
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        outcomes = [row["outcome"] for row in bridge.rows("SELECT outcome FROM attempts ORDER BY id")]
        assert outcomes[0] == "interrupted"
        assert len(bridge.fusion.leads) == 1


async def replay(bridge, event_id, **options):
    force = options.get("force", False)
    assert await bridge.service.writer.run(lambda db: events.replay(db, [event_id], force=force)) == 1


async def test_replay_force_delivers_the_unchanged(tmp_path):
    async with running(tmp_path) as bridge:
        event = await bridge.accept(phone=P1)
        await bridge.settled()
        await replay(bridge, event)
        await bridge.settled()
        assert bridge.fate(event) == "skipped: unchanged"
        await replay(bridge, event, force=True)
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert bridge.methods() == ["POST 201", "PATCH 200"]


def reload_with(bridge, **changes):
    write_config(bridge.folder, **changes)
    bridge.service.reload()


def test_the_token_of_the_tests_is_long_enough():
    assert len(TOKEN) >= 24
