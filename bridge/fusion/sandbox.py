"""Fusion in memory: the leads API with its limits and both sets of rules, and faults on demand.

Serves `bridge demo`, `bridge sandbox`, tests and benchmarks. Over a real port give uvicorn
`http=SandboxProtocol`, so that a dropped connection is really dropped, and `date_header=False`, since it has
a clock of its own; without a port use `sandbox_transport(app)`. Rule for editors: it imitates Fusion, so
Fusion's reference decides what it does.
"""

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.rows import phone_in, rows
from bridge.fusion.sandbox_answers import faulty, json_answer, throttled
from bridge.fusion.sandbox_control import CONTROL_ROUTES
from bridge.fusion.sandbox_faults import Fault, Faults, SandboxProtocol, drop, sandbox_transport
from bridge.fusion.sandbox_leads import Reply, get, get_by_id, patch, post, refuse
from bridge.fusion.sandbox_rules import Rules
from bridge.fusion.sandbox_state import (
    Account,
    LoggedRequest,
    ResetMeans,
    Sandbox,
    SandboxLead,
    Window,
    masked_key,
)

__all__ = [
    "Fault",
    "Faults",
    "ResetMeans",
    "Rules",
    "Sandbox",
    "SandboxLead",
    "SandboxProtocol",
    "create_sandbox",
    "sandbox_transport",
]


def create_sandbox(
    *,
    rules: Rules = "june",
    api_keys: Collection[str] | None = None,  # None: any key will do
    requests: int = 100,
    per_s: float = 60.0,
    clock: Callable[[], float] = time.time,
    seed: int = 0,  # of the faults' chance
    date_skew_s: float = 0.0,  # how far Fusion's clock is ahead of `clock`
    reset_means: ResetMeans = "next",  # what X-RateLimit-Reset tells: the next place, or when all are free
) -> Starlette:
    """The sandbox as an ASGI app; its memory is at `app.state.sandbox`."""
    sandbox = Sandbox(
        rules,
        requests=requests,
        per_s=per_s,
        clock=clock,
        seed=seed,
        keys=api_keys,
        date_skew_s=date_skew_s,
        reset_means=reset_means,
    )
    api = _LeadsApi(sandbox)
    app = Starlette(routes=[Route(LEADS_PATH, api), Route(LEADS_PATH + "/{lead_id}", api), *CONTROL_ROUTES])
    app.state.sandbox = sandbox
    return app


class _LeadsApi:
    """The gate before the leads: drop, key, limit, fault, and only then the call itself."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        key = _bearer(request)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        reply, response = await self._answer(request, key, body)
        sandbox = self._sandbox
        sandbox.counts.update(requests=1, created=reply.created, updated=reply.updated)
        status = response.status_code if response else None
        at, path = sandbox.clock(), request.url.path
        sandbox.requests.append(LoggedRequest(at, request.method, path, status, reply.leads, masked_key(key)))
        if response is None:
            await drop(scope, receive)
        else:
            await response(scope, receive, send)

    async def _answer(self, request: Request, key: str, body: bytes) -> tuple[Reply, Response | None]:
        """What was done, and what is said about it: None means that the line is cut."""
        sandbox = self._sandbox
        if sandbox.faults.down:
            return _NOTHING, None
        if not sandbox.knows(key):
            reply = Reply(401, {"error": "Unauthorized", "message": "Invalid or missing API key"})
            return reply, self._headed(json_answer(reply.body, 401), sandbox.fresh_window())
        account = sandbox.account(key)
        window = account.window
        if not window.take(sandbox.clock()):
            sandbox.counts["over_limit"] += 1
            return _NOTHING, self._headed(
                throttled(window.free_in_s(sandbox.clock()), limit=window.limit), window
            )
        delay_s, fault = sandbox.faults.strike(request.method, lambda: _phones(request, body))
        if delay_s:
            await asyncio.sleep(delay_s)
        reply = _NOTHING
        if fault is None or fault.applies:
            reply = _call(request, account, body, sandbox=sandbox, fewer=_fewer(fault))
        elif fault.kind == "reset_late":
            sandbox.later(fault.delay_s, lambda: _carry_out(request, account, body, sandbox=sandbox))
        if fault is None:
            return reply, self._headed(json_answer(reply.body, reply.status), window)
        response = faulty(fault, reply, limit=window.limit)
        return reply, response and self._headed(response, window)

    def _headed(self, response: Response, window: Window) -> Response:
        response.headers.update(self._sandbox.headers(window))
        return response


_NOTHING = Reply(0, {})


def _fewer(fault: Fault | None) -> bool:
    return fault is not None and fault.kind == "fewer"


def _carry_out(request: Request, account: Account, body: bytes, *, sandbox: Sandbox) -> None:
    """What a line cut long ago still comes to."""
    reply = _call(request, account, body, sandbox=sandbox)
    sandbox.counts.update(created=reply.created, updated=reply.updated)


def _call(request: Request, account: Account, body: bytes, *, sandbox: Sandbox, fewer: bool = False) -> Reply:
    """Route the request to the call it means."""
    rules, now = sandbox.rules, sandbox.now()
    lead_id = request.path_params.get("lead_id")
    match request.method:
        case "GET" if lead_id:
            return get_by_id(account, lead_id, rules=rules)
        case "GET":
            return get(account, request.query_params, rules=rules)
        case "POST" | "PATCH" if not lead_id:
            try:
                parsed = orjson.loads(body)
            except orjson.JSONDecodeError:
                return refuse(400, "Invalid JSON")
            if request.method == "PATCH":
                return patch(account, parsed, rules=rules, now=now)
            call = _post_all_but_one if fewer else post
            return call(account, parsed, rules=rules, now=now)
        case _:
            return refuse(405, "Method not allowed")


def _post_all_but_one(account: Account, body: Any, *, rules: Rules, now: float) -> Reply:
    """As a Fusion that isn't atomic after all would: the last lead of a batch is left out."""
    leads = len(rows(body))
    if leads < 2:
        return Reply(201, {"success": True, "data": {"mode": "atomic", "inserted": 0, "leads": []}}, leads)
    kept = post(account, {**body, "leads": body["leads"][:-1]}, rules=rules, now=now)
    return replace(kept, leads=leads)


def _phones(request: Request, body: bytes) -> frozenset[str]:
    """The phones that a request carries, in its body or its query."""
    try:
        parsed = orjson.loads(body)
    except orjson.JSONDecodeError:
        parsed = None
    return frozenset(phone_in(row) for row in (*rows(parsed), dict(request.query_params)))


def _bearer(request: Request) -> str:
    """Two tokens, `Bearer` spelled so; empty for anything else."""
    match request.headers.get("authorization", "").split():
        case ["Bearer", key]:
            return key
        case _:
            return ""
