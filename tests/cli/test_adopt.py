"""`bridge adopt`: what Fusion has gets into the mapping table, within the limit, stopped or not."""

import contextlib
import itertools
import json
import os
import pty
import re
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import uvicorn
import yaml
from typer.testing import CliRunner

from bridge.cli import app
from bridge.fusion.sandbox import Fault, SandboxProtocol, create_sandbox
from bridge.store.database import open_writer, owned
from tests.crash.processes import bridge, call, free_port

BRIDGE = Path(sys.executable).with_name("bridge")
KEY, TOKEN = "key-of-the-main-account", "workflow-token-for-the-tests-only"
CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
OTHER = "0b8a4c1e-1111-4222-8333-94f5a6b7c8d9"


@contextlib.contextmanager
def fusion(**options):
    """The sandbox on a port, in a thread: its memory is at hand."""
    sandbox = create_sandbox(**options)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(
            sandbox, port=port, http=SandboxProtocol, log_config=None, access_log=False, date_header=False
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.005)
        yield World(sandbox.state.sandbox, port)
    finally:
        server.should_exit = True
        thread.join()


class World:
    """A used Fusion account and a bridge that is configured for it."""

    def __init__(self, sandbox, port):
        self.sandbox = sandbox
        self.url = f"http://127.0.0.1:{port}"

    def has(self, count, campaign="", *, first=0, key=KEY):
        """Fusion has so many leads; their phones are generated."""
        phones = [f"+1202556{number:04}" for number in range(first, first + count)]
        for phone in phones:
            fields = {"phone": phone, "name": "Ann Lee"} | ({"campaign_id": campaign} if campaign else {})
            self.sandbox.account(key).create(fields, at=time.time())
        return phones

    def configure(self, folder, *, requests=1000, per="1s", accounts=None, routes=None):
        self.port = free_port()
        self.database = folder / "data" / "bridge.db"
        self.config = folder / "config.yaml"
        data = {
            "server": {"host": "127.0.0.1", "port": self.port},
            "fusion": {
                "base_url": self.url,
                "accounts": accounts or {"main": {"api_key": KEY}},
                "leads_limit": {"requests": requests, "per": per},
            },
            "sources": {"workflow": {"type": "ghl_workflow", "token": TOKEN}},
            "routes": routes or [{"when": "'solar' in contact.tags", "campaign_id": CAMPAIGN}, {}],
        }
        self.config.write_text(yaml.safe_dump(data, sort_keys=False))
        return self

    def adopt(self, *args):
        return CliRunner().invoke(app, ["adopt", "-c", str(self.config), *args])

    def process(self, *args, **options):
        return subprocess.Popen([BRIDGE, "adopt", "-c", self.config, *args], **options)

    def rows(self, sql, *values):
        with contextlib.closing(sqlite3.connect(self.database)) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(sql, values)]

    def known(self, campaign=""):
        found = self.rows("SELECT phone FROM lead_map WHERE campaign_id = ? ORDER BY phone", campaign)
        return [row["phone"] for row in found]

    def at_request(self, number, fault):
        """One fault, for that request from now."""
        count = itertools.count(1)
        self.sandbox.faults.strike = lambda *_: (0.0, fault if next(count) == number else None)

    def asked(self):
        """Statuses of the requests that Fusion saw."""
        return [request.status for request in self.sandbox.requests]

    def post(self, **payload):
        return call(self.port, "POST", f"/webhooks/workflow/{TOKEN}", payload)

    def settled(self, within=20):
        end = time.monotonic() + within
        while self.rows("SELECT 1 FROM events WHERE state IN ('received', 'queued') LIMIT 1"):
            assert time.monotonic() < end
            time.sleep(0.02)


@pytest.fixture(params=["june", "july"])
def world(request, tmp_path):
    with fusion(rules=request.param) as world:
        yield world.configure(tmp_path)


@pytest.fixture
def june(tmp_path):
    with fusion(rules="june") as world:
        yield world.configure(tmp_path)


def squeezed(text):
    """With one space between columns."""
    return re.sub(r" +", " ", text)


def test_every_lead_is_learned_with_the_fewest_requests(world):
    feed, solar = world.has(250), world.has(130, CAMPAIGN, first=200)

    result = world.adopt()

    assert result.exit_code == 0, result.output
    assert world.asked() == [200] * 5
    assert (world.known(), world.known(CAMPAIGN)) == (feed, solar)
    ids = {lead.phone: lead.id for lead in world.sandbox.leads if not lead.campaign_id}
    for row in world.rows("SELECT * FROM lead_map WHERE campaign_id = ''"):
        assert (row["origin"], row["body"], row["delivered_at"]) == ("adopted", None, None)
        assert row["lead_id"] == ids[row["phone"]]
    said = squeezed(result.stdout)
    assert "Default Feed 250 250 done" in said
    assert f"{CAMPAIGN} 130 130 done" in said
    assert "380 leads learned with 5 requests to Fusion." in said
    assert "+1202" not in result.output
    assert result.stderr == (
        f"Default Feed: 250 of 250 leads, 3 pages\n{CAMPAIGN}: 130 of 130 leads, 2 pages\n"
    )
    attempts = world.rows("SELECT DISTINCT method, leads, outcome, reached FROM attempts")
    assert attempts == [{"method": "GET", "leads": 0, "outcome": "delivered", "reached": 1}]


def test_json(june):
    june.has(3)
    result = june.adopt("--json")

    assert json.loads(result.stdout) == [
        {
            "account": "main",
            "campaign_id": "",
            "leads": 3,
            "new": 3,
            "forgotten": [],
            "missing": [],
            "pages": 1,
            "done": True,
        },
        {
            "account": "main",
            "campaign_id": CAMPAIGN,
            "leads": 0,
            "new": 0,
            "forgotten": [],
            "missing": [],
            "pages": 1,
            "done": True,
        },
    ]


def test_what_is_done_is_said_and_not_asked_again(june):
    june.has(3)
    june.adopt()
    result = june.adopt()

    assert result.exit_code == 0
    assert len(june.asked()) == 2
    assert re.search(r"All of it was learned already, the last \S+ ago \(", result.stdout)
    assert "adopt --again` starts over." in result.stdout
    assert "Default Feed 3 0 learned" in squeezed(result.stdout)


def test_again_reads_all_of_it_and_overwrites_nothing(june):
    june.has(120)
    june.adopt()
    june.has(5, first=500)
    result = june.adopt("--again")

    assert len(june.asked()) == 3 + 3
    assert "Default Feed 125 5 done" in squeezed(result.stdout)


def gone(world, *phones):
    """Somebody deletes these leads in Fusion."""
    for account in world.sandbox.accounts.values():
        for lead in [each for each in account.by_id.values() if each.phone in phones]:
            del account.by_id[lead.id]
            del account.campaigns[lead.campaign_id][lead.phone]


def test_known_leads_that_fusion_has_not_are_listed_and_forgotten(june):
    feed = june.has(130)
    june.adopt()
    gone(june, *feed[5:17])
    result = june.adopt("--again")

    said = squeezed(result.stdout)
    assert result.exit_code == 0
    assert june.known() == feed[:5] + feed[17:]
    assert "12 known leads aren't in Fusion any more: they are forgotten" in said
    assert said.count("+1202•••00") == 10
    assert "… and 2 more: --json shows them all." in said
    assert "bridge replay --state delivered" in said
    assert not set(feed) & set(result.output.split())


def test_the_forgotten_in_json(june):
    feed = june.has(3)
    june.adopt()
    ids = {lead.phone: lead.id for lead in june.sandbox.leads}
    gone(june, *feed[:2])
    told = json.loads(june.adopt("--again", "--json").stdout)
    assert told[0]["missing"] == [{"phone": phone, "lead_id": ids[phone]} for phone in feed[:2]]


def test_what_was_delivered_since_or_waits_is_not_forgotten(june):
    june.has(3)
    june.adopt()
    with contextlib.closing(sqlite3.connect(june.database)) as connection, connection:
        connection.execute(
            "INSERT INTO lead_map (account, campaign_id, phone, origin, body, delivered_at) "
            "VALUES ('main', '', '+12025559998', 'created', '{}', ?)",
            (time.time(),),
        )
    june.adopt("--again")
    assert "+12025559998" in june.known()


def test_after_another_fusion_is_configured(june):
    old = june.has(3)
    june.adopt()
    with fusion(rules="june") as other:
        theirs = other.has(2, first=700)
        june.config.write_text(june.config.read_text().replace(june.url, other.url))
        result = june.adopt()
        assert result.exit_code == 0, result.output
        assert june.known() == theirs
        status = CliRunner().invoke(app, ["status", "-c", str(june.config)]).stdout
        assert f"put aside 3 leads of {june.url} (main), since" in squeezed(status)
        june.config.write_text(june.config.read_text().replace(other.url, june.url))
    assert june.adopt().exit_code == 0
    assert june.known() == old


def test_beside_a_service_that_works_with_the_old_one(june):
    june.has(3)
    june.adopt()
    june.config.write_text(june.config.read_text().replace(june.url, "http://127.0.0.1:9"))
    with owned(june.database):
        result = june.adopt()
    assert result.exit_code == 1
    assert "the service doesn't work with http://127.0.0.1:9 yet" in result.stderr
    assert "fix: restart the service, or reload it" in result.stderr
    assert len(june.known()) == 3


def test_a_failure_in_the_middle_costs_no_page_twice(june):
    feed = june.has(450)
    june.at_request(3, Fault("status", status=400))
    first = june.adopt()

    assert first.exit_code == 1
    assert "error: main, Default Feed: Fusion refused to list it: A fault on demand\nfix: " in first.stderr
    assert "Default Feed 450 200 not all yet: 200 read" in squeezed(first.stdout)
    assert june.known() == feed[:200]

    second = june.adopt()
    assert second.exit_code == 0
    assert june.known() == feed
    assert "Default Feed 450 250 done" in squeezed(second.stdout)
    assert june.asked() == [200, 200, 400, 200, 200, 200, 200]  # the other campaign in between


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_person(june, number):
    feed = june.has(350)
    june.adopt("--campaign", CAMPAIGN)
    june.sandbox.faults.add(Fault("delay", delay_s=0.3))
    process = june.process(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while len(june.known()) < 200:
        time.sleep(0.01)
    process.send_signal(number)
    said, complaints = process.communicate(timeout=10)

    assert process.returncode == 1
    assert re.search(r"stopped before the end\nfix: `\S*bridge adopt` goes on from there", complaints)
    assert "Traceback" not in complaints
    assert "Default Feed 350 200 not all yet: 200 read" in squeezed(said)
    assert june.rows("SELECT COUNT(*) AS n FROM attempts WHERE answered_at IS NULL") == [{"n": 0}]
    assert june.rows("SELECT outcome FROM attempts ORDER BY id DESC LIMIT 1") == [{"outcome": "interrupted"}]

    june.sandbox.faults.clear()
    assert "Default Feed 350 150 done" in squeezed(june.adopt().stdout)
    assert june.known() == feed


def test_killed_at_any_moment(june):
    """Whatever was told by then is learned, and nothing is asked more often than once a kill."""
    feed = june.has(900)
    june.sandbox.faults.add(Fault("delay", delay_s=0.1))
    for pages in (2, 4, 6):
        process = june.process("--account", "main", stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        while not june.database.exists() or len(june.sandbox.requests) < pages:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    june.sandbox.faults.clear()
    result = june.adopt()

    assert result.exit_code == 0
    assert june.known() == feed
    assert len(june.asked()) <= 9 + 1 + 3
    assert june.sandbox.stats()["over_limit"] == 0


def test_no_default_feed_is_nothing_to_learn(june):
    june.sandbox.faults.add(Fault("status", status=404, times=1))
    solar = june.has(7, CAMPAIGN)
    result = june.adopt()

    assert result.exit_code == 0
    assert "Default Feed 0 0 there is none" in squeezed(result.stdout)
    assert june.known(CAMPAIGN) == solar


def test_a_campaign_that_fusion_has_not(june):
    june.sandbox.faults.add(Fault("status", status=404, times=1))
    result = june.adopt("--campaign", CAMPAIGN.upper())

    assert result.exit_code == 1
    assert f"error: main, campaign {CAMPAIGN}: Fusion has no such campaign: " in result.stderr
    assert "fix: check campaign_id" in result.stderr


def test_a_campaign_that_only_an_expression_may_name_need_not_be_in_each_account(june, tmp_path):
    june.configure(
        tmp_path,
        accounts={"main": {"api_key": KEY}, "birch": {"api_key": "key-of-the-birch-account"}},
        routes=[{"account": "{{ data.client }}", "campaign": "{{ data.campaign }}"}],
    )
    june.config.write_text(june.config.read_text() + f"campaigns: {{roof: {OTHER}}}\n")
    june.has(4, OTHER)
    birch = itertools.count()
    june.sandbox.faults.strike = lambda *_: (
        0.0,
        Fault("status", status=404) if next(birch) % 4 == 3 else None,
    )
    result = june.adopt()

    assert result.exit_code == 0, result.output
    assert sorted(june.asked()) == [200, 200, 200, 404]
    assert "there is none" in result.stdout


def test_a_wrong_key_is_told_at_once(tmp_path):
    with fusion(api_keys=["another-key-than-ours"]) as world:
        result = world.configure(tmp_path).adopt()

    assert result.exit_code == 1
    assert len(world.asked()) == 1
    assert "Fusion refused the key: " in result.stderr
    assert "fix: put the right key of main into .env" in result.stderr
    assert KEY not in result.output
    assert "? 0 not read yet" in squeezed(result.stdout)


def test_one_account_fails_and_the_other_goes_on(tmp_path):
    with fusion(api_keys=["key-of-the-eastern-account"]) as world:
        world.has(3, key="key-of-the-eastern-account")
        accounts = {"main": {"api_key": KEY}, "east": {"api_key": "key-of-the-eastern-account"}}
        result = world.configure(tmp_path, accounts=accounts, routes=[{}]).adopt()

    assert result.exit_code == 1
    assert "error: main, Default Feed: Fusion refused the key" in result.stderr
    assert "east Default Feed 3 3 done" in squeezed(result.stdout)


def test_only_some_accounts(tmp_path):
    with fusion() as world:
        accounts = {name: {"api_key": f"key-of-the-{name}-account"} for name in ("main", "east", "west")}
        east = {"when": "'east' in contact.tags", "account": "east", "campaign_id": OTHER}
        routes = [east, {"campaign_id": CAMPAIGN}]
        world.configure(tmp_path, accounts=accounts, routes=routes)
        told = json.loads(world.adopt("--json", "--account", "west", "--account", "east").stdout)

    assert [(each["account"], each["campaign_id"]) for each in told] == [
        ("west", ""),
        ("east", ""),
        ("east", OTHER),
    ]


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--account", "mian"], "there is no account 'mian'"),
        (["--account", "mian"], "known: main, east"),
        (["--campaign", "solar"], "'solar' is no campaign id"),
        (["--campaign", CAMPAIGN], "in which account? Add --account: main, east"),
    ],
)
def test_wrong_usage(tmp_path, args, said):
    world = World(None, 9)
    accounts = {"main": {"api_key": KEY}, "east": {"api_key": "key-2-of-these-tests"}}
    if args[1] == "solar":
        args = [*args, "--account", "main"]
    world.configure(tmp_path, accounts=accounts)
    result = world.adopt(*args)

    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert not world.database.exists()


def test_throttled_waits_as_long_as_asked(june):
    feed = june.has(150)
    june.sandbox.faults.add(Fault("status", status=429, delay_s=1, times=1))
    started = time.monotonic()
    result = june.adopt()

    assert result.exit_code == 0
    assert time.monotonic() - started >= 1
    assert june.known() == feed
    assert june.asked() == [429, 200, 200, 200]


def test_a_pause_that_the_service_was_asked_for_holds_here(june):
    with contextlib.closing(open_writer(june.database)) as connection:
        row = ("leads", "main", "throttled", "", time.time(), time.time() + 0.7)
        connection.execute("INSERT INTO lanes VALUES (?, ?, ?, ?, ?, ?)", row)
    started = time.monotonic()
    june.adopt()

    assert time.monotonic() - started >= 0.6


@pytest.mark.parametrize(
    "fault",
    [
        Fault("status", status=503, times=2),
        Fault("status", status=500, times=2),
        Fault("reset_before", times=1),
        Fault("html", times=1),
        Fault("garbage", times=1),
        Fault("half", times=1),
        Fault("huge", times=1),
    ],
)
def test_a_fusion_that_stumbles_is_asked_again(june, fault):
    feed = june.has(150)
    june.sandbox.faults.add(fault)
    result = june.adopt()

    assert result.exit_code == 0, result.output
    assert june.known() == feed


def test_a_fusion_that_only_fails(june):
    june.sandbox.faults.add(Fault("status", status=500))
    result = june.adopt("--account", "main", "--campaign", CAMPAIGN)

    assert result.exit_code == 1
    assert june.asked() == [500] * 4
    assert "Fusion failed 4 times, last: Fusion answered 500" in result.stderr


def test_a_fusion_that_is_away(june, monkeypatch):
    monkeypatch.setattr("bridge.worker.adopting.GIVE_UP_S", 1.0)
    june.sandbox.faults.down = True
    result = june.adopt()

    assert result.exit_code == 1
    assert "error: main, Default Feed: Fusion can't be reached: " in result.stderr
    assert "fix: check fusion.base_url" in result.stderr
    assert f"{CAMPAIGN} ? 0 not read yet" in squeezed(result.stdout)


def test_never_over_the_limit(tmp_path):
    with fusion(requests=5, per_s=1) as world:
        feed = world.has(1150)
        world.configure(tmp_path, requests=5)
        result = world.adopt()

    assert result.exit_code == 0
    assert world.known() == feed
    assert world.sandbox.stats()["over_limit"] == 0
    assert len(world.asked()) == 13


def test_never_over_the_limit_after_kills(tmp_path):
    with fusion(requests=5, per_s=1) as world:
        world.has(1150)
        world.configure(tmp_path, requests=5)
        for number in range(3):
            process = world.process(stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            seen = len(world.sandbox.requests)
            while len(world.sandbox.requests) < seen + 4:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL if number == 1 else signal.SIGINT)
            process.communicate()
        result = world.adopt("--account", "main")

    assert result.exit_code == 0
    assert world.sandbox.stats()["over_limit"] == 0


def test_never_over_the_limit_beside_a_service_that_sends(tmp_path):
    with fusion(requests=20, per_s=1) as world:
        feed = world.has(600, first=1000)
        world.configure(tmp_path, requests=20, routes=[{}])
        with bridge(world.config, world.port) as service:
            service.start()
            process = world.process("--json", stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            number = 0
            while process.poll() is None and number < 1000:
                name, phone = f"p-{number}", f"+120255501{number % 100:02}"
                world.post(contact_id=name, first_name=name, last_name="Lee", phone=phone)
                number += 1
                time.sleep(0.03)
            told, complaints = process.communicate()
            world.settled()

    assert process.returncode == 0, complaints
    assert json.loads(told)[0] | {"done": True, "new": 600} == json.loads(told)[0]
    assert set(feed) <= set(world.known())
    assert world.sandbox.stats()["over_limit"] == 0
    assert "PATCH" in {request.method for request in world.sandbox.requests}


def test_half_of_the_window_is_left_to_a_service(tmp_path):
    with fusion() as world:
        world.has(1100)
        world.configure(tmp_path, requests=10, routes=[{}])
        with owned(world.database):
            world.adopt()
        shared = [request.at for request in world.sandbox.requests]
        world.sandbox.requests.clear()
        time.sleep(1.1)
        world.adopt("--again")
        alone = [request.at for request in world.sandbox.requests]

    assert max(sum(at <= each < at + 1 for each in shared) for at in shared) == 5
    assert max(sum(at <= each < at + 1 for each in alone) for at in alone) > 5


def test_the_point_of_it(world):
    """Leads that Fusion has are updated, and none of them costs a refused request."""
    phones = world.has(30) + world.has(20, CAMPAIGN, first=100)
    assert world.adopt().exit_code == 0
    world.sandbox.requests.clear()
    with bridge(world.config, world.port) as service:
        service.start()
        for phone in phones:
            world.post(contact_id=phone[-4:], first_name="Ann", last_name="Long", phone=phone)
        world.settled()
        service.terminate()

    assert {(request.method, request.status) for request in world.sandbox.requests} == {("PATCH", 200)}
    assert len(world.asked()) == 50
    assert {lead.name for lead in world.sandbox.leads} == {"Ann Long"}
    assert world.sandbox.stats()["doubles"] == 0


@pytest.mark.parametrize(
    ("campaigns", "said"),
    [
        ([""], "Among them somebody who must not be called: the service will tag it."),
        (["", CAMPAIGN], "Among them 2 of people who must not be called: the service will tag them."),
    ],
)
def test_somebody_who_opted_out_before_gets_the_tag(june, campaigns, said):
    """Nobody knew that Fusion has the lead; now that it is known, it must not be called."""
    for campaign in campaigns:
        june.has(3, campaign)
    with bridge(june.config, june.port) as service:
        service.start()
        june.post(contact_id="ann", first_name="Ann", phone="+12025560001", customData={"dnd": "true"})
        june.settled()
        result = june.adopt()
        june.settled()
        service.terminate()

    assert said in result.stdout
    tags = {lead.phone[-1]: lead.tags for lead in june.sandbox.leads}
    assert tags == {"0": [], "1": ["do-not-call"], "2": []}
    assert len([lead for lead in june.sandbox.leads if lead.tags]) == len(campaigns)


def test_a_terminal_gets_a_bar(june):
    june.has(150)
    june.sandbox.faults.add(Fault("status", status=429, delay_s=2, times=1))
    ours, theirs = pty.openpty()
    environ = {**os.environ, "COLUMNS": "100", "TERM": "xterm"}
    process = june.process(stdout=subprocess.PIPE, stderr=theirs, text=True, env=environ)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # Linux's way to say that the other side is closed
        while chunk := os.read(ours, 65_536):
            shown += chunk
    os.close(ours)
    process.communicate(timeout=10)

    said = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode())
    assert process.returncode == 0
    assert "Default Feed" in said
    assert "150 of 150 leads, 2 pages" in said
    assert re.search(r"next request in \S+ \(Fusion asked for it\)", said)
    assert "+1202" not in said


def test_a_long_wait_is_a_line_off_a_terminal(tmp_path, monkeypatch):
    monkeypatch.setattr("bridge.cli.adopt_shown.LINE_WAIT_S", 0.3)
    with fusion() as world:
        world.has(1)
        world.configure(tmp_path, routes=[{}])
        with contextlib.closing(open_writer(world.database)) as connection:
            row = ("leads", "main", "throttled", "", time.time(), time.time() + 1)
            connection.execute("INSERT INTO lanes VALUES (?, ?, ?, ?, ?, ?)", row)
        result = world.adopt()

    waits, done = result.stderr.splitlines()
    assert re.fullmatch(r"Default Feed: next request in \S+ \(Fusion asked for it\)", waits)
    assert done == "Default Feed: 1 of 1 leads, 1 page"


def test_a_database_that_is_locked(june, monkeypatch):
    monkeypatch.setattr("bridge.store.adopting.BUSY_MS", 50)
    with contextlib.closing(open_writer(june.database)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        result = june.adopt()

    assert result.exit_code == 1
    assert "error: the database can't be written: " in result.stderr
    assert "fix: " in result.stderr


def test_a_lead_of_somebody_who_was_erased_is_not_learned_but_told(june):
    feed = june.has(120)
    open_writer(june.database).close()
    forget = ["forget", feed[7], "-c", str(june.config), "--yes"]
    assert CliRunner().invoke(app, forget).exit_code == 0
    (left,) = [lead.id for lead in june.sandbox.leads if lead.phone == feed[7]]

    result = june.adopt()

    assert result.exit_code == 0, result.output
    assert june.known() == [phone for phone in feed if phone != feed[7]]
    said = squeezed(result.stdout)
    assert "Default Feed 120 119 done" in said
    assert "These leads of people who were erased are still in Fusion; delete them there:" in said
    assert f"main Default Feed {left}" in said
    assert "+1202" not in result.output
    assert json.loads(june.adopt("--again", "--json").stdout)[0]["forgotten"] == [left]
    assert feed[7] not in june.known()


def test_without_the_key_of_the_marks_nothing_is_asked(june):
    june.has(3)
    open_writer(june.database).close()
    assert CliRunner().invoke(app, ["forget", "+12025550199", "-c", str(june.config), "--yes"]).exit_code == 0
    june.database.with_suffix(".key").unlink()

    result = june.adopt()

    assert result.exit_code == 1
    assert "do-not-call marks of erased people can't be read" in result.stderr
    assert (june.asked(), june.known()) == ([], [])
