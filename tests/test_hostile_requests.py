"""Requests that no honest sender makes, byte by byte: refused in words, and nothing of them is stored."""

import asyncio
import contextlib
import gzip
import json

import httpx2
import pytest
from starlette.responses import Response

from bridge.web.headers import SECURITY_HEADERS, SecurityHeaders
from tests.crash.near import HOOK, near
from tests.crash.setting import TOKEN
from tests.harness import running

pytestmark = pytest.mark.anyio
PERSON = json.dumps({"contact_id": "ann", "phone": "+12025550101"}).encode()
GET = {"method": "GET", "body": b""}


def request(path: str = HOOK, *, method: str = "POST", body: bytes = PERSON, more: str = "") -> bytes:
    lines = f"Host: a\r\nConnection: close\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return f"{method} {path} HTTP/1.1\r\n{lines}".encode("latin-1") + body


def bare(lines: str, body: bytes = b"{}") -> bytes:
    return f"POST {HOOK} HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n".encode() + body


SMUGGLED = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = "Transfer-Encoding: chunked"
# What is sent → the one answer, and what its body says.
ATTACKS = {
    # paths
    "another source's token behind ..": (request(f"/webhooks/x/../workflow/{TOKEN}"), 404, "no such source"),
    "two slashes": (request(f"/{HOOK}"), 404, "no such page"),
    "a dot": (request(f"/.{HOOK}"), 404, "no such page"),
    "other letters": (request(HOOK.replace("webhooks", "WEBHOOKS")), 404, "no such page"),
    "NUL behind the token": (request(f"{HOOK}%00"), 401, "unauthorized"),
    "a raw NUL": (request(f"{HOOK}\0"), 400, "Invalid HTTP"),
    "half a character": (request("/webhooks/workflow/%ED%A0%80"), 401, "unauthorized"),
    "letters that aren't ASCII": (request("/webhooks/workflow/\xe4"), 400, "Invalid HTTP"),
    "a star": (request("*", method="OPTIONS", body=b""), 404, "no such page"),
    # methods
    "a method in a header": (
        request(method="GET", more="X-HTTP-Method-Override: POST\r\n"),
        405,
        "webhooks are POSTed",
    ),
    "PUT": (request(method="PUT"), 405, "webhooks are POSTed"),
    "TRACE": (request(method="TRACE", body=b""), 405, "webhooks are POSTed"),
    "CONNECT": (request("evil.example.com:443", method="CONNECT", body=b""), 400, "Invalid HTTP"),
    "a method of his own": (request(method="FOO"), 400, "Invalid HTTP"),
    # two requests in one, seen differently by a proxy
    "length and chunks": (bare(f"Content-Length: 4\r\n{CHUNKED}", SMUGGLED), 400, "Invalid HTTP"),
    "chunks and length": (bare(f"{CHUNKED}\r\nContent-Length: 4", SMUGGLED), 400, "Invalid HTTP"),
    "two lengths": (bare("Content-Length: 2\r\nContent-Length: 3"), 400, "Invalid HTTP"),
    "a length with a sign": (bare("Content-Length: +2"), 400, "Invalid HTTP"),
    "two lengths in one": (bare("Content-Length: 2, 2"), 400, "Invalid HTTP"),
    "a length below nothing": (bare("Content-Length: -1"), 400, "Invalid HTTP"),
    "a length beyond 64 bits": (bare(f"Content-Length: {10**25}"), 400, "Invalid HTTP"),
    "nearly chunked": (bare("Transfer-Encoding: xchunked", SMUGGLED), 400, "Invalid HTTP"),
    "chunked, but not last": (bare(f"{CHUNKED}, identity", SMUGGLED), 400, "Invalid HTTP"),
    "a space before the colon": (bare("Transfer-Encoding : chunked", SMUGGLED), 400, "Invalid HTTP"),
    "a folded line": (bare("X: a\r\n b\r\nContent-Length: 2"), 400, "Invalid HTTP"),
    "a bare carriage return": (bare("X: a\rContent-Length: 9\r\nContent-Length: 2"), 400, "Invalid HTTP"),
    "bare line feeds": (bare("Content-Length: 2").replace(b"\r\n", b"\n"), 400, "Invalid HTTP"),
    "a chunk below nothing": (bare(CHUNKED, b"-2\r\n{}\r\n0\r\n\r\n"), 400, "Invalid HTTP"),
    "a chunk beyond 64 bits": (bare(CHUNKED, b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n"), 400, "Invalid HTTP"),
    "HTTP/2 without asking": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "Invalid HTTP"),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", 400, "Invalid HTTP"),
    # bombs
    "a packed body": (
        request(body=gzip.compress(b" " * 2 * 1024 * 1024, mtime=0), more="Content-Encoding: gzip\r\n"),
        413,
        "a body may have 1048576 bytes unpacked",
    ),
    "packed on the way": (
        bare("Connection: close\r\nTransfer-Encoding: gzip, chunked", b"2\r\n{}\r\n0\r\n\r\n"),
        400,
        "empty object",
    ),
    "lists in lists": (request(body=b"[" * 500_000), 400, "nested more than 64 levels"),
    "objects in objects": (
        request(body=b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        400,
        "nested more than 64",
    ),
    "a number of a megabyte": (
        request(body=b'{"contact_id":"a","x":' + b"9" * 10**6 + b"}"),
        400,
        "not JSON",
    ),
    "a number beyond all": (
        request(body=b'{"contact_id":"a","x":1e999999999}'),
        400,
        "a number is too large",
    ),
    "no number": (request(body=b'{"contact_id":"a","x":NaN}'), 400, "not a JSON number"),
    "half a UTF-16": (request(body=PERSON.decode().encode("utf-16")[:-1]), 400, "not utf-16"),
    # tokens
    "two tokens": (
        request("/webhooks/workflow", more=f"X-Bridge-Token: wrong\r\nX-Bridge-Token: {TOKEN}\r\n"),
        401,
        "unauthorized",
    ),
    "a wrong token in the address, the right one in the header": (
        request("/webhooks/workflow/wrong", more=f"X-Bridge-Token: {TOKEN}\r\n"),
        401,
        "unauthorized",
    ),
    "a token that is no text": (
        request("/webhooks/workflow", more="X-Bridge-Token: \xff\xfe\r\n"),
        401,
        "unauthorized",
    ),
}


async def answer(port: int, sent: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    with contextlib.suppress(ConnectionError):
        came = await asyncio.wait_for(reader.read(1_000_000), 5)
    writer.close()
    return came


async def test_each_is_refused_once_and_stores_nothing(tmp_path):
    async with near(tmp_path) as port:
        for name, (sent, status, said) in ATTACKS.items():
            came = await answer(port, sent)
            head, _, body = came.partition(b"\r\n\r\n")
            assert came.count(b"HTTP/1.1 ") == 1, name
            assert head.startswith(b"HTTP/1.1 %d " % status), (name, head)
            assert said in body.decode(), (name, body)
            assert TOKEN.encode() not in came, name
        stored = await answer(port, request())
        assert b'"accepted","event_id":1}' in stored


async def test_what_is_odd_and_means_no_harm_is_taken(tmp_path):
    async with near(tmp_path) as port:
        for sent in (
            request(HOOK.replace(TOKEN, "".join(f"%{ord(letter):02x}" for letter in TOKEN))),
            request(f"{HOOK}?source=ghl"),
            request(
                more="Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n"
            ),
            request(more="connection: upgrade\r\nUPGRADE: websocket\r\n"),
            request(f"http://other.example.com{HOOK}"),
            request("/webhooks/workflow", more=f"X-Bridge-Token: {TOKEN}\r\n"),
            request(body=b"{" + b'"contact_id":"no",' * 50_000 + PERSON[1:]),  # the last one counts
            request(body=b'{"contact_id":"ann","x":0.' + b"9" * 900_000 + b"}"),
            request(body=b'{"contact_id":"ann","__proto__":{"a":1},"__class__":"x"}'),
        ):
            came = await answer(port, sent)
            assert came.startswith(b"HTTP/1.1 200 "), (sent[:80], came)


GUARD = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}


async def test_every_answer_has_the_security_headers(tmp_path):
    async with near(tmp_path) as port:
        for sent in (
            request(),
            request("/webhooks/workflow/wrong"),
            request("/webhooks/nobody"),
            request("/healthz", **GET),
            request("/readyz", **GET),
            request("/metrics", **GET),
            request("/metrics"),
            request("/", **GET),
            b"no HTTP\r\n\r\n",
            request("/" + "a" * 20_000, **GET),
        ):
            head = (await answer(port, sent)).partition(b"\r\n\r\n")[0].decode().lower()
            for name, value in GUARD.items():
                assert head.count(f"{name}: {value}\r\n".strip()) == 1, (sent[:60], name, head)


async def test_an_answer_of_a_bug_has_them_too_and_says_nothing_of_it(tmp_path):
    async with running(tmp_path) as bridge:

        def broken():
            raise RuntimeError(TOKEN)

        bridge.service.metrics.page = broken
        failed = await bridge.http.get("/metrics")
    assert failed.status_code == 500
    assert failed.json()["status"] == "failed"
    assert TOKEN not in failed.text
    assert {name: failed.headers.get(name) for name in GUARD} == GUARD


async def test_a_page_may_ask_for_more_by_itself():
    """What an answer says already is left alone: a dashboard needs its own styles."""
    styles = {"Content-Security-Policy": "default-src 'self'"}
    app = SecurityHeaders(Response("a page", headers=styles))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://bridge") as http:
        headers = (await http.get("/")).headers
    assert headers.get_list("content-security-policy") == ["default-src 'self'"]
    assert headers["x-content-type-options"] == "nosniff"
