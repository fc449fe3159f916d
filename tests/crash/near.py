"""The service behind a real port in this very process, so that a test can reach into it.

Knows a configuration that is enough to be attacked, and uvicorn. Fusion is never there.
"""

import asyncio
import contextlib
from pathlib import Path

import uvicorn

from bridge.app import create_app, server_config
from bridge.config import load
from tests.crash.processes import free_port
from tests.crash.setting import TOKEN

HOOK = f"/webhooks/workflow/{TOKEN}"


def config_of(folder: Path) -> tuple[Path, int]:
    port = free_port()
    path = folder / "config.yaml"
    path.write_text(
        f"server: {{host: 127.0.0.1, port: {port}}}\n"
        "fusion: {base_url: 'http://127.0.0.1:9', accounts: {main: {api_key: key-of-the-main-account}}}\n"
        "sources:\n"
        f"  workflow: {{type: ghl_workflow, token: {TOKEN}}}\n"
        "  app: {type: ghl_app}\n"
    )
    return path, port


@contextlib.asynccontextmanager
async def near(folder: Path):
    """The service in this process, behind a real port."""
    path, port = config_of(folder)
    config = load(path, {})
    server = uvicorn.Server(server_config(create_app(config), config))
    task = asyncio.create_task(server._serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells it by this alone
        await asyncio.sleep(0.01)
    try:
        yield port
    finally:
        server.should_exit = True
        await task
