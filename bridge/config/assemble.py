"""Checked keys, built sources and compiled rules → Config.

Knows both shapes and nothing else. The rule to keep: no check here; what arrives is right.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from bridge.config.model import Account, Config, Fusion, Limit, Retention, Server
from bridge.config.schema import FileKeys
from bridge.inbound import Source
from bridge.outbox.facts import OwnTags
from bridge.outbox.retry import Retry
from bridge.rules.mapping import Rules

# What has no say in what becomes of an event.
_NO_RULES = {"server", "database", "fusion", "retry", "retention"}


def database_at(path: Path) -> Path:
    """The file itself where the path is a link: two names of one database must have one lock and one log."""
    with contextlib.suppress(OSError):  # a folder that this user may not enter: whoever opens it says so
        if path.is_symlink():
            return Path(os.path.realpath(path))
    return path


def _fingerprint(keys: FileKeys) -> str:
    """The same as long as the rules are. No secret has a part in it: it is kept in the database."""
    said = keys.model_dump(mode="json", exclude=_NO_RULES)
    for source in said["sources"].values():
        source.pop("token", None)
    said["accounts"] = list(keys.fusion.accounts)  # the first is the default
    text = json.dumps(said, sort_keys=True, default=str)
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()


def assemble(
    path: Path, keys: FileKeys, *, sources: Mapping[str, Source], rules: Rules, saved: str = ""
) -> Config:
    """The keys as values; all of them were found right."""
    accounts = {name: Account(name, each.api_key) for name, each in keys.fusion.accounts.items()}
    limit = keys.fusion.leads_limit
    retry, kept = keys.retry, keys.retention
    tokens = {token for source in sources.values() if (token := getattr(source, "token", ""))}
    return Config(
        path=path,
        server=Server(keys.server.host, keys.server.port, keys.server.public_url),
        database=database_at(path.parent / keys.database),
        default_region=keys.default_region,
        fusion=Fusion(
            base_url=keys.fusion.base_url,
            accounts=MappingProxyType(accounts),
            default_account=next(iter(accounts)),
            leads_limit=Limit(limit.requests, limit.per),
            concurrency=keys.fusion.concurrency,
        ),
        sources=sources,
        rules=rules,
        tags=OwnTags(keys.do_not_call.tag, keys.on_delete.tag, keys.on_phone_change.tag),
        retry=Retry(retry.max_attempts, retry.first_delay, retry.max_delay, retry.give_up_after),
        retention=Retention(min(kept.payloads, kept.events), kept.events),
        secrets=frozenset(tokens | {account.api_key for account in accounts.values()}),
        saved=saved,
        rules_mark=_fingerprint(keys),
    )
