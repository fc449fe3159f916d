"""Faults on demand for the sandbox, and the dropping of connections.

Knows what can go wrong between the bridge and Fusion and how often it shall. Doesn't know leads.
Rule for editors: chance comes from one seeded generator, so that a run can be repeated.
"""

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import httpx2
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, with_config
from starlette.applications import Starlette
from starlette.types import Receive, Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from bridge.fusion.rows import e164

FaultKind = Literal[
    "status",
    "delay",
    "reset_before",
    "reset_after",
    "reset_late",
    "html",
    "garbage",
    "empty",
    "half",
    "huge",
    "text",
    "redirect",
    "fewer",
    "others",
    "no_ids",
    "down",
]

_ABORT = "sandbox.abort"
_DEFAULT_STATUS = {"status": 500, "html": 502, "garbage": 200, "empty": 200, "redirect": 307}
# Carried out, and then answered with Fusion's own status but not quite in its words.
_APPLIED = {"reset_after", "half", "huge", "text", "fewer", "others", "no_ids"}


def _phone(text: str) -> str:
    if (phone := e164(text)) is None:
        raise ValueError("not a phone number")
    return phone


@with_config(ConfigDict(extra="forbid"))
@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, and with which requests.

    `status` answers with that status, `html`, `garbage` and `empty` with such a body; with a 2xx the
    request is applied first, else not. `redirect` sends elsewhere, not applied. `delay` waits and then goes
    on. `reset_before` drops the connection, `reset_after` applies the request first, `reset_late` drops it
    and applies the request `delay_s` later, as behind a gateway that gave up. `down` drops everything, keys
    and limits unseen. The others apply the request and distort the answer: `half` of it before the line is
    cut, `huge`, as `text`, of `others`' phones, with `no_ids`; `fewer` leaves out a POST's last lead.
    """

    kind: FaultKind
    status: Annotated[int, Field(ge=200, le=599)] | Literal[0] = 0  # 0: 500, html 502, garbage and empty 200
    # How long `delay` and `reset_late` wait; with status 429: the Retry-After it names.
    delay_s: Annotated[float, Field(ge=0)] = 0.0
    times: Annotated[int, Field(ge=1)] | None = None  # None: until removed
    rate: Annotated[float, Field(ge=0, le=1)] = 1.0  # the share of matching requests it strikes
    method: Literal["GET", "POST", "PATCH"] | None = None  # None: any
    phone: Annotated[str, AfterValidator(_phone)] | None = None  # only requests that carry it; None: any

    @property
    def answers(self) -> int:
        """The status it answers with; 0 where it doesn't answer itself."""
        default = _DEFAULT_STATUS.get(self.kind, 0)
        return (self.status or default) if default else 0

    @property
    def applies(self) -> bool:
        """Whether the request is carried out all the same."""
        return self.kind in _APPLIED or (self.kind in _DEFAULT_STATUS and 200 <= self.answers < 300)

    @property
    def only(self) -> str | None:
        """The one method it strikes; None: any."""
        return "POST" if self.kind == "fewer" else self.method


_FAULTS = TypeAdapter(list[Fault])


def parse_faults(body: Any) -> list[Fault]:
    """One fault or a list of them from JSON. Raises pydantic's ValidationError, a ValueError."""
    return _FAULTS.validate_python(body if isinstance(body, list) else [body])


class Faults:
    """The faults in force, and how often each may still strike."""

    def __init__(self, *, seed: int = 0) -> None:
        self.down = False  # set it to cut the line to everybody
        self._random = random.Random(seed)  # noqa: S311 -- repeatable on purpose, guards nothing
        self._left: list[tuple[Fault, int | None]] = []

    def add(self, *faults: Fault) -> None:
        """Put faults in force, after those that already are."""
        for fault in faults:
            if fault.kind == "down":
                self.down = True
            else:
                self._left.append((fault, fault.times))

    def clear(self) -> None:
        """Everything works again."""
        self.down = False
        self._left.clear()

    def strike(
        self, method: str, phones: Callable[[], Collection[str]] = frozenset
    ) -> tuple[float, Fault | None]:
        """For one request: how long it is delayed, and the first other fault that strikes it.

        `phones` are those it carries, in E.164; they are only asked for where a fault is meant for one.
        """
        delay_s = 0.0
        for place, (fault, left) in enumerate(self._left):
            if left == 0 or fault.only not in {None, method}:
                continue
            if fault.phone is not None and e164(fault.phone) not in phones():
                continue
            if self._random.random() >= fault.rate:
                continue
            if left is not None:
                self._left[place] = (fault, left - 1)
            if fault.kind != "delay":
                return delay_s, fault
            delay_s += fault.delay_s
        return delay_s, None


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's HTTP, with a way for the app to cut the connection: for uvicorn's `http=` option."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        # ASGI leaves extensions to server and app; uvicorn's type allows only its own shape of them.
        self.scope["extensions"] = {_ABORT: self.transport.abort}  # type: ignore[dict-item]


def cuts_lines(scope: Scope) -> bool:
    """Whether there is a socket to cut."""
    return _ABORT in scope.get("extensions", {})


async def drop(scope: Scope, receive: Receive) -> None:
    """Cut the connection without an answer; where there is no socket to cut, raise ConnectionResetError."""
    abort: Callable[[], None] | None = scope.get("extensions", {}).get(_ABORT)
    if abort is None:
        raise ConnectionResetError("the sandbox dropped the connection")
    abort()
    # uvicorn answers 500 for an app that returns without an answer before it noticed the cut itself.
    while (await receive())["type"] != "http.disconnect":
        pass


class _SandboxTransport(httpx2.AsyncBaseTransport):
    def __init__(self, app: Starlette) -> None:
        self._inner = httpx2.ASGITransport(app)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionResetError as error:
            raise httpx2.ReadError(str(error), request=request) from error


def sandbox_transport(app: Starlette) -> httpx2.AsyncBaseTransport:
    """The sandbox without a port: its drops look to the client like those of a socket."""
    return _SandboxTransport(app)
