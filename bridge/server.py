"""The HTTP server as we run it, and how it ends.

Knows uvicorn, sockets and signals; nothing of events. Rule for editors: a sender that is told to come again
does, one that is refused a connection may not: so the port opens when there is an answer, and is shut last.
"""

import asyncio
from collections.abc import Awaitable, Callable
from socket import socket

import uvicorn
from starlette.applications import Starlette

from bridge.config import Config
from bridge.web.connections import Connection


class Server(uvicorn.Server):
    """uvicorn's, but what is under way comes to its end before the port is shut, and not after."""

    def __init__(
        self, config: uvicorn.Config, *, listening: Callable[[], None], drain: Callable[[], Awaitable[None]]
    ) -> None:
        super().__init__(config)
        self._listening = listening
        self._drain = drain

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Open the port, and say so."""
        await super().startup(sockets=sockets)
        if self.started:
            self._listening()

    async def shutdown(self, sockets: list[socket] | None = None) -> None:
        """Whoever comes meanwhile gets an answer, 429; Ctrl-C a second time waits for nobody."""
        draining = asyncio.ensure_future(self._drain())
        while not draining.done() and not self.force_exit:
            await asyncio.wait([draining], timeout=0.1)
        await super().shutdown(sockets=sockets)


def server_config(app: Starlette, config: Config) -> uvicorn.Config:
    """Uvicorn as we run it: no access log (a URL may hold a token), no banner."""
    return uvicorn.Config(
        app,
        host=config.server.host,
        port=config.server.port,
        http=Connection,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here depends on who the client is
        # Longer than Caddy keeps an idle connection (2 min), so that it never posts into a closing one.
        timeout_keep_alive=130,
        timeout_graceful_shutdown=2,
    )
