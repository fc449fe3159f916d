"""Hosts and addresses: what is one, and over which of them a key may travel.

Knows URLs, not where they stand. The rule to keep: plain http only to this machine and to private
networks, decided by the address itself and never by a look-up, because a key goes over it.
"""

import ipaddress
import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

from bridge.config.wording import refusal

# Without a backslash and the like, which HTTP clients and urlsplit read differently.
_PLAIN = re.compile(r"[A-Za-z]+://[]A-Za-z0-9._:/?#@&=%[-]+")
_LOCAL_NETWORKS = tuple(
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in ("http", "https") and _possible(parts.hostname or "") and parts.port != 0
    except ValueError:
        usable = False
    if any(mark in value for mark in "?#@"):  # where passwords and keys stand: not shown
        raise refusal("must be an address without user, path or ?", "write only https:// and the host's name")
    if not usable or not _PLAIN.fullmatch(value):
        raise refusal("{value} is not an address", "write https:// and the host's name", value)
    if parts.path.strip("/"):
        raise refusal("must be an address without user, path or ?", "write only https:// and the host's name")
    return f"{parts.scheme}://{parts.netloc}"


def _blank_is_none(value: Any) -> Any:
    return value or None  # `${PUBLIC_URL:-}` is a way to leave it out


def _safe_url(value: str) -> str:
    url = _url(value)
    if url.startswith("http:") and not _is_local(urlsplit(url).hostname or ""):
        raise refusal(
            "would send keys unencrypted", "write https://; http:// is for this machine and private networks"
        )
    return url


def _is_local(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(address in network for network in _LOCAL_NETWORKS)


def _possible(host: str) -> bool:
    """Not 300.1.1.1: what is made of digits and dots must be an address."""
    if not host or re.fullmatch(r"[0-9.]+", host) is None:
        return bool(host)
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False


def _host(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._:%-]+", value) or not _possible(value):
        raise refusal("{value} is not a host", "write 0.0.0.0, 127.0.0.1 or a name", value)
    return value


Host = Annotated[str, AfterValidator(_host)]
PublicUrl = Annotated[
    str | None, AfterValidator(lambda url: url and _url(url)), BeforeValidator(_blank_is_none)
]
SafeUrl = Annotated[str, AfterValidator(_safe_url)]
