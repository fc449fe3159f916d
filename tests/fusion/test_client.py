"""The client over the sandbox: what is sent, and what each fault comes to."""

import asyncio

import httpx2
import pytest

from bridge.fusion import client as client_module
from bridge.fusion.client import LARGEST_ANSWER, FusionClient
from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox import Fault, create_sandbox, sandbox_transport
from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Quota,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.request import Request

KEY = "key-of-an-account"


@pytest.fixture
def app(clock):
    return create_sandbox(clock=clock, api_keys={KEY})


@pytest.fixture
async def client(app, clock):
    client = FusionClient("http://fusion.test", KEY, transport=sandbox_transport(app), clock=clock)
    yield client
    await client.aclose()


def answering(handler, key: str = KEY) -> FusionClient:
    return FusionClient("http://fusion.test", key, transport=httpx2.MockTransport(handler))


@pytest.mark.parametrize("rules", ["june", "july"])
async def test_create_conflict_update_gone(rules, clock, create_one, create_two, update):
    app = create_sandbox(rules=rules, clock=clock)
    client = FusionClient("http://fusion.test", KEY, transport=sandbox_transport(app), clock=clock)
    gone = await client.send(update)
    assert isinstance(gone.outcome, Gone)
    assert (gone.status, gone.method) == (404, "PATCH")

    created = await client.send(create_one)
    lead_id = app.state.sandbox.leads[0].id
    assert created.outcome == Delivered({"+14155550101": lead_id}, 1)
    assert created.quota == Quota(100, 98, clock.now + 60)
    assert created.ms > 0

    assert isinstance((await client.send(create_one)).outcome, Exists)
    assert (await client.send(update)).outcome == Delivered({"+14155550101": lead_id})
    batch = await client.send(create_two)
    assert batch.outcome.inserted == 2
    assert set(batch.outcome.lead_ids) == {"+14155550101", "+14155550102"}
    again = await client.send(create_two)
    assert again.outcome.indexes == ((0,) if rules == "july" else ())
    await client.aclose()


@pytest.mark.parametrize(
    ("fault", "outcome", "uncertain", "applied"),
    [
        (Fault("status", status=500), Failed, True, False),
        (Fault("status", status=503), Unreachable, False, False),
        (Fault("status", status=302), Failed, False, False),
        (Fault("status", status=408), Failed, False, False),
        (Fault("status", status=403), Unauthorized, None, False),
        (Fault("status", status=422), Rejected, None, False),
        (Fault("status", status=200), Delivered, None, True),
        (Fault("status", status=204), Failed, True, True),
        (Fault("status", status=429, delay_s=7), Throttled, None, False),
        (Fault("delay", delay_s=0.01), Delivered, None, True),
        (Fault("reset_before"), Unreachable, True, False),
        (Fault("reset_after"), Unreachable, True, True),
        (Fault("down"), Unreachable, True, False),
        (Fault("html"), Unreachable, True, False),
        (Fault("html", status=200), Unreachable, True, True),
        (Fault("garbage"), Failed, True, True),
        (Fault("empty"), Failed, True, True),
        (Fault("empty", status=504), Unreachable, True, False),
        (Fault("redirect"), Failed, False, False),
        (Fault("reset_late", delay_s=60), Unreachable, True, False),
        (Fault("half"), Failed, True, True),  # without a port; on one see test_sandbox_port
        (Fault("huge"), Failed, True, True),
        (Fault("text"), Delivered, None, True),
        (Fault("others"), Delivered, None, True),
        (Fault("no_ids"), Delivered, None, True),
        (Fault("fewer"), Delivered, None, False),  # the only one is the last one
    ],
)
async def test_faults(client, app, create_one, fault, outcome, uncertain, applied):
    app.state.sandbox.faults.add(fault)
    answer = await client.send(create_one)
    assert type(answer.outcome) is outcome
    assert getattr(answer.outcome, "uncertain", None) is uncertain
    assert len(app.state.sandbox.leads) == applied
    if outcome is Throttled:
        assert answer.outcome.retry_after_s == 7


async def test_over_the_limit(app, clock, create_one):
    app = create_sandbox(requests=1, per_s=30, clock=clock)
    client = FusionClient("http://fusion.test", KEY, transport=sandbox_transport(app), clock=clock)
    await client.send(create_one)
    clock.now += 10
    answer = await client.send(create_one)
    assert (answer.outcome, answer.quota) == (Throttled(20), Quota(1, 0, clock.now + 20))
    await client.aclose()


async def test_a_wrong_key_is_unauthorized_and_not_quoted(create_one, app):
    def refuse(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(401, json={"error": f"Bad {request.headers['authorization']}"})

    client = answering(refuse)
    outcome = (await client.send(create_one)).outcome
    assert isinstance(outcome, Unauthorized)
    assert KEY not in outcome.reason
    assert KEY not in repr(client)
    assert KEY not in str(client)
    await client.aclose()

    stranger = FusionClient("http://fusion.test", "other", transport=sandbox_transport(app))
    assert isinstance((await stranger.send(create_one)).outcome, Unauthorized)
    await stranger.aclose()


async def test_what_goes_over_the_wire(create_one):
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(302, headers={"Location": "https://elsewhere.example/"})

    client = FusionClient("http://fusion.test/base", KEY, transport=httpx2.MockTransport(answer))
    assert isinstance((await client.send(create_one)).outcome, Failed)
    (request,) = seen  # the redirect was not followed
    assert request.url == "http://fusion.test/base/api/leads/external/v1/leads"
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.headers["content-type"] == "application/json"
    assert request.headers["user-agent"].startswith("ghl-fusion-bridge/")
    timeouts = request.extensions["timeout"]
    assert timeouts == {"connect": 5.0, "read": 20.0, "write": 10.0, "pool": 5.0}
    await client.aclose()


@pytest.mark.parametrize(("extra", "outcome"), [(0, Delivered), (1, Failed)])
async def test_an_answer_has_a_largest_size(create_one, extra, outcome):
    empty = len(b'{"pad":""}')
    body = b'{"pad":"%s"}' % (b"x" * (LARGEST_ANSWER - empty + extra))
    client = answering(lambda _: httpx2.Response(201, content=body))
    assert type((await client.send(create_one)).outcome) is outcome
    await client.aclose()


async def test_a_lead_that_json_cannot_say_is_rejected_unsent():
    client = answering(lambda _: pytest.fail("nothing may be sent"))
    answer = await client.send(Request("create", "", None, ({"phone": "+14155550101", "name": "\ud800"},)))
    assert isinstance(answer.outcome, Rejected)
    assert (answer.status, answer.method) == (None, "POST")
    await client.aclose()


@pytest.mark.parametrize("error", [httpx2.ReadTimeout("slow"), RuntimeError("bug"), OSError("disk")])
async def test_send_never_raises(create_one, error):
    def fail(_: httpx2.Request) -> httpx2.Response:
        raise error

    client = answering(fail)
    answer = await client.send(create_one)
    assert isinstance(answer.outcome, Failed | Unreachable)
    assert answer.outcome.uncertain
    assert answer.quota == Quota()
    await client.aclose()


async def test_a_trickling_answer_ends_by_the_total(create_one, app, monkeypatch):
    monkeypatch.setattr(client_module, "TOTAL_S", 0.05)
    app.state.sandbox.faults.add(Fault("delay", delay_s=5))
    client = FusionClient("http://fusion.test", KEY, transport=sandbox_transport(app))
    outcome = (await client.send(create_one)).outcome
    assert outcome == Unreachable("the connection to Fusion broke: TimeoutError", uncertain=True)
    await client.aclose()


@pytest.mark.parametrize("rules", ["june", "july"])
async def test_a_look_up_finds_what_a_lost_answer_did(rules, clock, create_two):
    app = create_sandbox(rules=rules, clock=clock)
    client = FusionClient("http://fusion.test/", KEY, transport=sandbox_transport(app), clock=clock)
    look = Request("look", create_two.campaign_id, None, create_two.leads[:1], since=clock.now)
    nothing = await client.send(look)
    assert isinstance(nothing.outcome, Gone)
    assert (nothing.method, nothing.path, nothing.status) == ("GET", LEADS_PATH, 404)

    app.state.sandbox.faults.add(Fault("reset_after", times=1))
    assert (await client.send(create_two)).outcome.uncertain
    clock.now += 30
    assert (await client.send(look)).outcome == Delivered({"+14155550101": app.state.sandbox.leads[0].id})
    later = Request("look", create_two.campaign_id, None, create_two.leads[:1], since=clock.now)
    assert isinstance((await client.send(later)).outcome, Exists)

    app.state.sandbox.faults.add(Fault("reset_before", times=1))
    lost = (await client.send(look)).outcome
    assert isinstance(lost, Unreachable)
    assert not lost.uncertain
    await client.aclose()


async def test_a_look_up_over_the_wire():
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(404)

    client = answering(answer)
    await client.send(Request("look", "", None, ({"phone": "+12025550101"},)))
    (request,) = seen
    assert request.method == "GET"
    assert request.url.raw_path == f"{LEADS_PATH}?phone=%2B12025550101".encode()
    assert request.content == b""
    assert "content-type" not in request.headers
    assert "content-length" not in request.headers
    await client.aclose()


async def test_a_hundred_megabytes_are_not_read(create_one):
    read = 0

    async def endless():
        nonlocal read
        for _ in range(100):
            read += 1
            yield b" " * (1 << 20)

    client = answering(lambda _: httpx2.Response(201, content=endless()))
    assert (await client.send(create_one)).outcome == Failed(
        "Fusion's answer is larger than 4 MiB", uncertain=True
    )
    assert read == 5
    await client.aclose()


async def test_cancelling_is_not_swallowed(create_one, app, client):
    app.state.sandbox.faults.add(Fault("delay", delay_s=5))
    task = asyncio.create_task(client.send(create_one))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
