"""Fusion in memory: the leads API with its limits and both sets of rules, and faults on demand.

Serves `bridge demo`, `bridge sandbox`, tests and benchmarks. Over a real port give uvicorn
`http=SandboxProtocol`, so that a dropped connection is really dropped; without a port use
`sandbox_transport(app)`. Rule for editors: it imitates Fusion, so Fusion's reference decides what it does.
"""

import asyncio
import math
import time
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox_faults import (
    Fault,
    Faults,
    SandboxProtocol,
    drop,
    parse_faults,
    sandbox_transport,
)
from bridge.fusion.sandbox_leads import Reply, get, get_by_id, patch, post, refuse
from bridge.fusion.sandbox_rules import Rules
from bridge.fusion.sandbox_state import Account, LoggedRequest, Sandbox, SandboxLead, iso, masked_key

__all__ = [
    "Fault",
    "Faults",
    "Rules",
    "Sandbox",
    "SandboxLead",
    "SandboxProtocol",
    "create_sandbox",
    "sandbox_transport",
]

_HELP = {
    "service": "a sandbox of the Fusion Calling leads API; nobody is called",
    "api": f"{LEADS_PATH} (Authorization: Bearer <key>)",
    "look": ["GET /sandbox/leads", "GET /sandbox/requests", "GET /sandbox/stats"],
    "faults": [
        'POST /sandbox/faults {"kind": "status", "status": 503, "times": 3, "rate": 1.0, "method": "POST"}',
        "DELETE /sandbox/faults",
    ],
    "kinds": "status, delay (delay_s), reset_before, reset_after, html, garbage, empty, down",
    "start over": "POST /sandbox/reset",
}


def create_sandbox(
    *,
    rules: Rules = "june",
    api_keys: Collection[str] | None = None,  # None: any key will do
    requests: int = 100,
    per_s: float = 60.0,
    clock: Callable[[], float] = time.time,
    seed: int = 0,  # of the faults' chance
) -> Starlette:
    """The sandbox as an ASGI app; its memory is at `app.state.sandbox`."""
    sandbox = Sandbox(rules, requests=requests, per_s=per_s, clock=clock, seed=seed)
    api = _LeadsApi(sandbox, api_keys)
    app = Starlette(
        routes=[
            Route(LEADS_PATH, api),
            Route(LEADS_PATH + "/{lead_id}", api),
            Route("/sandbox/leads", _leads),
            Route("/sandbox/requests", _requests),
            Route("/sandbox/stats", _stats),
            Route("/sandbox/faults", _faults, methods=["POST", "DELETE"]),
            Route("/sandbox/reset", _reset, methods=["POST"]),
            Route("/", _help),
        ]
    )
    app.state.sandbox = sandbox
    return app


class _LeadsApi:
    """The gate before the leads: drop, key, limit, fault, and only then the call itself."""

    def __init__(self, sandbox: Sandbox, api_keys: Collection[str] | None) -> None:
        self._sandbox = sandbox
        self._keys = None if api_keys is None else frozenset(api_keys)

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
        if not key or (self._keys is not None and key not in self._keys):
            reply = Reply(401, {"error": "Unauthorized", "message": "Invalid or missing API key"})
            quota = sandbox.fresh_window().headers(sandbox.clock())
            return reply, _json(reply.body, 401, headers=quota)
        account = sandbox.account(key)
        if not account.window.take(sandbox.clock()):
            sandbox.counts["over_limit"] += 1
            return _NOTHING, _over_limit(account, sandbox.clock())
        delay_s, fault = sandbox.faults.strike(request.method)
        if delay_s:
            await asyncio.sleep(delay_s)
        reply = _NOTHING
        if fault is None or fault.applies:
            reply = _call(request, account, body, sandbox=sandbox)
        response = _json(reply.body, reply.status) if fault is None else _faulty(fault, reply, account)
        if response:
            response.headers.update(account.window.headers(sandbox.clock()))
        return reply, response


_NOTHING = Reply(0, {})


def _call(request: Request, account: Account, body: bytes, *, sandbox: Sandbox) -> Reply:
    """Route the request to the call it means."""
    rules, now = sandbox.rules, sandbox.clock()
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
            call = post if request.method == "POST" else patch
            return call(account, parsed, rules=rules, now=now)
        case _:
            return refuse(405, "Method not allowed")


def _bearer(request: Request) -> str:
    """Two tokens, `Bearer` spelled so; empty for anything else."""
    match request.headers.get("authorization", "").split():
        case ["Bearer", key]:
            return key
        case _:
            return ""


def _over_limit(account: Account, now: float) -> Response:
    wait = max(1, math.ceil(account.window.free_in_s(now)))
    response = _throttled(wait, limit=account.window.limit)
    response.headers.update(account.window.headers(now))
    return response


def _throttled(wait: int, *, limit: int) -> Response:
    body = {"error": "Rate limit exceeded", "message": f"Try again in {wait} seconds", "retryAfter": wait}
    return _json({**body, "limit": limit, "remaining": 0}, 429, headers={"Retry-After": str(wait)})


def _faulty(fault: Fault, reply: Reply, account: Account) -> Response | None:
    """The answer of a fault; None for one that cuts the line."""
    status = fault.answers
    match fault.kind:
        case "status" | "html" | "garbage" | "empty" if status in {204, 304}:  # HTTP gives these no body
            return Response(b"", status)
        case "status" if status == 429:
            return _throttled(max(1, math.ceil(fault.delay_s)), limit=account.window.limit)
        case "status" if fault.applies:  # another 2xx for what succeeded: Fusion's POST once answered 200
            return _json(reply.body, status if reply.status < 300 else reply.status)
        case "status":
            return _json(refuse(status, "A fault on demand").body, status)
        case "html":
            return Response(
                "<html><body><h1>A proxy's page</h1></body></html>", status, media_type="text/html"
            )
        case "garbage":
            return Response(b'{"success": tr', status, media_type="application/json")
        case "empty":
            return Response(b"", status)
        case _:
            return None


def _json(body: Any, status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(body), status, headers, "application/json")


def _sandbox_of(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


async def _help(_: Request) -> Response:
    return _json(_HELP)


async def _leads(request: Request) -> Response:
    accounts = _sandbox_of(request).accounts.values()
    leads = [_lead_row(lead, account.key) for account in accounts for lead in account.by_id.values()]
    return _json({"total": len(leads), "leads": leads})


def _lead_row(lead: SandboxLead, key: str) -> dict[str, Any]:
    times = {"created_at": iso(lead.created_at), "updated_at": iso(lead.updated_at)}
    history = list(lead.history)
    return {**asdict(lead), "campaign_name": lead.campaign_name, **times, "history": history, "key": key}


async def _requests(request: Request) -> Response:
    rows = [{**asdict(entry), "at": iso(entry.at)} for entry in _sandbox_of(request).requests]
    return _json({"total": len(rows), "requests": rows})


async def _stats(request: Request) -> Response:
    return _json(_sandbox_of(request).stats())


async def _faults(request: Request) -> Response:
    sandbox = _sandbox_of(request)
    if request.method == "DELETE":
        sandbox.faults.clear()
        return _json({"faults": "cleared"})
    try:
        faults = parse_faults(orjson.loads(await request.body()))
    except ValueError as error:  # both orjson's and pydantic's
        return _json({"error": "not a fault", "message": str(error)}, 400)
    sandbox.faults.add(*faults)
    return _json({"faults": [asdict(fault) for fault in faults]})


async def _reset(request: Request) -> Response:
    _sandbox_of(request).reset()
    return _json({"reset": True})
