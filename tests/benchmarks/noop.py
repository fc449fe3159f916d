"""The measure of accept: a Starlette endpoint that reads the body and answers, behind the bridge's uvicorn.

`python -m tests.benchmarks.noop CONFIG PORT`; the configuration is the bridge's, only the port is another.
"""

import sys
from dataclasses import replace
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.app import server_config
from bridge.config import load
from tests.crash.processes import Process, free_port
from tests.crash.setting import Setting


def noop(setting: Setting) -> Process:
    """The process, not started yet."""
    port = free_port()
    command = [sys.executable, "-m", "tests.benchmarks.noop", str(setting.config), str(port)]
    return Process(command, port=port, log=setting.folder / "noop.log", probe="/readyz")


async def _answer(request: Request) -> Response:
    await request.body()
    return JSONResponse({"status": "accepted", "event_id": 123456})


async def _ready(_: Request) -> Response:
    return JSONResponse({"status": "ready"})


def main() -> None:
    """Serve until killed."""
    config = load(Path(sys.argv[1]))
    config = replace(config, server=replace(config.server, port=int(sys.argv[2])))
    app = Starlette(
        routes=[
            Route("/webhooks/{source}", _answer, methods=["POST"]),
            Route("/webhooks/{source}/{token}", _answer, methods=["POST"]),
            Route("/readyz", _ready),
        ]
    )
    uvicorn.Server(server_config(app, config)).run()


if __name__ == "__main__":
    main()
