"""The way between the bridge and the sandbox: it takes time, outlives a killed bridge, and is watched.

What is watched as it happens: no creation leaves for somebody who opted out, no two requests are under way
for one lead, and no request is over the limit but for places that nobody could know were taken: those that
another tool took, until an answer came that tells of them. That is, what may be over the limit has left
before such an answer came back; a killed bridge knows nothing of others any more.

What the sender gave up (it was killed, or its patience ended) goes on as it would in a network: what hasn't
arrived arrives now or never, and a creation that has arrived may be carried out later. A PATCH isn't: landing
after a newer one it would undo that, and against this Fusion's API has no remedy.
"""

import asyncio
import contextlib
import json
from contextvars import ContextVar
from dataclasses import dataclass, field
from urllib.parse import parse_qs

import httpx2

from bridge.fusion.sandbox import Faults, sandbox_transport
from bridge.fusion.sandbox_state import Window

CARRIED = ContextVar("carried")

# Answers about what a lead or a batch holds; 404 to a POST, 405 and others speak of the whole request.
ABOUT_LEADS = {400, 409, 413, 422}
# Not the lead's fault, or the beginning of a correction.
NO_REFUSAL = {401, 403, 408, 429}

# Each way: nothing answers at once.
LEAST_S = 0.001


@dataclass(eq=False)
class Sent:
    """One request, from the moment it leaves."""

    life: int  # of which life of the bridge
    at: float
    method: str
    campaign: str
    phones: tuple[str, ...]
    key: str
    knew: int  # how many spendings of others an answer had told of, before it left
    deaf: bool = False  # its answer isn't read
    where: str = "out"  # then "there", "back"
    arrive: asyncio.Event = field(default_factory=asyncio.Event)


class WatchedFaults(Faults):
    """Remembers whom they struck."""

    def __init__(self, wire):
        super().__init__(seed=0)
        self._wire = wire

    def strike(self, method, phones=frozenset):
        delay_s, fault = super().strike(method, phones)
        if fault is not None:
            self._wire.struck(CARRIED.get(), fault)
        return delay_s, fault


class WatchedWindow(Window):
    """Tells who found no place."""

    def __init__(self, wire, *, requests, per_s):
        super().__init__(requests=requests, per_s=per_s)
        self._wire = wire

    def take(self, now):
        free = super().take(now)
        if not free and (sent := CARRIED.get(None)) is not None:
            self._wire.over_limit(sent)
        return free


class Wire(httpx2.AsyncBaseTransport):
    """A transport for every client of every life of the bridge."""

    def __init__(self, app, clock, blocked):
        self.wrong = []  # what must never happen, and did
        self.life = 0
        self.slow_s = 0.0  # each way, more than at least
        self.late_arrivals = True  # of requests that their sender gave up on their way
        self.spent_at = []  # when another tool took places
        self.lied = set()  # phones of which Fusion said that they aren't there, and they were
        self.deadly = {}  # phone → why an event of it may be dead
        self.rekeyed_at = (
            0.0  # when the bridge got another key: what it sent with the old one blurs its count
        )
        self._paused = []  # when a 429 came, and until when it asked to wait
        self._told = []  # when an answer came that told of so many spendings
        self._inner = sandbox_transport(app)
        self._fusion = app.state.sandbox
        self._clock = clock
        self._blocked = blocked
        self._under_way = set()
        self.tasks = set()
        self._solo_faults = {}

    def forget(self, pauses):
        """The bridge was killed: it knows nothing of other tools any more, but of the pauses on the disk."""
        self.life += 1
        self._told.clear()
        self._paused = [(at, until) for at, until in self._paused if until < max(pauses, default=0.0) + 0.001]

    async def handle_async_request(self, request):
        await request.aread()
        sent = self._leave(request)
        task = asyncio.create_task(self._travel(sent, request))
        self.tasks.add(task)
        task.add_done_callback(self._arrived)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self._given_up(sent, task)
            raise
        finally:
            self._under_way.discard(sent)

    def _leave(self, request):
        campaign, phones = _content(request)
        at, key = self._clock(), request.headers["Authorization"]
        knew = (spendings for told_at, spendings, of in self._told if told_at < at and of == key)
        sent = Sent(self.life, at, request.method, campaign, phones, key, max(knew, default=0))
        if request.method == "POST" and (out := [phone for phone in phones if self._blocked(phone)]):
            self.wrong.append(f"a creation left for {out}, who opted out")
        if any(came_at < at < until - 0.001 for came_at, until in self._paused):
            self.wrong.append(f"Fusion asked to wait: {sent}")
        for other in self._under_way:
            if other.life == self.life and other.campaign == campaign and {*other.phones} & {*phones}:
                self.wrong.append(f"two requests under way: {other} and {sent}")
        self._under_way.add(sent)
        return sent

    async def _travel(self, sent, request):
        CARRIED.set(sent)
        with contextlib.suppress(TimeoutError):  # not wait_for: its own task would die with the bridge
            async with asyncio.timeout(LEAST_S + self.slow_s):
                await sent.arrive.wait()
        sent.where = "there"
        response = await self._inner.handle_async_request(request)
        sent.where, spendings = "back", len(self.spent_at)
        await asyncio.sleep(LEAST_S + self.slow_s)
        if sent.life == self.life and not sent.deaf:
            self._heard(sent, response, spendings)
        return response

    def _heard(self, sent, response, spendings):
        now = self._clock()
        if response.status_code == 429:
            self._paused.append((now, now + float(response.headers["Retry-After"])))
        else:
            self._told.append((now, spendings, sent.key))

    def _arrived(self, task):
        self.tasks.discard(task)
        if not task.cancelled():
            task.exception()  # nobody may be there to ask for it

    def _given_up(self, sent, task):
        sent.deaf = True
        if sent.where == "out" and self.late_arrivals:
            sent.arrive.set()
        elif sent.where == "out" or sent.method != "POST":
            task.cancel()

    def struck(self, sent, fault):
        """A fault struck this request: whose death may follow from it, and what was a lie."""
        solo = len(sent.phones) == 1
        sent.deaf = sent.deaf or fault.kind == "huge"
        if solo:
            (phone,) = sent.phones
            self._solo_faults[phone] = self._solo_faults.get(phone, 0) + 1
            if self._solo_faults[phone] >= 2:
                self.deadly.setdefault(phone, "failed alone, more than once")
        if fault.kind != "status" or not 400 <= fault.status < 500 or fault.status in NO_REFUSAL:
            return
        if sent.method == "POST" and fault.status == 409:  # corrected
            return
        if sent.method == "PATCH" and fault.status == 404:
            self.lied |= {*sent.phones}
        elif sent.method != "GET" and (solo or fault.status not in ABOUT_LEADS):
            self.deadly.update(dict.fromkeys(sent.phones, f"refused with {fault.status}"))

    def over_limit(self, sent):
        """Only for places that nobody could know were taken."""
        since = self._clock() - self._window_s
        rekeyed = self.rekeyed_at > since - self._window_s
        unknown = self.spent_at if rekeyed else self.spent_at[sent.knew :]
        if not any(at > since for at in unknown):
            self.wrong.append(f"over the limit: {sent}")

    def watch(self, keys, *, requests, per_s):
        """Look at the faults and the windows. The keys are of one account: its leads are the same."""
        self._window_s = per_s
        self._fusion.faults = WatchedFaults(self)
        accounts = [self._fusion.account(key) for key in keys]
        for account in accounts:
            for name in ("campaigns", "by_id", "kinds", "called"):
                setattr(account, name, getattr(accounts[0], name))
            account.window = WatchedWindow(self, requests=requests, per_s=per_s)
        return accounts[0]


def _content(request):
    """Campaign and phones."""
    if request.method == "GET":
        query = parse_qs(request.url.query.decode())
        return query.get("campaign_id", [""])[0], tuple(query.get("phone", ()))
    body = json.loads(request.content)
    leads = body.get("leads", [body])
    return leads[0].get("campaign_id", ""), tuple(lead["phone"] for lead in leads)
