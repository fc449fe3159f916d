"""The webhook routes: authenticate the raw bytes, parse, store, answer. No rule runs, nothing is fetched.

The answers are the table of the README ("Answers"). Rule for editors: 200 only when the event is on the disk;
never a 5xx, because GHL's older retry policy gives up on those (marketplace docs, Webhook Integration Guide).
"""

import orjson
import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from bridge.errors import InvalidSignature, MalformedPayload, StoreError
from bridge.inbound import Source
from bridge.inbound.body import fingerprint, parse
from bridge.model import Ignored, Incoming
from bridge.store import events
from bridge.web.state import Surface

log = structlog.get_logger()

# GHL's biggest captured body has 2 KiB; the limit is for strangers.
MAX_BODY = 1024 * 1024

# GHL repeats a 429 after minutes anyway; other senders read this.
RETRY_AFTER_S = 5


async def receive(request: Request) -> Response:
    """POST /webhooks/{source} and /webhooks/{source}/{token}."""
    surface: Surface = request.app.state.surface
    source = surface.config().sources.get(request.path_params["source"])
    if source is None:
        return _answer(404, "unknown", reason="no such source")
    try:
        body = await _body(request)
        if body is None:
            return _answer(413, "too large", reason=f"a body may have {MAX_BODY} bytes")
        source.authenticate(request.headers, request.path_params.get("token"), body)
        payload = parse(body)
        incoming = source.receive(payload)
        if isinstance(incoming, Ignored):
            return _answer(200, "ignored", reason=incoming.reason)
        body_hash = fingerprint(payload) if incoming.external_id is None else ""
        return await _store(surface, source, incoming, body, body_hash)
    except InvalidSignature as refusal:
        log.warning("event.refused", source=source.name, reason=refusal.message)
        return _answer(401, "unauthorized")
    except MalformedPayload as refusal:
        log.warning("event.malformed", source=source.name, reason=refusal.message)
        return _answer(400, "malformed", reason=refusal.message)
    except StoreError as error:
        log.error("event.not_stored", source=source.name, reason=error.message, fix=error.fix)
        return busy("the event could not be stored")
    except ClientDisconnect:  # nobody listens any more; nothing was accepted
        return _answer(400, "malformed", reason="the body stopped in the middle")


async def _store(
    surface: Surface, source: Source, incoming: Incoming, body: bytes, body_hash: str
) -> Response:
    now = surface.clock()
    event_id, new = await surface.writer.run(
        lambda connection: events.accept(
            connection, source.name, incoming, body=body, body_hash=body_hash, now=now
        )
    )
    if new:
        surface.accepted()
        log.info("event.accepted", event_id=event_id, source=source.name, type=incoming.type, bytes=len(body))
    return _answer(200, "accepted" if new else "duplicate", event_id=event_id)


async def _body(request: Request) -> bytes | None:
    """The raw bytes, exactly as they were signed; None when they are too many."""
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY:
        return None
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def busy(reason: str) -> Response:
    """429 with Retry-After: the one answer that GHL repeats under every policy it ever had."""
    answer = _answer(429, "busy", reason=reason)
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer


def _answer(code: int, status: str, **more: object) -> Response:
    return Response(orjson.dumps({"status": status, **more}), code, media_type="application/json")
