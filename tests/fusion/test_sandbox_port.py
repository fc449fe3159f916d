"""The sandbox behind a real socket: there a dropped connection is really dropped."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest
import uvicorn

from bridge.fusion.client import FusionClient
from bridge.fusion.sandbox import Fault, SandboxProtocol, create_sandbox
from bridge.outbox.outcome import Delivered, Exists, Unreachable


@asynccontextmanager
async def served(app):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=SandboxProtocol, log_config=None, lifespan="off")
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
