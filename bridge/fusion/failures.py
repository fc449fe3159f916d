"""What it means that Fusion refused, stumbled or didn't answer: a status or an error becomes an Outcome.

Knows every status and every way in which no answer can come. Doesn't know what a success says. Rule for
editors: this is the only place in the bridge that branches on an HTTP status, and it never looks at the
wording of a body to decide; `blame` reads which fields a lead can be repeated without, and no more. What
only reads (`writes=False`, plan "look") is never uncertain.

Source: Fusion's API reference, "Error Codes".
"""

import socket
import ssl
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx2

from bridge.fusion.blame import dispensable
from bridge.fusion.quota import retry_after_s
from bridge.fusion.received import Received
from bridge.fusion.words import entry_words, one_line, reason_in
from bridge.outbox.outcome import (
    Exists,
    Failed,
    Gone,
    Outcome,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.request import Plan

_FIXES = {
    (
        404,
        "create",
    ): "correct the route's campaign, or choose a Default Feed in Fusion; then replay the event",
    (
        409,
        "update",
    ): "look the phone up in Fusion: another lead is in the way; mend it, then replay the event",
    (413, "create"): "shorten the rules of custom fields or tags, then replay the event",
    (413, "update"): "shorten the rules of custom fields or tags, then replay the event",
}
_FIX = "change the rule that fills the field Fusion names, then replay the event"
_FIX_LOOK = "nothing to do: a look-up that is refused changes nothing"
_FIX_BASE_URL = "a web page answered, not Fusion: check fusion.base_url, then replay the event"

# Refusals of what a lead or a batch holds. Any other 4xx speaks of the request, whatever it carries.
_ABOUT_LEADS = {400, 409, 413, 422}

_ENTRIES_LIMIT = 1_000  # a batch has 100 leads; a few entries for each explain all there is to explain

# Nothing was sent: the request can be repeated without a second thought.
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    ConnectionRefusedError,
    socket.gaierror,
    ssl.SSLCertVerificationError,
)
# Sent, or partly: Fusion may have carried it out.
_CUT_SHORT = (
    httpx2.TimeoutException,
    httpx2.NetworkError,
    httpx2.RemoteProtocolError,
    OSError,  # with it TimeoutError, ConnectionResetError and ssl.SSLError
)


def read_failure(plan: Plan, came: Received, *, leads: int, now: float) -> Outcome | None:
    """What an answer means for a request with so many leads; None when it is a success."""
    status = came.status
    if 200 <= status < 300:
        return None
    if status == 429:
        return Throttled(retry_after_s(came.headers, came.json, now=now))
    if 400 <= status < 500:
        return _refusal(plan, came, leads=leads)
    return _trouble(status, html=came.html, writes=plan != "look")


def unreadable(came: Received, *, writes: bool) -> Outcome:
    """A 2xx that says nothing: a proxy's page, half an answer, `success: false`."""
    if came.html:
        return Unreachable("a web page came instead of Fusion's answer", uncertain=writes)
    return Failed("Fusion's answer can't be read", uncertain=writes)


def _refusal(plan: Plan, came: Received, *, leads: int) -> Outcome:
    status = came.status
    said = "" if came.html else reason_in(came.json, came.body)
    reason = said or f"Fusion answered {status} without a reason"
    match status, plan:
        case 401 | 403, _:
            return Unauthorized(reason)
        case 408, _:
            return Failed(reason)
        case 409, "create":
            return Exists(reason, tuple(sorted({index for index, _ in _blamed(came.json, leads=leads)})))
        case 404, "update" | "look":
            return Gone(reason)
        case _:
            fix = _FIX_BASE_URL if came.html else _FIXES.get((status, plan), _FIX)
            return Rejected(
                reason,
                _FIX_LOOK if plan == "look" else fix,
                _reasons(came.json, leads=leads, whole=reason),
                whole=status not in _ABOUT_LEADS,
                dispensable=dispensable(came.json, leads=leads) if status in {400, 422} else {},
            )


def _blamed(answer: Any, *, leads: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """Which leads of the batch the answer blames: `details: [{"index": 0, "errors": […]}]`."""
    details = answer.get("details") if isinstance(answer, dict) else None
    for entry in islice(details, _ENTRIES_LIMIT) if isinstance(details, list) else (details,):
        if not isinstance(entry, dict):
            continue
        index = entry.get("index")
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < leads:
            yield index, entry


def _reasons(answer: Any, *, leads: int, whole: str) -> dict[int, str]:
    """The words about each lead blamed; where there are none, those about the whole request."""
    words: dict[int, list[str]] = {}
    for index, entry in _blamed(answer, leads=leads):
        words.setdefault(index, []).extend(entry_words(entry))
    return {index: one_line(": ".join(dict.fromkeys(words[index]))) or whole for index in sorted(words)}


def _trouble(status: int, *, html: bool, writes: bool) -> Outcome:
    """Neither success nor refusal. After a 5xx nobody knows whether the request was carried out."""
    if 300 <= status < 400:
        return Failed(f"Fusion answered {status}, a redirect: fusion.base_url must name its final address")
    if status in {502, 503, 504} or (html and status >= 500):
        # 503 is a refusal to begin; behind the others the request may have gone through.
        return Unreachable(f"Fusion is away: {status}", uncertain=writes and status != 503)
    return Failed(f"Fusion answered {status}", uncertain=writes)


def never_left(error: Exception) -> bool:
    """Whether nothing of the request can have arrived."""
    return isinstance(error, _NOT_SENT)


def transport_failure(error: Exception, *, writes: bool = True) -> Outcome:
    """What it means that no answer came. The texts of most errors stay out: some quote our headers."""
    match error:
        case httpx2.ConnectError() | OSError() if isinstance(error, _NOT_SENT):
            return Unreachable(one_line(f"can't connect to Fusion: {error}", limit=160))
        case _ if isinstance(error, _NOT_SENT):
            return Unreachable(f"can't connect to Fusion: {type(error).__name__}")
        case _ if isinstance(error, _CUT_SHORT):
            return Unreachable(f"the connection to Fusion broke: {type(error).__name__}", uncertain=writes)
        case _:
            return Failed(f"no answer could be had: {type(error).__name__}", uncertain=writes)
