"""The leads API without a socket: a Request becomes bytes, an answer or a failure becomes an Outcome.

Knows both revisions of the reference (June and July 2026) and takes the answers of either. Doesn't know
accounts, budgets or retries. Rule for editors: `read_answer` is the only place in the bridge that branches
on an HTTP status, it never looks at the wording of a body to decide, and it never raises.

Source: Fusion's API reference, "Leads API" and "Error Codes".
"""

import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import httpx2
import orjson

from bridge.fusion.quota import read_quota, retry_after_s
from bridge.fusion.words import one_line, reason_in
from bridge.outbox.outcome import (
    Delivered,
    Exists,
    Failed,
    Gone,
    Outcome,
    Quota,
    Rejected,
    Throttled,
    Unauthorized,
    Unreachable,
)
from bridge.outbox.request import Request

LEADS_PATH = "/api/leads/external/v1/leads"

_FIXES = {
    (404, "create"): "check the route's campaign_id; without one, choose a Default Feed in Fusion",
    (409, "update"): "look the phone up in Fusion: another lead stands in the way of this change",
    (413, "create"): "shorten the lead's custom fields or tags, then replay the event",
    (413, "update"): "shorten the lead's custom fields or tags, then replay the event",
}
_FIX = "change the rule that fills the field Fusion names, then replay the event"
_FIX_BASE_URL = "a web page answered, not Fusion: check fusion.base_url, then replay the event"

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


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What goes over the wire."""

    method: Literal["POST", "PATCH"]
    path: str
    body: bytes


def encode(request: Request) -> HttpRequest:
    """The request as Fusion takes it. Raises TypeError or ValueError for what no JSON can say."""
    campaign = {"campaign_id": request.campaign_id} if request.campaign_id else {}
    if request.plan == "update":
        (lead,) = request.leads  # there is no batch PATCH
        kept = {name: value for name, value in lead.items() if value is None or value == [] or _filled(value)}
        return HttpRequest("PATCH", LEADS_PATH, orjson.dumps({**kept, **campaign}))
    kind = {"kind": request.kind} if request.kind else {}
    leads = [
        {**{name: value for name, value in lead.items() if _filled(value)}, **campaign}
        for lead in request.leads
    ]
    body: dict[str, Any] = leads[0] if len(leads) == 1 else {"leads": leads}
    return HttpRequest("POST", LEADS_PATH, orjson.dumps({**body, **kind}))


def _filled(value: Any) -> bool:
    """False for nothing, "" and empty lists; 0 and False are values."""
    return value is not None and not (isinstance(value, str | list | tuple | Mapping) and not value)


def read_answer(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, *, now: float
) -> tuple[Outcome, Quota]:
    """What an answer of Fusion, or of a proxy in front of it, means for this request."""
    headers = {name.lower(): value for name, value in headers.items()}
    html = "html" in headers.get("content-type", "").lower() or body[:64].lstrip().startswith(b"<")
    answer = None if html else _parse(body)
    if 200 <= status < 300:
        outcome = _success(request, answer, html=html)
    elif status == 429:
        outcome = Throttled(retry_after_s(headers, answer, now=now))
    elif 400 <= status < 500:
        said = "" if html else reason_in(answer, body)
        outcome = _refusal(request, status, said=said, answer=answer, html=html)
    else:
        outcome = _trouble(status, html=html)
    return outcome, read_quota(headers, now=now)


def _parse(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return None


def _success(request: Request, answer: Any, *, html: bool) -> Outcome:
    if html:
        return Unreachable("a web page came instead of Fusion's answer", uncertain=True)
    if not isinstance(answer, dict) or answer.get("success") is False:
        return Failed("Fusion's answer can't be read", uncertain=True)
    data = answer.get("data")
    inserted = data.get("inserted") if isinstance(data, dict) else None
    known = isinstance(inserted, int) and not isinstance(inserted, bool) and inserted >= 0
    return Delivered(dict(_lead_ids(request, data)), inserted if known else None)


def _lead_ids(request: Request, data: Any) -> Iterator[tuple[str, str]]:
    """Phone and id of every lead in data.leads[], data.lead (July) or data itself (June)."""
    if not isinstance(data, dict):
        return
    leads = data.get("leads")
    for lead in leads if isinstance(leads, list) else (data.get("lead", data),):
        match lead:
            case {"id": str(lead_id), "phone": str(phone)} if lead_id:
                yield e164(phone) or phone, lead_id
            case {"id": str(lead_id)} if lead_id and len(request.leads) == 1:
                yield str(request.leads[0].get("phone")), lead_id


def e164(text: str) -> str | None:
    """A phone as Fusion normalizes it: digits only, ten of them mean +1; None when it isn't one."""
    digits = "".join(char for char in text if char in "0123456789")
    if len(digits) == 10 and not text.lstrip().startswith("+"):
        digits = f"1{digits}"
    return f"+{digits}" if 10 <= len(digits) <= 15 else None


def _refusal(request: Request, status: int, *, said: str, answer: Any, html: bool) -> Outcome:
    reason = said or f"Fusion answered {status} without a reason"
    match status, request.plan:
        case 401 | 403, _:
            return Unauthorized(reason)
        case 408, _:
            return Failed(reason)
        case 409, "create":
            return Exists(reason, _index(request, answer))
        case 404, "update":
            return Gone(reason)
        case _:
            fix = _FIX_BASE_URL if html else _FIXES.get((status, request.plan), _FIX)
            return Rejected(reason, fix, _index(request, answer))


def _index(request: Request, answer: Any) -> int | None:
    """Which lead of the batch the answer blames: `details: [{"index": 0, "errors": […]}]`."""
    details = answer.get("details") if isinstance(answer, dict) else None
    for entry in details if isinstance(details, list) else (details,):
        index = entry.get("index") if isinstance(entry, dict) else None
        if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(request.leads):
            return index
    return None


def _trouble(status: int, *, html: bool) -> Outcome:
    """Neither success nor refusal. After a 5xx nobody knows whether the request was carried out."""
    if 300 <= status < 400:
        return Failed(f"Fusion answered {status}, a redirect: fusion.base_url must name its final address")
    if status in {502, 503, 504} or (html and status >= 500):
        # 503 is a refusal to begin; behind the others the request may have gone through.
        return Unreachable(f"Fusion is away: {status}", uncertain=status != 503)
    return Failed(f"Fusion answered {status}", uncertain=True)


def transport_failure(error: Exception) -> Outcome:
    """What it means that no answer came. The texts of most errors stay out: some quote our headers."""
    match error:
        case httpx2.ConnectError() | OSError() if isinstance(error, _NOT_SENT):
            return Unreachable(one_line(f"can't connect to Fusion: {error}", limit=160))
        case _ if isinstance(error, _NOT_SENT):
            return Unreachable(f"can't connect to Fusion: {type(error).__name__}")
        case _ if isinstance(error, _CUT_SHORT):
            return Unreachable(f"the connection to Fusion broke: {type(error).__name__}", uncertain=True)
        case _:
            return Failed(f"no answer could be had: {type(error).__name__}", uncertain=True)
