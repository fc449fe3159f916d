"""Which requests to send now: the fewest for what is due, most urgent first.

Pure. Creations of one campaign and kind go into one POST, whatever waits beside them; nothing waits just to
fill one. Rule for editors: nothing here sends or counts time; what can't be afforded now is simply not
chosen, and the next turn sees it again.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from bridge.model import Kind
from bridge.outbox.batch import STANDS_ALONE
from bridge.outbox.body import settled
from bridge.outbox.facts import DO_NOT_CALL, Body
from bridge.outbox.request import Request

Place = tuple[str, str]  # campaign id and phone: what no two rows of an account share

OPTIONAL = frozenset({"email", "company", "tags", "custom_fields"})  # a lead is a lead without them

MAX_BATCH = 100  # leads; Fusion refuses more (API reference, "Create leads")


@dataclass(frozen=True, slots=True)
class Due:
    """A row of the outbox that may be sent now, with what the lead map knows of it."""

    campaign_id: str
    phone: str
    kind: Kind | None
    body: Body
    event_id: int
    priority: int
    known: bool  # the lead map has it
    uncertain: bool  # a creation left and may have been carried out
    only_existing: str  # never create it; the reason for skipping the event if it isn't there
    refusals: int = 0  # batches with it that were refused
    suspects: int | None = None  # the refused batch that it is suspected of …
    said_to_exist: bool = False  # … because one of them is there already
    doubt: int | None = None  # the last batch with it of which nobody knows whether it was carried out …
    look_up: bool = False  # … and which has not been looked up yet
    doubt_since: float = 0.0  # when the first such batch left
    newer: bool = False  # than what that batch carried
    withheld: Body = field(default_factory=dict)  # what Fusion refused before, and isn't sent

    @property
    def place(self) -> Place:
        """What tells it from every other row of the account."""
        return self.campaign_id, self.phone


@dataclass(frozen=True, slots=True)
class Composed:
    """One request and the rows that it settles, in the order of its leads."""

    request: Request
    rows: tuple[Due, ...]


@dataclass(frozen=True, slots=True)
class Composition:
    """What to send, and the rows that need no request any more."""

    requests: tuple[Composed, ...]
    hopeless: tuple[Due, ...]


def plan(row: Due) -> Literal["create", "update", "look", "withdraw"]:
    """What a row needs. A lead that may only be tagged is never created to be tagged."""
    if row.known:
        return "update"
    if row.only_existing:
        return "update" if row.uncertain else "withdraw"
    return "look" if row.look_up else "create"


def spare(row: Due) -> frozenset[str]:
    """The fields that the row's request can do without. An opt-out keeps its own tag, which is the first."""
    if row.priority == DO_NOT_CALL or row.only_existing:
        others = {"tags"} if len(row.body.get("tags") or ()) > 1 else set()
        return frozenset(others.union(OPTIONAL.intersection(row.body) - {"tags"}))
    return OPTIONAL.intersection(row.body) if row.body.get("name") else frozenset()


def compose(
    due: Iterable[Due], company: Callable[[Due], Sequence[Due]], *, places: int, urgent: int
) -> Composition:
    """The requests for the first rows of `due`, read no further than needed.

    At most `places` requests, and `urgent` (never less) for rows of do-not-call. `company` gives the rows
    that may share a request with a creation, the row itself among them: most urgent first, at most MAX_BATCH
    of them; of a suspected or doubted row all of its batch that wait.
    """
    requests: list[Composed] = []
    hopeless: list[Due] = []
    taken: set[Place] = set()
    for row in due:
        if len(requests) >= (urgent if row.priority == DO_NOT_CALL else places):
            break
        if row.place in taken:
            continue
        match plan(row):
            case "withdraw":
                hopeless.append(row)
                continue
            case "update":
                composed = _update(row)
            case "look":
                composed = _look_up(row, _untaken(company(row), taken))
            case "create":
                composed = _creation(row, _untaken(company(row), {*taken, row.place}))
        requests.append(composed)
        taken.update(each.place for each in composed.rows)
    return Composition(tuple(requests), tuple(hopeless))


def _untaken(rows: Iterable[Due], taken: Collection[Place]) -> list[Due]:
    return [row for row in rows if row.place not in taken]


def _creation(row: Due, company: Sequence[Due]) -> Composed:
    """Of a batch that was refused, half is sent: one of the two halves is without fault."""
    if row.refusals >= STANDS_ALONE:
        return _create((row,))
    others = [
        other
        for other in company
        # Whoever may have been created already is sent again with its own kind alone: then one look-up still
        # tells for all, whichever of the requests was carried out.
        if plan(other) == "create" and (other.suspects, other.doubt) == (row.suspects, row.doubt)
    ]
    batch = [row, *others][:MAX_BATCH]
    if row.suspects is None:
        return _create(batch)
    if row.said_to_exist and not others:  # the others were cleared, so it must be this one
        return _update(row)
    return _create(batch[: max(1, len(batch) // 2)])


def _update(row: Due) -> Composed:
    return Composed(Request("update", row.campaign_id, row.kind, (row.body,)), (row,))


def _create(rows: Sequence[Due]) -> Composed:
    # A creation has nothing to clear, and Fusion's June rules refuse null.
    bodies = tuple(settled(row.body) for row in rows)
    return Composed(Request("create", rows[0].campaign_id, rows[0].kind, bodies), tuple(rows))


def _look_up(row: Due, company: Sequence[Due]) -> Composed:
    """One look-up for the whole batch: it was carried out for all of them, or for none."""
    others = (other for other in company if other.place != row.place and plan(other) == "look")
    request = Request("look", row.campaign_id, row.kind, ({"phone": row.phone},), row.doubt_since)
    return Composed(request, (row, *others))
