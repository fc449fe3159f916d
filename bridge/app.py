"""The one place where things are wired together: configuration, database, worker, clients, routes.

Tests and the demo use the same wire, with another transport and clock. Rule for editors: nothing is decided
here, and nothing else in the service starts what runs by itself, but the store's writer.
"""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import replace

import httpx2
import structlog
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge import logs
from bridge.clock import steady_clock
from bridge.config import Account, Config, load
from bridge.errors import ConfigError, StoreError
from bridge.fusion.client import FusionClient
from bridge.keeper import Keeper
from bridge.metrics import Gauges, Metrics
from bridge.outbox.budget import Budget
from bridge.outbox.lane import throttled
from bridge.server import Server, server_config
from bridge.store import recovering
from bridge.store.database import InUse, Ownership, open_reader
from bridge.store.origins import origin_of
from bridge.store.writer import NoWriter, Writer
from bridge.web.connections import make_room
from bridge.web.headers import SECURITY_HEADERS, SecurityHeaders
from bridge.web.health import front, healthz, readyz
from bridge.web.metrics import metrics
from bridge.web.refusals import Refusals
from bridge.web.state import Surface
from bridge.web.webhooks import Webhooks
from bridge.worker import Lane, Resolver, Retention, Signals, noting, origin

log = structlog.get_logger()

# A request under way may take this long to finish after SIGTERM; then it is left to the next start, which
# finds it in the database.
STOP_WITHIN_S = 6.0

Transport = httpx2.AsyncBaseTransport | None


class Service:
    """The running bridge: owns the writer, the resolver and a lane for each account."""

    def __init__(
        self,
        config: Config,
        *,
        transport: Transport = None,
        clock: Callable[[], float],
        metrics: Metrics | None = None,
        refusals: Refusals | None = None,
    ) -> None:
        self.config = config
        self.signals = Signals()
        self._transport = transport
        self._clock = clock
        self.metrics = metrics or Metrics(Gauges(lambda: self.config, clock))
        self._refusals = refusals or Refusals(self.metrics, clock)
        self._opened = contextlib.AsyncExitStack()
        self._retention: Retention | None = None
        self._lanes: dict[str, Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._moving = asyncio.Lock()  # to another Fusion

    async def start(self) -> Surface:
        """Open the database, put back what a crash left open, start the worker."""
        self.writer = Writer(self.config.database)
        self._opened.push_async_callback(self.writer.stop)
        self._opened.push_async_callback(self._refusals.stop, self.writer)
        self._refusals.start(self.writer)
        self._reader = self._opened.enter_context(contextlib.closing(open_reader(self.config.database)))
        self._reader.execute("PRAGMA busy_timeout = 0")  # it is read in the event loop
        now = self._clock()
        if recovered := await self.writer.run(lambda connection: recovering.recover(connection, now)):
            log.info("outbox.recovered", rows=recovered)
        await self.writer.run(lambda connection: recovering.forget_pauses(connection, now))
        await origin.bind(self.writer, self.config, self._clock)
        await noting.note_loaded(self.writer, self.config, self._clock)
        accounts = self.config.fusion.accounts
        for gone in await self.writer.run(lambda connection: recovering.abandon(connection, accounts, now)):
            log.warning("account.abandoned", account=gone, fix="put it back, or mend the routes; replay")
        current, writer = lambda: self.config, self.writer
        resolver = Resolver(current, self._reader, writer, self.signals, self._clock, self.metrics)
        self._spawn(resolver.run())
        self._retention = Retention(current, writer, self._clock)
        self._spawn(self._retention.run())
        for account in accounts.values():
            self._open_lane(account)
        return Surface(
            config=current,
            writer=writer,
            clock=self._clock,
            accepted=self.signals.event_accepted,
            metrics=self.metrics,
            refusals=self._refusals,
        )

    async def drain(self) -> None:
        """Finish what is under way, or leave it to the next start."""
        self.signals.stop()
        if self._retention is not None:
            self._retention.stop()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=STOP_WITHIN_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def stop(self) -> None:
        """Finish, then close everything; also after a start that failed."""
        await self.drain()
        await self._opened.aclose()

    def reload(self) -> None:
        """Read the configuration again; a bad file keeps the old one and says why."""
        try:
            config = load(self.config.path)
        except ConfigError as error:
            noting.log_refused(error)
            if self._tasks:
                self._spawn(noting.note_refused(self.writer, self.config, error, self._clock))
            return
        if (config.server, config.database) != (self.config.server, self.config.database):
            log.warning("config.needs_restart", keys="server, database", fix="restart to use the new values")
        config = replace(config, database=self.config.database)  # where the writer is
        logs.configure(config.secrets)
        moves = origin_of(config.fusion.base_url) != origin_of(self.config.fusion.base_url)
        if self._tasks and (moves or self._moving.locked()):
            self._spawn(self._move(config))
        else:
            self._use(config)

    async def _move(self, config: Config) -> None:
        async with self._moving:
            if await origin.move(self._lanes.values(), self.writer, self.signals, config, self._clock):
                self._use(config)
            elif not self.signals.stopping:
                self._reload_lanes()

    def _use(self, config: Config) -> None:
        self.config = config
        if self._tasks:  # else the next service begins with it
            self._spawn(noting.note_loaded(self.writer, config, self._clock))  # before its lanes claim
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


def create_app(
    config: Config,
    *,
    transport: Transport = None,
    clock: Callable[[], float] | None = None,
    reload_on_sighup: bool = False,
    ownership: Ownership | None = None,
) -> Starlette:
    """The service as an ASGI application; it starts and stops with the lifespan."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        keeper: Keeper = app.state.keeper
        await keeper.start()
        if reload_on_sighup:
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGHUP, lambda: app.state.service.reload())  # noqa: PLW0108 -- of then
        try:
            yield
        finally:
            await keeper.stop()
            log.info("service.stopped")

    app = Starlette(
        routes=[
            Route("/", front),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
        ],
        middleware=[Middleware(Webhooks), Middleware(SecurityHeaders)],
        exception_handlers={404: _not_found, Exception: _stumbled},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False
    _keep(app, config, transport=transport, clock=clock or steady_clock(), ownership=ownership)
    return app


def _keep(
    app: Starlette,
    config: Config,
    *,
    transport: Transport,
    clock: Callable[[], float],
    ownership: Ownership | None,
) -> None:
    """Put on the application's state what changes with the database: service, surface, and who keeps them."""
    state = app.state
    metrics = Metrics(Gauges(lambda: state.service.config, clock))
    refusals = Refusals(metrics, clock)

    def make() -> Service:
        now = replace(state.service.config, database=config.database)  # a reload changes the rest
        service = state.service = Service(
            now, transport=transport, clock=clock, metrics=metrics, refusals=refusals
        )
        return service

    def show(surface: Surface) -> None:
        state.surface = surface

    def refuse(why: StoreError) -> None:
        show(Surface(lambda: state.service.config, NoWriter(why), clock, lambda: None, metrics, refusals))

    state.service = Service(config, clock=clock)  # the first to be kept has its configuration from it
    state.keeper = Keeper(config.database, make, show, refuse, ownership)


async def _not_found(_request: Request, _error: Exception) -> Response:
    return JSONResponse({"status": "unknown", "reason": "no such page"}, 404)


async def _stumbled(_request: Request, _error: Exception) -> Response:
    # Said from outside the middleware, so that it needs its own headers.
    headers = {name.decode(): value.decode() for name, value in SECURITY_HEADERS}
    return JSONResponse({"status": "failed", "reason": "a bug of ours; the log has it"}, 500, headers)


def serve(config: Config) -> None:
    """Run the service until SIGTERM or SIGINT. Raises InUse when another process owns the database."""
    os.umask(0o077)  # the database holds people: for this user's eyes only, wherever it is started
    logs.configure(config.secrets)
    make_room()
    ownership = Ownership(config.database)
    try:
        ownership.take()
    except InUse:
        raise
    except StoreError:  # the keeper says it, and tries again
        pass
    with contextlib.closing(ownership):
        app = create_app(config, reload_on_sighup=True, ownership=ownership)
        keeper: Keeper = app.state.keeper

        def listening() -> None:
            told = "service.ready" if keeper.at_work else "service.listening"
            log.info(told, host=config.server.host, port=config.server.port)

        Server(server_config(app, config), listening=listening, drain=keeper.drain).run()
