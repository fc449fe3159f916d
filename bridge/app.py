"""The one place where things are wired together: configuration, database, worker, clients, routes.

Tests and the demo use the same wire, with another transport and clock. Rule for editors: nothing is decided
here, and nothing else in the service starts what runs by itself, but the store's writer.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from socket import socket

import httpx2
import structlog
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge import logs
from bridge.config import Account, Config, load
from bridge.errors import ConfigError
from bridge.fusion.client import FusionClient
from bridge.metrics import Gauges, Metrics
from bridge.outbox.budget import Budget
from bridge.outbox.lane import throttled
from bridge.store import recovering
from bridge.store.database import open_reader, open_writer, owned
from bridge.store.writer import Writer
from bridge.web.connections import Connection, make_room
from bridge.web.headers import SECURITY_HEADERS, SecurityHeaders
from bridge.web.health import healthz, readyz
from bridge.web.metrics import metrics
from bridge.web.state import Surface
from bridge.web.webhooks import Webhooks
from bridge.worker import Lane, Resolver, Retention, Signals

log = structlog.get_logger()

# A request under way may take this long to finish after SIGTERM; then it is left to the next start, which
# finds it in the database.
STOP_WITHIN_S = 8.0

Transport = httpx2.AsyncBaseTransport | None


class Service:
    """The running bridge: owns the writer, the resolver and a lane for each account."""

    def __init__(self, config: Config, *, transport: Transport = None, clock: Callable[[], float]) -> None:
        self.config = config
        self.signals = Signals()
        self._transport = transport
        self._clock = clock
        self.metrics = Metrics(Gauges(lambda: self.config, clock))
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> Surface:
        """Open the database, put back what a crash left open, start the worker."""
        self.writer = Writer(self.config.database)
        self._reader = open_reader(self.config.database)
        now = self._clock()
        recovered = await self.writer.run(lambda connection: recovering.recover(connection, now))
        if recovered:
            log.info("outbox.recovered", rows=recovered)
        await self.writer.run(lambda connection: recovering.forget_pauses(connection, now))
        accounts = self.config.fusion.accounts
        for gone in await self.writer.run(lambda connection: recovering.abandon(connection, accounts, now)):
            log.warning("account.abandoned", account=gone, fix="put it back, or mend the routes; replay")
        resolver = Resolver(
            lambda: self.config, self._reader, self.writer, self.signals, self._clock, self.metrics
        )
        self._spawn(resolver.run())
        self._retention = Retention(lambda: self.config, self.writer, self._clock)
        self._spawn(self._retention.run())
        for account in self.config.fusion.accounts.values():
            self._open_lane(account)
        return Surface(
            config=lambda: self.config,
            writer=self.writer,
            clock=self._clock,
            accepted=self.signals.event_accepted,
            metrics=self.metrics,
        )

    async def stop(self) -> None:
        """Finish what is under way, or leave it to the next start; then close everything."""
        self.signals.stop()
        self._retention.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self.writer.stop()
        self._reader.close()

    def reload(self) -> None:
        """Read the configuration again; a bad file keeps the old one and says why."""
        try:
            config = load(self.config.path)
        except ConfigError as error:
            for problem in error.problems:
                log.error(
                    "config.refused",
                    line=problem.line,
                    path=problem.path,
                    problem=problem.message,
                    fix=problem.fix,
                )
            return
        if (config.server, config.database) != (self.config.server, self.config.database):
            log.warning("config.needs_restart", keys="server, database", fix="restart to use the new values")
        self.config = config
        logs.configure(config.secrets)
        self._reload_lanes()
        log.info("config.reloaded", sources=len(config.sources), accounts=len(config.fusion.accounts))

    def _reload_lanes(self) -> None:
        limit = self.config.fusion.leads_limit
        for name, lane in self._lanes.items():
            if name not in self.config.fusion.accounts:
                lane.retire()
        for account in self.config.fusion.accounts.values():
            known = self._lanes.get(account.name)
            if known is None:
                self._open_lane(account)
                continue
            known.budget.resize(limit.requests, limit.per_s)
            known.use(self._client(account))

    def _open_lane(self, account: Account) -> None:
        limit = self.config.fusion.leads_limit
        budget = Budget(limit.requests, limit.per_s)
        lane = Lane(
            account.name,
            self._client(account),
            budget,
            lambda: self.config,
            self.writer,
            self.signals,
            self._clock,
            self.metrics,
        )
        lane.state = throttled(recovering.throttled_until(self._reader, account.name))
        self._lanes[account.name] = lane
        self._spawn(lane.run())

    def _client(self, account: Account) -> FusionClient:
        base_url = self.config.fusion.base_url
        return FusionClient(base_url, account.api_key, transport=self._transport, clock=self._clock)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def steady_clock() -> Callable[[], float]:
    """Unix seconds by the wall clock of now, counted on by a clock that nobody sets back or forth.

    Budgets, delays and the order of events must not jump when the machine's time is corrected.
    """
    counter = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    offset = time.time() - time.clock_gettime(counter)
    return lambda: offset + time.clock_gettime(counter)


def create_app(
    config: Config,
    *,
    transport: Transport = None,
    clock: Callable[[], float] | None = None,
    reload_on_sighup: bool = False,
) -> Starlette:
    """The service as an ASGI application; it starts and stops with the lifespan."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        service = Service(config, transport=transport, clock=clock or steady_clock())
        app.state.service = service
        app.state.surface = await service.start()
        if reload_on_sighup:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, service.reload)
        try:
            yield
        finally:
            await service.stop()
            log.info("service.stopped")

    app = Starlette(
        routes=[
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(Webhooks), Middleware(SecurityHeaders)],
        exception_handlers={404: _not_found, Exception: _stumbled},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    return app


async def _not_found(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"status": "unknown", "reason": "no such page"}, 404)


async def _stumbled(_request: Request, _error: Exception) -> Response:
    # Said from outside the middleware, so that it needs its own headers.
    headers = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
    return JSONResponse({"status": "failed", "reason": "a bug of ours; the log has it"}, 500, headers)


def serve(config: Config) -> None:
    """Run the service until SIGTERM or SIGINT. Raises StoreError when the database can't be used."""
    logs.configure(config.secrets)
    make_room()
    with owned(config.database):
        open_writer(config.database).close()  # says what is wrong before anything listens
        _Server(server_config(create_app(config, reload_on_sighup=True), config)).run()


class _Server(uvicorn.Server):
    """uvicorn's, but it says that it is ready when it is: after the port is open."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        if self.started:
            log.info("service.ready", host=self.config.host, port=self.config.port)


def server_config(app: Starlette, config: Config) -> uvicorn.Config:
    """Uvicorn as we run it: no access log (a URL may hold a token), no banner."""
    return uvicorn.Config(
        app,
        host=config.server.host,
        port=config.server.port,
        http=Connection,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # nothing here depends on who the client is
        # Longer than Caddy keeps an idle connection (2 min), so that it never posts into a closing one.
        timeout_keep_alive=130,
        timeout_graceful_shutdown=2,
    )
