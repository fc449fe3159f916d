"""The odd answers of the sandbox: what they do, what they say, and what the client makes of it."""

import asyncio

import httpx2
import pytest

from bridge.fusion.client import FusionClient
from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox import Fault, create_sandbox, sandbox_transport
from bridge.fusion.sandbox_answers import HUGE
from bridge.outbox.outcome import Delivered, Exists, Rejected
from bridge.outbox.request import Request

KEY = {"Authorization": "Bearer key-of-an-account"}
CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
PHONES = ("+12025550101", "+12025550102", "+12025550103")
LEADS = tuple({"name": "No One", "phone": phone} for phone in PHONES)
BATCH = Request("create", CAMPAIGN, None, LEADS)


@pytest.fixture(params=["june", "july"])
def app(request, clock):
    return create_sandbox(rules=request.param, clock=clock)


@pytest.fixture
def sandbox(app):
    return app.state.sandbox


@pytest.fixture
async def client(app, clock):
    client = FusionClient("http://fusion.test", "key", transport=sandbox_transport(app), clock=clock)
    yield client
    await client.aclose()


@pytest.fixture
async def http(app):
    transport = sandbox_transport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://fusion.test", headers=KEY) as client:
        yield client


async def test_fewer(client, sandbox):
    sandbox.faults.add(Fault("fewer", times=1))
    page = await client.page("", 1)  # only a POST is struck
    assert page.answer.outcome == Delivered()
    outcome = (await client.send(BATCH)).outcome
    assert outcome == Delivered({lead.phone: lead.id for lead in sandbox.leads}, 2)
    assert set(outcome.lead_ids) == set(PHONES[:2])
    assert sandbox.requests[-1].leads == 3
    assert isinstance((await client.send(BATCH)).outcome, Exists)


@pytest.mark.parametrize("body", [LEADS[0], {"leads": [LEADS[0]]}])
async def test_fewer_than_one(http, sandbox, body):
    sandbox.faults.add(Fault("fewer"))
    answer = await http.post(LEADS_PATH, json=body)
    assert (answer.status_code, answer.json()["data"]["inserted"]) == (201, 0)
    assert answer.json()["data"]["leads"] == sandbox.leads == []
    assert sandbox.requests[-1].leads == 1


async def test_fewer_of_what_is_refused(http, sandbox):
    sandbox.faults.add(Fault("fewer"))
    assert (await http.post(LEADS_PATH, json={"leads": [{}, LEADS[0]]})).status_code == 400
    assert (await http.post(LEADS_PATH, content=b"{")).status_code == 400


async def test_others(client, sandbox, clock):
    sandbox.faults.add(Fault("others"))
    outcome = (await client.send(BATCH)).outcome
    assert outcome.inserted == 3
    assert set(outcome.lead_ids) == {"+19995550101", "+19995550102", "+19995550103"}
    assert set(outcome.lead_ids.values()) == {lead.id for lead in sandbox.leads}
    assert {lead.phone for lead in sandbox.leads} == set(PHONES)

    look = Request("look", CAMPAIGN, None, LEADS[:1], since=clock.now)
    assert isinstance((await client.send(look)).outcome, Rejected)
    update = Request("update", CAMPAIGN, None, LEADS[:1])
    assert set((await client.send(update)).outcome.lead_ids) == {"+19995550101"}
    refused = (await client.send(BATCH)).outcome
    assert isinstance(refused, Exists)


async def test_no_ids(client, sandbox, clock):
    sandbox.faults.add(Fault("no_ids"))
    assert (await client.send(BATCH)).outcome == Delivered(dict.fromkeys(PHONES, ""), 3)
    look = Request("look", CAMPAIGN, None, LEADS[:1], since=clock.now)
    assert (await client.send(look)).outcome == Delivered({PHONES[0]: ""})
    listing = await client.page(CAMPAIGN, 1)
    assert listing.leads == tuple((phone, "") for phone in PHONES)


async def test_huge(http, sandbox):
    sandbox.faults.add(Fault("huge"))
    answer = await http.post(LEADS_PATH, json=LEADS[0])
    assert len(answer.content) >= HUGE
    assert answer.json()["data"]["inserted"] == len(sandbox.leads) == 1
    assert "content-length" not in answer.headers


async def test_text(http, client, sandbox):
    sandbox.faults.add(Fault("text"))
    answer = await http.post(LEADS_PATH, json=LEADS[0])
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.json()["data"]["inserted"] == 1
    assert (await client.send(BATCH)).outcome == Delivered(
        {lead.phone: lead.id for lead in sandbox.accounts["key"].by_id.values()}, 3
    )


async def test_redirect(http, sandbox):
    sandbox.faults.add(Fault("redirect", times=1), Fault("redirect", status=301))
    answer = await http.post(LEADS_PATH, json=LEADS[0])
    assert (answer.status_code, answer.headers["Location"]) == (307, "/elsewhere")
    assert (await http.get(LEADS_PATH)).status_code == 301
    assert (await http.get("/elsewhere")).status_code == 404
    assert sandbox.leads == []


async def test_half(http, sandbox):
    sandbox.faults.add(Fault("half"))
    answer = await http.post(LEADS_PATH, json=LEADS[0])
    assert answer.content.startswith(b'{"success":true')
    assert not answer.content.endswith(b"}")
    assert len(sandbox.leads) == 1


@pytest.mark.parametrize("kind", ["fewer", "others", "no_ids", "huge", "redirect", "text", "half"])
async def test_every_answer_tells_limit_and_time(http, sandbox, kind):
    sandbox.faults.add(Fault(kind))
    answer = await http.post(LEADS_PATH, json=LEADS[0])
    assert answer.headers["X-RateLimit-Remaining"] == "99"
    assert answer.headers["Date"]


async def test_late(http, sandbox):
    await http.post(LEADS_PATH, json=LEADS[0])
    sandbox.faults.add(Fault("reset_late", delay_s=0.05, times=2))
    for body in (LEADS[1], LEADS[0]):  # the second comes to a 409, by the state of that later moment
        with pytest.raises(httpx2.ReadError):
            await http.post(LEADS_PATH, json=body)
    assert len(sandbox.leads) == 1
    assert sandbox.requests[-1].status is None
    await asyncio.sleep(0.15)
    assert [lead.phone for lead in sandbox.leads] == [*PHONES[:2]]
    assert sandbox.stats()["created"] == 2
    assert sandbox.stats()["requests"] == 3


async def test_a_skewed_clock_does_not_fool_the_look_up(clock):
    for skew_s in (-7200, -30, 30, 7200):
        app = create_sandbox(clock=clock, date_skew_s=skew_s)
        client = FusionClient("http://fusion.test", "key", transport=sandbox_transport(app), clock=clock)
        since = clock.now
        clock.now += 1
        made = await client.send(BATCH)
        assert made.quota.reset_at == clock.now + 60
        clock.now += 20
        look = Request("look", CAMPAIGN, None, LEADS[:1], since=since)
        assert isinstance((await client.send(look)).outcome, Delivered)
        later = Request("look", CAMPAIGN, None, LEADS[:1], since=since + 10)
        assert isinstance((await client.send(later)).outcome, Exists)
        await client.aclose()
