"""The webhook routes: authenticate the raw bytes, parse, store, answer. No rule runs, nothing is fetched.

The answers are the table of the README ("Answers"). They are given in front of Starlette's router, in plain
ASGI: a burst of webhooks spends more there than on its own work. Rule for editors: 200 only when the event is
on the disk; never a 5xx, because GHL's older retry policy gives up on those (Webhook Integration Guide).
"""

import asyncio
from http import HTTPStatus

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.errors import InvalidSignature, MalformedPayload, StoreError
from bridge.inbound import GhlApp, Source
from bridge.inbound.body import fingerprint, parse
from bridge.model import Ignored, Incoming
from bridge.store import events
from bridge.web.headers import SECURITY_HEADERS
from bridge.web.state import Surface

log = structlog.get_logger()

PREFIX = "/webhooks/"  # then {source} or {source}/{token}

# GHL's biggest captured body has 2 KiB; the limit is for strangers.
MAX_BODY = 1024 * 1024

# Up to here a body is kept while it comes, whoever sends it; of bigger ones so many bytes at once, so that
# strangers can't fill the memory with bodies that stop in the middle.
SMALL_BODY = 16 * 1024
MAX_HELD = 16 * 1024 * 1024

# GHL repeats a 429 after minutes anyway; other senders read this.
RETRY_AFTER_S = 5

# A disk that hangs may store it after this; the sender's repeat is a duplicate then.
STORE_WITHIN_S = 3.0

Answer = tuple[int, dict[str, object]]


class Webhooks:
    """ASGI middleware that answers everything below /webhooks/."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._held = Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        status, content = await _answer(scope, receive, self._held)
        body = orjson.dumps(content)
        length = (b"content-length", b"%d" % len(body))
        headers = [(b"content-type", b"application/json"), length, *SECURITY_HEADERS]
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers.append((b"retry-after", b"%d" % RETRY_AFTER_S))
        if status == HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append((b"allow", b"POST"))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


class Held:
    """How many bytes of big bodies are held while the rest of them comes."""

    __slots__ = ("bytes",)

    def __init__(self) -> None:
        self.bytes = 0


async def _answer(scope: Scope, receive: Receive, held: Held) -> Answer:
    surface: Surface = scope["app"].state.surface
    name, slash, token = scope["path"][len(PREFIX) :].partition("/")
    source = surface.config().sources.get(name)
    if source is None or "/" in token or (slash and not token):
        return 404, {"status": "unknown", "reason": "no such source"}
    if scope["method"] != "POST":
        return 405, {"status": "not allowed", "reason": "webhooks are POSTed"}
    headers = Headers(scope=scope)
    signed = isinstance(source, GhlApp)
    try:
        if not signed:  # who hasn't the token needn't send a body
            source.authenticate(headers, token or None, b"")
        body = await _body(headers, receive, held)
        if body is None:
            return 413, {"status": "too large", "reason": f"a body may have {MAX_BODY} bytes"}
        if signed:
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
        packed = headers.get("content-encoding", "identity").lower() != "identity"
        reason = "the body is compressed: send it as it is" if packed else refusal.message
        return 400, {"status": "malformed", "reason": reason}
    except StoreError as error:
        log.error("event.not_stored", source=source.name, reason=error.message, fix=error.fix)
        return BUSY
    except Exception:  # a bug of ours costs the sender a delay, not a lead
        log.exception("event.stumbled", source=source.name)
        return BUSY


BUSY: Answer = (429, {"status": "busy", "reason": "the event could not be stored; send it again"})


async def _store(surface: Surface, source: Source, incoming: Incoming, body: bytes, body_hash: str) -> Answer:
    now = surface.clock()
    try:
        async with asyncio.timeout(STORE_WITHIN_S):
            event_id, new = await surface.writer.run(
                lambda connection: events.accept(
                    connection, source.name, incoming, body=body, body_hash=body_hash, now=now
                )
            )
    except TimeoutError:
        reason = f"the database didn't answer within {STORE_WITHIN_S:g} s"
        raise StoreError(reason, fix="check the disk, and who else holds the database") from None
    if new:
        surface.accepted()
        surface.metrics.accepted(source.name)
        log.info("event.accepted", event_id=event_id, source=source.name, type=incoming.type, bytes=len(body))
    return 200, {"status": "accepted" if new else "duplicate", "event_id": event_id}


async def _body(headers: Headers, receive: Receive, held: Held) -> bytes | None:
    """The raw bytes, exactly as they were signed; None when they are too many."""
    length = headers.get("content-length", "")
    if length.isdecimal() and (len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY):
        return None
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):  # nearly all come whole
        body: bytes = message.get("body", b"")
        return body if len(body) <= MAX_BODY else None
    return await _rest(message, receive, held)


async def _rest(message: Message, receive: Receive, held: Held) -> bytes | None:
    """A body that comes in pieces, of which somebody may never send the last."""
    body, counted = bytearray(), 0
    try:
        while True:
            if message["type"] == "http.disconnect":  # nobody listens any more, and nothing was accepted
                raise MalformedPayload("the body stopped in the middle")
            body += message.get("body", b"")
            if len(body) > MAX_BODY:
                return None
            if not message.get("more_body", False):
                return bytes(body)
            if len(body) > SMALL_BODY:
                held.bytes += len(body) - counted
                counted = len(body)
                if held.bytes > MAX_HELD:
                    raise StoreError("too many big bodies come at the same time", fix=_BIG_FIX)
            message = await receive()
    finally:
        held.bytes -= counted


_BIG_FIX = "nothing, unless it goes on: then somebody sends bodies that never end; put Caddy in front"
