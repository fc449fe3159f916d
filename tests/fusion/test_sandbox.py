"""The sandbox keeps Fusion's rules, those of June and those of July."""

import math
from email.utils import formatdate

import httpx2
import pytest

from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox import create_sandbox, sandbox_transport
from bridge.fusion.sandbox_state import iso

KEY = {"Authorization": "Bearer key-of-an-account"}
CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
ANN = {"name": "Ann Lee", "phone": "+14155550101"}
BOB = {"name": "Bob Ray", "phone": "+14155550102"}


def http(clock, **options) -> httpx2.AsyncClient:
    app = create_sandbox(clock=clock, **options)
    client = httpx2.AsyncClient(transport=sandbox_transport(app), base_url="http://fusion.test", headers=KEY)
    client.sandbox = app.state.sandbox
    return client


@pytest.fixture
async def june(clock):
    async with http(clock) as client:
        yield client


@pytest.fixture
async def july(clock):
    async with http(clock, rules="july") as client:
        yield client


@pytest.mark.parametrize(
    ("fields", "in_june", "in_july"),
    [
        ({}, 201, 201),
        ({"name": "A"}, 400, 400),
        ({"name": "😀"}, 201, 201),  # two UTF-16 units
        ({"name": "A" * 100}, 201, 201),
        ({"name": "A" * 101}, 400, 400),
        ({"name": "😀" * 51}, 400, 400),
        ({"name": None}, 400, 400),
        ({"phone": "4155550101"}, 201, 201),
        ({"phone": "+1 (415) 555-0101"}, 201, 201),
        ({"phone": "415.555.0101"}, 400, 400),
        ({"phone": "415555010"}, 400, 400),
        ({"phone": "+1234567890123456"}, 400, 400),
        ({"phone": "4155550101" + " " * 20}, 201, 400),
        ({"phone": 4155550101}, 400, 400),
        ({"email": "ann@example.com"}, 201, 201),
        ({"email": "ann@"}, 400, 400),
        ({"email": ""}, 400, 400),
        ({"email": None}, 400, 201),
        ({"email": f"{'a' * 250}@b.co"}, 201, 400),
        ({"company": "A" * 101}, 400, 400),
        ({"company": None}, 400, 201),
        ({"tags": ["vip", "New Lead!"]}, 201, 400),
        ({"tags": ["vip", "web-site_2"]}, 201, 201),
        ({"tags": ["a" * 51]}, 201, 400),
        ({"tags": ["a"] * 21}, 400, 400),
        ({"tags": "vip,updated"}, 400, 400),
        ({"tags": [1]}, 400, 400),
        ({"tags": None}, 400, 201),
        ({"custom_fields": {"bill": 120.5, "solar": True, "note": None, "text": "x"}}, 201, 201),
        ({"custom_fields": {"a b": 1}}, 201, 400),
        ({"custom_fields": {"a": "x" * 1001}}, 201, 400),
        ({"custom_fields": {"a": [1]}}, 201, 400),
        ({"custom_fields": {f"k{n}": n for n in range(21)}}, 201, 400),
        ({"custom_fields": "x"}, 201, 400),
        ({"campaign_id": CAMPAIGN}, 201, 201),
        ({"campaign_id": "main"}, 400, 400),
        ({"campaign_id": None}, 400, 400),
        ({"kind": "call"}, 201, 201),
        ({"kind": "sms"}, 201, 400),
        ({"kind": "sms", "campaign_id": CAMPAIGN}, 201, 201),
        ({"kind": "fax"}, 400, 400),
        ({"unknown": 1}, 201, 201),
    ],
)
async def test_fields(june, july, fields, in_june, in_july):
    for client, wanted in ((june, in_june), (july, in_july)):
        for body in ({**ANN, **fields}, {"leads": [BOB, {**ANN, **fields}]}):
            client.sandbox.reset()
            answer = await client.post(LEADS_PATH, json=body)
            assert answer.status_code == wanted, answer.text
            assert answer.json()["success"] is (wanted == 201)
            if wanted == 400 and "leads" in body:
                assert [entry["index"] for entry in answer.json()["details"]] == [1]
                assert client.sandbox.leads == []


@pytest.mark.parametrize(
    "body", ["[]", "{}", "", "{", "null", '{"leads": []}', '{"leads": {}}', '{"leads": [1]}']
)
async def test_bodies_that_are_no_leads(june, body):
    assert (await june.post(LEADS_PATH, content=body)).status_code == 400
    assert (await june.patch(LEADS_PATH, content=body)).status_code == 400


async def test_answers_of_june_and_july(june, july):
    for client, path in ((june, ()), (july, ("lead",))):
        posted = (await client.post(LEADS_PATH, json={**ANN, "campaign_id": CAMPAIGN})).json()["data"]
        assert posted["mode"] == "atomic"
        assert posted["inserted"] == 1
        (lead,) = posted["leads"]
        assert set(lead) == {"id", "name", "phone", "campaign_name", "status", "created_at"}
        assert lead["created_at"] == "2026-05-28T20:26:40.000Z"

        change = {"phone": "4155550101", "company": "Acme", "campaign_id": CAMPAIGN.upper()}
        answers = [
            (await client.patch(LEADS_PATH, json=change), {"id", "name", "phone", "status", "updated_at"}),
            (await client.get(f"{LEADS_PATH}/{lead['id']}"), {*lead, "email"}),
            (await client.get(LEADS_PATH, params={"phone": "415 555 0101"}), {*lead, "email"}),
        ]
        for answer, keys in answers:
            assert answer.status_code == 200
            shown = answer.json()["data"]
            for step in path:
                shown = shown[step]
            assert set(shown) == keys
        assert client.sandbox.leads[0].company == "Acme"


async def test_batch_is_all_or_nothing(june, july):
    for client in (june, july):
        await client.post(LEADS_PATH, json=ANN)
        answer = await client.post(LEADS_PATH, json={"leads": [BOB, ANN]})
        assert answer.status_code == 409
        assert [lead.phone for lead in client.sandbox.leads] == [ANN["phone"]]
        twice = await client.post(LEADS_PATH, json={"leads": [BOB, BOB]})
        assert twice.status_code == 409
        assert ("details" in twice.json()) is (client is july)
        full = [{"name": "No One", "phone": str(2_000_000_000 + n)} for n in range(101)]
        assert (await client.post(LEADS_PATH, json={"leads": full})).status_code == 400
        full_answer = await client.post(LEADS_PATH, json={"leads": full[:100]})
        assert full_answer.json()["data"]["inserted"] == 100


async def test_a_phone_is_unique_in_its_campaign_only(june):
    assert (await june.post(LEADS_PATH, json=ANN)).status_code == 201
    assert (await june.post(LEADS_PATH, json={**ANN, "phone": "(415) 555-0101"})).status_code == 409
    assert june.sandbox.stats()["doubles"] == 0
    assert (await june.post(LEADS_PATH, json={**ANN, "campaign_id": CAMPAIGN})).status_code == 201
    assert june.sandbox.stats()["doubles"] == 1
    other = {"Authorization": "Bearer other-account-key"}
    assert (await june.post(LEADS_PATH, json=ANN, headers=other)).status_code == 201
    assert june.sandbox.stats()["doubles"] == 1
    assert [lead.calls for lead in june.sandbox.leads] == [1, 1, 1]


async def test_kind_must_match_the_campaign(june):
    sms = {"kind": "sms", "campaign_id": CAMPAIGN}
    assert (await june.post(LEADS_PATH, json={**ANN, **sms})).status_code == 201
    batch = {"kind": "call", "leads": [{**BOB, "campaign_id": CAMPAIGN}]}
    assert (await june.post(LEADS_PATH, json=batch)).status_code == 400
    assert (await june.post(LEADS_PATH, json={**batch, "kind": "sms"})).status_code == 201


async def test_patch(june, july):
    for client in (june, july):
        body = {**ANN, "email": "a@b.co", "tags": ["a"], "custom_fields": {"x": 1}}
        await client.post(LEADS_PATH, json=body)
        phone = {"phone": ANN["phone"]}
        assert (await client.patch(LEADS_PATH, json=phone)).status_code == 400
        assert (await client.patch(LEADS_PATH, json={**phone, "kind": "call"})).status_code == 400
        gone = {**phone, "name": "Ann", "campaign_id": CAMPAIGN}
        assert (await client.patch(LEADS_PATH, json=gone)).status_code == 404
        tagged = await client.patch(LEADS_PATH, json={**phone, "tags": ["b", "c"]})
        assert tagged.status_code == 200
        assert client.sandbox.leads[0].tags == ["b", "c"]
        assert client.sandbox.stats()["updated"] == 1
    lead = july.sandbox.leads[0]
    change = {**phone, "email": None, "tags": None, "custom_fields": {"y": 2}}
    assert (await july.patch(LEADS_PATH, json=change)).status_code == 200
    assert (lead.email, lead.tags, lead.custom_fields, lead.name) == (None, [], {"x": 1, "y": 2}, "Ann Lee")
    assert len(lead.history) == 3
    assert (await june.patch(LEADS_PATH, json=change)).status_code == 400
    only_custom = {**phone, "custom_fields": {"y": 2}}
    assert (await june.patch(LEADS_PATH, json=only_custom)).status_code == 400


async def test_list(june):
    leads = [{"name": "No One", "phone": str(2_000_000_000 + n)} for n in range(60)]
    await june.post(LEADS_PATH, json={"leads": leads})
    first = (await june.get(LEADS_PATH)).json()["data"]
    assert (first["campaign_name"], first["page"], first["total"]) == ("Default Feed", 1, 60)
    assert len(first["leads"]) == 50
    assert set(first["leads"][0]) == {"id", "name", "phone", "status"}
    second = (await june.get(LEADS_PATH, params={"page": 2, "status": "pending"})).json()["data"]
    assert len(second["leads"]) == 10
    assert (await june.get(LEADS_PATH, params={"status": "failed"})).json()["data"]["total"] == 0
    assert (await june.get(LEADS_PATH, params={"campaign_id": CAMPAIGN})).json()["data"]["total"] == 0
    for query in (
        {"page": "0"},
        {"pageSize": "101"},
        {"pageSize": "x"},
        {"status": "x"},
        {"campaign_id": "x"},
    ):
        assert (await june.get(LEADS_PATH, params=query)).status_code == 400


async def test_look_up_of_nobody(june):
    assert (await june.get(LEADS_PATH, params={"phone": "+14155550101"})).status_code == 404
    assert (await june.get(LEADS_PATH, params={"phone": "x"})).status_code == 400
    assert (await june.get(f"{LEADS_PATH}/{CAMPAIGN}")).status_code == 404
    assert (await june.delete(f"{LEADS_PATH}/{CAMPAIGN}")).status_code == 405


@pytest.mark.parametrize(
    "header", ["", "Bearer", "bearer good-key", "Basic good-key", "Bearer bad", "Bearer a b"]
)
async def test_keys(clock, header):
    async with http(clock, api_keys=["good-key"]) as client:
        answer = await client.post(LEADS_PATH, json=ANN, headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.json()["error"] == "Unauthorized"
        assert answer.headers["X-RateLimit-Remaining"] == "100"
        good = await client.post(LEADS_PATH, json=ANN, headers={"Authorization": "Bearer good-key"})
        assert good.status_code == 201


@pytest.mark.parametrize("skew_s", [0, 90.5, -3600])
async def test_fusions_own_clock(clock, skew_s):
    async with http(clock, date_skew_s=skew_s) as client:
        posted = await client.post(LEADS_PATH, json=ANN)
        shown = (await client.get(LEADS_PATH, params={"phone": ANN["phone"]})).json()["data"]
        there = clock.now + skew_s
        assert shown["created_at"] == posted.json()["data"]["leads"][0]["created_at"] == iso(there)
        assert posted.headers["Date"] == formatdate(there, usegmt=True)
        assert posted.headers["X-RateLimit-Reset"] == str(math.ceil(there + 60))
        clock.now += 5
        patched = await client.patch(LEADS_PATH, json={**ANN, "company": "Acme"})
        assert patched.json()["data"]["updated_at"] == iso(there + 5)
        refused = await client.get(LEADS_PATH, headers={"Authorization": "none"})
        assert refused.headers["Date"] == formatdate(there + 5, usegmt=True)
        assert client.sandbox.requests[-1].at == clock.now  # the log goes by ours


async def test_reset_may_mean_the_whole_window(clock):
    async with http(clock, requests=2, per_s=60, reset_means="window") as client:
        started = int(clock.now)
        await client.get(LEADS_PATH)
        clock.now += 10
        assert (await client.get(LEADS_PATH)).headers["X-RateLimit-Reset"] == str(started + 70)
        refused = await client.get(LEADS_PATH)
        assert refused.headers["X-RateLimit-Reset"] == str(started + 70)
        assert refused.headers["Retry-After"] == "50"


async def test_sliding_window(clock):
    async with http(clock, requests=3, per_s=60) as client:
        for _ in range(3):
            answer = await client.get(LEADS_PATH)
            clock.now += 10
        assert answer.headers["X-RateLimit-Remaining"] == "0"
        assert answer.headers["X-RateLimit-Reset"] == str(int(clock.now) + 30)
        for _ in range(2):  # refused ones take no place
            refused = await client.get(LEADS_PATH)
            assert refused.status_code == 429
            assert refused.headers["Retry-After"] == "30"
            assert refused.json() == {
                "error": "Rate limit exceeded",
                "message": "Try again in 30 seconds",
                "retryAfter": 30,
                "limit": 3,
                "remaining": 0,
            }
        other = await client.get(LEADS_PATH, headers={"Authorization": "Bearer other"})
        assert other.headers["X-RateLimit-Remaining"] == "2"
        clock.now += 30
        assert (await client.get(LEADS_PATH)).status_code == 200
        assert (await client.get(LEADS_PATH)).status_code == 429
        assert client.sandbox.stats()["over_limit"] == 3
