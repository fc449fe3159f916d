"""A bridge and a sandbox of its own for one case, and what both tell when it is over.

Figures are taken from outside: the sandbox's log says which requests came, its leads what they left, the
bridge's database what became of the events. Rule for editors: whatever waits has a limit of time.
"""

import asyncio
import contextlib
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bridge.fusion.leads import LEADS_PATH
from tests.crash.processes import Process, bridge, call, sandbox
from tests.crash.setting import API_KEY, Setting, prepare

POLL_S = 0.05
CONNECTIONS = 16

Request = tuple[str, bytes, dict[str, str]]  # path, body, headers


@dataclass(frozen=True, slots=True)
class Seen:
    """A request in the sandbox's log, noted when it had been answered."""

    at: float
    method: str
    status: int | None  # None: the line was cut
    leads: int


@dataclass(slots=True)
class World:
    """One bridge, one sandbox."""

    setting: Setting
    fusion: Process
    service: Process
    _readers: list[sqlite3.Connection] = field(default_factory=list)

    def faults(self, *faults: dict[str, Any]) -> None:
        answer = call(self.fusion.port, "POST", "/sandbox/faults", list(faults))
        if "error" in answer:
            raise RuntimeError(f"no such fault: {answer}")

    def well_again(self) -> None:
        call(self.fusion.port, "DELETE", "/sandbox/faults")

    def create(self, leads: list[dict[str, Any]]) -> None:
        """Up to 100 leads that the bridge knows nothing of."""
        key = {"Authorization": f"Bearer {API_KEY}"}
        answer = call(self.fusion.port, "POST", LEADS_PATH, {"leads": leads}, headers=key)
        if not answer["success"]:
            raise RuntimeError(f"refused: {answer}")

    async def send(self, bodies: Iterable[dict[str, Any]], *, kind: str = "workflow") -> None:
        """Webhooks as fast as the bridge takes them."""
        sign = self.setting.signed if kind == "app" else self.setting.with_token
        await flood(self.setting.port, map(sign, bodies))

    async def resolved(self, within_s: float) -> None:
        """Wait until every event was looked at."""
        if not await self._none("SELECT 1 FROM events WHERE state = 'received'", within_s):
            raise RuntimeError(f"events aren't resolved after {within_s:g} s")

    async def drained(self, within_s: float) -> bool:
        """Wait until every event has its end and nothing is owed. False when that takes too long."""
        open_ = "SELECT 1 FROM events WHERE state IN ('received', 'queued') UNION ALL SELECT 1 FROM outbox"
        return await self._none(open_, within_s)

    async def _none(self, query: str, within_s: float) -> bool:
        until = time.monotonic() + within_s
        while self.sql(f"SELECT EXISTS ({query})")[0][0]:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(POLL_S)
        return True

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read the bridge's database."""
        if not self._readers:
            uri = f"{self.setting.database.as_uri()}?mode=ro"
            self._readers.append(sqlite3.connect(uri, uri=True, timeout=10))
        return self._readers[0].execute(query, values).fetchall()

    def seen(self, since: float = 0.0) -> list[Seen]:
        """The requests that the sandbox answered since then."""
        log = call(self.fusion.port, "GET", "/sandbox/requests")["requests"]
        found = [Seen(moment(row["at"]), row["method"], row["status"], row["leads"]) for row in log]
        return [each for each in found if each.status is not None and each.at >= since]

    def stats(self) -> dict[str, int]:
        answer: dict[str, int] = call(self.fusion.port, "GET", "/sandbox/stats")
        return answer

    def leads(self) -> dict[str, dict[str, Any]]:
        """Fusion's leads by phone."""
        return {lead["phone"]: lead for lead in call(self.fusion.port, "GET", "/sandbox/leads")["leads"]}

    def states(self) -> Counter[str]:
        """How many events came to which end."""
        return Counter(dict(self.sql("SELECT state, COUNT(*) FROM events GROUP BY state")))

    def close(self) -> None:
        while self._readers:
            self._readers.pop().close()


@contextlib.contextmanager
def world(
    folder: Path, name: str, *, limit: tuple[int, int], rules: str = "june", there: bool = True
) -> Iterator[World]:
    """Start both, and end both. Without `there` nobody listens at Fusion's port yet."""
    home = folder / name
    home.mkdir(parents=True)
    requests, per_s = limit
    with sandbox(home, rules=rules, requests=requests, per_s=per_s, seed=1) as fusion:
        setting = prepare(home, fusion_port=fusion.port, requests=requests, per_s=per_s)
        with bridge(setting.config, setting.port) as service:
            if there:
                fusion.start()
            service.start()
            it = World(setting, fusion, service)
            with contextlib.closing(it):
                yield it


def moment(text: str) -> float:
    """Unix seconds of the sandbox's times."""
    return datetime.fromisoformat(text).timestamp()


def told(seen: Iterable[Seen]) -> str:
    """Which requests they were, in a few words."""
    kinds = Counter(f"{each.method} {each.status}" for each in seen)
    return ", ".join(f"{count:,} {kind}" for kind, count in sorted(kinds.items())) or "none"


async def flood(port: int, requests: Iterable[Request]) -> None:
    """Every request once, on a few connections. Raises RuntimeError when one isn't answered 200."""
    waiting = iter(requests)
    await asyncio.gather(*(_one_after_the_other(port, waiting) for _ in range(CONNECTIONS)))


async def _one_after_the_other(port: int, waiting: Iterator[Request]) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for path, body, headers in waiting:
            extra = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
            head = f"POST {path} HTTP/1.1\r\nHost: bridge\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
            writer.write(head.encode() + body)
            answer = await reader.readuntil(b"\r\n\r\n")
            length = int(answer.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
            said = await reader.readexactly(length)
            if answer.split()[1] != b"200":
                raise RuntimeError(f"refused: {json.loads(said)}")
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
