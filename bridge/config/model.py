"""The configuration as the bridge uses it: frozen values, already checked, rules already compiled.

Knows no YAML and no environment. The rule to keep: a field that holds a secret has repr=False and its
value is in `Config.secrets`, by which the log takes it out of whatever else it got into.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote

from bridge.inbound import GhlWorkflow, JsonSource, Source
from bridge.outbox.facts import OwnTags
from bridge.outbox.retry import Retry
from bridge.rules.mapping import Rules


@dataclass(frozen=True, slots=True)
class Server:
    host: str
    port: int
    public_url: str | None = None  # without a slash at the end


@dataclass(frozen=True, slots=True)
class Account:
    name: str
    api_key: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Limit:
    """So many requests in any span of so many seconds."""

    requests: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Fusion:
    base_url: str  # without a slash at the end
    accounts: Mapping[str, Account]
    default_account: str  # the first in the file
    leads_limit: Limit
    concurrency: int  # requests under way at the same time, for each account


@dataclass(frozen=True, slots=True)
class Retention:
    """How long something settled is kept."""

    payloads_s: float = 2_592_000.0
    events_s: float = 7_776_000.0  # never shorter


@dataclass(frozen=True, slots=True)
class Config:
    path: Path
    server: Server
    database: Path
    default_region: str
    fusion: Fusion
    sources: Mapping[str, Source]
    rules: Rules = field(repr=False)
    tags: OwnTags
    retry: Retry
    retention: Retention
    secrets: frozenset[str] = field(repr=False)
    saved: str = ""  # a mark of when the files were saved (`config.saved`)
    rules_mark: str = ""  # a fingerprint of everything that decides what becomes of an event

    def webhook_urls(self) -> Mapping[str, str]:
        """By source, the URL to paste where its webhooks are configured. Holds the token: not for the log."""
        base = self.server.public_url or f"http://{_in_url(self.server.host)}:{self.server.port}"
        return MappingProxyType(
            {name: f"{base}/webhooks/{name}{_secret_part(source)}" for name, source in self.sources.items()}
        )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _secret_part(source: Source) -> str:
    match source:
        case GhlWorkflow() | JsonSource():
            return f"/{quote(source.token, safe='')}"
        case _:  # a signed source has no secret of its own
            return ""
