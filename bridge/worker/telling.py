"""What the world hears of a lane: a log line a request, one a change that an operator must know, and metrics.

Knows the log and its words; decides nothing. Rules for editors: nothing here may raise or wait; what Fusion
said goes to the log through `for_log` only.
"""

from collections.abc import Iterable

import structlog

from bridge.fusion.words import for_log
from bridge.masking import mask_phone
from bridge.metrics import Metrics
from bridge.outbox.compose import Due
from bridge.outbox.outcome import Unreachable
from bridge.outbox.settle import Moment
from bridge.spoken import masked_name
from bridge.store.claiming import Claimed
from bridge.store.events import Ended
from bridge.store.resolving import LANE
from bridge.store.settling import Answered

log = structlog.get_logger()

# So many leads that Fusion turned out to have cost two requests each: `bridge adopt` costs one for a hundred.
MANY_FOUND = 20


_NAMED = 3  # of a batch; at a terminal


class Teller:
    """Tells what becomes of an account's requests and events."""

    def __init__(self, account: str, metrics: Metrics) -> None:
        self._account = account
        self._metrics = metrics
        self._found = 0

    def finished(self, claimed: Claimed, answered: Answered, moment: Moment) -> None:
        """A request came to its end, and perhaps changed what the account does."""
        outcome = type(answered.outcome).__name__.lower()
        carried = 0 if claimed.request.plan == "look" else len(claimed.rows)
        self._metrics.request(LANE, self._account, outcome, carried)
        log.info(
            "attempt.finished",
            lane=LANE,
            account=self._account,
            attempt=claimed.attempt_id,
            method=answered.method,
            leads=len(claimed.rows),
            who=[_whom(row) for row in claimed.rows[:_NAMED]],
            events=[row.event_id for row in claimed.rows],
            status=answered.status,
            ms=round(answered.ms, 1),
            outcome=outcome,
            error=_loggable(answered, answered.error),
        )
        before, now = moment.before, moment.after
        if now.reason and now.reason != before.reason:
            seconds = round(now.paused_until - moment.now, 1)
            detail = _loggable(answered, now.detail)
            log.warning(
                "account.paused", account=self._account, reason=now.reason, detail=detail, seconds=seconds
            )
        elif before.reason and not now.reason:
            log.info("account.resumed", account=self._account, after=before.reason)

    def ended(self, events: Iterable[Ended], now: float) -> None:
        """Events that have their end; the dead ones are for people to look at."""
        for event in events:
            self._metrics.settled(event.source, event.state)
            if event.state == "delivered" and not event.replayed:
                self._metrics.delivered(now - event.received_at)
            if event.state == "dead":
                show = f"bridge show {event.event_id}"
                log.warning(
                    "event.dead",
                    event_id=event.event_id,
                    reason=for_log(event.reason),
                    fix=event.fix,
                    in_full=show,
                )

    def found(self, leads: int) -> None:
        """Leads that Fusion had, unknown to us: when they are many, there is a cheaper way to learn them."""
        before, self._found = self._found, self._found + leads
        if before < MANY_FOUND <= self._found:
            fix = "run `bridge adopt`: it learns a hundred leads with each request"
            log.warning("adopt.suggested", account=self._account, found=self._found, fix=fix)


def _loggable(answered: Answered, words: str) -> str:
    """Words about a request. When no answer came, or none of Fusion's, they are the network's and ours."""
    nothing_said = answered.status is None or isinstance(answered.outcome, Unreachable)
    return words if nothing_said else for_log(words)


def _whom(row: Due) -> str:
    """The lead as a terminal may show it: "A•• L•• +1415•••0101"."""
    return f"{masked_name(str(row.body.get('name') or ''))} {mask_phone(row.phone)}".strip()
