"""The accounts and campaigns that routes and locations name: which exist, and the locations' table as rules.

Knows the tables and fusion.accounts; an expression's result is `rules.destination`'s business. The rule to
keep: what is compared here is compared by the same functions as at run time.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from bridge.config.document import Document, spell
from bridge.config.parts import Parts
from bridge.config.schema import LocationKeys, RouteKeys, TableKeys
from bridge.config.wording import did_you_mean, show
from bridge.errors import Problem
from bridge.rules.destination import campaign_id, is_expression, known_name
from bridge.rules.expression import RULE_SCOPE
from bridge.rules.mapping import Location

_FORGOTTEN_BRACES = re.compile(rf"({'|'.join(RULE_SCOPE)})[.\[].*")
_NO_TABLE = (
    "write campaigns: with this name and its UUID at the top of the file, or campaign_id: with the UUID"
)


def locations_of(tables: TableKeys) -> Mapping[str, Location]:
    """GHL's sub-accounts by id, with campaigns as UUIDs."""
    return MappingProxyType(
        {key: _location(keys, tables.campaigns) for key, keys in tables.locations.items()}
    )


def _location(keys: LocationKeys, campaigns: Mapping[str, str]) -> Location:
    return Location(
        name=keys.name or "",
        account=keys.account or "",
        campaign_id=keys.campaign_id or campaign_id(keys.campaign or "", campaigns),
        default_region=keys.default_region,
    )


def check_targets(parts: Parts, accounts: Sequence[str], document: Document) -> Iterator[Problem]:
    """Each account and campaign that is written down exists; what an expression gives is seen later."""
    # As written: a campaign whose UUID is wrong is another problem, reported already.
    written = (document.data or {}).get("campaigns")
    campaigns = tuple(written) if isinstance(written, dict) else ()
    for at, route in enumerate(parts.routes):
        yield from _check(route, ("routes", at), accounts, campaigns, document)
    for name, location in parts.tables.locations.items():
        yield from _check(location, ("locations", name), accounts, campaigns, document)


def _check(
    keys: RouteKeys | LocationKeys,
    steps: tuple[str | int, ...],
    accounts: Sequence[str],
    campaigns: Sequence[str],
    document: Document,
) -> Iterator[Problem]:
    fixed = isinstance(keys, LocationKeys)
    if keys.account is not None and accounts and _unknown(keys.account, accounts, fixed=fixed):
        path = spell((*steps, "account"))
        said = f"{show(keys.account, path, document)} is not an account of fusion.accounts"
        yield Problem(path, said, _hint(keys.account, accounts, fixed=fixed))
    if keys.campaign is not None and _unknown(keys.campaign, campaigns, fixed=fixed):
        path = spell((*steps, "campaign"))
        if not campaign_id(keys.campaign, {}):
            said = f"{show(keys.campaign, path, document)} is not a name of campaigns"
            yield Problem(
                path, said, _hint(keys.campaign, campaigns, fixed=fixed) if campaigns else _NO_TABLE
            )
    if keys.campaign is not None and keys.campaign_id is not None:
        yield Problem(spell((*steps, "campaign_id")), "is beside campaign", "keep one of the two")


def _unknown(text: str, known: Sequence[str], *, fixed: bool) -> bool:
    return (fixed or not is_expression(text)) and not known_name(text, known)


def _hint(text: str, known: Sequence[str], *, fixed: bool) -> str:
    if is_expression(text):
        return f"an expression goes into a route; write one of {', '.join(known)}"
    if not fixed and _FORGOTTEN_BRACES.fullmatch(text.strip()):
        return f'write "{{{{ {text.strip()} }}}}"'
    return did_you_mean(text, known)
