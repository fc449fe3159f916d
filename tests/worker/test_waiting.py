"""While the database refuses, the worker tries each second and says so once, and goes on when it works."""

import asyncio

import pytest
import structlog

from bridge.errors import StoreError
from bridge.worker import lane as lanes
from bridge.worker import resolver as resolvers
from tests.harness import running

pytestmark = pytest.mark.anyio


class Refusing:
    """The service's writer, while the disk is full."""

    def __init__(self, writer):
        self.writer = writer
        self.full = False
        self.asked = 0

    async def run(self, write):
        self._refuse()
        return await self.writer.run(write)

    def submit(self, write):
        if not self.full:
            return self.writer.submit(write)
        self.asked += 1
        answer = asyncio.get_running_loop().create_future()
        answer.set_exception(StoreError("the disk is full"))
        return answer

    def _refuse(self):
        if self.full:
            self.asked += 1
            raise StoreError("the disk is full")


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(lanes, "STORE_PAUSE_S", 0.001)
    monkeypatch.setattr(resolvers, "STORE_PAUSE_S", 0.001)


def said(lines, name):
    return [line["error"] for line in lines if line["event"] == name]


async def test_a_lane_that_waits_says_so_once(tmp_path):
    async with running(tmp_path) as bridge:
        lane = bridge.service._lanes["main"]
        lane._writer = writer = Refusing(lane._writer)
        with structlog.testing.capture_logs() as lines:
            for times in (1, 2):
                writer.full, writer.asked = True, 0
                lane.wake.set()
                await bridge.until(lambda: writer.asked > 20)
                assert said(lines, "lane.waiting") == ["the disk is full"] * times
                writer.full = False
                await bridge.accept(contact_id=f"c{times}", phone=f"+1202555010{times}")
                await bridge.settled()


async def test_what_needs_no_room_does_not_count_as_written(tmp_path, monkeypatch):
    """On a full disk a turn that claims nothing works, and an answer still can't be written down."""
    settle, asked = lanes.settling.settle, []

    def full(*args, **named):
        asked.append(1)
        if len(asked) > 20:
            return settle(*args, **named)
        raise StoreError("the disk is full")

    monkeypatch.setattr(lanes.settling, "settle", full)
    async with running(tmp_path) as bridge:
        lane = bridge.service._lanes["main"]
        with structlog.testing.capture_logs() as lines:
            event_id = await bridge.accept(phone="+12025550101")
            while len(asked) <= 20:
                lane.wake.set()
                await asyncio.sleep(0.002)
            await bridge.settled()
        assert (said(lines, "lane.waiting"), bridge.fate(event_id)) == (["the disk is full"], "delivered")


async def test_a_resolver_that_waits_says_so_once(tmp_path):
    async with running(tmp_path) as bridge:
        (resolver,) = (
            task.get_coro().cr_frame.f_locals["self"]
            for task in bridge.service._tasks
            if "Resolver" in task.get_coro().__qualname__
        )
        resolver._writer = writer = Refusing(resolver._writer)
        writer.full = True
        with structlog.testing.capture_logs() as lines:
            await bridge.accept(phone="+12025550101")
            await bridge.until(lambda: writer.asked > 20)
            assert said(lines, "resolver.waiting") == ["the disk is full"]
            writer.full = False
            await bridge.settled()
        assert bridge.lead("+12025550101")
