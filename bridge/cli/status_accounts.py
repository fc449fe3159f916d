"""The accounts on the screen of `bridge status`: what each owes, has spent and waits for.

Knows the table; `holding` has the words that `bridge show` uses, too. Rule for editors: two accounts fit on
80 columns, and what is said of one is one line.
"""

from typing import TYPE_CHECKING

from bridge.cli import holding
from bridge.cli.configured import Outline
from bridge.cli.output import console, duration, table
from bridge.cli.sheet import cut, facts, room_of, section

if TYPE_CHECKING:
    from bridge.store.status import AccountStatus, Status, Window

# Fusion's own, for counting while the configuration doesn't say: what was spent isn't shown then.
_PER_S = 60.0


def tell_accounts(known: Outline, status: "Status", now: float, *, running: bool) -> None:
    limit = known.limit
    each = f" ({limit.requests} requests in {duration(limit.per_s)} each)" if limit else ""
    section(f"Accounts{each}")
    window = ("spent", "left") if limit else ()
    headings = ("  name", "due", "later", "under way", *window, "leads/req", "state")
    table(
        headings,
        [
            (
                f"  {name}",
                str(account.due),
                str(account.later),
                str(account.in_flight),
                *((str(account.used), str(left(account))) if limit else ()),
                "-" if account.leads_per_request is None else f"{account.leads_per_request:.1f}",
                holding.state(
                    account,
                    configured=not known.accounts or name in known.accounts,
                    running=running,
                    now=now,
                ),
            )
            for name, account in status.accounts.items()
        ],
        right=range(1, len(headings) - 1),
        whole=range(len(headings) - 1),
    )
    room = console().width - max((room_of(name) for name in status.accounts), default=0) - 4
    facts(
        (name, cut(_story(known, account, running, now), room)) for name, account in status.accounts.items()
    )


def window_of(known: Outline) -> "Window":
    """The limit of every account, as far as it can be made out."""
    from bridge.store.status import Window  # noqa: PLC0415

    return Window(known.limit.requests, known.limit.per_s) if known.limit else Window(None, _PER_S)


def left(account: "AccountStatus") -> int | None:
    """Requests that the account may still send in this window."""
    return account.binding.left if account.binding else None


def drained(known: Outline, account: "AccountStatus") -> float | None:
    """Seconds until what waits has left, within the limit; None when the limit isn't known."""
    if known.limit is None:
        return None
    from bridge.outbox.forecast import drain_s  # noqa: PLC0415

    requests, per_s = known.limit.requests, known.limit.per_s
    return drain_s(account.requests, left=left(account) or 0, limit=requests, per_s=per_s)


def _story(known: Outline, account: "AccountStatus", running: bool, now: float) -> str:  # noqa: FBT001
    """Return a note on an account beyond its figures; usually empty."""
    per_s = known.limit.per_s if known.limit else _PER_S
    told = holding.told(account.binding, known.limit.requests, per_s) if known.limit else ""
    why = holding.why(account, running=running, per_s=per_s, now=now)
    if account.pause and account.pause.holds(now):
        return why
    return "; ".join(filter(None, (why, _drains(known, account, now), told)))


def _drains(known: Outline, account: "AccountStatus", now: float) -> str:
    seconds = drained(known, account)
    if not account.requests or seconds is None or account.oldest is None or known.limit is None:
        return ""
    when = f"in about {_about(seconds)}" if seconds else f"within {duration(known.limit.per_s)}"
    count = "1 request" if account.requests == 1 else f"{account.requests:,} requests"
    return f"drained {when} ({count}); the oldest waits for {duration(now - account.oldest.since)}"


def _about(seconds: float) -> str:
    """As exact as an estimate is."""
    step = next((step for below, step in ((120, 10), (7200, 60), (86_400, 600)) if seconds < below), 3600)
    return duration(max(step, round(seconds / step) * step))
