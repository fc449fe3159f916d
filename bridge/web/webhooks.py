"""The webhook routes: authenticate the raw bytes, parse, store, answer. No rule runs, nothing is fetched.

The answers are the table of the README ("Answers"). They are given in front of Starlette's router, in plain
ASGI: a burst of webhooks spends more there than on its own work. Rule for editors: 200 only when the event is
on the disk; never a 5xx, because GHL's older retry policy gives up on those (Webhook Integration Guide).
"""

from http import HTTPStatus

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from bridge.errors import InvalidSignature, MalformedPayload, StoreError
from bridge.inbound import Source
from bridge.inbound.body import fingerprint, parse
from bridge.model import Ignored, Incoming
from bridge.store import events
from bridge.web.state import Surface

log = structlog.get_logger()

PREFIX = "/webhooks/"  # then {source} or {source}/{token}

# GHL's biggest captured body has 2 KiB; the limit is for strangers.
MAX_BODY = 1024 * 1024

# GHL repeats a 429 after minutes anyway; other senders read this.
RETRY_AFTER_S = 5

Answer = tuple[int, dict[str, object]]


class Webhooks:
    """ASGI middleware that answers everything below /webhooks/."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        status, content = await _answer(scope, receive)
        body = orjson.dumps(content)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", b"POST"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


async def _answer(scope: Scope, receive: Receive) -> Answer:
    surface: Surface = scope["app"].state.surface
    name, slash, token = scope["path"][len(PREFIX) :].partition("/")
    source = surface.config().sources.get(name)
    if source is None or "/" in token or (slash and not token):
        return 404, {"status": "unknown", "reason": "no such source"}
    if scope["method"] != "POST":
        return 405, {"status": "not allowed", "reason": "webhooks are POSTed"}
    headers = Headers(scope=scope)
    try:
        body = await _body(headers, receive)
        if body is None:
            return 413, {"status": "too large", "reason": f"a body may have {MAX_BODY} bytes"}
        source.authenticate(headers, token or None, body)
        payload = parse(body)
        incoming = source.receive(payload)
        if isinstance(incoming, Ignored):
            return 200, {"status": "ignored", "reason": incoming.reason}
        body_hash = fingerprint(payload) if incoming.external_id is None else ""
        return await _store(surface, source, incoming, body, body_hash)
    except InvalidSignature as refusal:
        log.warning("event.refused", source=source.name, reason=refusal.message)
        return 401, {"status": "unauthorized"}
    except MalformedPayload as refusal:
        log.warning("event.malformed", source=source.name, reason=refusal.message)
        return 400, {"status": "malformed", "reason": refusal.message}
    except StoreError as error:
        log.error("event.not_stored", source=source.name, reason=error.message, fix=error.fix)
        return BUSY
    except Exception:  # a bug of ours costs the sender a delay, not a lead
        log.exception("event.stumbled", source=source.name)
        return BUSY


BUSY: Answer = (429, {"status": "busy", "reason": "the event could not be stored; send it again"})


async def _store(surface: Surface, source: Source, incoming: Incoming, body: bytes, body_hash: str) -> Answer:
    now = surface.clock()
    event_id, new = await surface.writer.run(
        lambda connection: events.accept(
            connection, source.name, incoming, body=body, body_hash=body_hash, now=now
        )
    )
    if new:
        surface.accepted()
        surface.metrics.accepted(source.name)
        log.info("event.accepted", event_id=event_id, source=source.name, type=incoming.type, bytes=len(body))
    return 200, {"status": "accepted" if new else "duplicate", "event_id": event_id}


async def _body(headers: Headers, receive: Receive) -> bytes | None:
    """The raw bytes, exactly as they were signed; None when they are too many."""
    length = headers.get("content-length", "")
    if length.isdecimal() and int(length) > MAX_BODY:
        return None
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":  # nobody listens any more, and nothing was accepted
            raise MalformedPayload("the body stopped in the middle")
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            return None
        if not message.get("more_body", False):
            return body
