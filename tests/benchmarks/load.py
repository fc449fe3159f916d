"""The load generator, a process of its own: raw sockets, requests made beforehand, hardly any parsing.

`python -m tests.benchmarks.load FILE` reads an `Order` as JSON from stdin, says when it begins, and writes
what came of it to FILE. Closed loop: every connection sends its next request when the answer is there. With
a rate: requests leave at fixed times, and their latency counts from the time they should have left, so that
a stall can't hide behind itself.
"""

import asyncio
import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.benchmarks.bulk_people import happening
from tests.crash.processes import ROOT
from tests.crash.setting import TOKEN, Setting

_GIVE_UP_S = 300.0


@dataclass(frozen=True, slots=True)
class Order:
    """What to send, and how."""

    port: int
    kind: str  # "workflow" or "app"; "bulk": a workflow's, of all kinds of people, "import": none opts out
    connections: int
    count: int
    first: int  # number of the first event: no two of a run are alike
    rate: float = 0.0  # a second; 0: as fast as answers come
    key: str = ""  # of the app's signatures, base64


@dataclass(frozen=True, slots=True)
class Load:
    """What came of an order."""

    seconds: float
    latencies_ms: list[float]  # in the order of the answers
    answered_at: list[float]  # of time.perf_counter(), which all processes share
    statuses: dict[str, int]
    event_ids: list[int]
    cpu_share: float  # of the generator: near 1.0 it is the bottleneck, and the figures are its own

    @property
    def per_s(self) -> float:
        return len(self.latencies_ms) / self.seconds


def order(
    setting: Setting, kind: str, *, connections: int, count: int, first: int, rate: float = 0.0
) -> Order:
    """An order for the bridge of this setting."""
    key = base64.b64encode(setting.key.private_bytes_raw()).decode()
    return Order(setting.port, kind, connections, count, first, rate, key)


@dataclass(frozen=True, slots=True)
class Generator:
    """A running generator, and where its result will be."""

    process: "subprocess.Popen[str]"
    file: Path


def begin(what: Order) -> Generator:
    """Start a generator and wait until its requests are made; `result` waits for its end."""
    handle, name = tempfile.mkstemp(prefix="bridge-load-", suffix=".json")
    os.close(handle)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.load", name],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin
    assert process.stdout
    process.stdin.write(json.dumps(asdict(what)))
    process.stdin.close()
    process.stdout.readline()
    return Generator(process, Path(name))


def result(generator: Generator) -> Load:
    """What the generator measured."""
    try:
        if generator.process.wait() != 0:
            raise RuntimeError("the load generator failed; its words are above")
        return Load(**json.loads(generator.file.read_text()))
    finally:
        generator.file.unlink()


def requests(what: Order) -> Iterator[bytes]:
    """The whole bytes of every request."""
    key = Ed25519PrivateKey.from_private_bytes(base64.b64decode(what.key))
    for number in range(what.first, what.first + what.count):
        body = json.dumps(payload(number, what.kind)).encode()
        path, extra = f"/webhooks/workflow/{TOKEN}", ""
        if what.kind == "app":
            signature = base64.b64encode(key.sign(body)).decode()
            path, extra = "/webhooks/app", f"X-GHL-Signature: {signature}\r\n"
        head = (
            f"POST {path} HTTP/1.1\r\nHost: bridge.example.com\r\nContent-Type: application/json\r\n"
            f"User-Agent: axios/1.8.4\r\nAccept: application/json\r\n{extra}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        yield head.encode() + body


def payload(number: int, kind: str) -> dict[str, Any]:
    """A body of about 1 KiB in the form of a captured one, of a person of its own (but for a bulk)."""
    if kind in ("bulk", "import"):
        event = happening(number, opt_outs=kind == "bulk")
        shared = {} if event.phone_of is None else {"phone": payload(event.phone_of, "workflow")["phone"]}
        return payload(event.contact, "workflow") | shared | event.said
    person = {
        "email": f"avery.sample.{number}@example.com",
        "phone": f"+1{2_000_000_000 + number:010d}",
        "tags": "bridge-test,spring campaign,web form",
        "country": "US",
        "address1": "3535 1st St N",
        "city": "Springfield",
        "state": "IL",
        "timezone": "America/Chicago",
        "source": "Landing page: free roof check",
        "website": "https://www.example.com/",
    }
    attribution = {"sessionSource": "CRM UI", "medium": "manual", "mediumId": None}
    if kind == "app":
        return person | {
            "type": "ContactCreate",
            "webhookId": f"webhook-{number:012d}",
            "timestamp": datetime.fromtimestamp(1_780_000_000 + number, UTC).isoformat(),
            "locationId": "ve9EPM428h8vShlRW1KT",
            "id": f"contact-{number:012d}",
            "firstName": "Avery",
            "lastName": f"Sample {number}",
            "companyName": "Example Fitness Studio",
            "dateAdded": "2026-08-04T14:53:09.703Z",
            "tags": ["bridge-test", "spring campaign", "web form"],
            "attributionSource": attribution,
            "customFields": [{"id": f"BcdmQEsNgz6AVpgLVUJ{i}", "value": "Lorem ipsum"} for i in range(3)],
        }
    return person | {
        "contact_id": f"contact-{number:012d}",
        "first_name": "Avery",
        "last_name": f"Sample {number}",
        "full_name": f"Avery Sample {number}",
        "company_name": "Example Fitness Studio",
        "date_created": "2026-08-04T14:53:09.703Z",
        "contact_type": "lead",
        "Monthly bill": "180",
        "location": {"name": "Example Fitness Studio", "city": "Springfield", "id": "aZ3kQ9vXw2LmT7bYc1Rf"},
        "workflow": {"id": "9d1c7a44-3c2b-4e7e-9c27-6b0b1df4c1aa", "name": "New Workflow"},
        "triggerData": {},
        "contact": {"attributionSource": attribution, "lastAttributionSource": {}},
        "attributionSource": {},
        "customData": {"origin": f"capture-{number}"},
    }


class _Run:
    """The state that all connections share."""

    def __init__(self, what: Order) -> None:
        self.waiting = deque(requests(what))
        self.left = len(self.waiting)
        self.latencies: list[float] = []
        self.answered_at: list[float] = []
        self.answers: list[bytes] = []
        self.over = asyncio.get_running_loop().create_future()
        self.idle: deque[_Connection] = deque()
        self.late: deque[float] = deque()  # times at which requests should have left, with no one free
        self.closed_loop = not what.rate
        self.open = what.connections

    def finish(self) -> None:
        if not self.over.done():
            self.over.set_result(time.perf_counter())


class _Connection(asyncio.Protocol):
    def __init__(self, run: _Run) -> None:
        self._run = run
        self._received = b""
        self._since = 0.0

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        self._run.open -= 1
        if not self._run.open:
            self._run.finish()

    def send(self, since: float) -> None:
        self._since = since
        self._transport.write(self._run.waiting.popleft())

    def data_received(self, data: bytes) -> None:
        received = self._received + data if self._received else data
        end = received.find(b"\r\n\r\n")
        at = received.find(b"content-length: ", 0, end)
        if end < 0 or at < 0 or len(received) < end + 4 + int(received[at + 16 : received.find(b"\r", at)]):
            self._received = received
            return
        self._received = b""
        run, now = self._run, time.perf_counter()
        run.latencies.append(now - self._since)
        run.answered_at.append(now)
        run.answers.append(received)
        run.left -= 1
        if not run.left:
            run.finish()
        elif run.closed_loop:
            if run.waiting:
                self.send(now)
        elif run.late:
            self.send(run.late.popleft())
        else:
            run.idle.append(self)


async def _generate(what: Order) -> Load:
    run = _Run(what)
    loop = asyncio.get_running_loop()
    connections = [
        (await loop.create_connection(lambda: _Connection(run), "127.0.0.1", what.port))[1]
        for _ in range(what.connections)
    ]
    print("begins", flush=True)
    began, cpu = time.perf_counter(), time.process_time()
    if what.rate:
        run.idle.extend(connections)
        await _at_rate(run, what.rate)
    else:
        for connection in connections:
            connection.send(time.perf_counter())
    ended = await asyncio.wait_for(run.over, _GIVE_UP_S)
    return Load(
        seconds=ended - began,
        latencies_ms=[round(latency * 1000, 3) for latency in run.latencies],
        answered_at=[round(at, 4) for at in run.answered_at],
        statuses=dict(Counter(answer[9:12].decode() for answer in run.answers)),
        event_ids=[_event_id(answer) for answer in run.answers if b'"event_id":' in answer],
        cpu_share=(time.process_time() - cpu) / (ended - began),
    )


def _event_id(answer: bytes) -> int:
    return int(json.loads(answer.partition(b"\r\n\r\n")[2])["event_id"])


async def _at_rate(run: _Run, rate: float) -> None:
    began = time.perf_counter()
    for number in range(len(run.waiting)):
        due = began + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        if run.idle:
            run.idle.popleft().send(due)
        else:
            run.late.append(due)


if __name__ == "__main__":
    measured = uvloop.run(_generate(Order(**json.loads(sys.stdin.read()))))
    Path(sys.argv[1]).write_text(json.dumps(asdict(measured)))
