"""Campaigns and locations by name, through the whole bridge: where each lead is, and what is dead."""

from bridge.store import events
from tests.harness import BASE, TOKEN, running, write_config

P1, P2, P3 = "+12025550101", "+12025550102", "+12025550103"
SOLAR, ROOF = "11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa"
ACCOUNTS = {"main": {"api_key": "key-of-the-main-account"}, "birch": {"api_key": "key-of-the-birch-account"}}
CONFIG = {
    "fusion": {**BASE["fusion"], "accounts": ACCOUNTS},
    "campaigns": {"solar": SOLAR, "roof": ROOF},
    "locations": {"oak": {"account": "birch", "campaign": "roof", "name": "Oak", "default_region": "DE"}},
}
BY_DATA = [{"when": "data.what", "campaign": "{{ data.what }}", "add_tags": ["{{ location.name }}"]}, {}]


async def test_each_lead_goes_where_route_and_location_say(tmp_path):
    async with running(tmp_path, routes=BY_DATA, **CONFIG) as bridge:
        await bridge.accept(phone=P1, customData={"what": "Solar"})
        await bridge.accept(contact_id="bob", phone=P2, location={"id": "oak"}, tags="a")
        await bridge.accept(contact_id="cid", phone=P3, location={"id": "oak"}, customData={"what": SOLAR})
        await bridge.accept(contact_id="dan", phone="030 12345678", location={"id": "oak"})
        await bridge.settled()

        assert [bridge.lead(phone).campaign_id for phone in (P1, P2, P3)] == [SOLAR, ROOF, SOLAR]
        assert bridge.lead(P3).tags == ["Oak"]
        assert bridge.lead("+493012345678").campaign_id == ROOF
        accounts = {
            row["account"] for row in bridge.rows("SELECT account FROM lead_map WHERE phone <> ?", P1)
        }
        assert accounts == {"birch"}


async def test_a_campaign_that_is_not_known_is_dead_and_its_fix_works(tmp_path):
    async with running(tmp_path, routes=BY_DATA, **CONFIG) as bridge:
        event = await bridge.accept(phone=P1, customData={"what": "windows"})
        await bridge.settled()
        dead = bridge.event(event)
        assert dead["reason"] == "routes[0].campaign: 'windows' is no known campaign; known: solar, roof"
        assert (
            dead["fix"]
            == "change the rule, or add the name and its UUID to campaigns:; then replay the event"
        )
        assert bridge.methods() == []

        known = {**CONFIG["campaigns"], "windows": "0b8a4c1e-1111-4222-8333-94f5a6b7c8d9"}
        write_config(bridge.folder, routes=BY_DATA, **{**CONFIG, "campaigns": known})
        bridge.service.reload()
        await bridge.service.writer.run(lambda db: events.replay(db, [event], force=False))
        await bridge.settled()
        assert bridge.fate(event) == "delivered"
        assert bridge.lead(P1).campaign_id == known["windows"]


async def test_somebody_who_opts_out_is_told_to_fusion_whatever_the_campaign_says(tmp_path):
    async with running(tmp_path, routes=BY_DATA, **CONFIG) as bridge:
        await bridge.accept(phone=P1, customData={"what": "solar"})
        await bridge.settled()
        await bridge.accept(phone=P1, customData={"what": "nonsense", "dnd": "true"})
        await bridge.settled()
        assert "do-not-call" in bridge.lead(P1).tags


async def test_a_location_that_is_not_listed_is_ignored(tmp_path):
    sources = {"workflow": {"type": "ghl_workflow", "token": TOKEN, "locations": ["oak"]}}
    async with running(tmp_path, **{**CONFIG, "sources": sources}) as bridge:
        answer = await bridge.post({"contact_id": "ann", "phone": P1, "location": {"id": "elm"}})
        assert (answer.status_code, answer.json()) == (
            200,
            {"status": "ignored", "reason": "location elm is not listed"},
        )
        await bridge.accept(phone=P1, location={"id": "oak"})
