"""The answers of the sandbox as HTTP, the faulty ones among them.

Knows how each kind of fault distorts an answer. Doesn't know which requests are struck, nor what a call
does. Rule for editors: what is distorted here was carried out as it should be, or not at all.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from bridge.fusion.sandbox_faults import Fault, cuts_lines, drop
from bridge.fusion.sandbox_leads import Reply, refuse

HUGE = 5 * 1024 * 1024  # more than anybody should be willing to read
_CHUNK = b" " * (64 * 1024)  # JSON may end in white space
# uvloop writes at the end of a turn, and a cut discards what isn't written.
_WRITTEN_S = 0.02


def json_answer(body: Any, status: int = 200, *, headers: dict[str, str] | None = None) -> Response:
    """Any body as JSON."""
    return Response(orjson.dumps(body), status, headers, "application/json")


def throttled(wait_s: float, *, limit: int) -> Response:
    """A 429 that names its wait in both places."""
    wait = max(1, math.ceil(wait_s))
    body = {"error": "Rate limit exceeded", "message": f"Try again in {wait} seconds", "retryAfter": wait}
    return json_answer({**body, "limit": limit, "remaining": 0}, 429, headers={"Retry-After": str(wait)})


def faulty(fault: Fault, reply: Reply, *, limit: int) -> Response | None:
    """The answer of a fault; None for one that cuts the line."""
    match fault.kind:
        case "status" | "html" | "garbage" | "empty" | "redirect":
            return _instead(fault, reply, limit=limit)
        case "others":
            return json_answer(_retold(reply.body, _of_another), reply.status)
        case "no_ids":
            return json_answer(_retold(reply.body, _without_id), reply.status)
        case "fewer":  # the call itself left a lead out
            return json_answer(reply.body, reply.status)
        case "text":
            return Response(orjson.dumps(reply.body), reply.status, media_type="text/plain")
        case "huge":
            return StreamingResponse(_padded(orjson.dumps(reply.body)), reply.status, media_type=_JSON)
        case "half":
            return _Half(orjson.dumps(reply.body), reply.status, media_type=_JSON)
        case "reset_before" | "reset_after" | "reset_late" | "delay" | "down":
            return None


_JSON = "application/json"


def _instead(fault: Fault, reply: Reply, *, limit: int) -> Response:
    """Another answer than Fusion's own, or its own under another status."""
    status = fault.answers
    match fault.kind:
        case "redirect":
            return Response(b"", status, {"Location": "/elsewhere"})
        case _ if status in {204, 304}:  # HTTP gives these no body
            return Response(b"", status)
        case "status" if status == 429:
            return throttled(fault.delay_s, limit=limit)
        case "status" if fault.applies:  # another 2xx for what succeeded: Fusion's POST once answered 200
            return json_answer(reply.body, status if reply.status < 300 else reply.status)
        case "status":
            return json_answer(refuse(status, "A fault on demand").body, status)
        case "html":
            page = "<html><body><h1>A proxy's page</h1></body></html>"
            return Response(page, status, media_type="text/html")
        case "garbage":
            return Response(b'{"success": tr', status, media_type=_JSON)
        case _:
            return Response(b"", status)


def _retold(body: dict[str, Any], change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """The same answer with every lead in it changed."""
    data = body.get("data")
    if not isinstance(data, dict):  # a refusal
        return body
    if "leads" in data:
        return {**body, "data": {**data, "leads": [change(lead) for lead in data["leads"]]}}
    return {**body, "data": {"lead": change(data["lead"])} if "lead" in data else change(data)}


def _of_another(lead: dict[str, Any]) -> dict[str, Any]:
    return {**lead, "phone": f"+1999{lead['phone'][-7:]}"}  # there is no area code 999


def _without_id(lead: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in lead.items() if name != "id"}


async def _padded(body: bytes) -> AsyncIterator[bytes]:
    yield body
    for _ in range(HUGE // len(_CHUNK)):
        yield _CHUNK


class _Half(Response):
    """Half of its body, and then the line is cut; without a line to cut the half is all there is."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        half = bytes(self.body[: len(self.body) // 2])
        if not cuts_lines(scope):
            self.headers["Content-Length"] = str(len(half))
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": half, "more_body": cuts_lines(scope)})
        if cuts_lines(scope):
            await asyncio.sleep(_WRITTEN_S)
            await drop(scope, receive)
