"""The leads API without a socket: a Request becomes bytes, an answer becomes an Outcome.

Knows both revisions of the reference (June and July 2026) and takes the answers of either. Doesn't know
accounts, budgets or retries. Rule for editors: `read_answer` never raises, and conveys what an answer says
even where that can't be: what it means that Fusion tells of fewer leads, or of others, is decided elsewhere.

Source: Fusion's API reference, "Leads API".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

import orjson

from bridge.fusion.failures import read_failure, unreadable
from bridge.fusion.look import judge
from bridge.fusion.quota import read_quota
from bridge.fusion.received import Received, receive
from bridge.fusion.rows import id_in, phone_in, rows
from bridge.outbox.outcome import Delivered, Outcome, Quota
from bridge.outbox.request import Request

LEADS_PATH = "/api/leads/external/v1/leads"


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What goes over the wire."""

    method: Literal["POST", "PATCH", "GET"]
    path: str
    body: bytes = b""
    query: str = ""  # apart from the path, which is logged: here are phones

    @property
    def target(self) -> str:
        """Path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def writes(self) -> bool:
        """Whether it changes anything at Fusion."""
        return self.method != "GET"


def encode(request: Request) -> HttpRequest:
    """The request as Fusion takes it. Raises TypeError or ValueError for what no JSON or URL can say."""
    campaign = {"campaign_id": request.campaign_id} if request.campaign_id else {}
    match request.plan:
        case "create":
            return HttpRequest("POST", LEADS_PATH, _post(request, campaign))
        case "update":
            (lead,) = request.leads  # there is no batch PATCH
            kept = {name: value for name, value in lead.items() if _clears(value) or _filled(value)}
            return HttpRequest("PATCH", LEADS_PATH, orjson.dumps({**kept, **campaign}))
        case "look":
            (lead,) = request.leads
            query = urlencode({"phone": lead.get("phone", ""), **campaign})
            return HttpRequest("GET", LEADS_PATH, query=query)


def _post(request: Request, campaign: Mapping[str, str]) -> bytes:
    kind = {"kind": request.kind} if request.kind else {}
    leads = [
        {**{name: value for name, value in lead.items() if _filled(value)}, **campaign}
        for lead in request.leads
    ]
    body: dict[str, Any] = leads[0] if len(leads) == 1 else {"leads": leads}
    return orjson.dumps({**body, **kind})


def _clears(value: Any) -> bool:
    """What empties a field in a PATCH."""
    return value is None or bool(value == [])


def _filled(value: Any) -> bool:
    """False for nothing, "" and empty lists; 0 and False are values."""
    return value is not None and not (isinstance(value, str | list | tuple | Mapping) and not value)


def read_answer(
    request: Request, status: int, headers: Mapping[str, str], body: bytes, *, now: float
) -> tuple[Outcome, Quota]:
    """What an answer of Fusion, or of a proxy in front of it, means for this request."""
    came = receive(status, headers, body)
    outcome = read_failure(request.plan, came, leads=len(request.leads), now=now)
    return outcome or _success(request, came, now=now), read_quota(came.headers, now=now)


def _success(request: Request, came: Received, *, now: float) -> Outcome:
    if not came.readable:
        return unreadable(came, writes=request.plan != "look")
    match request.plan:
        case "look":
            return judge(request, came, now=now)
        case "create" | "update":
            return Delivered(_lead_ids(request, came.data), _inserted(came.data))


def _inserted(data: Any) -> int | None:
    inserted = data.get("inserted") if isinstance(data, dict) else None
    known = isinstance(inserted, int) and not isinstance(inserted, bool) and inserted >= 0
    return inserted if known else None


def _lead_ids(request: Request, data: Any) -> dict[str, str]:
    """Id by phone of every lead told of; "" for one told without an id."""
    found: dict[str, str] = {}
    for row in rows(data):
        phone, lead_id = phone_in(row), id_in(row)
        if not phone and lead_id and len(request.leads) == 1:
            phone = str(
                request.leads[0].get("phone", "")
            )  # an id alone can only be that of the one lead sent
        if phone:
            found[phone] = lead_id or found.get(phone, "")
    return found
