"""The sandbox behind a real socket: there a dropped connection is really dropped."""

import asyncio
import socket
import time
from contextlib import asynccontextmanager
from email.utils import parsedate_to_datetime

import httpx2
import pytest
import uvicorn

from bridge.fusion.client import FusionClient
from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox import Fault, SandboxProtocol, create_sandbox
from bridge.outbox.outcome import Delivered, Exists, Failed, Gone, Unreachable
from bridge.outbox.request import Request


@asynccontextmanager
async def served(app):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=SandboxProtocol, log_config=None, lifespan="off", date_header=False)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 -- uvicorn offers nothing to wait for
            await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


@pytest.fixture(params=["asyncio", "uvloop"])
def anyio_backend(request):
    return ("asyncio", {"use_uvloop": request.param == "uvloop"})


@pytest.mark.parametrize(
    ("kind", "applied"), [("reset_before", False), ("reset_after", True), ("down", False)]
)
async def test_dropped(kind, applied, create_one, update, caplog):
    app = create_sandbox()
    faults = app.state.sandbox.faults
    async with served(app) as url:
        client = FusionClient(url, "key")
        await client.send(update)  # the connection is kept, and then cut
        faults.add(Fault(kind, times=1))
        answer = await client.send(create_one)
        assert isinstance(answer.outcome, Unreachable)
        assert answer.outcome.uncertain
        assert answer.status is None
        assert len(app.state.sandbox.leads) == applied

        faults.clear()
        again = await client.send(create_one)
        assert isinstance(again.outcome, Exists if applied else Delivered)
        await client.aclose()
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


async def test_nobody_there(create_one):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = FusionClient(f"http://127.0.0.1:{port}", "key")
    outcome = (await client.send(create_one)).outcome
    assert isinstance(outcome, Unreachable)
    assert not outcome.uncertain
    await client.aclose()


async def test_an_answer_too_late_may_have_been_applied(create_one, monkeypatch):
    monkeypatch.setattr("bridge.fusion.client.TOTAL_S", 0.1)
    app = create_sandbox()
    app.state.sandbox.faults.add(Fault("delay", delay_s=0.3, times=1))
    async with served(app) as url:
        client = FusionClient(url, "key")
        outcome = (await client.send(create_one)).outcome
        assert isinstance(outcome, Unreachable)
        assert outcome.uncertain
        await client.aclose()
        await asyncio.sleep(0.4)
    assert [lead.calls for lead in app.state.sandbox.leads] == [1]


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("half", Unreachable("the connection to Fusion broke: RemoteProtocolError", uncertain=True)),
        ("huge", Failed("Fusion's answer is larger than 4 MiB", uncertain=True)),
    ],
)
async def test_an_answer_that_is_no_whole_one(kind, outcome, create_two, caplog):
    app = create_sandbox()
    async with served(app) as url:
        client = FusionClient(url, "key")
        app.state.sandbox.faults.add(Fault(kind, times=1))
        answer = await client.send(create_two)
        assert (answer.outcome, answer.status) == (outcome, 201)
        assert len(app.state.sandbox.leads) == 2
        assert isinstance((await client.send(create_two)).outcome, Exists)
        await client.aclose()
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


async def test_carried_out_after_the_line_was_cut(create_two, caplog):
    app = create_sandbox(date_skew_s=-500)
    sandbox = app.state.sandbox
    look = Request("look", create_two.campaign_id, None, create_two.leads[-1:], since=time.time())
    async with served(app) as url:
        client = FusionClient(url, "key")
        sandbox.faults.add(Fault("reset_late", delay_s=0.3, times=1))
        lost = await client.send(create_two)
        assert lost.outcome.uncertain
        assert lost.ms < 300
        assert isinstance((await client.send(look)).outcome, Gone)
        await asyncio.sleep(0.5)
        phone = create_two.leads[-1]["phone"]
        assert (await client.send(look)).outcome == Delivered({phone: sandbox.leads[-1].id})
        assert sandbox.stats()["created"] == 2

        sandbox.faults.add(Fault("reset_late", delay_s=0.2, times=1))
        await client.send(create_two)
        sandbox.reset()
        await asyncio.sleep(0.3)
        assert sandbox.leads == []
        await client.aclose()
    assert [record for record in caplog.records if record.levelname in {"WARNING", "ERROR"}] == []


async def test_one_date_and_it_is_fusions():
    app = create_sandbox(date_skew_s=3600)
    async with served(app) as url, httpx2.AsyncClient(trust_env=False) as http:
        answer = await http.get(url + LEADS_PATH, headers={"Authorization": "Bearer key"})
        (date,) = answer.headers.get_list("date")
        assert 3590 < parsedate_to_datetime(date).timestamp() - time.time() < 3610
        assert "date" not in (await http.get(url + "/sandbox/stats")).headers
