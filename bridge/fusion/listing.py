"""A page of a campaign's leads: how it is asked for, and what is read from it.

Knows both revisions' spelling of a list. Doesn't know how many pages there are to ask for: `total` tells.
Rule for editors: reading changes nothing at Fusion, so no outcome here is uncertain.

Source: Fusion's API reference, "List leads".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from bridge.fusion.failures import read_failure, unreadable
from bridge.fusion.leads import LEADS_PATH, HttpRequest
from bridge.fusion.quota import read_quota
from bridge.fusion.received import Received, receive
from bridge.fusion.rows import e164, id_in, phone_in, rows
from bridge.outbox.outcome import Delivered, Outcome, Quota

PAGE_SIZE = 100  # the largest that Fusion allows


@dataclass(frozen=True, slots=True)
class Page:
    """What a page holds: E.164 phone and id (or "") of each lead, and how many there are on all pages."""

    leads: tuple[tuple[str, str], ...] = ()
    total: int | None = None  # None: the answer doesn't say


def encode_page(campaign_id: str, number: int, size: int = PAGE_SIZE) -> HttpRequest:
    """The request for one page, counted from 1; without a campaign the Default Feed's."""
    campaign = {"campaign_id": campaign_id} if campaign_id else {}
    return HttpRequest("GET", LEADS_PATH, query=urlencode({**campaign, "page": number, "pageSize": size}))


def read_page(
    status: int, headers: Mapping[str, str], body: bytes, *, now: float
) -> tuple[Outcome, Quota, Page]:
    """Delivered and the page, or why there is none: Gone where there is no such campaign or Default Feed."""
    came = receive(status, headers, body)
    quota = read_quota(came.headers, now=now)
    # Asked of a status, a list is a look-up of many.
    if (failure := read_failure("look", came, leads=0, now=now)) is not None:
        return failure, quota, Page()
    if not came.readable or not _is_list(came):
        return unreadable(came, writes=False), quota, Page()
    found = [(e164(phone_in(row)), id_in(row)) for row in rows(came.data)]
    return (
        Delivered(),
        quota,
        Page(tuple((phone, lead_id) for phone, lead_id in found if phone), _total(came)),
    )


def _is_list(came: Received) -> bool:
    data: Any = came.data
    return isinstance(data, list) or (isinstance(data, dict) and isinstance(data.get("leads"), list))


def _total(came: Received) -> int | None:
    total = came.data.get("total") if isinstance(came.data, dict) else None
    return total if isinstance(total, int) and not isinstance(total, bool) and total >= 0 else None
