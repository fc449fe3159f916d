"""Where leads go, in words: a route's account and campaign, by their names.

Pure text, for `check` and `preview`. Rule for editors: an expression is shown as it is written, because what
it gives depends on the event.
"""

from bridge.rules.mapping import Route, Rules


def destination(rules: Rules, route: Route) -> str:
    """Account, campaign and kind of a route, in a line."""
    kind = f", {route.kind}" if route.kind else ""
    return f"{_account(rules, route)}, {_campaign(rules, route)}{kind}"


def campaign(rules: Rules, uuid: str) -> str:
    """A campaign by its name in the table, else by its UUID."""
    name = next((name for name, known in rules.campaigns.items() if known == uuid), "")
    return f"campaign {name or uuid}" if uuid else "Default Feed"


def _account(rules: Rules, route: Route) -> str:
    if route.account_rule:
        return route.account_rule.text
    if route.account:
        return route.account
    elsewhere = any(
        location.account not in ("", rules.default_account) for location in rules.locations.values()
    )
    return f"{rules.default_account} or the location's account" if elsewhere else rules.default_account


def _campaign(rules: Rules, route: Route) -> str:
    if route.campaign_rule:
        return f"campaign {route.campaign_rule.text}"
    known = any(location.campaign_id for location in rules.locations.values())
    if not route.campaign_id and known:
        return "the location's campaign, else Default Feed"
    return campaign(rules, route.campaign_id)
