"""`bridge check --online`: the keys, the campaigns, the database's folder, the port and the public address.

Knows this machine and how to say what was found; `worker.asking` asks Fusion. Rule for editors: nothing is
created and nothing is changed, save for the requests' places in a database that is there.
"""

import asyncio
import contextlib
import errno
import os
import socket
import sqlite3
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx2
import typer

from bridge.cli.output import place, printable
from bridge.clock import steady_clock
from bridge.config import Config, line_of
from bridge.errors import Problem, StoreError
from bridge.fusion.client import FusionClient
from bridge.store import adopting
from bridge.store.database import open_beside
from bridge.store.status import owner
from bridge.worker.asking import Asker, Finding

_PATIENCE_S = 5.0  # of a database that a service writes
_HEALTH_S = 3.0


def look(config: Config, tell: Callable[[Finding], None]) -> list[Finding]:
    """Everything that can be looked at from here; each finding is printed as soon as there is one."""
    return asyncio.run(_look(config, tell))


async def _look(config: Config, tell: Callable[[Finding], None]) -> list[Finding]:
    found: list[Finding] = []

    def note(finding: Finding) -> None:
        found.append(finding)
        tell(finding)

    for finding in (_database(config.database), await _port(config), _public_url(config)):
        note(finding)
    async for finding in _fusion(config):
        note(finding)
    return found


async def _fusion(config: Config) -> AsyncIterator[Finding]:
    fusion, clock = config.fusion, steady_clock()
    try:
        with _counting(config.database) as connection:
            asker = Asker(
                config,
                connection,
                client=lambda name: FusionClient(fusion.base_url, fusion.accounts[name].api_key, clock=clock),
                clock=clock,
            )
            async for finding in asker.findings():
                yield finding
    except (StoreError, sqlite3.Error) as error:
        said = f"not asked: a service is running, and the request can't be counted with its own ({error})"
        fix = "run it as the user of the service"
        yield Finding("Fusion", ok=False, said=said, fix=fix, path="database")


@contextlib.contextmanager
def _counting(database: Path) -> Iterator[sqlite3.Connection | None]:
    """The database whose service shares the budget; None where no service can write it."""
    if not database.is_file():
        yield None
        return
    try:
        with contextlib.closing(open_beside(database, patience_s=_PATIENCE_S)) as connection:
            with adopting.writing(connection):
                connection.execute("SELECT reached FROM attempts LIMIT 1").fetchall()
            yield connection
    except (StoreError, sqlite3.Error):
        if owner(database):
            raise
        yield None


def _database(database: Path) -> Finding:
    """Whether the service, as this user, could write it."""
    database = database.absolute()
    folder = next(each for each in database.parents if each.exists())
    what, path = "database", "database"
    fix = "let the folder belong to the user of the service, or name another one"
    if not folder.is_dir():
        return Finding(what, ok=False, said=f"{folder} is not a folder", fix="name another place", path=path)
    try:
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"\0" * 4096)
            probe.flush()
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            fix = "make room on the disk"
        return Finding(what, ok=False, said=f"{folder} can't be written: {reason}", fix=fix, path=path)
    if database.exists() and not os.access(database, os.R_OK | os.W_OK):
        fix = f"chown --reference={folder} {database}"
        return Finding(what, ok=False, said=f"{database} can't be written by this user", fix=fix, path=path)
    made = "" if folder == database.parent else f"; {database.parent} will be made"
    return Finding(what, ok=True, said=f"{folder} can be written{made}")


async def _port(config: Config) -> Finding:
    """Free, or the running bridge's own."""
    host, port = config.server.host, config.server.port
    what, path = f"port {port}", "server.port"
    if not port:
        return Finding("port", ok=True, said="any that is free")
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return await _taken(config, what)
        if error.errno == errno.EACCES:
            fix = "choose one of 1024 or more; Caddy has 443 and sends on (deploy/README.md)"
            return Finding(what, ok=False, said="is only for root", fix=fix, path=path)
        said = f"this machine has no address {host}: {(error.strerror or str(error)).lower()}"
        return Finding(
            what, ok=False, said=said, fix="write 127.0.0.1, or 0.0.0.0 for all", path="server.host"
        )
    return Finding(what, ok=True, said="is free")


async def _taken(config: Config, what: str) -> Finding:
    whose = owner(config.database)
    if whose and await _is_bridge(config):
        return Finding(what, ok=True, said=f"is the running bridge's ({whose})")
    fix = f"`ss -ltnp 'sport = :{config.server.port}'` names it: stop it, or choose another port"
    return Finding(what, ok=False, said="is taken by another program", fix=fix, path="server.port")


async def _is_bridge(config: Config) -> bool:
    """Whether what answers there does as a bridge does."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(config.server.host, config.server.host)  # noqa: S104
    at = f"[{host}]" if ":" in host else host
    try:
        async with httpx2.AsyncClient(trust_env=False, timeout=_HEALTH_S) as client:
            answer = await client.get(f"http://{at}:{config.server.port}/healthz")
            return answer.status_code == 200 and bool(answer.json() == {"status": "ok"})
    except (httpx2.HTTPError, ValueError):
        return False


def _public_url(config: Config) -> Finding:
    url, what, path = config.server.public_url, "public_url", "server.public_url"
    if url is None:
        said = "is not set: the URLs to paste lack the address by which others reach the bridge"
        return Finding(what, ok=True, said=said)
    if not url.startswith("https://"):
        fix = "write https://, with Caddy in front (deploy/README.md)"
        said = "has no https: tokens and contacts would travel for all to read"
        return Finding(what, ok=False, said=said, fix=fix, path=path)
    return Finding(what, ok=True, said=f"{url} has https")


def tell(config: Config, finding: Finding) -> None:
    """A line, and one with the fix where it is needed."""
    at = ""
    if finding.path:
        line = line_of(config.path, finding.path)
        at = "  ".join(place(str(config.path), Problem(finding.path, "", line=line))) + "  "
    mark = "✓" if finding.ok else "✗"
    colon = "" if finding.ok or not at else ":"  # after the key that is to blame
    typer.echo(f"  {mark} {printable(f'{at}{finding.what}{colon} {finding.said}')}")
    if finding.fix:
        typer.echo(f"      fix: {printable(finding.fix)}")


def as_json(config: Config, finding: Finding) -> dict[str, Any]:
    """For other programs."""
    line = line_of(config.path, finding.path) if finding.path else None
    return {**asdict(finding), "line": line}
