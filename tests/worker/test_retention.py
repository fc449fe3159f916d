"""Retention in a running service: turns, shares, and ends."""

import asyncio
import logging
import sqlite3
import time

import pytest

from bridge.config import load
from bridge.errors import StoreError
from bridge.store.writer import Writer
from bridge.worker import retention
from bridge.worker.retention import Retention, Sweep, cutoffs
from tests.harness import running
from tests.stocked import Stock

DAY = 86_400.0


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


@pytest.fixture
async def writer(stock):
    writer = Writer(stock.database)
    yield writer
    await writer.stop()


def settled(stock, days, number=1):
    for _ in range(number):
        event_id = stock.skip(f"old-{days}-{time.perf_counter_ns()}", ago=days * DAY)
        at = time.time() - (days - 0.1) * DAY
        stock.connection.execute("UPDATE events SET settled_at = ? WHERE id = ?", (at, event_id))


def count(stock):
    (row,) = stock.rows("SELECT COUNT(*) AS events, SUM(payload = x'') AS empty FROM events")
    return row["events"], row["empty"]


def service(stock, writer, clock=time.time):
    config = load(stock.config, {})
    return Retention(lambda: config, writer, clock)


async def test_a_turn(stock, writer):
    settled(stock, 100, 30)
    settled(stock, 40, 30)
    settled(stock, 1)

    assert await service(stock, writer).turn() == {"events": 30, "attempts": 0, "payloads": 30}
    assert count(stock) == (31, 30)


async def test_later_turns_go_on_from_there_and_once_a_day_from_the_beginning(stock, writer, monkeypatch):
    settled(stock, 40, 3)
    settled(stock, 1)
    looked = []
    look = retention.look

    def watched(reader, what, **more):
        looked.append((what, more["first"]))
        return look(reader, what, **more)

    monkeypatch.setattr(retention, "look", watched)
    work = service(stock, writer)
    for _ in range(retention.TURNS_A_DAY + 1):
        await work.turn()

    firsts = [first for what, first in looked if what == "payloads"]
    assert firsts == [0, *[4] * (retention.TURNS_A_DAY - 1), 0]


async def test_time_goes_by(stock, writer):
    settled(stock, 20, 2)
    settled(stock, 1)
    later = [time.time()]
    work = service(stock, writer, lambda: later[0])

    assert sum((await work.turn()).values()) == 0
    later[0] += 11 * DAY
    assert (await work.turn())["payloads"] == 2
    later[0] += 60 * DAY
    assert (await work.turn())["events"] == 2
    assert count(stock) == (1, 1)  # the newest stays


async def test_a_stop_ends_it_after_a_slice(stock, writer):
    settled(stock, 40, 300)
    sweep = Sweep(writer.run, cutoffs(load(stock.config, {}), time.time()))
    sweep._tell = lambda *_: sweep.stopped.set()

    await sweep.go(stock.database)

    assert 0 < sweep.gone["payloads"] <= 50


async def test_a_database_that_cannot_be_written_is_for_the_next_turn(stock, writer, monkeypatch):
    """What was done stays done, and is told."""
    monkeypatch.setattr(retention, "FIRST_S", 0)
    monkeypatch.setattr(retention, "EVERY_S", 0.01)
    settled(stock, 40, 20)
    run, refused = writer.run, []

    async def refuse_once(write):
        if not refused:
            refused.append(1)
            raise StoreError("full", fix="make room")
        return await run(write)

    monkeypatch.setattr(writer, "run", refuse_once)
    work = service(stock, writer)
    task = asyncio.create_task(work.run())
    async with asyncio.timeout(5):
        while count(stock)[1] < 20:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.01)
    work.stop()
    await asyncio.wait_for(task, 5)

    assert refused


async def test_a_bug_of_ours_does_not_end_it(stock, writer, monkeypatch, caplog):
    monkeypatch.setattr(retention, "FIRST_S", 0)
    monkeypatch.setattr(retention, "EVERY_S", 0)
    work, turns = service(stock, writer), []

    async def stumble():
        turns.append(1)
        if len(turns) == 3:
            work.stop()
        raise (ValueError, sqlite3.OperationalError, ZeroDivisionError)[len(turns) - 1]

    monkeypatch.setattr(work, "turn", stumble)
    with caplog.at_level(logging.CRITICAL):
        await asyncio.wait_for(work.run(), 5)

    assert len(turns) == 3


async def test_it_rests_most_of_the_time(stock, writer):
    settled(stock, 40, 100)
    writing = 0.0
    run = writer.run

    async def slow(write):
        nonlocal writing
        began = time.perf_counter()
        await asyncio.sleep(0.002)
        taken = await run(write)
        writing += time.perf_counter() - began
        return taken

    began = time.perf_counter()
    await Sweep(slow, cutoffs(load(stock.config, {}), time.time())).go(stock.database)

    assert writing < 0.15 * (time.perf_counter() - began)


async def test_the_service_does_it_by_itself(tmp_path, monkeypatch):
    monkeypatch.setattr(retention, "FIRST_S", 0.05)
    monkeypatch.setattr(retention, "EVERY_S", 0.05)
    offset = [0.0]
    async with running(tmp_path, clock=lambda: time.time() + offset[0]) as bridge:
        event_id = await bridge.accept(contact_id="ann", phone="+12025550101")
        await bridge.settled()
        offset[0] = 31 * DAY
        await bridge.accept(contact_id="ben", first_name="Ben", phone="+12025550102")

        await bridge.until(lambda: bridge.event(event_id)["payload"] == b"")

        offset[0] = 100 * DAY
        await bridge.until(lambda: not bridge.rows("SELECT 1 FROM events WHERE id = ?", event_id))
        began = time.monotonic()
    assert time.monotonic() - began < 2  # nothing waits for the next turn
    assert bridge.lead("+12025550101") is not None
