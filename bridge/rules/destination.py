"""Where a lead goes: the account and the campaign that a route names, its location's, or the defaults.

Pure. Knows names, UUIDs and the locations' table; nothing of conditions. Rule for editors: a result that
names nothing known is an error. A lead in another campaign than was meant is called with the wrong words.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bridge.errors import MappingError
from bridge.model import Destination
from bridge.rules.ruleset import Location, Route, Rule, Rules
from bridge.rules.values import flat, plain_text

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHOWN: Final = 60  # characters of a value in an error
_NOWHERE: Final = Location()


@dataclass(frozen=True, slots=True)
class Place:
    """An account's campaign, or its Default Feed, to which leads may go."""

    account: str
    campaign_id: str  # empty: the Default Feed
    at: str  # what names it: "routes[1]", "locations.…", "campaigns.solar"
    certain: bool  # False: only if an expression gives it, so that it need not exist


def is_expression(text: str) -> bool:
    """Whether a text is evaluated for each event."""
    return "{{" in text


def known_name(said: str, known: Iterable[str]) -> str:
    """The known name that is meant, without regard to case and blanks around; "" when there is none."""
    wanted, names = said.strip(), tuple(known)
    if wanted in names:
        return wanted
    return next((name for name in names if name.casefold() == wanted.casefold()), "")


def campaign_id(said: str, campaigns: Mapping[str, str]) -> str:
    """Fusion's UUID of a campaign by its name or by the UUID itself; "" for anything else."""
    name = known_name(said, campaigns)
    if name:
        return campaigns[name]
    identifier = said.strip().lower()
    return identifier if _UUID.fullmatch(identifier) else ""


def destination(rules: Rules, route: Route, variables: Mapping[str, Any]) -> Destination:
    """Where the route sends this lead. Raises MappingError where an expression names nothing known."""
    location = rules.locations.get(variables["location"]["id"], _NOWHERE)
    home = location.account or rules.default_account
    account = route.account or home
    if route.account_rule:
        account = _named(
            route.account_rule, variables, lambda said: known_name(said, rules.accounts), rules.accounts
        )
    campaign = route.campaign_id
    if route.campaign_rule:
        known = rules.campaigns
        campaign = _named(route.campaign_rule, variables, lambda said: campaign_id(said, known), known)
    elif not campaign and account == home:  # a campaign is in one account: another one doesn't know it
        campaign = location.campaign_id
    return Destination(
        account=account,
        campaign_id=campaign,
        kind=route.kind,
        move=route.move,
        clear_emptied=route.lead.clear_emptied,
    )


def _named(rule: Rule, variables: Mapping[str, Any], find: Callable[[str], str], known: Iterable[str]) -> str:
    """The account or campaign that the rule's value means."""
    what = "account" if rule.field == "account" else "campaign"
    try:
        value = rule.value(variables)
    except MappingError as error:
        raise MappingError(f"{rule.at}: {error.message}", field="", fix=error.fix) from error
    said = next((text for each in flat(value) if (text := plain_text(each).strip())), "")
    if found := find(said):
        return found
    names = ", ".join(known) or "none"
    if not said:
        message = f"{rule.at}: gave nothing where {_A[what]} is wanted; known: {names}"
        example = next(iter(known), "NAME")
        fix = f"name one for such contacts, as in {{{{ … or '{example}' }}}}; then replay the event"
        raise MappingError(message, field="", fix=fix)
    shown = said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"
    message = f"{rule.at}: {shown!r} is no known {what}; known: {names}"
    raise MappingError(message, field="", fix=_FIX[what])


_A: Final = {"account": "an account", "campaign": "a campaign"}
_FIX: Final = {
    "account": "change the rule, or add the account to fusion.accounts; then replay the event",
    "campaign": "change the rule, or add the name and its UUID to campaigns:; then replay the event",
}


def places(rules: Rules) -> Iterator[Place]:
    """Every place to which routes and locations may send, each once for what names it."""
    yield from dict.fromkeys(_places(rules))


def _places(rules: Rules) -> Iterator[Place]:
    homes = {f"locations.{key}": location for key, location in rules.locations.items()} | {"": _NOWHERE}
    for route in rules.routes:
        if route.skip:
            continue
        for at, home in homes.items():
            home_account = home.account or rules.default_account
            some = rules.accounts if route.account_rule else (route.account or home_account,)
            for account in some:
                certain = len(some) == 1
                if route.campaign_rule:
                    yield from (
                        Place(account, uuid, f"campaigns.{name}", certain and len(rules.accounts) == 1)
                        for name, uuid in rules.campaigns.items()
                    )
                elif route.campaign_id:
                    yield Place(account, route.campaign_id, route.at, certain)
                elif account == home_account and home.campaign_id:
                    yield Place(account, home.campaign_id, at, certain)
                else:
                    yield Place(account, "", route.at, certain)
