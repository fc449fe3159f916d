"""Where the key travels: to the configured address, whatever a payload, a lead or an answer says."""

import http.server
import threading

import httpx2
import pytest

from bridge.fusion.client import FusionClient
from bridge.outbox.outcome import Failed
from bridge.outbox.request import Request

KEY = "key-of-an-account"
EVIL = [
    *("http://169.254.169.254/latest/meta-data", "//evil.example.com/x", "@evil.example.com", "\\\\evil"),
    *("../../../admin", "x?y=z#frag", "a\r\nHost: evil.example.com", "\0", "%2e%2e%2f", "file:///etc/passwd"),
]


@pytest.mark.parametrize("text", EVIL)
@pytest.mark.parametrize("plan", ["create", "update", "look"])
async def test_nothing_of_a_lead_becomes_an_address(plan, text):
    seen = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        return httpx2.Response(200, json={})

    client = FusionClient("https://fusion.example.com", KEY, transport=httpx2.MockTransport(answer))
    lead = dict.fromkeys(("phone", "name", "email", "company", "website", "url"), text)
    await client.send(Request(plan, text, None, (lead,)))
    await client.page(text, 1)
    await client.aclose()
    assert {(request.url.host, request.url.path) for request in seen} == {
        ("fusion.example.com", "/api/leads/external/v1/leads")
    }
    assert {request.headers["host"] for request in seen} == {"fusion.example.com"}


class _Neighbour(http.server.BaseHTTPRequestHandler):
    """Answers with a redirect where one is given, and notes down who came."""

    def _answer(self) -> None:
        self.server.came.append((self.path, self.headers.get("Authorization")))
        self.send_response(307 if self.server.location else 200)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass


@pytest.fixture
def neighbours():
    servers = [http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Neighbour) for _ in range(2)]
    for server in servers:
        server.came, server.location = [], ""
        threading.Thread(target=server.serve_forever, daemon=True).start()
    yield servers
    for server in servers:
        server.shutdown()
        server.server_close()


async def test_a_redirect_is_not_followed_and_the_key_stays(neighbours, monkeypatch):
    """Over real sockets, with a proxy in the environment that nobody configured."""
    fusion, elsewhere = neighbours
    fusion.location = f"http://127.0.0.1:{elsewhere.server_port}/latest/meta-data"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{elsewhere.server_port}")
    client = FusionClient(f"http://127.0.0.1:{fusion.server_port}", KEY)
    lead = {"phone": "+12025550101", "name": "Ann Lee"}
    for plan in ("create", "update", "look"):
        answer = await client.send(Request(plan, "", None, (lead,)))
        assert isinstance(answer.outcome, Failed)
        assert KEY not in repr(answer)
    await client.aclose()
    assert [key for _, key in fusion.came] == [f"Bearer {KEY}"] * 3
    assert elsewhere.came == []
    assert KEY not in repr(client) + repr(client._http.headers)
