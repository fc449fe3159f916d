"""A Fusion that answers oddly, late or not at all, end to end: no lead is lost or doubled, others go on."""

import asyncio
import contextlib
import math
import time
from collections import Counter
from email.utils import formatdate

import pytest

from bridge.fusion.sandbox import Fault, create_sandbox
from bridge.model import ContactKey
from bridge.outbox.facts import DO_NOT_CALL, Decision
from bridge.outbox.lane import LaneState
from bridge.outbox.placement import tag_all
from bridge.store import claiming, events, resolving
from tests.harness import BASE, running
from tests.stocked import BUDGET, Stock

PEOPLE = [f"+1202555{number:04d}" for number in range(100, 200)]
SOLAR = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
ROUTES = [{"name": "solar", "when": "'solar' in contact.tags", "campaign_id": SOLAR}, {"name": "everyone"}]
ONE_BY_ONE = {**BASE["fusion"], "concurrency": 1}
BOTH = pytest.mark.parametrize("rules", ["june", "july"])
KEY = BASE["fusion"]["accounts"]["main"]["api_key"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    """An account that isn't answered is asked again sooner."""
    monkeypatch.setattr("bridge.outbox.retry.FIRST_PROBE_DELAY_S", 0.1)
    monkeypatch.setattr("bridge.outbox.retry.MAX_PROBE_DELAY_S", 0.2)
    monkeypatch.setattr("bridge.outbox.settle.STEP_ASIDE_S", 0.02)


@contextlib.asynccontextmanager
async def odd(folder, **more):
    """A bridge with one request under way at a time and two campaigns."""
    async with running(folder, **{"fusion": ONE_BY_ONE, "routes": ROUTES, **more}) as bridge:
        yield bridge


@contextlib.asynccontextmanager
async def held(bridge):
    """Nothing leaves meanwhile: what is accepted waits together."""
    lane = bridge.service._lanes["main"]
    lane.state = LaneState("throttled", "held by the test", math.inf, since=math.inf)
    yield
    await resolved(bridge)
    lane.state = LaneState()
    lane.wake.set()


async def resolved(bridge):
    await bridge.until(lambda: not bridge.rows("SELECT 1 FROM events WHERE state = 'received'"))


async def accept(bridge, phones, **fields):
    """One event of one person for each phone, in this order."""
    each = (bridge.accept(contact_id=f"of {phone}", phone=phone, **fields) for phone in phones)
    return await asyncio.gather(*each)


async def together(bridge, phones, **fields):
    async with held(bridge):
        return await accept(bridge, phones, **fields)


async def answered(bridge, requests=1):
    """Wait until so many requests have come to something."""
    await bridge.until(
        lambda: len(bridge.rows("SELECT 1 FROM attempts WHERE outcome IS NOT NULL")) >= requests
    )


def fates(bridge, ids=None):
    """How many events came to which fate."""
    found = bridge.rows("SELECT id, state, reason FROM events")
    wanted = [row for row in found if ids is None or row["id"] in ids]
    return Counter(f"{row['state']}: {row['reason']}" if row["reason"] else row["state"] for row in wanted)


def asked(bridge):
    """The requests that left, in order: method, status, number of leads."""
    rows = bridge.rows("SELECT method, status, leads FROM attempts ORDER BY id")
    return [f"{row['method']} {row['status'] or '-'} ({row['leads']})" for row in rows]


def there(bridge, phones):
    """Each of them is in Fusion once, and nobody was called twice."""
    assert bridge.fusion.stats()["doubles"] == 0
    assert sorted(lead.phone for lead in bridge.fusion.leads) == sorted(phones)


async def others_go_on(bridge, phone="+12025550150", within=5.0):
    """A later lead of another person for another campaign is delivered."""
    (event,) = await accept(bridge, [phone], tags="solar")
    await bridge.until(lambda: bridge.fate(event) == "delivered", within)
    assert bridge.lead(phone).campaign_id == SOLAR


class Retold:
    """Stands before the sandbox and changes the headers of its answers with this status."""

    def __init__(self, app, *, status, headers):
        self._app, self._status, self._headers = app, status, headers

    async def __call__(self, scope, receive, send):
        async def retold(message):
            if message["type"] == "http.response.start" and message["status"] == self._status:
                changed = {name.encode(): value.encode() for name, value in self._headers.items()}
                kept = [(name, value) for name, value in message["headers"] if name.lower() not in changed]
                message = {**message, "headers": [*kept, *changed.items()]}
            await send(message)

        await self._app(scope, receive, retold)


class Clock:
    """The bridge's clock, which jumps."""

    def __init__(self):
        self.ahead_s = 0.0

    def __call__(self):
        return time.time() + self.ahead_s

    def jump(self, bridge, seconds):
        self.ahead_s += seconds
        bridge.service.signals.rows_queued()


FIVE = PEOPLE[:5]
ONCE = [
    # a batch of five, what Fusion does to its first POST, and the requests that it comes to
    (Fault("fewer", times=1), ["POST 201 (5)", "POST 201 (1)"]),
    (Fault("others", times=1), ["POST 201 (5)", "GET 200 (5)"]),
    (Fault("no_ids", times=1), ["POST 201 (5)"]),
    (Fault("html", status=200, times=1), ["POST 200 (5)", "GET 200 (5)"]),
    (Fault("html", times=1), ["POST 502 (5)", "GET 404 (5)", "POST 201 (5)"]),
    (Fault("empty", times=1), ["POST 200 (5)", "GET 200 (5)"]),
    (Fault("garbage", times=1), ["POST 200 (5)", "GET 200 (5)"]),
    (Fault("half", times=1), ["POST 201 (5)", "GET 200 (5)"]),
    (Fault("huge", times=1), ["POST 201 (5)", "GET 200 (5)"]),
    (Fault("text", times=1), ["POST 201 (5)"]),
    (Fault("redirect", times=1), ["POST 307 (5)", "POST 201 (5)"]),
    (Fault("status", status=408, times=1), ["POST 408 (5)", "POST 201 (5)"]),
    (Fault("status", status=500, times=1), ["POST 500 (5)", "GET 404 (5)", "POST 201 (5)"]),
    (Fault("status", status=503, times=1), ["POST 503 (5)", "POST 201 (5)"]),
    (Fault("status", status=200, times=1), ["POST 200 (5)"]),
    # nobody is to blame, and nobody is named: halves
    (
        Fault("status", status=409, times=1),
        # the last one must be it, so it isn't asked for again; but it wasn't
        ["POST 409 (5)", "POST 201 (2)", "POST 201 (1)", "POST 201 (1)", "PATCH 404 (1)", "POST 201 (1)"],
    ),
    (
        Fault("status", status=400, times=1),
        ["POST 400 (5)", "POST 201 (2)", "POST 201 (1)", "POST 201 (1)", "POST 201 (1)"],
    ),
    (Fault("reset_after", times=1), ["POST - (5)", "GET 200 (5)"]),
    (Fault("reset_before", times=1), ["POST - (5)", "GET 404 (5)", "POST 201 (5)"]),
]


@BOTH
@pytest.mark.parametrize(("fault", "requests"), ONCE, ids=lambda each: getattr(each, "kind", ""))
async def test_an_odd_answer_to_a_batch(tmp_path, rules, fault, requests):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(fault)
        ids = await together(bridge, FIVE)
        await bridge.settled()
        assert asked(bridge) == requests
        assert fates(bridge, ids) == {"delivered": 5}
        await others_go_on(bridge)
        there(bridge, [*FIVE, "+12025550150"])


@BOTH
async def test_an_answer_that_claims_100_mb_and_says_one_thing(tmp_path, rules):
    sandbox = create_sandbox(rules=rules, requests=10_000, per_s=1.0)
    sandbox.add_middleware(Retold, status=201, headers={"content-length": "104857600"})
    async with odd(tmp_path, sandbox=sandbox) as bridge:
        ids = await together(bridge, FIVE)
        await bridge.settled()
        assert fates(bridge, ids) == {"delivered": 5}
        assert len(asked(bridge)) <= 2
        await others_go_on(bridge)
        there(bridge, [*FIVE, "+12025550150"])


def already(bridge, phone, *, ago_s=60.0, campaign=""):
    """A lead that Fusion has, unknown to the bridge."""
    fields = {"name": "Old Name", "phone": phone, **({"campaign_id": campaign} if campaign else {})}
    bridge.fusion.account(KEY).create(fields, at=bridge.fusion.now() - ago_s)


@BOTH
async def test_409_to_a_batch_of_one(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        already(bridge, FIVE[0])
        (event,) = await together(bridge, FIVE[:1])
        await bridge.settled()
        assert asked(bridge) == ["POST 409 (1)", "PATCH 200 (1)"]
        assert (bridge.fate(event), bridge.lead(FIVE[0]).name) == ("delivered", "Ann Lee")
        await others_go_on(bridge)
        there(bridge, [FIVE[0], "+12025550150"])


@BOTH
@pytest.mark.parametrize("culprit", [0, 57, 99])
async def test_one_of_a_hundred_is_there_already(tmp_path, rules, culprit):
    async with odd(tmp_path, rules=rules) as bridge:
        already(bridge, PEOPLE[culprit])
        await together(bridge, PEOPLE)
        await bridge.settled()
        assert fates(bridge) == {"delivered": 100}
        assert len(asked(bridge)) <= (3 if rules == "july" else 11), asked(bridge)
        assert bridge.lead(PEOPLE[culprit]).name == "Ann Lee"
        there(bridge, PEOPLE)


@BOTH
async def test_one_of_a_hundred_is_refused_in_words(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("status", status=422, phone=PEOPLE[57], method="POST"))
        ids = await together(bridge, PEOPLE)
        await bridge.settled()
        assert fates(bridge) == {"delivered": 99, "dead: Fusion refused it: A fault on demand": 1}
        assert bridge.event(ids[57])["fix"]
        assert len(asked(bridge)) <= 10, asked(bridge)
        there(bridge, [phone for phone in PEOPLE if phone != PEOPLE[57]])


@BOTH
async def test_404_to_a_post_is_about_the_campaign_and_ends_the_whole_batch_at_once(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("status", status=404, phone=FIVE[2], method="POST"))
        async with held(bridge):
            ids = await accept(bridge, FIVE)
            others = await accept(bridge, PEOPLE[10:13], tags="solar")
        await bridge.settled()
        assert sorted(asked(bridge)) == ["POST 201 (3)", "POST 404 (5)"]
        assert {bridge.event(event)["state"] for event in ids} == {"dead"}
        assert all("campaign" in bridge.event(event)["fix"] for event in ids)
        assert fates(bridge, others) == {"delivered": 3}
        there(bridge, PEOPLE[10:13])


# How long to wait, as a 429 may say it: the header, and the longest that is believed.
WAITS = [
    ("315360000", 3600),  # ten years
    ("-1", 1),  # no time at all: what the body says counts
    ("soon", 1),
    ("", 1),
    (30.0, 40),  # a date, so many seconds from now
    (-3600.0, 1),
    ("1e400", 1),
    ("1, 999", 1),
]


@pytest.mark.parametrize(("said", "longest_s"), WAITS)
async def test_whatever_retry_after_says(tmp_path, said, longest_s):
    clock = Clock()
    sandbox = create_sandbox(requests=10_000, per_s=1.0)
    if isinstance(said, float):
        said = formatdate(time.time() + said, usegmt=True)
    sandbox.add_middleware(Retold, status=429, headers={"retry-after": said})
    async with odd(tmp_path, sandbox=sandbox, clock=clock) as bridge:
        bridge.fusion.faults.add(Fault("status", status=429, delay_s=1, times=1))
        ids = await together(bridge, FIVE)
        await answered(bridge)
        (attempt,) = bridge.rows("SELECT answered_at FROM attempts")
        (lane,) = bridge.rows("SELECT reason, paused_until FROM lanes")
        assert lane["reason"] == "throttled"
        assert 1 <= lane["paused_until"] - attempt["answered_at"] <= longest_s
        clock.ahead_s -= 1  # for a slow machine: it still has to wait
        await accept(bridge, [PEOPLE[9]])
        await resolved(bridge)
        assert asked(bridge) == ["POST 429 (5)"]
        clock.ahead_s += 1
        clock.jump(bridge, longest_s)
        await bridge.settled()
        assert fates(bridge, ids) == {"delivered": 5}
        assert asked(bridge)[1:] == ["POST 201 (6)"]
        await others_go_on(bridge)
        there(bridge, [*FIVE, PEOPLE[9], "+12025550150"])


@pytest.mark.parametrize(("rules", "means"), [("june", "next"), ("july", "window")])
async def test_another_tool_spends_from_the_same_key(tmp_path, rules, means):
    limit = {**BASE["fusion"], "leads_limit": {"requests": 20, "per": "1s"}}
    sandbox = create_sandbox(rules=rules, requests=20, per_s=1.0, reset_means=means)
    async with odd(tmp_path, sandbox=sandbox, fusion=limit) as bridge:
        await accept(bridge, PEOPLE[:1])
        await bridge.settled()
        for number in range(1, 60):
            if number % 15 == 1:
                bridge.fusion.spend(KEY, 10)
            await accept(bridge, [PEOPLE[number]], tags="solar" if number % 2 else "")
        await bridge.settled()
        assert fates(bridge) == {"delivered": 60}
        stats = bridge.fusion.stats()
        assert stats["over_limit"] <= 4, stats  # only before an answer could tell of the other tool
        assert stats["requests"] <= 60, stats
        there(bridge, PEOPLE[:60])


# The service's own clock (`steady_clock`) doesn't jump back while it runs; a restart is below.
JUMPS = [(3600.0, "none"), (3600.0, "reset_after"), (3600.0, "reset_before"), (-3600.0, "none")]


@pytest.mark.parametrize(("jump_s", "fault"), JUMPS)
async def test_a_clock_that_jumps(tmp_path, jump_s, fault):
    clock = Clock()
    async with odd(tmp_path, clock=clock) as bridge:
        if fault != "none":
            bridge.fusion.faults.add(Fault(fault, times=1))
        ids = await together(bridge, FIVE)
        await answered(bridge)
        clock.jump(bridge, jump_s)
        await others_go_on(bridge, within=1.2)
        await bridge.settled(2)
        assert fates(bridge, ids) == {"delivered": 5}
        assert len(asked(bridge)) <= 4
        there(bridge, [*FIVE, "+12025550150"])


async def test_a_clock_that_was_ahead_before_the_restart_does_not_stop_the_account(tmp_path):
    clock, sandbox = Clock(), create_sandbox(requests=10_000, per_s=1.0)
    limit = {**BASE["fusion"], "leads_limit": {"requests": 3, "per": "1s"}}
    clock.ahead_s = 3600.0
    async with odd(tmp_path, sandbox=sandbox, clock=clock, fusion=limit) as bridge:
        for phone in PEOPLE[:3]:
            await accept(bridge, [phone])
            await bridge.settled()
    async with odd(tmp_path, sandbox=sandbox, fusion=limit) as bridge:
        await others_go_on(bridge, within=2)


async def test_a_clock_that_was_ahead_before_the_restart_keeps_nobody_waiting(tmp_path):
    clock, sandbox = Clock(), create_sandbox(requests=10_000, per_s=1.0)
    clock.ahead_s = 3600.0
    async with odd(tmp_path, sandbox=sandbox, clock=clock) as bridge:
        sandbox.state.sandbox.faults.down = True
        await together(bridge, FIVE)
        await answered(bridge)
    sandbox.state.sandbox.faults.clear()
    async with odd(tmp_path, sandbox=sandbox) as bridge:
        await others_go_on(bridge)
        await bridge.settled(1)


@BOTH
@pytest.mark.parametrize(("status", "most"), [(500, 40), (408, 20)])
async def test_a_poisonous_lead_among_a_hundred(tmp_path, rules, status, most):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("status", status=status, phone=PEOPLE[42], method="POST"))
        ids = await together(bridge, PEOPLE)
        await others_go_on(bridge, "+13035550150")
        await bridge.settled()
        assert bridge.event(ids[42])["state"] == "dead"
        assert bridge.event(ids[42])["fix"]
        assert fates(bridge, ids)["delivered"] == 99
        assert len(asked(bridge)) <= most, asked(bridge)
        there(bridge, [*(phone for phone in PEOPLE if phone != PEOPLE[42]), "+13035550150"])


@BOTH
async def test_a_lead_that_breaks_every_connection_lets_the_others_go(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("reset_before", phone=FIVE[1], method="POST"))
        ids = await together(bridge, FIVE)
        await bridge.until(lambda: fates(bridge, ids)["delivered"] == 4, within=10)
        await others_go_on(bridge)
        bridge.fusion.faults.clear()
        await bridge.settled()
        there(bridge, [*FIVE, "+12025550150"])


async def test_a_lead_that_is_always_answered_503_lets_the_others_go(tmp_path):
    async with odd(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("status", status=503, phone=FIVE[1], method="POST"))
        ids = await together(bridge, FIVE)
        await others_go_on(bridge)
        await bridge.until(lambda: fates(bridge, ids)["delivered"] == 4, within=1.5)


@BOTH
async def test_a_redirect_for_ever_is_dead_with_its_words_for_everybody(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("redirect"))
        ids = await together(bridge, FIVE)
        await bridge.settled()
        assert all("redirect" in bridge.event(event)["reason"] for event in ids)
        assert len(asked(bridge)) <= 20
        bridge.fusion.faults.clear()
        await others_go_on(bridge)


@BOTH
async def test_a_batch_carried_out_without_an_answer_takes_one_look_up(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("reset_after", times=1))
        async with held(bridge):
            await accept(bridge, PEOPLE[:60])
            await accept(bridge, PEOPLE[60:65], tags="solar")
        await bridge.settled()
        assert sorted(asked(bridge)) == ["GET 200 (60)", "POST - (60)", "POST 201 (5)"]
        assert fates(bridge) == {"delivered": 65}
        there(bridge, PEOPLE[:65])


@BOTH
async def test_a_batch_that_never_arrived_takes_one_look_up_and_one_post(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("reset_before", times=1))
        await together(bridge, PEOPLE[:60])
        await bridge.settled()
        assert asked(bridge) == ["POST - (60)", "GET 404 (60)", "POST 201 (60)"]
        there(bridge, PEOPLE[:60])


@BOTH
async def test_a_used_account_after_a_lost_request(tmp_path, rules):
    """Everybody is there already, and the look-up says so one by one."""
    async with odd(tmp_path, rules=rules) as bridge:
        for phone in PEOPLE[:12]:
            already(bridge, phone)
        bridge.fusion.faults.add(Fault("reset_before", times=1))
        await together(bridge, PEOPLE[:12])
        await bridge.settled()
        assert fates(bridge) == {"delivered": 12}
        assert len(asked(bridge)) <= 40, asked(bridge)
        there(bridge, PEOPLE[:12])


@BOTH
async def test_an_outage_with_many_in_doubt_ends_in_few_requests(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.down = True
        await together(bridge, PEOPLE)
        await answered(bridge, 2)
        bridge.fusion.faults.down = False
        await bridge.settled()
        after = [each for each in asked(bridge) if " - " not in each]
        assert len(after) <= 4, asked(bridge)
        there(bridge, PEOPLE)


LATE = [
    # carried out before the look-up, between it and the second POST, or after that
    ([Fault("reset_late", delay_s=0.02, times=1)], 2),
    ([Fault("reset_late", delay_s=0.3, times=1), Fault("delay", delay_s=0.4, times=1, method="POST")], 4),
    ([Fault("reset_late", delay_s=0.4, times=1)], 3),
]


@BOTH
@pytest.mark.parametrize(("faults", "most"), LATE, ids=["before", "between", "after"])
async def test_a_batch_carried_out_late(tmp_path, rules, faults, most):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(*faults)
        await together(bridge, PEOPLE[:30])
        await bridge.settled()
        await asyncio.sleep(0.4 if most == 3 else 0)
        assert len(asked(bridge)) <= most, asked(bridge)
        assert fates(bridge) == {"delivered": 30}
        await others_go_on(bridge)
        there(bridge, [*PEOPLE[:30], "+12025550150"])


@BOTH
async def test_a_batch_carried_out_late_into_one_with_others(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(
            Fault("reset_late", delay_s=0.6, times=1),
            Fault("delay", delay_s=0.3, times=1, method="GET"),
            Fault("delay", delay_s=0.5, times=1, method="POST"),
        )
        await together(bridge, PEOPLE[:30])
        await bridge.until(lambda: len(asked(bridge)) == 2)
        await accept(bridge, PEOPLE[30:60])  # while the first are looked up
        await bridge.settled()
        assert len(asked(bridge)) <= 6, asked(bridge)
        assert fates(bridge) == {"delivered": 60}
        there(bridge, PEOPLE[:60])


@BOTH
async def test_a_batch_carried_out_late_while_one_with_others_breaks(tmp_path, rules):
    """The look-up of one who was in both says nothing of those who were only in the second."""
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(
            Fault("reset_late", delay_s=0.6, times=1),
            Fault("delay", delay_s=0.3, times=1, method="GET"),
            Fault("delay", delay_s=0.5, times=1, method="POST"),
            Fault("reset_before", times=1, method="POST"),
        )
        await together(bridge, PEOPLE[:30])
        await bridge.until(lambda: len(asked(bridge)) == 2)
        await accept(bridge, PEOPLE[30:60])  # while the first are looked up
        await bridge.settled()
        assert len(asked(bridge)) <= 7, asked(bridge)
        assert fates(bridge) == {"delivered": 60}
        there(bridge, PEOPLE[:60])


@BOTH
@pytest.mark.parametrize("skew_s", [3600.0, -3600.0])
@pytest.mark.parametrize("arrived", [True, False])
async def test_the_guard_on_created_at_under_another_clock(tmp_path, rules, skew_s, arrived):
    """Whether the batch was carried out is judged by Fusion's own clock."""
    sandbox = create_sandbox(rules=rules, requests=10_000, per_s=1.0, date_skew_s=skew_s)
    async with odd(tmp_path, sandbox=sandbox) as bridge:
        if not arrived:
            already(bridge, FIVE[0])  # the one who is looked up; it can't have been the batch
        bridge.fusion.faults.add(Fault("reset_after" if arrived else "reset_before", times=1))
        await together(bridge, FIVE)
        await bridge.settled()
        assert fates(bridge) == {"delivered": 5}
        if arrived:
            assert asked(bridge) == ["POST - (5)", "GET 200 (5)"]
        else:
            assert sorted(asked(bridge)) == ["GET 200 (5)", "PATCH 200 (1)", "POST - (5)", "POST 201 (4)"]
        there(bridge, FIVE)


async def test_two_parts_of_a_batch_in_doubt_are_looked_up_apart(tmp_path):
    async with odd(tmp_path) as bridge:
        bridge.fusion.faults.add(
            Fault("status", status=500, times=2, method="POST"),  # until it goes in halves
            Fault("reset_after", times=1, method="POST"),
            Fault("reset_before", times=1, method="POST"),
        )
        await together(bridge, PEOPLE[:20])
        await bridge.settled()
        assert fates(bridge) == {"delivered": 20}
        there(bridge, PEOPLE[:20])


async def test_who_comes_while_a_batch_is_in_doubt_is_not_mixed_up_with_it(tmp_path):
    others = [f"+1303555{number:04d}" for number in range(100, 160)]
    async with odd(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("delay", delay_s=0.2, times=1))
        for kind in ("reset_before", "reset_after", "reset_before"):
            bridge.fusion.faults.add(Fault(kind, times=1, method="POST"))
        await together(bridge, PEOPLE)
        await bridge.until(lambda: asked(bridge))
        await accept(bridge, others)
        await bridge.settled()
        assert fates(bridge) == {"delivered": 160}
        assert len(asked(bridge)) <= 15, asked(bridge)
        there(bridge, [*PEOPLE, *others])


async def test_several_requests_at_once_share_no_lead(tmp_path):
    others = [f"+1303555{number:04d}" for number in range(100, 200)]
    async with odd(tmp_path, fusion=BASE["fusion"]) as bridge:
        await together(bridge, [*PEOPLE, *others])
        await bridge.settled(20)
        assert asked(bridge) == ["POST 201 (100)", "POST 201 (100)"]
        there(bridge, [*PEOPLE, *others])


async def opts_out(bridge, phone, **fields):
    (event,) = await accept(bridge, [phone], dnd=True, **fields)
    await bridge.until(lambda: bridge.event(event)["state"] != "received")
    return event


async def still_blocked(bridge, phone):
    """A later event of another contact with the same phone changes nothing."""
    before = len(asked(bridge))
    event = await bridge.accept(contact_id="somebody else", phone=phone, first_name="Bob")
    await bridge.settled()
    assert bridge.fate(event) == "skipped: do not call"
    assert len(asked(bridge)) == before


def tagged(bridge, phone):
    return "do-not-call" in (bridge.lead(phone).tags or [])


@BOTH
async def test_an_opt_out_while_the_batch_is_under_way(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault("delay", delay_s=0.3, times=1))
        ids = await together(bridge, FIVE)
        await bridge.until(lambda: asked(bridge))
        out = await opts_out(bridge, FIVE[2])
        await bridge.settled()
        assert asked(bridge) == ["POST 201 (5)", "PATCH 200 (1)"]
        assert (fates(bridge, ids), bridge.fate(out)) == ({"delivered": 5}, "delivered")
        assert [phone for phone in FIVE if tagged(bridge, phone)] == [FIVE[2]]
        there(bridge, FIVE)
        await still_blocked(bridge, FIVE[2])


@BOTH
@pytest.mark.parametrize("fault", ["reset_after", "reset_before"])
@pytest.mark.parametrize("who", [0, 2])
async def test_an_opt_out_while_the_batch_is_in_doubt(tmp_path, rules, fault, who, monkeypatch):
    monkeypatch.setattr("bridge.outbox.settle.LATE_S", 0.0)
    async with odd(tmp_path, rules=rules) as bridge:
        bridge.fusion.faults.add(Fault(fault, times=1))
        ids = await together(bridge, FIVE)
        await answered(bridge)
        out = await opts_out(bridge, FIVE[who])
        await bridge.settled()
        if fault == "reset_after":
            assert sorted(asked(bridge)) == ["GET 200 (4)", "PATCH 200 (1)", "POST - (5)"]
            assert bridge.fate(out) == "delivered"
            assert tagged(bridge, FIVE[who])
            there(bridge, FIVE)
        else:
            assert sorted(asked(bridge)) == ["GET 404 (4)", "PATCH 404 (1)", "POST - (5)", "POST 201 (4)"]
            assert bridge.fate(out) == "skipped: do not call"
            there(bridge, [phone for phone in FIVE if phone != FIVE[who]])
        assert fates(bridge, ids) == {"delivered": 4, "superseded": 1}
        await still_blocked(bridge, FIVE[who])


async def test_an_opt_out_of_a_batch_that_arrives_late_still_finds_the_lead(tmp_path, monkeypatch):
    monkeypatch.setattr("bridge.outbox.settle.LOOK_AGAIN_S", 0.2)
    async with odd(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("reset_late", delay_s=0.3, times=1))
        bridge.fusion.faults.add(Fault("delay", delay_s=0.4, times=1, method="POST"))
        await together(bridge, FIVE)
        await answered(bridge)
        out = await opts_out(bridge, FIVE[2])
        await bridge.settled()
        assert bridge.fate(out) == "delivered"
        assert tagged(bridge, FIVE[2])
        there(bridge, FIVE)


@BOTH
async def test_an_opt_out_while_the_batch_is_suspected(tmp_path, rules):
    """Nobody knows yet whose fault the refusal is; who opts out isn't created to find out."""
    async with odd(tmp_path, rules=rules) as bridge:
        refused = Fault("status", status=409, times=1)
        bridge.fusion.faults.add(refused, Fault("delay", delay_s=0.3, times=1, method="POST"))
        ids = await together(bridge, PEOPLE[:8])
        await answered(bridge)
        out = await opts_out(bridge, PEOPLE[7])  # in the half that waits for the answer to the other
        await bridge.settled()
        assert bridge.fate(out) == "skipped: do not call"
        assert fates(bridge, ids) == {"delivered": 7, "superseded": 1}
        there(bridge, PEOPLE[:7])
        await still_blocked(bridge, PEOPLE[7])


@BOTH
async def test_an_opt_out_while_the_batch_waits(tmp_path, rules):
    async with odd(tmp_path, rules=rules) as bridge:
        async with held(bridge):
            ids = await accept(bridge, FIVE)
            await resolved(bridge)
            out = await opts_out(bridge, FIVE[2])
        await bridge.settled()
        assert asked(bridge) == ["POST 201 (4)"]
        assert bridge.fate(out) == "skipped: do not call"
        assert bridge.event(ids[2])["superseded_by"] == out
        there(bridge, [phone for phone in FIVE if phone != FIVE[2]])
        await still_blocked(bridge, FIVE[2])


@pytest.fixture
def stock(tmp_path):
    stock = Stock(tmp_path)
    yield stock
    stock.connection.close()


@pytest.mark.parametrize("who", [[2], [0, 4], [0, 1, 2, 3, 4]])
def test_an_opt_out_of_who_was_composed_but_has_not_left(stock, who):
    ids = [stock.queue(f"of {phone}", phone, ago=50) for phone in FIVE]
    (claimed,) = claiming.claim(stock.connection, "main", budget=BUDGET, room=4, now=time.time()).claimed
    outs = {FIVE[number]: stock.accept(f"of {FIVE[number]}", ago=1) for number in who}
    for phone, event in outs.items():
        facts = resolving.load_facts(stock.connection, ContactKey("ghl", "loc", f"of {phone}"), phone)
        blocked = tag_all(phone, "do-not-call", facts, reason="do not call", priority=DO_NOT_CALL)
        stock.decide(event, blocked.added_to(Decision("skipped", "do not call")), phone, ago=0)

    left = claiming.recall(stock.connection, claimed, time.time())

    kept = [phone for phone in FIVE if phone not in outs]
    assert ([lead["phone"] for lead in left.request.leads] if left else []) == kept
    assert [row.phone for row in left.rows] == kept if left else True
    (attempt,) = stock.rows("SELECT leads, reached, outcome FROM attempts")
    assert attempt == {
        "leads": len(kept),
        "reached": 1 if kept else 0,
        "outcome": None if kept else "withdrawn",
    }
    assert [row["phone"] for row in stock.rows("SELECT phone FROM attempt_leads ORDER BY phone")] == kept
    for number in who:
        assert stock.state(ids[number]) == "superseded"
    again = claiming.claim(stock.connection, "main", budget=BUDGET, room=4, now=time.time())
    assert again.claimed == ()  # who was never created isn't tagged
    assert {ended.event_id: ended.reason for ended in again.ended} == dict.fromkeys(
        outs.values(), "do not call"
    )
    assert len(stock.rows("SELECT 1 FROM outbox")) == len(kept)


async def test_a_thousand_times_the_same_event_is_one_request(tmp_path):
    async with odd(tmp_path) as bridge:
        same = {"contact_id": "ann", "first_name": "Ann", "phone": FIVE[0]}
        answers = await asyncio.gather(*(bridge.post(same) for _ in range(1000)))
        assert Counter(answer.json()["status"] for answer in answers) == {"accepted": 1, "duplicate": 999}
        for number in range(20):  # the same once more, beside what no rule looks at
            await bridge.accept(contact_id="ann", first_name="Ann", last_name="", phone=FIVE[0], note=number)
        await bridge.settled()
        assert asked(bridge) == ["POST 201 (1)"]
        there(bridge, FIVE[:1])


async def replay(bridge, ids, *, force):
    await bridge.service.writer.run(lambda connection: events.replay(connection, ids, force=force))
    bridge.service.signals.event_accepted()


@BOTH
async def test_who_is_served_first_when_the_window_is_full(tmp_path, rules):
    limit = {**ONE_BY_ONE, "leads_limit": {"requests": 3, "per": "1s"}}
    sandbox = create_sandbox(rules=rules, requests=3, per_s=1.0)
    async with odd(tmp_path, sandbox=sandbox, fusion=limit) as bridge:
        ids = await together(bridge, PEOPLE[:4])
        await bridge.settled()
        async with held(bridge):
            await replay(bridge, ids[:1], force=True)
            await resolved(bridge)
            update = await bridge.accept(contact_id=f"of {PEOPLE[1]}", phone=PEOPLE[1], last_name="Leigh")
            await accept(bridge, PEOPLE[10:20])
            await opts_out(bridge, PEOPLE[2])
        await bridge.settled()
        rows = bridge.rows(
            "SELECT id, method, phone FROM attempts JOIN attempt_leads ON attempt_id = id WHERE id > 1"
        )
        phones = {row["id"]: {each["phone"] for each in rows if each["id"] == row["id"]} for row in rows}
        wanted = [{PEOPLE[2]}, set(PEOPLE[10:20]), {PEOPLE[1]}, {PEOPLE[0]}]
        assert [phones[attempt] for attempt in sorted(phones)] == wanted
        assert asked(bridge)[1:] == ["PATCH 200 (1)", "POST 201 (10)", "PATCH 200 (1)", "PATCH 200 (1)"]
        assert bridge.fate(update) == "delivered"
        assert bridge.fusion.stats()["over_limit"] == 0
        there(bridge, [*PEOPLE[:4], *PEOPLE[10:20]])


async def test_replay_with_force_sends_the_unchanged_again(tmp_path):
    async with odd(tmp_path) as bridge:
        ids = await together(bridge, FIVE)
        await bridge.settled()
        await replay(bridge, ids, force=False)
        await bridge.settled()
        assert asked(bridge) == ["POST 201 (5)"]
        assert fates(bridge) == {"skipped: unchanged": 5}
        await replay(bridge, ids, force=True)
        await bridge.settled()
        assert asked(bridge)[1:] == ["PATCH 200 (1)"] * 5
        assert fates(bridge) == {"delivered": 5}
        there(bridge, FIVE)
