"""The webhook routes: authenticate the raw bytes, parse, store, answer. No rule runs, nothing is fetched.

The answers are the table of the README ("Answers"). They are given in front of Starlette's router, in plain
ASGI: a burst of webhooks spends more there than on its own work. Rule for editors: 200 only when the event is
on the disk; never a 5xx, because GHL's older retry policy gives up on those (Webhook Integration Guide).
"""

import asyncio
import difflib
from collections.abc import Collection
from http import HTTPStatus

import orjson
import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bridge.errors import InvalidSignature, MalformedPayload, PayloadTooLarge, StoreError
from bridge.inbound import GhlApp, Source
from bridge.inbound.body import fingerprint
from bridge.inbound.request_body import read_body
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
    # A slash at the end is a slip of pasting, and GHL sends a workflow's webhook once.
    name, slash, token = scope["path"][len(PREFIX) :].rstrip("/").partition("/")
    source = surface.config().sources.get(name)
    if source is None or "/" in token or (slash and not token):
        surface.refusals.note("", "unknown source", _near(name, surface.config().sources))
        return 404, {"status": "unknown", "reason": "no such source"}
    if scope["method"] != "POST":
        surface.refusals.note(name, "wrong method", f"{scope['method'][:10]} instead of POST")
        return 405, {"status": "not allowed", "reason": "webhooks are POSTed"}
    headers = Headers(scope=scope)
    signed = isinstance(source, GhlApp)
    body: bytes | None = None  # of a sender who proved who it is
    try:
        if not signed:  # who hasn't the token needn't send a body
            source.authenticate(headers, token or None, b"")
        raw = await _body(headers, receive, held)
        if signed:
            source.authenticate(headers, token or None, raw)
        body = raw
        return await _accept(surface, source, headers, raw, signed=signed)
    except InvalidSignature as refusal:
        log.warning("event.refused", source=source.name, reason=refusal.message)
        surface.refusals.note(name, "unauthorized", refusal.message)
        return 401, {"status": "unauthorized"}
    except PayloadTooLarge as refusal:
        surface.refusals.note(name, "too large", refusal.message)
        return 413, {"status": "too large", "reason": refusal.message}
    except MalformedPayload as refusal:
        log.warning("event.malformed", source=source.name, reason=refusal.message)
        content_type = headers.get("content-type", "")
        surface.refusals.note(name, "malformed", refusal.message, body=body, content_type=content_type)
        return 400, {"status": "malformed", "reason": refusal.message}
    except StoreError as error:
        log.error("event.not_stored", source=source.name, reason=error.message, fix=error.fix)
        surface.refusals.note(name, "busy", error.message)
        return BUSY
    except Exception:  # a bug of ours costs the sender a delay, not a lead
        log.exception("event.stumbled", source=source.name)
        surface.refusals.note(name, "busy", "the bridge failed: see the log")
        return BUSY


BUSY: Answer = (429, {"status": "busy", "reason": "the event could not be stored; send it again"})


async def _accept(surface: Surface, source: Source, headers: Headers, raw: bytes, *, signed: bool) -> Answer:
    """The answer to a sender who proved who it is. Raises MalformedPayload or StoreError."""
    content_type = headers.get("content-type", "")
    payload, body = read_body(
        raw,
        content_type=content_type,
        content_encoding=headers.get("content-encoding", ""),
        limit=MAX_BODY,
    )
    incoming = source.receive(payload)
    if isinstance(incoming, Ignored):
        surface.refusals.note(source.name, "ignored", incoming.reason, body=raw, content_type=content_type)
        return 200, {"status": "ignored", "reason": incoming.reason}
    # GHL signs an id of its own with each delivery: that alone tells a repeat. An id that a mapping gives is
    # often an entry's, which comes again with every change.
    body_hash = "" if signed and incoming.external_id else fingerprint(payload)
    return await _store(surface, source, incoming, body, body_hash)


def _near(name: str, sources: Collection[str]) -> str:
    """Words for the operator. What was asked for isn't shown: it may be a token in the wrong place."""
    near = difflib.get_close_matches(name[:64], sources, n=1)
    return (
        f"a URL that nearly names the source {near[0]!r}" if near else "a URL that names none of the sources"
    )


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


_TOO_LARGE = f"a body may have {MAX_BODY} bytes"


async def _body(headers: Headers, receive: Receive, held: Held) -> bytes:
    """The raw bytes, exactly as they were signed. Raises PayloadTooLarge before they are all there."""
    length = headers.get("content-length", "")
    if length.isdecimal() and (len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY):
        raise PayloadTooLarge(_TOO_LARGE)
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body", False):  # nearly all come whole
        body: bytes = message.get("body", b"")
        if len(body) > MAX_BODY:
            raise PayloadTooLarge(_TOO_LARGE)
        return body
    return await _rest(message, receive, held)


async def _rest(message: Message, receive: Receive, held: Held) -> bytes:
    """A body that comes in pieces, of which somebody may never send the last."""
    body, counted = bytearray(), 0
    try:
        while True:
            if message["type"] == "http.disconnect":  # nobody listens any more, and nothing was accepted
                raise MalformedPayload("the body stopped in the middle")
            body += message.get("body", b"")
            if len(body) > MAX_BODY:
                raise PayloadTooLarge(_TOO_LARGE)
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
