"""A bridge and its Fusion as real processes, a database to break, and what must hold meanwhile and after.

`refuses()` says it all: 429 and never anything else, soon, to many at once; `/readyz` with the reason and
the fix; and the process lives. `ends_well()` is the other half: what was answered 200 is a lead, once.
"""

import asyncio
import contextlib
import http.client
import json
import re
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tests.crash.processes import _BRIDGE, Process, call, sandbox
from tests.crash.sender import post
from tests.crash.setting import Setting, prepare

# The longest that a sender waits: a lock is waited for 2 s, a disk that hangs 3 s; the rest is the machine's.
ANSWER_WITHIN_S = 4.5
MANY = 200


class Stage:
    """One bridge with its Fusion; numbered people, each with a phone of its own."""

    def __init__(self, setting: Setting, service: Process, fusion: Process, database: Path) -> None:
        self.setting = setting
        self.service = service
        self.fusion = fusion
        self.database = database
        self.accepted: set[int] = set()

    def fault(self, **fault: Any) -> None:
        """From now on Fusion behaves like this, and no other way."""
        call(self.fusion.port, "DELETE", "/sandbox/faults")
        if fault:
            call(self.fusion.port, "POST", "/sandbox/faults", fault)

    def post(self, number: int) -> tuple[int, dict[str, Any]]:
        """One webhook; whom it is about is remembered when it is answered 200."""
        return asyncio.run(self._post(number))

    async def _post(self, number: int) -> tuple[int, dict[str, Any]]:
        status, answer = await post(self.setting.port, *self._webhook(number))
        if status == 200:
            self.accepted.add(number)
        return status, answer

    def _webhook(self, number: int) -> tuple[str, bytes, dict[str, str]]:
        person = {"contact_id": f"c{number}", "full_name": f"Person {number}", "phone": phone(number)}
        return self.setting.with_token(person)

    def accept(self, *numbers: int) -> None:
        """Webhooks that must be accepted, all at once."""
        answers = asyncio.run(self._all(numbers))
        assert [status for status, _, _ in answers] == [200] * len(numbers), answers

    def storm(self, numbers: Sequence[int]) -> list[tuple[int, dict[str, Any], float]]:
        """All at once: status, answer, and seconds of each."""
        return asyncio.run(self._all(numbers))

    async def _all(self, numbers: Sequence[int]) -> list[tuple[int, dict[str, Any], float]]:
        async def timed(number: int) -> tuple[int, dict[str, Any], float]:
            began = time.monotonic()
            status, answer = await self._post(number)
            return status, answer, time.monotonic() - began

        return list(await asyncio.gather(*(timed(number) for number in numbers)))

    def get(self, path: str) -> tuple[int, dict[str, Any]]:
        """Status and JSON of a page."""
        connection = http.client.HTTPConnection("127.0.0.1", self.setting.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())

    def listening(self, within_s: float = 15.0) -> None:
        """Start the bridge, and wait until the port is open: whatever the state of its database."""
        self.service.launch()
        until(lambda: self.service.running and self._healthy(), within_s)

    def _healthy(self) -> bool:
        with contextlib.suppress(OSError):
            return self.get("/healthz")[0] == 200
        return False

    def refuses(self, reason: str, *, many: int = MANY) -> None:
        """Everything is refused as it should be, and it says why."""
        answers = self.storm([150 + number % 40 for number in range(many)])
        assert {(status, answer["status"]) for status, answer, _ in answers} == {(429, "busy")}, answers[:3]
        assert max(seconds for _, _, seconds in answers) < ANSWER_WITHIN_S
        assert self.retry_after() > 0
        began = time.monotonic()
        status, told = self.get("/readyz")
        assert (status, told["status"]) == (503, "not ready"), told
        assert re.search(reason, told["reason"]), told
        assert told["fix"], told
        assert self.get("/healthz")[0] == 200
        assert time.monotonic() - began < ANSWER_WITHIN_S

    def retry_after(self) -> int:
        """Of a webhook that is refused."""
        path, body, _ = self._webhook(150)
        connection = http.client.HTTPConnection("127.0.0.1", self.setting.port, timeout=10)
        with contextlib.closing(connection):
            connection.request("POST", path, body)
            answer = connection.getresponse()
            assert answer.status == 429
            return int(answer.headers["Retry-After"])

    def recovers(self, within_s: float = 8.0) -> None:
        """It is ready again, without a restart."""
        before = self.service.pid
        until(lambda: self.get("/readyz")[0] == 200, within_s)
        assert (self.service.running, self.service.pid) == (True, before)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of the log about this."""
        lines = (line for line in self.service.log.read_text().splitlines() if line.startswith("{"))
        return [entry for entry in map(json.loads, lines) if entry["event"] == event]

    def ends_well(self, within_s: float = 20.0) -> None:
        """Everybody who was accepted is a lead, and was called once; nobody else is."""
        self.fault()
        expected = {phone(number): 1 for number in self.accepted}
        leads: list[dict[str, Any]] = []

        def delivered() -> bool:
            leads[:] = call(self.fusion.port, "GET", "/sandbox/leads")["leads"]
            return {lead["phone"] for lead in leads} >= expected.keys()

        until(delivered, within_s)
        time.sleep(0.3)  # for one too many
        assert delivered()
        assert {lead["phone"]: lead["calls"] for lead in leads} == expected
        assert len(leads) == len(expected)
        assert self.service.terminate() == 0
        log = self.service.log.read_text()
        assert "Traceback" not in log, log


@contextlib.contextmanager
def stage(
    folder: Path,
    *,
    database: Path | None = None,
    before: Sequence[str] = (),
    limit: tuple[int, int] = (1000, 1),
) -> Iterator[Stage]:
    """Fusion runs; the bridge is set up and doesn't run yet. `before` is put before its command."""
    requests, per_s = limit
    fusion = sandbox(folder, requests=requests, per_s=per_s)
    with fusion:
        fusion.start()
        setting = prepare(folder / "bridge", fusion_port=fusion.port, requests=requests, per_s=per_s)
        database = database or setting.database
        text = setting.config.read_text().replace("database: bridge.db", f"database: {database}")
        setting.config.write_text(text)
        command = [*before, *_BRIDGE, "serve", "-c", str(setting.config)]
        log = setting.config.with_name("bridge.log")
        with Process(command, port=setting.port, log=log, probe="/readyz") as service:
            yield Stage(setting, service, fusion, database)


def phone(number: int) -> str:
    """One of the numbers that belong to nobody."""
    return f"+1{202 + number // 100}55501{number % 100:02d}"


def until(condition: Callable[[], bool], within_s: float) -> None:
    """Wait for it."""
    end = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.05)
