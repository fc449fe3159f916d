"""What one key means for another: accounts that exist, secrets that differ, delays in order.

Knows the data after each value was checked by itself, with whatever is wrong taken out. The rule to keep:
blame the later of two keys, and never quote a secret to say that there are two of it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bridge.config.document import Document, spell
from bridge.config.schema import RetryKeys, RouteKeys
from bridge.config.wording import did_you_mean, show
from bridge.errors import Problem


def check_routes(
    routes: Sequence[RouteKeys], accounts: Sequence[str], document: Document
) -> Iterator[Problem]:
    """Each route names an account of the file, and texts go to a campaign."""
    for at, route in enumerate(routes):
        if route.account is not None and accounts and route.account not in accounts:
            path = spell(("routes", at, "account"))
            said = f"{show(route.account, path, document)} is not an account of fusion.accounts"
            yield Problem(path, said, did_you_mean(route.account, accounts))
        if route.kind == "sms" and "campaign_id" not in _raw_route(document, at):
            fix = "add campaign_id: with the SMS campaign's id, or write kind: call"
            yield Problem(spell(("routes", at, "kind")), "sms needs a campaign_id", fix)


def _raw_route(document: Document, at: int) -> Mapping[str, Any]:
    # As written: an id that is there but wrong is another problem, told already.
    route = (document.data or {})["routes"][at]
    return route if isinstance(route, dict) else {}


def check_retry(retry: RetryKeys) -> Iterator[Problem]:
    """Delays grow, so the first can't be the longest."""
    if retry.first_delay > retry.max_delay:
        yield Problem("retry.first_delay", "is longer than max_delay", "make first_delay the shorter one")


def check_secrets(document: Document) -> Iterator[Problem]:
    """A token that opens two sources, or a key of two accounts with one budget, is a slip of copying."""
    data = document.data or {}
    accounts = _mapping(_mapping(data.get("fusion")).get("accounts"))
    yield from _repeats(_mapping(data.get("sources")), "token", document, at=("sources",), fix=_OTHER_TOKEN)
    yield from _repeats(accounts, "api_key", document, at=("fusion", "accounts"), fix=_OTHER_KEY)


_OTHER_TOKEN = "give each source a token of its own"  # noqa: S105 - advice, not a secret
_OTHER_KEY = "give each account its own key, or use one account for both"


def _repeats(
    entries: Mapping[str, Any], key: str, document: Document, *, at: tuple[str, ...], fix: str
) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for name, entry in entries.items():
        path = spell((*at, name, key))
        secret = _mapping(entry).get(key)
        if not isinstance(secret, str) or not secret.strip() or document.is_broken(path):
            continue
        if secret in first:
            yield Problem(path, f"is the same as {first[secret]}", fix)
        first.setdefault(secret, path)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def blanks(value: Any, steps: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The places with nothing behind the key."""
    if value is None:
        yield steps
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for step, entry in entries:
        yield from blanks(entry, (*steps, step))
