"""What one key means for another: accounts that exist, secrets that differ, delays in order.

Knows the data after each value was checked by itself, with whatever is wrong taken out. The rule to keep:
blame the later of two keys, and never quote a secret to say that there are two of it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from bridge.config.document import Document, spell
from bridge.config.schema import SOURCE_TYPES, RetentionKeys, RetryKeys, RouteKeys
from bridge.config.values import TOKEN
from bridge.errors import Problem


def check_routes(routes: Sequence[RouteKeys], document: Document) -> Iterator[Problem]:
    """Each route can be reached, and texts go to a campaign."""
    taker: int | None = None
    for at, route in enumerate(routes):
        if taker is not None and _raw_route(document, at):
            path = spell(("routes", at))
            fix = f"move it above routes[{taker}], or give that one a when:"
            yield Problem(path, f"is never reached: routes[{taker}] takes everybody", fix)
        elif _takes_everybody(document, at):
            taker = at
        if route.kind == "sms" and not {"campaign", "campaign_id"} & _raw_route(document, at).keys():
            fix = "add campaign: with the SMS campaign's name, or campaign_id:, or write kind: call"
            yield Problem(spell(("routes", at, "kind")), "sms needs a campaign", fix)


def _raw_route(document: Document, at: int) -> Mapping[str, Any]:
    # As written: an id that is there but wrong is another problem, told already.
    route = (document.data or {})["routes"][at]
    return route if isinstance(route, dict) else {}


def _takes_everybody(document: Document, at: int) -> bool:
    # As written: a `when` that is wrong, or spelt wrong, was meant to leave somebody out.
    route = (document.data or {})["routes"][at]
    if not isinstance(route, dict) or not route.keys() <= RouteKeys.model_fields.keys():
        return False
    when = route.get("when", "true")
    return isinstance(when, str) and when.strip().lower() == "true"


def check_retry(retry: RetryKeys) -> Iterator[Problem]:
    """Delays grow, so the first can't be the longest."""
    if retry.first_delay > retry.max_delay:
        yield Problem("retry.first_delay", "is longer than max_delay", "make first_delay the shorter one")


def check_retention(retention: RetentionKeys) -> Iterator[Problem]:
    """A payload goes with its event at the latest, also where only `events` is written."""
    if "payloads" in retention.model_fields_set and retention.payloads > retention.events:
        yield Problem(
            "retention.payloads", "is longer than events", "make payloads the shorter one, or events longer"
        )


def check_secrets(document: Document) -> Iterator[Problem]:
    """A token that opens two sources, or a key of two accounts with one budget, is a slip of copying.

    So is a variable's name where its value should be. And a token that can be guessed is none.
    """
    data = document.data or {}
    accounts = _mapping(_mapping(data.get("fusion")).get("accounts"))
    sources = _mapping(data.get("sources"))
    unfilled = list(_unfilled(sources, "token", document, at=("sources",)))
    yield from unfilled
    yield from _guessable(sources, document, told={each.path for each in unfilled})
    yield from _unfilled(accounts, "api_key", document, at=("fusion", "accounts"))
    yield from _repeats(sources, "token", document, at=("sources",), fix=_OTHER_TOKEN)
    yield from _repeats(accounts, "api_key", document, at=("fusion", "accounts"), fix=_OTHER_KEY)


# Names in capitals: what else begins with $ or stands between % may be a secret.
_VARIABLE = re.compile(r"(?:\$\{?|%(?=.*%))([A-Z][A-Z0-9_]*)[}%]?")
# Whoever guesses a token sends contacts to be called. 24 characters of hex are 96 bits.
_TOKEN_LENGTH = 24
_TOKEN_SIGNS = 8  # different ones: "changemechangemechangeme" has seven
_MAKE_ONE = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
_OTHER_TOKEN = "give each source a token of its own"  # noqa: S105 - advice, not a secret
_OTHER_KEY = "give each account its own key, or use one account for both"


def _guessable(
    sources: Mapping[str, Any], document: Document, *, told: AbstractSet[str]
) -> Iterator[Problem]:
    for name, entry in sources.items():
        path = spell(("sources", name, "token"))
        keys = SOURCE_TYPES.get(str(_mapping(entry).get("type")))
        token = _mapping(entry).get("token") if keys and "token" in keys.model_fields else None
        if (
            not isinstance(token, str)
            or not TOKEN.fullmatch(token)
            or path in told
            or document.is_broken(path)
        ):
            continue
        if len(token) < _TOKEN_LENGTH or len(set(token)) < _TOKEN_SIGNS:
            said = f"is too easy to guess: a token has {_TOKEN_LENGTH} random characters or more"
            yield Problem(path, said, _MAKE_ONE)


def _unfilled(
    entries: Mapping[str, Any], key: str, document: Document, *, at: tuple[str, ...]
) -> Iterator[Problem]:
    """`$NAME` and `%NAME%`, which other programs fill in and the bridge doesn't."""
    for name, entry in entries.items():
        path = spell((*at, name, key))
        secret = _mapping(entry).get(key)
        if not isinstance(secret, str) or document.is_broken(path):
            continue
        variable, origin = _VARIABLE.fullmatch(secret.strip()), document.origin(path)
        if origin and variable:
            said = f"the value of {origin[0]} looks like a variable that isn't filled in"
            yield Problem(path, said, "write the secret itself there")
        elif variable or (secret.startswith("$") and not origin):
            # Only what is surely a name is shown: the rest may be a secret that begins with $.
            fix = f'write "${{{variable[1] if variable else "NAME"}}}", and set that variable'
            yield Problem(path, "looks like a variable that isn't filled in", fix)


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
