"""What keeps an account from sending, in words: the same ones in `bridge status` and in `bridge show`.

Knows one account's figures and says which of them binds. Rule for editors: while leads wait, no account is
"ok".
"""

from typing import TYPE_CHECKING

from bridge.cli.output import duration

if TYPE_CHECKING:
    from bridge.outbox.binding import Binding
    from bridge.store.status import AccountStatus, Pause


def state(account: "AccountStatus", *, configured: bool, running: bool, now: float) -> str:
    """The state of an account in a few words."""
    waits = account.due > 0
    if not configured:
        return "not in the configuration any more"
    if account.pause and account.pause.holds(now):
        return "paused"
    if waits and not running:
        return "waits for the service"
    if account.binding is not None and account.binding.binds in ("window", "reserve"):
        return "waits for the limit" if waits else "limit spent"
    if account.binding is not None and account.binding.binds == "pace" and waits:
        return "paced"
    if waits or account.in_flight:
        return "sends"
    return "ok"


def why(account: "AccountStatus", *, running: bool, per_s: float, now: float) -> str:
    """Why nothing of the account leaves now; empty where it may."""
    if account.pause is not None and account.pause.holds(now):
        return paused(account.pause, now)
    if not running:
        return "the service isn't running" if account.due or account.later else ""
    return bound(account.binding, per_s, now) if account.binding and account.due else ""


def paused(pause: "Pause", now: float) -> str:
    """Why and for how long an account is paused."""
    again = f"in {duration(pause.until - now)}" if pause.until > now else "now"
    return f"{pause.reason} for {duration(now - pause.since)}, tries again {again}: {pause.detail}"


def bound(binding: "Binding", per_s: float, now: float) -> str:
    """Which limit binds, and until when."""
    words = {
        "": "",
        "window": f"all {binding.limit} requests of {duration(per_s)} are spent",
        "reserve": f"{binding.left} of {binding.limit} left, kept for do-not-call",
        "pace": f"requests are spread over {duration(per_s)}",
    }[binding.binds]
    wait_s = binding.next_at - now
    if not words or wait_s == float("inf"):
        return words
    return f"next request in {duration(wait_s)}: {words}"


def told(binding: "Binding | None", requests: int, per_s: float) -> str:
    """What Fusion's own headers say, where that is less than the configuration."""
    if binding is None:
        return ""
    words = []
    if binding.limit < requests:
        words.append(f"Fusion allows {binding.limit} requests in {duration(per_s)}, not {requests}")
    if binding.others:
        words.append(f"{binding.others} requests are others' with this key")
    return "; ".join(words)
