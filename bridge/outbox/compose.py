"""Which requests to send now: a pure function of what is due and how many places the budget has left.

Rule for editors: nothing here waits, sends or counts time; a request that can't be afforded now is simply
not chosen, and the next turn sees it again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.model import Kind
from bridge.outbox.body import settled
from bridge.outbox.facts import Body
from bridge.outbox.request import Request


@dataclass(frozen=True, slots=True)
class Due:
    """A row of the outbox that may be sent now, with what the lead map knows of it."""

    campaign_id: str
    phone: str
    kind: Kind | None
    body: Body
    event_id: int
    known: bool  # the lead map has it
    uncertain: bool  # a creation left and may have been carried out
    only_existing: str  # never create it; the reason for skipping the event if it isn't there


@dataclass(frozen=True, slots=True)
class Composed:
    """One request and the rows it carries, in the order of its leads."""

    request: Request
    rows: tuple[Due, ...]


def plan(row: Due) -> Literal["create", "update", "withdraw"]:
    """What a row needs. A lead that may only be tagged is never created to be tagged."""
    if row.known:
        return "update"
    if row.only_existing:
        return "update" if row.uncertain else "withdraw"
    return "create"


def compose(due: Sequence[Due], places: int) -> list[Composed]:
    """The requests for the first rows of `due` (most urgent first), at most `places` of them."""
    return [_single(row) for row in due[: max(0, places)]]


def _single(row: Due) -> Composed:
    if plan(row) == "create":
        # A creation has nothing to clear, and Fusion's June rules refuse null.
        return Composed(Request("create", row.campaign_id, row.kind, (settled(row.body),)), (row,))
    return Composed(Request("update", row.campaign_id, row.kind, (row.body,)), (row,))
