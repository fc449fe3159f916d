"""The whole bridge in one process for tests: the real app, a real database file, the sandbox for Fusion.

Time is real but Fusion is near: `settled()` waits until nothing is received or queued any more.
"""

import asyncio
import contextlib
import json
import sqlite3
import time

import httpx2
import yaml

from bridge.app import create_app
from bridge.config import load
from bridge.fusion.sandbox import create_sandbox, sandbox_transport

TOKEN = "workflow-token-for-the-tests-only"
BASE = {
    "fusion": {
        "base_url": "http://127.0.0.1:9",
        "accounts": {"main": {"api_key": "key-of-the-main-account"}},
        "leads_limit": {"requests": 1000, "per": "1s"},
    },
    "sources": {"workflow": {"type": "ghl_workflow", "token": TOKEN}},
    "retry": {"max_attempts": 3, "first_delay": "50ms", "max_delay": "200ms", "give_up_after": "1h"},
}


class Running:
    """One running bridge with its Fusion."""

    def __init__(self, folder, sandbox):
        self.folder = folder
        self.app = sandbox
        self.fusion = sandbox.state.sandbox
        self.http = None
        self.service = None

    async def post(self, payload=None, *, source="workflow", token=TOKEN, content=None, headers=None):
        path = f"/webhooks/{source}" + (f"/{token}" if token else "")
        body = json.dumps(payload).encode() if content is None else content
        return await self.http.post(path, content=body, headers=headers)

    async def accept(self, **payload):
        """Post a workflow webhook that must be accepted; returns the event's id."""
        answer = await self.post({"contact_id": "ann", "first_name": "Ann", "last_name": "Lee", **payload})
        assert (answer.status_code, answer.json()["status"]) == (200, "accepted"), answer.text
        return answer.json()["event_id"]

    async def settled(self, within=10.0):
        """Wait until every event has its fate."""
        end = time.monotonic() + within
        while self.rows("SELECT 1 FROM events WHERE state IN ('received', 'queued') LIMIT 1"):
            assert time.monotonic() < end, self.rows("SELECT id, state FROM events")
            await asyncio.sleep(0.01)

    async def until(self, condition, within=5.0):
        end = time.monotonic() + within
        while not condition():
            assert time.monotonic() < end, "it never happened"
            await asyncio.sleep(0.01)

    def rows(self, sql, *values):
        connection = sqlite3.connect(self.folder / "data" / "bridge.db")
        connection.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in connection.execute(sql, values)]
        finally:
            connection.close()

    def event(self, event_id):
        return self.rows("SELECT * FROM events WHERE id = ?", event_id)[0]

    def fate(self, event_id):
        event = self.event(event_id)
        return f"{event['state']}: {event['reason']}" if event["reason"] else event["state"]

    def lead(self, phone):
        found = [lead for lead in self.fusion.leads if lead.phone == phone]
        assert len(found) <= 1, f"{phone} is there {len(found)} times"
        return found[0] if found else None

    def methods(self):
        """The requests Fusion saw, in order: POST 201, PATCH 200."""
        return [f"{request['method']} {request['status']}" for request in self.requests()]

    def requests(self):
        return [
            request if isinstance(request, dict) else dict_of(request) for request in self.fusion.requests
        ]


def dict_of(value):
    return {name: getattr(value, name) for name in ("method", "path", "status", "at", "leads")}


def write_config(folder, **changes):
    data = {**BASE, **changes}
    folder.mkdir(exist_ok=True)
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False))
    return path


@contextlib.asynccontextmanager
async def running(folder, *, sandbox=None, rules="june", clock=None, **changes):
    """A bridge that runs with this configuration; use it again on the same folder for a restart.

    `clock` is the bridge's; Fusion keeps its own.
    """
    config = load(write_config(folder, **changes), environ={})
    sandbox = sandbox or create_sandbox(rules=rules, requests=10_000, per_s=1.0)
    bridge = Running(folder, sandbox)
    app = create_app(config, transport=sandbox_transport(sandbox), clock=clock)
    async with app.router.lifespan_context(app):
        transport = httpx2.ASGITransport(app, raise_app_exceptions=False)
        async with httpx2.AsyncClient(transport=transport, base_url="http://bridge") as http:
            bridge.http, bridge.service = http, app.state.service
            yield bridge
