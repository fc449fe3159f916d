"""The sandbox's own routes, and faults by chance, by count and by method."""

from typing import get_args

import httpx2
import pytest

from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox import Fault, create_sandbox, sandbox_transport
from bridge.fusion.sandbox_faults import FaultKind

KEY = {"Authorization": "Bearer key-of-an-account"}
ANN = {"name": "Ann Lee", "phone": "+14155550101"}


@pytest.fixture
def app(clock):
    return create_sandbox(clock=clock, requests=5)


@pytest.fixture
async def http(app):
    transport = sandbox_transport(app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://fusion.test") as client:
        yield client


async def test_leads_requests_stats_reset(http):
    await http.post(LEADS_PATH, json={"leads": [ANN]}, headers=KEY)
    await http.patch(LEADS_PATH, json={**ANN, "company": "Acme"}, headers=KEY)
    for _ in range(6):
        await http.get(LEADS_PATH, headers=KEY)
    leads = (await http.get("/sandbox/leads")).json()
    assert leads["total"] == 1
    assert leads["leads"][0]["company"] == "Acme"
    assert leads["leads"][0]["calls"] == 1
    assert len(leads["leads"][0]["history"]) == 2
    log = (await http.get("/sandbox/requests")).json()
    assert log["total"] == 8
    assert log["requests"][0] == {
        "at": "2026-05-28T20:26:40.000Z",
        "method": "POST",
        "path": LEADS_PATH,
        "status": 201,
        "leads": 1,
        "key": "key-•••",
    }
    stats = (await http.get("/sandbox/stats")).json()
    assert stats == {"requests": 8, "created": 1, "updated": 1, "over_limit": 3, "doubles": 0}
    assert (await http.post("/sandbox/reset")).status_code == 200
    assert set((await http.get("/sandbox/stats")).json().values()) == {0}
    assert "api" in (await http.get("/")).json()


async def test_faults_by_request(http, app):
    fault = {"kind": "status", "status": 503, "times": 2, "method": "POST"}
    assert (await http.post("/sandbox/faults", json=fault)).status_code == 200
    assert (await http.get(LEADS_PATH, headers=KEY)).status_code == 200
    statuses = [(await http.post(LEADS_PATH, json=ANN, headers=KEY)).status_code for _ in range(3)]
    assert statuses == [503, 503, 201]
    await http.post("/sandbox/faults", json=[{"kind": "down"}, {"kind": "html"}])
    with pytest.raises(httpx2.ReadError):
        await http.get(LEADS_PATH, headers=KEY)
    assert app.state.sandbox.requests[-1].status is None
    await http.delete("/sandbox/faults")
    assert (await http.get(LEADS_PATH, headers=KEY)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "1", "{}", '{"kind": "x"}', '{"kind": "status", "status": 99}'),
        *('{"kind": "delay", "delay_s": -1}', '{"kind": "html", "rate": 2}', '{"kind": "html", "oops": 1}'),
        *('{"kind": "html", "times": 0}', '{"kind": "html", "phone": "nobody"}'),
    ],
)
async def test_what_is_no_fault(http, app, body):
    answer = await http.post("/sandbox/faults", content=body)
    assert answer.status_code == 400
    assert answer.json()["error"] == "not a fault"
    assert app.state.sandbox.faults.strike("POST") == (0.0, None)


async def test_every_kind_is_explained(http):
    assert set((await http.get("/")).json()["kinds"]) == set(get_args(FaultKind))


async def test_a_fault_for_one_phone(http, app):
    fault = {"kind": "status", "status": 500, "phone": "(202) 555-0101"}
    told = (await http.post("/sandbox/faults", json=fault)).json()
    assert told["faults"][0]["phone"] == "+12025550101"

    poison, other = {"name": "Ann Lee", "phone": "2025550101"}, {"name": "Bob", "phone": "+12025550102"}
    calls = [
        http.post(LEADS_PATH, json=poison, headers=KEY),
        http.post(LEADS_PATH, json={"leads": [other, poison]}, headers=KEY),
        http.patch(LEADS_PATH, json=poison, headers=KEY),
        http.get(LEADS_PATH, params={"phone": "+12025550101"}, headers=KEY),
    ]
    assert [(await call).status_code for call in calls] == [500] * 4
    assert app.state.sandbox.leads == []
    app.state.sandbox.accounts.clear()
    assert (await http.post(LEADS_PATH, json={"leads": [other]}, headers=KEY)).status_code == 201
    assert (await http.get(LEADS_PATH, headers=KEY)).status_code == 200
    assert (await http.post(LEADS_PATH, content=b"{", headers=KEY)).status_code == 400
    params = {"phone": "+12025550102"}
    assert (await http.get(LEADS_PATH, params=params, headers=KEY)).status_code == 200


async def test_another_tool_spends(http, app):
    await http.get(LEADS_PATH, headers=KEY)
    assert (await http.post("/sandbox/spend", json={"requests": 3})).json() == {"spent": 3}
    assert (await http.get(LEADS_PATH, headers=KEY)).headers["X-RateLimit-Remaining"] == "0"
    other = {"requests": 10**12, "key": "other"}
    assert (await http.post("/sandbox/spend", json=other)).json() == {"spent": 5}
    assert (await http.get(LEADS_PATH, headers={"Authorization": "Bearer other"})).status_code == 429
    assert app.state.sandbox.spend(None, 1) == 0


async def test_every_key_spends_even_before_it_was_used(clock):
    app = create_sandbox(clock=clock, requests=5, api_keys=["one-key", "two-key"])
    assert app.state.sandbox.spend(None, 2) == 4


@pytest.mark.parametrize(
    "body", ["", "{", "[]", "{}", '{"requests": 0}', '{"requests": "3"}', '{"requests": 1, "key": 2}', "true"]
)
async def test_what_is_no_spending(http, body):
    assert (await http.post("/sandbox/spend", content=body)).status_code == 400


def test_chance_can_be_repeated():
    def struck(seed: int) -> list[bool]:
        faults = create_sandbox(seed=seed).state.sandbox.faults
        faults.add(Fault("html", rate=0.3))
        return [faults.strike("GET")[1] is not None for _ in range(1000)]

    assert struck(1) == struck(1) != struck(2)
    assert 200 < sum(struck(1)) < 400


def test_delays_add_up_before_another_fault():
    faults = create_sandbox().state.sandbox.faults
    page = Fault("html", times=1)
    faults.add(Fault("delay", delay_s=1), Fault("delay", delay_s=2), page)
    assert faults.strike("GET") == (3.0, page)
    assert faults.strike("GET") == (3.0, None)
