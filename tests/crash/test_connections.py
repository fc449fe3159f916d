"""Slow, endless, idle and broken connections against the real service: they cost only themselves.

The bounds in time are shortened in the same process; everything else is tried on `bridge serve` as it runs.
"""

import asyncio
import contextlib
import json
import resource
import socket
import time

import pytest

from bridge.web import connections
from tests.crash import processes
from tests.crash.near import HOOK, config_of, near
from tests.crash.setting import TOKEN

PERSON = {"contact_id": "ann", "first_name": "Ann", "last_name": "Lee", "phone": "+12025550101"}
GROWS_BY_MIB = 40.0  # of any of these; measured 0 to 25


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 4096:
        pytest.skip("this machine allows too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, hard))
    path, port = config_of(tmp_path_factory.mktemp("connections"))
    with processes.bridge(path, port) as process:
        process.start()
        yield process
        assert process.running
        assert process.terminate() == 0
        log = path.with_name("bridge.log").read_text()
        assert "Traceback" not in log
        assert TOKEN not in log


@pytest.fixture(autouse=True)
def _honest_senders_notice_nothing(request):
    """Before the attackers hang up, a webhook is accepted at once, and the memory didn't grow."""
    if "served" not in request.fixturenames:
        yield
        return
    served = request.getfixturevalue("served")
    before = served.pss_mib()
    with contextlib.ExitStack() as held:
        request.node.held = held
        yield
        began = time.perf_counter()
        answer = processes.call(served.port, "POST", HOOK, {**PERSON, "test": request.node.name})
        assert answer["status"] == "accepted"
        assert time.perf_counter() - began < 1.0
        assert served.pss_mib() - before < GROWS_BY_MIB


@pytest.fixture
def dial(served, request):
    def connected() -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", served.port), timeout=10)
        request.node.held.callback(connection.close)
        return connection

    return connected


def flood(connection: socket.socket, piece: bytes, *, most: int = 64 * 1024 * 1024) -> int:
    """Send until the other side has had enough; how many bytes that took."""
    sent = 0
    try:
        while sent < most:
            connection.sendall(piece)
            sent += len(piece)
    except OSError:
        pass
    return sent


LINES = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 100) for number in range(5_000))
POST = b"POST /webhooks/app HTTP/1.1\r\nHost: a\r\n"
ENDLESS = {
    "a head of many lines": (b"GET /healthz HTTP/1.1\r\n", LINES),
    "a head of one line": (b"GET /healthz HTTP/1.1\r\nX: ", b"a" * 500_000),
    "an address": (b"GET /", b"a" * 500_000),
    "a method": (b"G", b"E" * 500_000),
    "nothing but ends of lines": (b"", b"\r\n" * 250_000),
    "a chunk's extension": (POST + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a" * 500_000),
    "lines after the body": (POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", LINES),
    "a body": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"a" * 0x10000 + b"\r\n"),
    "a body of single bytes": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n" * 50_000),
    "a body that was refused": (POST + b"Content-Length: 99999999999\r\n\r\n", b"a" * 500_000),
    "requests that nobody waits for": (b"", b"GET /readyz HTTP/1.1\r\nHost: a\r\n\r\n" * 10_000),
}


@pytest.mark.parametrize("case", ENDLESS)
def test_what_has_no_end_is_cut_off(dial, case):
    begin, piece = ENDLESS[case]
    connection = dial()
    connection.sendall(begin)
    # What the operating system holds on the way is counted as sent.
    assert flood(connection, piece) < 32 * 1024 * 1024


def test_a_head_that_is_too_long_is_told_so(dial):
    connection = dial()
    connection.sendall(b"GET /healthz HTTP/1.1\r\nX: " + b"a" * 20_000)
    assert connection.recv(4096).startswith(b"HTTP/1.1 431 ")


PIECE = 200_000  # over the 16 KiB of a head
NEXT = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
TOO_LARGE = {
    "by its length": (b"Content-Length: 1200000\r\n\r\n", [b"x" * PIECE] * 6),
    "by its length, in one piece": (b"Content-Length: 1200000\r\n\r\n", [b"x" * 1_200_000]),
    "in chunks": (
        b"Transfer-Encoding: chunked\r\n\r\n",
        [*[b"%x\r\n%b\r\n" % (PIECE, b"x" * PIECE)] * 6, b"%x\r\n%b\r\n0\r\n\r\n" % (PIECE, b"x" * PIECE)],
    ),
    "a small body whose token is wrong": (b"Content-Length: 40000\r\n\r\n", [b"x" * 20_000] * 2),
}


@pytest.mark.parametrize("case", TOO_LARGE)
@pytest.mark.parametrize("pause", [0.0, 0.05])
def test_after_an_early_answer_nothing_is_written_that_no_request_asked_for(dial, case, pause):
    """Its last piece, over 16 KiB, once brought a 431, which the next request on the connection read."""
    head, pieces = TOO_LARGE[case]
    where = b"/webhooks/workflow/wrong" if "wrong" in case else HOOK.encode()
    connection = dial()
    connection.sendall(b"POST " + where + b" HTTP/1.1\r\nHost: a\r\n" + head)
    for piece in pieces:
        connection.sendall(piece)
        time.sleep(pause)
    time.sleep(0.2)  # for the whole of it, head and body
    first = connection.recv(65_536)
    assert first.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 401 "))
    assert first.count(b"HTTP/1.1 ") == 1
    time.sleep(0.2)
    connection.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        assert connection.recv(65_536) == b""  # closed, or silent
        return
    connection.setblocking(True)
    connection.sendall(NEXT)
    assert connection.recv(65_536).startswith(b"HTTP/1.1 200 ")


def everything(connection: socket.socket) -> bytes:
    """What comes until the other side hangs up."""
    came = b""
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65_536):
            came += piece
    return came


EARLY = b"POST " + HOOK.encode() + b" HTTP/1.1\r\nHost: a\r\nContent-Length: 1200000\r\n\r\n"
CHUNKED = b"POST /webhooks/workflow/wrong HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
ANSWERED = json.dumps({**PERSON, "contact_id": "pipelined"}).encode()
GOOD = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(ANSWERED)}\r\n\r\n".encode() + ANSWERED
# What is sent at once → the statuses that come back, in this order, and no byte more.
ONE_ANSWER_EACH = {
    "a body that is too long and the next request": ([EARLY + b"x" * 1_200_000 + NEXT], [413, 200]),
    "the same in pieces": ([EARLY, b"x" * 1_190_000, b"x" * 10_000 + NEXT + NEXT], [413, 200, 200]),
    "the next in two pieces": ([EARLY + b"x" * 1_200_000 + NEXT[:20], NEXT[20:]], [413, 200]),
    "chunks that break behind the answer": ([CHUNKED + b"5\r\nhello\r\n", b"nonsense\r\n"], [401]),
    "a size of a chunk that is none": ([CHUNKED, b"-2\r\n"], [401]),
    "nothing but ends of lines": ([NEXT, b"\r\n" * 10_000], [200]),
    "nonsense behind a request": ([GOOD + b"nonsense\r\n\r\n"], [200]),
    "nonsense behind three requests": ([GOOD + NEXT + NEXT + b"\0\0\r\n\r\n"], [200, 200, 200]),
    "a broken body behind a request": ([GOOD + CHUNKED + b"zz\r\n"], [200]),
    "a broken body behind two": ([GOOD + NEXT + CHUNKED + b"zz\r\n"], [200, 200]),
    "a head that is too long behind a request": (
        [GOOD + b"GET / HTTP/1.1\r\nX: ", b"a" * 20_000],
        [200, 431],
    ),
    "no address behind a request": ([GOOD + b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"], [200]),
    "nonsense alone": ([b"nonsense\r\n\r\n"], [400]),
    "a broken body": (
        [GOOD.partition(b"Content-Length")[0] + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"],
        [400],
    ),
}


@pytest.mark.parametrize("case", ONE_ANSWER_EACH)
def test_each_request_has_one_answer_and_nothing_else_is_written(dial, case):
    pieces, statuses = ONE_ANSWER_EACH[case]
    connection = dial()
    with contextlib.suppress(ConnectionError):
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.1)
        connection.shutdown(socket.SHUT_WR)
    came = everything(connection)
    assert [int(line[:3]) for line in came.split(b"HTTP/1.1 ")[1:]] == statuses, came


def test_a_thousand_idle_connections(dial):
    for _ in range(1_000):
        dial()


def test_a_thousand_heads_that_stop_in_the_middle(dial):
    for _ in range(1_000):
        dial().sendall(b"POST /webhooks/workflow HTTP/1.1\r\nHost: a\r\n")


def test_a_thousand_bodies_that_stop_in_the_middle(dial):
    for _ in range(1_000):
        dial().sendall(POST + b"Content-Length: 30000\r\n\r\n" + b"x" * 10_000)


def test_big_bodies_that_stop_in_the_middle_do_not_fill_the_memory(dial):
    """Of strangers only where the body is what is signed: elsewhere they are refused before they send it."""
    answers = set()
    for _ in range(100):
        connection = dial()
        connection.sendall(POST + b"Content-Length: 1048576\r\n\r\n")
        with contextlib.suppress(OSError):
            connection.sendall(b"x" * 1_000_000)
        connection.settimeout(0.01)
        with contextlib.suppress(OSError):
            answers.add(connection.recv(4096).split(b"\r\n")[0])
    assert b"HTTP/1.1 429 Too Many Requests" in answers


def test_without_the_token_nobody_gets_to_send_a_body(dial):
    connection = dial()
    connection.sendall(b"POST /webhooks/workflow/wrong HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n")
    assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_a_body_without_its_end_stores_nothing(served, dial):
    for _ in range(3):
        connection = dial()
        head = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: 500\r\n\r\n"
        connection.sendall(head.encode() + json.dumps({**PERSON, "contact_id": "half"}).encode())
        connection.close()
    time.sleep(0.1)
    listed = served.log.with_name("bridge.db")
    assert not listed.exists() or b'"half"' not in listed.read_bytes()


async def ended(port: int, sent: bytes, *, more: bytes = b"", within: float = 3.0) -> tuple[bytes, float]:
    """What came back until the other side hung up, and after how long; `more` is sent again and again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    came = b""
    writer.write(sent)
    while True:
        with contextlib.suppress(TimeoutError, ConnectionError):
            piece = await asyncio.wait_for(reader.read(4096), 0.1)
            if not piece:
                break
            came += piece
            continue
        if more:
            with contextlib.suppress(ConnectionError):
                writer.write(more)
        assert time.monotonic() - began < within, "it is still there"
    writer.close()
    return came, time.monotonic() - began


@pytest.fixture
def short(monkeypatch):
    """A second for what has half a minute."""
    monkeypatch.setattr(connections, "CHECK_S", 0.1)
    monkeypatch.setattr(connections, "_WITHIN_S", dict.fromkeys(connections.Phase, 0.5))


WAITING = {
    "nothing": (b"", b""),
    "half a head": (b"POST /webhooks/app HTTP/1.1\r\nHost: a\r\n", b""),
    "a head, a letter at a time": (b"GET /healthz HTTP/1.1\r\nX: ", b"a"),
    "half a body": (POST + b"Content-Length: 100\r\n\r\n{", b""),
    "a body, a letter at a time": (POST + b"Content-Length: 100\r\n\r\n{", b" "),
    "a body in chunks without end": (POST + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
    "no next request": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b""),
    "ends of lines instead of the next request": (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", b"\r\n"),
    "a promise (100-continue)": (POST + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n", b""),
}


@pytest.mark.parametrize("case", WAITING)
@pytest.mark.usefixtures("short")
@pytest.mark.anyio
async def test_who_waits_too_long_is_cut_off(tmp_path, case):
    sent, more = WAITING[case]
    async with near(tmp_path) as port:
        _, took = await ended(port, sent, more=more)
    assert took > 0.3


@pytest.mark.anyio
async def test_who_takes_his_time_within_the_bounds_is_served(tmp_path):
    body = json.dumps(PERSON).encode()
    async with near(tmp_path) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST {HOOK} HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        for piece in (head[:20], head[20:]):
            writer.write(piece.encode())
            await asyncio.sleep(0.05)
        for at in range(0, len(body), 10):
            writer.write(body[at : at + 10])
            await asyncio.sleep(0.01)
        assert b'"accepted"' in await reader.read()
        writer.close()


@pytest.mark.anyio
async def test_when_all_places_are_taken_whoever_waits_longest_leaves(tmp_path, monkeypatch):
    monkeypatch.setattr(connections, "_most", 20)
    async with near(tmp_path) as port:
        idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        answer, _ = await ended(port, b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 200 OK")
        gone = [reader.at_eof() for reader, _ in idle]
        assert sum(gone) >= 40
        assert all(gone[:30])  # the oldest
        for _, writer in idle:
            writer.close()


def test_a_low_limit_of_open_files_is_raised():
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        most = connections.make_room()
        assert most == min(connections.MOST, resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 100)
        assert most > 256 or before[1] <= 356
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
        connections.make_room()
