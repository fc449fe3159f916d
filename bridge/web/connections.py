"""What one connection may cost: time for its head and its body, bytes of each, and a place among the others.

uvicorn has none of these limits for httptools: a head without an end, or a body that stops in the middle,
would stay for ever. Knows phases of a request, nothing of webhooks. Rule for editors: on a connection that
behaves nothing here costs more than a few assignments a request, because all of them pay for it.
"""

import asyncio
import re
import resource
from enum import Enum, auto
from itertools import islice
from typing import Any, Final

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from bridge.web.headers import PLAIN_HEADERS

MAX_HEAD: Final = 16 * 1024  # as Caddy's sample in front of us
# Of a whole request as it comes, chunks and what follows them included. Bodies are refused above 1 MiB; who
# goes on sending after that is cut off, but not at once: he would not see the answer.
MAX_REQUEST: Final = 4 * 1024 * 1024
HEAD_WITHIN_S: Final = 20.0
BODY_WITHIN_S: Final = 30.0
IDLE_S: Final = 140.0  # more than uvicorn's own limit, which any byte starts anew
ANSWER_WITHIN_S: Final = 120.0  # far more than the bridge ever needs: the sender doesn't read the answer
PIPELINED: Final = 8  # requests on one connection ahead of their answers; nobody we know sends two
CHECK_S: Final = 5.0
CLOSE_WITHIN_S: Final = 1.0  # of a stop, for a body that is still coming
MOST: Final = 4000  # a connection takes 3 KB, and its body up to 16 more before it counts: see `webhooks`
_SPARE_FILES: Final = 100  # for the database, Fusion, and files that are read
_LOOKED_AT: Final = 50  # of those that could be closed for a new one


class Phase(Enum):
    """Where a request is."""

    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    ANSWER = auto()  # it is whole, and the bridge's turn


_WITHIN_S: Final = {
    Phase.IDLE: IDLE_S,
    Phase.HEAD: HEAD_WITHIN_S,
    Phase.BODY: BODY_WITHIN_S,
    Phase.ANSWER: ANSWER_WITHIN_S,
}
_BETWEEN: Final = (Phase.HEAD, Phase.IDLE)
# Java's client, and curl --http2, offer another protocol with each request, and send its body all the same.
_OFFER: Final = re.compile(rb"(?<=\r\n)upgrade(?=[ \t]*:)", re.IGNORECASE)
_NO_OFFER: Final = b"x-offer"  # as long
_most = MOST


def make_room() -> int:
    """Allow this process as many open files as there may be connections; the number of those.

    Many shells and containers begin with 1024: a thousand idle connections would shut everybody out.
    """
    global _most  # noqa: PLW0603 - a limit of the process, told once at its start
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST + _SPARE_FILES
    limit = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < limit:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
        soft = limit
    _most = MOST if soft == resource.RLIM_INFINITY else max(min(MOST, soft - _SPARE_FILES), 10)
    return _most


def _without_offers(data: bytes) -> bytes:
    """The head without another protocol on offer: the parser would take the body for that one's, and drop it.

    Whoever offers one must be content with HTTP/1.1 (RFC 9110 §7.8).
    """
    head, end, rest = data.partition(b"\r\n\r\n")
    return b"".join([_OFFER.sub(_NO_OFFER, head), end, rest])


class Connection(HttpToolsProtocol):
    """uvicorn's, with an end to everything that a stranger could make endless."""

    phase = Phase.HEAD
    since = 0.0
    begun = False  # a request, in the bytes that are being read
    answering: RequestResponseCycle | None = None
    came = 0  # bytes of this request, counted by what the socket hands over at a time
    deaf = False  # what comes is no HTTP, and what was asked before gets its answers

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.since = self.loop.time()  # a new one must begin soon
        self._timer = self.loop.call_later(CHECK_S, self._check)
        if len(self.connections) > _most:
            self._take_a_place()

    def connection_lost(self, exc: Exception | None) -> None:
        self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.deaf:
            self.flow.pause_reading()  # each answer resumes it
            return
        before, self.begun = self.phase, False
        if before in _BETWEEN and (b"pgrade" in data or b"PGRADE" in data):
            data = _without_offers(data)
        super().data_received(data)
        # Bytes that ended a body are no head; of those that also began the next request the share is unknown.
        if before in _BETWEEN or not (self.begun or self.phase in _BETWEEN):
            self.came += len(data)
        if self.phase in _BETWEEN:
            if self.came > MAX_HEAD:
                self._refuse(b"431 Request Header Fields Too Large", f"a head may have {MAX_HEAD} bytes")
        elif self.came > MAX_REQUEST:
            self._hang_up()

    def on_message_begin(self) -> None:
        if len(self.pipeline) >= PIPELINED:
            raise ValueError("too many requests ahead of their answers")  # the parser makes a 400 of it
        super().on_message_begin()
        self.begun = True
        self._enter(Phase.HEAD)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()  # raises on what is no address: then `cycle` is the request before
        self._enter(Phase.BODY)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        # Refused before it was whole: then it is waited for, no longer worked on.
        self._enter(Phase.IDLE if self.cycle.response_complete else Phase.ANSWER)

    def on_response_complete(self) -> None:
        if self.phase is Phase.ANSWER:
            self._enter(Phase.IDLE)
        super().on_response_complete()

    def shutdown(self) -> None:
        """A body that still comes gets a moment; uvicorn would cancel its request, with a traceback."""
        super().shutdown()
        self.loop.call_later(CLOSE_WITHIN_S, self._give_up)

    def send_400_response(self, msg: str) -> None:
        self._refuse(b"400 Bad Request", msg)

    def _refuse(self, status: bytes, words: str) -> None:
        """Text, because what isn't HTTP isn't a webhook's sender. Never a second answer to a request."""
        if self.transport.is_closing() or self.deaf:
            return
        if before := self._unanswered_before():
            self.deaf = True
            self.flow.pause_reading()
            before.keep_alive = False  # the connection closes behind its answer
            return
        if self.phase is Phase.IDLE or (self.phase is Phase.BODY and self.cycle.response_started):
            self._hang_up()
            return
        head = [b"HTTP/1.1 ", status, b"\r\n", b"content-length: %d\r\n" % len(words)]
        head += [b"%b: %b\r\n" % header for header in PLAIN_HEADERS]
        self.transport.write(b"".join([*head, b"connection: close\r\n\r\n", words.encode()]))
        self._hang_up()

    def _unanswered_before(self) -> RequestResponseCycle | None:
        """The request before the one that is being read, where it still waits for its answer."""
        if self.phase is not Phase.BODY:
            newest: RequestResponseCycle | None = self.cycle
            return newest if newest is not None and not newest.response_complete else None
        if not self.pipeline:  # the one that is being read is the one that is answered
            return None
        self.pipeline.popleft()  # it isn't worked on any more
        return self.pipeline[0][0] if self.pipeline else self.answering

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = self.loop.time()
        if phase is not Phase.BODY:
            self.came = 0

    def _check(self) -> None:
        if self.transport.is_closing():
            return
        if self.loop.time() - self.since > _WITHIN_S[self.phase]:
            self._hang_up()
            return
        self._timer = self.loop.call_later(CHECK_S, self._check)

    def _give_up(self) -> None:
        if self.phase is not Phase.ANSWER:
            self._hang_up()

    def _take_a_place(self) -> None:
        """Close whichever waits longest for its sender; where the bridge has work with all, the new one."""
        others: list[Any] = [each for each in islice(self.connections, _LOOKED_AT) if each is not self]
        waiting = [each for each in others if each.phase is not Phase.ANSWER]
        idle = [each for each in waiting if each.phase is not Phase.BODY] or waiting
        (min(idle, key=lambda each: each.since) if idle else self)._hang_up()  # noqa: SLF001 - one of ours

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self.answering = cycle  # `self.cycle` is the newest, which may still wait
        super()._start_asgi_task(cycle, app)

    def _hang_up(self) -> None:
        if self.answering is not None:
            self.answering.disconnected = True  # or its answer would be written to nobody, with a traceback
            self.answering.message_event.set()
        self.transport.close()
