"""Whatever comes over a connection, in whatever pieces: an answer that the contract knows, or none."""

import asyncio
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from uvicorn.server import ServerState

from bridge.server import server_config
from bridge.web.connections import MAX_HEAD, MAX_REQUEST, PIPELINED, Connection, Phase
from tests.harness import TOKEN, running

pytestmark = pytest.mark.anyio
QUIET = settings(
    deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
# The README's "Answers"; a head too long; "go on"; and the pages: 200, 404, 405.
ANSWERS = {100, 200, 400, 401, 404, 405, 413, 429, 431}

LINES = f"""\
Host: a
Content-Length: 2
Content-Length: 0
Content-Length: 99999999
Transfer-Encoding: chunked
Expect: 100-continue
Connection: close
Connection: Upgrade, keep-alive
Upgrade: websocket
Upgrade: h2c
X-Bridge-Token: {TOKEN}
X-GHL-Signature: AAAA
Content-Encoding: gzip
 folded
a:b:c
\0: \0""".encode().splitlines()
PATHS = f"""\
/webhooks/workflow/{TOKEN}
/webhooks/workflow
/webhooks/app
//webhooks/workflow/x
/webhooks/%2e%2e
/webhooks/workflow/%00
/webhooks/workflow/..;/x
/healthz
http://a/webhooks/x
*
/
/é
""".encode().split(b"\n")
BODIES = [
    b"",
    b"{}",
    b'{"contact_id":"a"}',
    b"2\r\n{}\r\n0\r\n\r\n",
    b"0\r\n\r\n",
    b"fffffffffffffffff\r\n",
    b"[" * 99,
]
METHODS = st.sampled_from([b"POST", b"GET", b"HEAD", b"PUT", b"OPTIONS", b"CONNECT", b"PRI", b"FOO", b""])
VERSIONS = st.sampled_from([b" HTTP/1.1", b" HTTP/1.0", b" HTTP/0.9", b" HTTP/2.0", b"", b" HTTP/1.1 x"])
ENDS = st.sampled_from([b"\r\n", b"\r\n", b"\n", b"\r"])
HOOK = b"POST /webhooks/workflow HTTP/1.1\r\n"
CHUNKED = HOOK + b"Transfer-Encoding: chunked\r\n\r\n"


@st.composite
def requests(draw):
    end = draw(ENDS)
    first = draw(METHODS) + b" " + draw(st.sampled_from(PATHS)) + draw(VERSIONS)
    body = draw(st.sampled_from(BODIES) | st.binary(max_size=20))
    return end.join([first, *draw(st.lists(st.sampled_from(LINES), max_size=5)), b"", body])


BYTES = st.lists(requests() | st.binary(max_size=30), min_size=1, max_size=3).map(b"".join)


class Wire(asyncio.Transport):
    """The other end."""

    def __init__(self):
        super().__init__()
        self.said, self.closed = bytearray(), False

    def write(self, data):
        assert not self.closed, "written to somebody who went"
        self.said += data

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed

    def get_extra_info(self, _name, default=None):
        return default

    def pause_reading(self): ...

    def resume_reading(self): ...


@pytest.fixture
async def talk(tmp_path):
    async with running(tmp_path) as bridge:
        app = bridge.http._transport.app
        config = server_config(app, bridge.service.config)

        async def talk(pieces):
            """What is said to these pieces, and whether the connection was closed."""
            state, wire = ServerState(), Wire()
            protocol = Connection(
                config=config, server_state=state, app_state={}, _loop=asyncio.get_running_loop()
            )
            protocol.connection_made(wire)
            for piece in pieces:
                if wire.closed:
                    break
                protocol.data_received(piece)
                await asyncio.sleep(0)
            async with asyncio.timeout(20):
                while _works(protocol) and not wire.closed:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.001)
                closed = wire.closed
                protocol.connection_lost(None)
                while state.tasks:  # noqa: ASYNC110
                    await asyncio.sleep(0.001)
            assert not state.connections
            return bytes(wire.said), closed

        yield talk


def _works(protocol):
    """Whether there are answers to come, to requests that are whole."""
    if protocol.pipeline:
        return True
    whole = protocol.phase in {Phase.ANSWER, Phase.IDLE}
    return whole and protocol.cycle is not None and not protocol.cycle.response_complete


def statuses(said):
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d+) ", said)]


@QUIET
@given(data=BYTES, cuts=st.lists(st.integers(0, 300), max_size=4))
@example(
    data=b"POST /webhooks/workflow HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}", cuts=[70]
)
async def test_any_bytes_in_any_pieces_are_answered_alike(talk, data, cuts):
    said, closed = await talk([data])
    assert set(statuses(said)) <= ANSWERS
    assert len(statuses(said)) <= PIPELINED
    assert TOKEN.encode() not in said
    at = sorted({cut for cut in cuts if cut < len(data)})
    pieces = [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]
    again, closed_again = await talk([piece for piece in pieces if piece])
    assert set(statuses(again)) <= ANSWERS
    # Where it is closed for what follows, how many got their answer is up to the pieces; and behind somebody
    # who wants another protocol, the rest of that piece is not read.
    if not closed and b"upgrade" not in data.lower() and b"CONNECT" not in data:
        assert not closed_again
        answers = [status for status in statuses(said) if status != 100]
        assert [status for status in statuses(again) if status != 100] == answers


@pytest.mark.parametrize(
    ("begin", "more", "most"),
    [
        (b"", b"a", MAX_HEAD),
        (b"POST / HTTP/1.1\r\n", b"a: b\r\n", MAX_HEAD),
        (b"POST /", b"a", MAX_HEAD),
        (b"\r\n", b"\r\n", MAX_HEAD),
        (b"POST / HTTP/1.1\r\nHost: ", b"a", MAX_HEAD),
        (
            CHUNKED,
            b"1\r\na\r\n",
            MAX_REQUEST,
        ),
        (CHUNKED + b"1;", b"a", MAX_REQUEST),
        (
            CHUNKED + b"0\r\na: ",
            b"b",
            MAX_REQUEST,
        ),
        (CHUNKED, b"0", MAX_REQUEST),
        (b"POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", b"a", MAX_REQUEST),
        (b"POST / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n", b"a", MAX_REQUEST),
    ],
    ids=str,
)
async def test_nothing_goes_on_for_ever(talk, begin, more, most):
    pieces = [begin or more] + [more * (4096 // len(more))] * (2 * most // 4096 + 2)
    said, closed = await talk(pieces)
    assert closed
    assert set(statuses(said)) <= ANSWERS
