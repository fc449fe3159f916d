"""The webhook route under a fuzzer that learns: `python -m tests.benchmarks.fuzz_webhook CORPUS [-option…]`.

An input is what comes over a socket, in pieces: our own protocol, uvicorn's parser, the real application on a
real database, and a sandbox for Fusion behind it. Whatever comes: the answers are those of the contract, what
was answered 200 is in the table as it was sent, and every event ends in a named state by no stumbling.
"""

import asyncio
import base64
import json
import random
import re
import sqlite3
import sys
import time
from pathlib import Path
from typing import Any

import atheris

with atheris.instrument_imports(include=["bridge"]):
    from bridge.app import create_app
    from bridge.config import load
    from bridge.fusion.sandbox import create_sandbox, sandbox_transport
    from bridge.server import server_config
    from bridge.web.connections import Connection, Phase

import structlog
from uvicorn.server import ServerState

from tests.benchmarks.fuzz_findings import Findings
from tests.benchmarks.fuzz_seeds import KEY, PAYLOADS, PIECE, SIGNED, WORDS, config_text

# The README's "Answers", a head that is too long, and what is said before a body: go on.
ANSWERS = {100, 200, 400, 401, 404, 405, 413, 429, 431}
ENDS = {"delivered", "skipped", "superseded", "dead"}
ANSWERED_WITHIN_S = 10.0
ENDED_WITHIN_S = 60.0
SETTLE_EACH = 500  # inputs, after which everything must have come to its end

_STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
_LENGTH = re.compile(rb"(?i)(\r\ncontent-length: ?)@")
_ACCEPTED = re.compile(rb'\{"status":"accepted","event_id":(\d+)\}')


class Wire(asyncio.Transport):
    """The other end of a connection that isn't there."""

    def __init__(self) -> None:
        super().__init__()
        self.said = bytearray()
        self.closed = False

    def write(self, data: bytes) -> None:
        self.said += data

    def close(self) -> None:
        self.closed = True

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.1", 1), "sockname": ("192.0.2.2", 80)}.get(name, default)

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        raise AssertionError(f"the connection was handed to {type(protocol).__name__}")


class Bridge:
    """The running service, and what was told to senders so far."""

    def __init__(self, folder: Path) -> None:
        (folder / "config.yaml").write_text(config_text())
        self.config = load(folder / "config.yaml", {})
        self.loop = asyncio.new_event_loop()
        sandbox = create_sandbox(rules="july", requests=1_000_000, per_s=1.0)
        self.app = create_app(self.config, transport=sandbox_transport(sandbox))
        self.lifespan = self.app.router.lifespan_context(self.app)
        self.server = server_config(self.app, self.config)
        self.state = ServerState()
        self.stumbled: list[str] = []
        self.inputs = 0

    def start(self) -> None:
        structlog.configure(processors=[self._listen])
        self.loop.set_exception_handler(lambda _loop, context: self.stumbled.append(repr(context)))
        self.loop.run_until_complete(self.lifespan.__aenter__())
        self.rows = sqlite3.connect(self.config.database, isolation_level=None)

    def _listen(self, _logger: object, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        if line["event"].endswith(".stumbled") or line.get("level") == "critical":
            self.stumbled.append(f"{line}")
        raise structlog.DropEvent

    def one(self, data: bytes) -> None:
        """One connection, from its first byte to its end."""
        self.stumbled.clear()
        self.inputs += 1
        said = self.loop.run_until_complete(self._connection(data))
        statuses = {int(status) for status in _STATUS.findall(said)}
        assert statuses <= ANSWERS, said[:2000]
        for event_id in _ACCEPTED.findall(said):
            row = self.rows.execute("SELECT payload FROM events WHERE id = ?", (int(event_id),)).fetchone()
            assert row, f"event {int(event_id)} was accepted, and isn't there"
            assert bytes(row[0]) in data.replace(PIECE, b""), "the payload isn't what was sent"
        if self.inputs % SETTLE_EACH == 0:
            self.loop.run_until_complete(self._settled())
        assert not self.stumbled, self.stumbled[0]

    async def _connection(self, data: bytes) -> bytes:
        wire = Wire()
        protocol = Connection(config=self.server, server_state=self.state, app_state={}, _loop=self.loop)
        protocol.connection_made(wire)
        for piece in _ready(data).split(PIECE):
            if wire.closed:
                break
            protocol.data_received(piece)
            await asyncio.sleep(0)
        until = self.loop.time() + ANSWERED_WITHIN_S
        while _works(protocol) and not wire.closed:
            assert self.loop.time() < until, "no answer"
            await asyncio.sleep(0.0005)
        protocol.connection_lost(None)
        while self.state.tasks:
            assert self.loop.time() < until, "a request without an end"
            await asyncio.sleep(0.0005)
        return bytes(wire.said)

    async def _settled(self) -> None:
        until = time.monotonic() + ENDED_WITHIN_S
        waiting = "SELECT COUNT(*) FROM events WHERE state IN ('received', 'queued')"
        while self.rows.execute(waiting).fetchone()[0]:
            assert time.monotonic() < until, "events without an end"
            await asyncio.sleep(0.01)
        ends = self.rows.execute("SELECT state, reason FROM events GROUP BY state, reason").fetchall()
        assert {state for state, _ in ends} <= ENDS, ends
        assert all(reason for state, reason in ends if state in {"skipped", "dead"}), ends
        assert not [reason for _, reason in ends if "stumbled" in (reason or "")], ends


def _works(protocol: Connection) -> bool:
    """Whether there are answers to come, to requests that are whole."""
    if protocol.pipeline:
        return True
    whole = protocol.phase in {Phase.ANSWER, Phase.IDLE}
    return whole and protocol.cycle is not None and not protocol.cycle.response_complete


def _ready(data: bytes) -> bytes:
    """With the length and the signature of its body, where it asks for them: no fuzzer guesses those."""
    head, end, body = data.partition(b"\r\n\r\n")
    whole = body.replace(PIECE, b"")
    head = _LENGTH.sub(rb"\g<1>%d" % len(whole), head)
    if SIGNED in head:
        head = head.replace(SIGNED, base64.b64encode(KEY.sign(whole)))
    return head + end + body


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """A third of the time only the body, and as JSON: mere bytes seldom leave it one."""
    dice = random.Random(seed)
    choice = dice.randrange(4)
    if choice < 2:
        return atheris.Mutate(data, most)
    head, end, body = data.partition(b"\r\n\r\n")
    if choice == 2:
        return (head + end + _other(body, dice))[:most]
    words = re.findall(rb"\w+|\W", head)
    at = dice.randrange(len(words) + 1)
    words[at : at + dice.randrange(2)] = [dice.choice(WORDS)]
    return (b"".join(words) + end + body)[:most]


def _other(body: bytes, dice: random.Random) -> bytes:
    try:
        payload = json.loads(body)
        other = json.loads(dice.choice(PAYLOADS))
    except ValueError:
        return dice.choice(PAYLOADS)
    if not isinstance(payload, dict) or not payload:
        return dice.choice(PAYLOADS)
    name, more = dice.choice(list(payload)), dice.choice(list(other))
    match dice.randrange(5):
        case 0:
            payload[more] = other[more]
        case 1:
            payload[name] = other[more]
        case 2:
            payload[name] = dice.choice(ODD)
        case 3:
            payload[more] = payload.pop(name)
        case _:
            payload[name] = [payload[name], {name: payload[name], "status": "active"}]
    return json.dumps(payload, ensure_ascii=dice.random() < 0.5).encode("utf-8", "surrogatepass")


ODD: list[Any] = [None, True, "", "null", "{{contact.phone}}", 0, -1, 2**64, 1e308, "\ud800", "\0", "١٢٣"]
ODD += ["+1 (202) 555-0101 ext. 5", "0020 555", "a@b@c", "🏡" * 60, "x" * 2000, [], {}, [[[[1]]]]]


def main() -> None:
    """Fuzz until libFuzzer has had enough; it ends the process."""
    corpus = Path(sys.argv[1])
    bridge = Bridge(corpus.parent)
    bridge.start()
    atheris.Setup(sys.argv, Findings.beside(corpus).catching(bridge.one), custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
