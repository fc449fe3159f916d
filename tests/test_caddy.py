"""deploy/Caddyfile in a real Caddy, in front of the real service: what it lets through, and what it logs."""

import asyncio
import contextlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.crash.near import HOOK, near
from tests.crash.processes import free_port
from tests.crash.setting import TOKEN

CADDY = shutil.which("caddy")
CADDYFILE = Path(__file__).parents[1] / "deploy" / "Caddyfile"
PERSON = {"contact_id": "ann", "phone": "+12025550101"}
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(CADDY is None, reason="no caddy here")]

# Target as it stands in the request → how the log may show it.
TARGETS = {
    HOOK: "/webhooks/workflow/REDACTED",
    f"{HOOK}?a=b": "/webhooks/workflow/REDACTED",
    f"{HOOK}/more": "/webhooks/workflow/REDACTED",
    f"/webhooks/workflow;{TOKEN}": "/webhooks/workflow/REDACTED",
    f"/webhooks/workflow%2F{TOKEN}": "/webhooks/workflow/REDACTED",
    f"/webhooks/workflow?token={TOKEN}": "/webhooks/workflow/REDACTED",
    f"/webhooks%2fworkflow/{TOKEN}": "/REDACTED",
    f"/%77ebhooks/workflow/{TOKEN}": "/REDACTED",
    f"//webhooks//workflow/{TOKEN}": "/REDACTED",
    f"/webhooks/{TOKEN}": "/REDACTED",
    f"/{TOKEN}": "/REDACTED",
    f"/?token={TOKEN}": "/REDACTED",
    f"http://127.0.0.1{HOOK}": "/REDACTED",
    "/webhooks/workflow": "/webhooks/workflow",
    "/healthz": "/healthz",
    "/": "/",
}


@contextlib.asynccontextmanager
async def fronted(folder, upstream):
    port = free_port()
    env = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "HOME": str(folder)}
    env |= {"BRIDGE_DOMAIN": f"http://127.0.0.1:{port}", "BRIDGE_UPSTREAM": f"127.0.0.1:{upstream}"}
    file = folder / "Caddyfile"
    # Without the port on which Caddy takes orders: another one may run here.
    file.write_text(CADDYFILE.read_text().replace("{\n\tservers {", "{\n\tadmin off\n\tservers {", 1))
    with (folder / "caddy.log").open("wb") as log:
        command = [CADDY, "run", "--adapter", "caddyfile", "--config", str(file)]
        process = subprocess.Popen(command, env=env, stdout=log, stderr=log)  # noqa: ASYNC220
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            await asyncio.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait(10)


async def sent(port, target, *, method="POST"):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(PERSON).encode()
    lines = f"Host: 127.0.0.1:{port}\r\nReferer: http://a{HOOK}\r\nX-Bridge-Token: {TOKEN}\r\n"
    lines += f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    writer.write(f"{method} {target} HTTP/1.1\r\n{lines}".encode() + body)
    answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def test_no_address_with_a_secret_is_logged(tmp_path):
    async with near(tmp_path) as upstream, fronted(tmp_path, upstream) as port:
        for target in TARGETS:
            await sent(port, target)
    (tmp_path / "away").mkdir()
    async with fronted(tmp_path / "away", 9) as port:
        assert await sent(port, HOOK) == 429  # GoHighLevel tries again
    for folder in (tmp_path, tmp_path / "away"):
        log = (folder / "caddy.log").read_text()
        assert TOKEN not in log
        assert '"uri":"/webhooks/workflow/REDACTED"' in log
    logged = re.findall(r'"uri":"([^"]*)"', (tmp_path / "caddy.log").read_text())
    assert logged == list(TARGETS.values())


async def test_only_what_the_world_may_see(tmp_path):
    async with near(tmp_path) as upstream, fronted(tmp_path, upstream) as port:
        for target in (
            "/metrics",
            "//metrics",
            "/webhooks/../metrics",
            "/%6detrics",
            f"http://127.0.0.1:{port}/metrics",
        ):
            assert await sent(port, target, method="GET") in (401, 404), target
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            assert (await http.get("/healthz")).status_code == 200
            accepted = await http.post(HOOK, json=PERSON)
            large = await http.post(HOOK, content=b"x" * 1_100_000)
    assert accepted.json()["status"] == "accepted"
    assert accepted.headers["strict-transport-security"].startswith("max-age=")
    assert accepted.headers.get_list("x-content-type-options") == ["nosniff"]
    assert "server" not in accepted.headers
    assert (large.status_code, large.json()["status"]) == (413, "too large")
