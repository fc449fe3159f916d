"""One connection pool to Fusion for one API key: sends a request, hands back what it came to.

Knows sockets, timeouts and the key. Doesn't know what an answer means (`leads` and `listing` do) nor when to
send. Rule for editors: nothing here raises but CancelledError, and nothing it returns contains the key.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version

import httpx2

from bridge.fusion.failures import never_left, transport_failure
from bridge.fusion.leads import LEADS_PATH, HttpRequest, encode, read_answer
from bridge.fusion.listing import PAGE_SIZE, encode_page, read_page
from bridge.outbox.outcome import Failed, Outcome, Quota, Rejected
from bridge.outbox.request import Request

# A batch of 100 is written in one transaction at Fusion, so reading has the longest patience.
TIMEOUTS = httpx2.Timeout(connect=5.0, read=20.0, write=10.0, pool=5.0)
# The read timeout starts anew with every byte; this one doesn't. The sum of the above and some air.
TOTAL_S = 45.0
# Node and uvicorn close idle connections after 5 s; leaving first spares us a request into a closing one.
KEEPALIVE_S = 4.0
# An answer to a batch of 100 has about 20 KiB.
LARGEST_ANSWER = 4 * 1024 * 1024
# A shorter key could be a word of Fusion's own; only tests have such.
_SHORTEST_REAL_KEY = 8


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request came to, and what is worth noting down about it."""

    outcome: Outcome
    quota: Quota
    status: int | None  # None: no answer came
    ms: float
    method: str
    path: str  # without the query, in which a phone may stand
    reached: bool = True  # it may have arrived, and then Fusion counts it


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a campaign's leads: E.164 phone and id (or "") of each, and how many all pages hold."""

    answer: Answer
    leads: tuple[tuple[str, str], ...] = ()
    total: int | None = None


@dataclass(frozen=True, slots=True)
class _Came:
    """A whole answer, not yet understood."""

    status: int
    headers: dict[str, str]
    body: bytes
    ms: float


class FusionClient:
    """The way to one Fusion account. Close it when done."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        transport: httpx2.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base_url = base_url
        self._key = api_key.encode()
        self._clock = clock
        self._http = httpx2.AsyncClient(
            base_url=base_url,
            headers={
                "Authorization": f"Bearer {api_key}",
                "User-Agent": f"ghl-fusion-bridge/{version('ghl-fusion-bridge')}",
                "Accept": "application/json",
                "Accept-Encoding": "identity",  # small answers; and the cap below then counts real bytes
            },
            timeout=TIMEOUTS,
            limits=httpx2.Limits(keepalive_expiry=KEEPALIVE_S),
            follow_redirects=False,  # a redirected POST may become a GET, and the key isn't for other hosts
            trust_env=False,  # no proxy and no .netrc gets a say in where the key goes
            transport=transport,
        )

    def __repr__(self) -> str:
        return f"FusionClient({self._base_url!r})"

    async def aclose(self) -> None:
        """Close every connection."""
        await self._http.aclose()

    async def send(self, request: Request) -> Answer:
        """Send one request and read what it came to, whatever that is."""
        try:
            wire = encode(request)
        except (TypeError, ValueError) as error:
            fix = "look at the payload: a field holds something that JSON can't say"
            outcome = Rejected(f"the lead can't be written as JSON ({type(error).__name__})", fix)
            return Answer(outcome, Quota(), None, 0.0, request.method, LEADS_PATH, reached=False)
        came = await self._exchange(wire)
        if isinstance(came, Answer):
            return came
        outcome_, quota = read_answer(request, came.status, came.headers, came.body, now=self._clock())
        return Answer(outcome_, quota, came.status, came.ms, wire.method, wire.path)

    async def page(self, campaign_id: str, number: int, *, size: int = PAGE_SIZE) -> Listing:
        """Ask for one page, counted from 1, of a campaign's leads; "" is the Default Feed."""
        wire = encode_page(campaign_id, number, size)
        came = await self._exchange(wire)
        if isinstance(came, Answer):
            return Listing(came)
        outcome, quota, page = read_page(came.status, came.headers, came.body, now=self._clock())
        answer = Answer(outcome, quota, came.status, came.ms, wire.method, wire.path)
        return Listing(answer, page.leads, page.total)

    async def _exchange(self, wire: HttpRequest) -> _Came | Answer:
        """The whole answer to a request, or what it means that there is none."""
        started = time.perf_counter()
        status: int | None = None
        failure: Outcome
        reached = True
        headers = {"Content-Type": "application/json"} if wire.body else None
        content = wire.body or None
        try:
            async with (
                asyncio.timeout(TOTAL_S),
                self._http.stream(wire.method, wire.target, content=content, headers=headers) as response,
            ):
                status = response.status_code
                body = await _read(response)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it becomes an outcome; see the rule above
            failure, reached = transport_failure(error, writes=wire.writes), not never_left(error)
        else:
            if body is not None:
                ms = (time.perf_counter() - started) * 1000
                return _Came(status, dict(response.headers), self._without_key(body), ms)
            failure = Failed("Fusion's answer is larger than 4 MiB", uncertain=wire.writes)
        ms = (time.perf_counter() - started) * 1000
        return Answer(failure, Quota(), status, ms, wire.method, wire.path, reached)

    def _without_key(self, body: bytes) -> bytes:
        """An answer may quote the key it refuses; reasons are stored and shown."""
        return body.replace(self._key, b"[key]") if len(self._key) >= _SHORTEST_REAL_KEY else body


async def _read(response: httpx2.Response) -> bytes | None:
    """The whole body, or None when it is larger than anything Fusion has to say."""
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > LARGEST_ANSWER:
            return None
    return bytes(body)
