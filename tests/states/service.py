"""The real service without its loops: every turn is taken by hand, and a kill leaves it as it stands.

BEGIN and COMMIT run in the event loop and not in the writer's thread, so that a run can be repeated exactly.
"""

import asyncio
import contextlib
import functools
import inspect
import tempfile
from dataclasses import replace
from pathlib import Path
from unittest import mock

import structlog
import yaml

from bridge.app import STOP_WITHIN_S, Service
from bridge.config import load
from bridge.store.database import open_writer
from bridge.store.writer import Writer
from bridge.worker import Resolver

EAST = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
CAMPAIGNS = {"": "", "east": EAST}
KEYS = ("key-of-the-account-1", "key-of-the-account-2")
WRONG_KEY = "key-of-nobody"
# What Fusion takes, and what a configuration may say: never more than that.
LIMIT, PER_S = 7, 10
LIMITS = ((LIMIT, PER_S), (5, PER_S), (3, PER_S), (LIMIT, 2 * PER_S))
MAX_ATTEMPTS = 5


@functools.cache
def _empty():
    """A database in which nothing happened yet; making one takes longer than opening it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bridge.db"
        open_writer(path).close()
        return path.read_bytes()


@functools.cache
def _config(key, limit, concurrency):
    data = {
        "fusion": {
            "base_url": "http://127.0.0.1:9",
            "accounts": {"main": {"api_key": key}},
            "leads_limit": {"requests": limit[0], "per": f"{limit[1]}s"},
            "concurrency": concurrency,
        },
        "sources": {"workflow": {"type": "ghl_workflow", "token": "workflow-token-for-the-tests-only"}},
        "lead": {
            "name": "{{ contact.name }}",
            "phone": "{{ contact.phone }}",
            "email": "{{ contact.email }}",
            "company": "{{ contact.company }}",
            "tags": "{{ contact.tags }}",
            "custom_fields": {"city": "{{ contact.city }}"},
        },
        "routes": [{"when": "data.team == 'east'", "campaign_id": EAST}, {"name": "all others"}],
        "retry": {
            "max_attempts": MAX_ATTEMPTS,
            "first_delay": "1s",
            "max_delay": "4s",
            "give_up_after": "240h",
        },
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text(yaml.safe_dump(data, sort_keys=False))
        return load(path, environ={})


def config(folder, *, key=KEYS[0], limit=LIMITS[0], concurrency=4):
    """A configuration whose database is in this folder."""
    database = folder / "bridge.db"
    if not database.exists():
        database.write_bytes(_empty())
    return replace(_config(key, limit, concurrency), database=database)


class HandWriter(Writer):
    """The writer without its thread, in which a kill may come before a commit or after."""

    def __init__(self, path):
        super().__init__(path)
        self._connection.execute("PRAGMA synchronous = OFF")  # the process dies here, not the machine
        self._dead = False

    def die(self):
        """As the operating system ends it: what isn't committed never was."""
        self._dead = True
        self._slow.put(None)
        self._thread.join()
        self._connection.close()

    def _in_thread(self, work):
        done = self._loop.create_future()
        self._loop.call_soon(self._work_now, work, done)
        return done

    def _work_now(self, work, done):
        if self._dead:
            return
        try:
            work()
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for it
            done.set_exception(error)
        else:
            done.set_result(None)


class HandService(Service):
    """The service, its resolver and its one lane."""

    async def start(self):
        with mock.patch("bridge.app.Writer", HandWriter):
            surface = await super().start()
        self.lane = self._lanes["main"]
        return surface

    async def use(self, config):
        """What a reload does once the file was read."""
        self.config = config
        self._reload_lanes()

    async def stop(self):
        """SIGTERM: what is under way ends first, but for what takes longer than the service waits."""
        self.signals.stop()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.lane.finished(), STOP_WITHIN_S)
        await super().stop()

    def die(self):
        """SIGKILL, as far as it is ours: tasks are the caller's."""
        if hasattr(self, "writer"):
            self.writer.die()
        if hasattr(self, "_reader"):
            self._reader.close()
        if self._refusals._task is not None:
            self._refusals._task.cancel()

    def _spawn(self, work):
        """The loops of resolver and lane, which don't begin."""
        worker = inspect.getcoroutinelocals(work)["self"]
        if isinstance(worker, Resolver):
            self.resolver = worker
        work.close()


def only_stumbles():
    """No log but of what may never be in it; the list fills."""
    stumbled = []

    def listen(_logger, _method, event):
        if "stumbled" in event["event"]:
            stumbled.append(f"{event['event']}: {event.get('exception')}")
        raise structlog.DropEvent

    structlog.configure(processors=[structlog.processors.format_exc_info, listen])
    return stumbled


def others(*but):
    """Every other task of the event loop."""
    return asyncio.all_tasks() - {asyncio.current_task(), *but}
