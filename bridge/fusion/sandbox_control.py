"""The sandbox's own routes: look at what it holds, put faults in force, start over.

Knows how to show the sandbox's memory as JSON. Doesn't know Fusion's API. Rule for editors: none of these
routes asks for a key or takes a place in a window, and every one is listed in the answer to `GET /`.
"""

from dataclasses import asdict
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.fusion.leads import LEADS_PATH
from bridge.fusion.sandbox_answers import json_answer
from bridge.fusion.sandbox_faults import parse_faults
from bridge.fusion.sandbox_state import Sandbox, SandboxLead, iso

_HELP = {
    "service": "a sandbox of the Fusion Calling leads API; nobody is called",
    "api": f"{LEADS_PATH} (Authorization: Bearer <key>)",
    "look": ["GET /sandbox/leads", "GET /sandbox/requests", "GET /sandbox/stats"],
    "faults": [
        'POST /sandbox/faults {"kind": "status", "status": 503, "times": 3, "rate": 1.0, "method": "POST"}',
        'POST /sandbox/faults {"kind": "status", "status": 500, "phone": "+12025550101"}',
        "DELETE /sandbox/faults",
    ],
    "kinds": {
        "status": "that status; a 2xx is carried out first",
        "delay": "waits delay_s and goes on",
        "reset_before": "the connection is dropped",
        "reset_after": "carried out, then dropped",
        "reset_late": "dropped, and carried out delay_s later",
        "html": "a proxy's page",
        "garbage": "no JSON",
        "empty": "no body",
        "half": "carried out; the connection is dropped in the middle of the answer",
        "huge": "carried out; an answer of 5 MiB",
        "text": "carried out; the right JSON as text/plain",
        "redirect": "307 to /elsewhere",
        "fewer": "a POST is carried out but for its last lead, and the answer says so",
        "others": "carried out; the answer tells of other phones",
        "no_ids": "carried out; the answer's leads have no id",
        "down": "every connection is dropped, until the faults are removed",
    },
    "another tool with the same key": 'POST /sandbox/spend {"requests": 20, "key": "…"}; without key: each',
    "start over": "POST /sandbox/reset",
}


def _sandbox_of(request: Request) -> Sandbox:
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


async def _help(_: Request) -> Response:
    return json_answer(_HELP)


async def _leads(request: Request) -> Response:
    accounts = _sandbox_of(request).accounts.values()
    leads = [_lead_row(lead, account.key) for account in accounts for lead in account.by_id.values()]
    return json_answer({"total": len(leads), "leads": leads})


def _lead_row(lead: SandboxLead, key: str) -> dict[str, Any]:
    times = {"created_at": iso(lead.created_at), "updated_at": iso(lead.updated_at)}
    history = list(lead.history)
    return {**asdict(lead), "campaign_name": lead.campaign_name, **times, "history": history, "key": key}


async def _requests(request: Request) -> Response:
    rows = [{**asdict(entry), "at": iso(entry.at)} for entry in _sandbox_of(request).requests]
    return json_answer({"total": len(rows), "requests": rows})


async def _stats(request: Request) -> Response:
    return json_answer(_sandbox_of(request).stats())


async def _faults(request: Request) -> Response:
    sandbox = _sandbox_of(request)
    if request.method == "DELETE":
        sandbox.faults.clear()
        return json_answer({"faults": "cleared"})
    try:
        faults = parse_faults(orjson.loads(await request.body()))
    except ValueError as error:  # both orjson's and pydantic's
        return json_answer({"error": "not a fault", "message": str(error)}, 400)
    sandbox.faults.add(*faults)
    return json_answer({"faults": [asdict(fault) for fault in faults]})


async def _spend(request: Request) -> Response:
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError:
        body = None
    match body:
        case {"requests": int(requests), "key": str(key)} if requests > 0:
            return json_answer({"spent": _sandbox_of(request).spend(key, requests)})
        case {"requests": int(requests)} if requests > 0 and "key" not in body:
            return json_answer({"spent": _sandbox_of(request).spend(None, requests)})
        case _:
            wanted = '{"requests": 20} or {"requests": 20, "key": "…"}'
            return json_answer({"error": "nothing to spend", "message": f"Expected {wanted}"}, 400)


async def _reset(request: Request) -> Response:
    _sandbox_of(request).reset()
    return json_answer({"reset": True})


CONTROL_ROUTES = (
    Route("/sandbox/leads", _leads),
    Route("/sandbox/requests", _requests),
    Route("/sandbox/stats", _stats),
    Route("/sandbox/faults", _faults, methods=["POST", "DELETE"]),
    Route("/sandbox/spend", _spend, methods=["POST"]),
    Route("/sandbox/reset", _reset, methods=["POST"]),
    Route("/", _help),
)
