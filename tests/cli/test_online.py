"""`bridge check --online`: what only the world knows, each failure with its key, its line and what to do."""

import contextlib
import json
import socket
import sqlite3
import time

import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli import app
from bridge.fusion.sandbox import Fault
from bridge.store.database import open_writer
from tests.cli.test_adopt import KEY, OTHER, TOKEN, fusion
from tests.crash.processes import bridge, free_port

BIRCH = "key-of-the-birch-account"
CAMPAIGN = "5d3a7e90-1111-4222-8333-0a1b2c3d4e5f"
ROUTES = [{"when": "'solar' in contact.tags", "campaign_id": CAMPAIGN}, {}]


@pytest.fixture
def world(tmp_path):
    with fusion(rules="june") as world:
        yield world.configure(tmp_path, routes=ROUTES)


def rewrite(world, **changes):
    """The configuration with other keys at its top; `fusion` and `server` are merged."""
    data = yaml.safe_load(world.config.read_text())
    for key, value in changes.items():
        data[key] = {**data[key], **value} if key in ("fusion", "server") else value
    world.config.write_text(yaml.safe_dump(data, sort_keys=False))


def check(world, *args):
    return CliRunner().invoke(app, ["check", "--online", "-c", str(world.config), *args])


def failures(world):
    result = check(world, "--json")
    found = [each for each in json.loads(result.stdout)["online"] if not each["ok"]]
    assert result.exit_code == bool(found)
    return found


def test_all_is_right(world):
    world.has(3, CAMPAIGN)
    result = check(world)

    assert result.exit_code == 0, result.output
    assert world.asked() == [200, 200]
    assert "✓ account main the key works; 99 of 100 requests left for 1 s" in result.stdout
    assert f"✓ campaign {CAMPAIGN} is in account main (3 leads)" in result.stdout
    assert f"✓ port {world.port} is free" in result.stdout
    assert "✓ public_url is not set" in result.stdout
    assert result.stdout.endswith("\nAll 5 are right\n")
    assert KEY not in result.stdout
    assert not world.database.exists()  # nothing is made


def test_without_online_nobody_is_asked(world):
    assert CliRunner().invoke(app, ["check", "-c", str(world.config)]).exit_code == 0
    assert world.asked() == []


def test_a_wrong_key_is_told_with_its_line_and_the_others_are_asked(tmp_path):
    with fusion(rules="june", api_keys=[KEY]) as world:
        world.configure(tmp_path, accounts={"birch": {"api_key": BIRCH}, "main": {"api_key": KEY}})
        rewrite(
            world, routes=[{"when": "data.x", "account": "birch", "campaign_id": OTHER}, {"account": "main"}]
        )
        result = check(world)

    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    line = world.config.read_text().splitlines().index(f"      api_key: {BIRCH}") + 1
    wrong = next(each for each in lines if "Fusion refused the key" in each)
    assert wrong.startswith(
        f"  ✗ {world.config}:{line}  fusion.accounts.birch.api_key  account birch: Fusion refused the key: "
    )
    assert "put it where birch's api_key is read from" in lines[lines.index(wrong) + 1]
    assert "✓ account main the key works" in result.stdout
    assert OTHER not in result.stdout.split("From here:")[1]  # a key that is refused can't tell
    assert lines[-1] == "1 of 5 failed"
    assert BIRCH not in result.output


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"routes": [{"name": "all", "campaign_id": OTHER}]}, "routes[0]"),
        ({"campaigns": {"roof": OTHER}, "routes": [{"name": "all", "campaign": "roof"}]}, "routes[0]"),
        ({"campaigns": {"roof": OTHER}, "routes": [{"name": "all"}]}, "campaigns.roof"),
        ({"campaigns": {"roof": OTHER}, "routes": [{"campaign": "{{ data.x }}"}]}, "campaigns.roof"),
        ({"locations": {"Loc1": {"campaign_id": OTHER}}, "routes": [{"name": "all"}]}, "locations.Loc1"),
    ],
)
def test_a_campaign_that_fusion_has_not(world, changes, path):
    rewrite(world, **changes)
    world.at_request(2, Fault("status", status=404))

    (wrong,) = failures(world)

    assert (wrong["path"], wrong["what"]) == (path, f"campaign {'roof' if 'campaigns' in changes else OTHER}")
    assert wrong["said"].startswith("Fusion has no such campaign in account main: ")
    assert wrong["fix"].startswith("copy the UUID")
    assert wrong["line"]


def both(world):
    rewrite(
        world,
        fusion={"accounts": {"main": {"api_key": KEY}, "birch": {"api_key": BIRCH}}},
        campaigns={"roof": OTHER},
        routes=[{"account": "{{ data.client }}", "campaign": "{{ data.what }}"}],
    )


def test_of_an_expression_one_account_is_enough(world):
    both(world)
    world.at_request(2, Fault("status", status=404))

    assert failures(world) == []
    assert world.asked() == [200, 404, 200, 200]


def test_of_an_expression_no_account_is_too_few(world):
    both(world)
    world.sandbox.faults.strike = lambda *_: (
        0.0,
        Fault("status", status=404) if world.asked()[-1:] == [200] else None,
    )

    (wrong,) = failures(world)
    assert (wrong["path"], wrong["what"]) == ("campaigns.roof", "campaign roof")


def test_no_default_feed_is_told_where_a_route_needs_it(world):
    world.at_request(1, Fault("status", status=404))

    (wrong,) = failures(world)

    assert (wrong["what"], wrong["path"]) == ("Default Feed of main", "routes[1]")
    assert wrong["fix"] == "choose a Default Feed in Fusion, or give the route a campaign"


def test_no_default_feed_is_right_where_no_route_needs_it(world):
    rewrite(world, routes=[{"name": "all", "campaign_id": CAMPAIGN}])
    world.at_request(1, Fault("status", status=404))

    assert failures(world) == []


# What Fusion answers → what is said, and what is to be done.
REFUSALS = [
    (Fault("status", status=403), "Fusion refused the key", "make one in Fusion"),
    (Fault("status", status=429), "Fusion's limit is reached", "check again after that time"),
    (Fault("status", status=500), "Fusion answered 500", "check fusion.base_url"),
    (Fault("status", status=503), "Fusion is away: 503", "check fusion.base_url"),
    (Fault("status", status=400), "", "check fusion.base_url"),
    (Fault("html"), "Fusion is away: 502", "check fusion.base_url"),
    (Fault("garbage"), "", "check fusion.base_url"),
    (Fault("empty"), "", "check fusion.base_url"),
    (Fault("redirect"), "", "check fusion.base_url"),
    (Fault("reset_after"), "the connection to Fusion broke", "check fusion.base_url"),
]


@pytest.mark.parametrize(("fault", "said", "fix"), REFUSALS, ids=str)
def test_any_other_answer(world, fault, said, fix):
    world.sandbox.faults.add(fault)
    (wrong,) = failures(world)

    assert wrong["what"] == "account main"
    assert said in wrong["said"]
    assert wrong["fix"].startswith(fix)
    assert wrong["path"].startswith("fusion.")


def test_no_network(world):
    rewrite(world, fusion={"base_url": f"http://127.0.0.1:{free_port()}"})
    (wrong,) = failures(world)

    assert wrong["said"].startswith("can't connect to Fusion: ")
    assert wrong["path"] == "fusion.base_url"
    assert "network" in wrong["fix"]


# What this machine is like → the key to blame, and the words.
HERE = {
    "a folder that isn't": ({"database": "config.yaml/bridge.db"}, "database", "is not a folder"),
    "a folder that can't be written": ({"database": "/proc/bridge.db"}, "database", "can't be written"),
    "plain http": (
        {"server": {"public_url": "http://leads.example.com"}},
        "server.public_url",
        "has no https",
    ),
    "another machine's address": (
        {"server": {"host": "203.0.113.7"}},
        "server.host",
        "no address 203.0.113.7",
    ),
    "a name of nothing": (
        {"server": {"host": "nowhere.invalid"}},
        "server.host",
        "no address nowhere.invalid",
    ),
}


@pytest.mark.parametrize("case", HERE)
def test_this_machine(world, case):
    changes, path, said = HERE[case]
    rewrite(world, **changes)
    (wrong,) = failures(world)

    assert wrong["path"] == path
    assert said in wrong["said"]
    assert wrong["fix"]
    assert wrong["line"]


def test_everything_at_once(world):
    rewrite(
        world,
        server={"public_url": "http://leads.example.com", "host": "203.0.113.7"},
        database="/proc/bridge.db",
        fusion={"base_url": f"http://127.0.0.1:{free_port()}"},
    )
    assert [each["path"] for each in failures(world)] == [
        "database",
        "server.host",
        "server.public_url",
        "fusion.base_url",
    ]


def test_a_port_that_another_program_has(world):
    with socket.create_server(("127.0.0.1", world.port)):
        (wrong,) = failures(world)

    assert wrong["path"] == "server.port"
    assert wrong["said"] == "is taken by another program"
    assert f"ss -ltnp 'sport = :{world.port}'" in wrong["fix"]


def test_beside_the_running_service_its_port_is_right_and_the_requests_are_counted(world):
    with bridge(world.config, world.port) as service:
        service.start()
        result = check(world)
        service.terminate()

    assert result.exit_code == 0, result.output
    assert f"✓ port {world.port} is the running bridge's (process " in result.stdout
    attempts = world.rows("SELECT method, status, outcome, answered_at FROM attempts")
    assert [(each["method"], each["status"], each["outcome"]) for each in attempts] == [
        ("GET", 200, "delivered"),
        ("GET", 200, "delivered"),
    ]


def test_never_over_the_limit(tmp_path):
    with fusion(rules="june", requests=5, per_s=1.0) as world:
        world.configure(tmp_path, requests=5, per="1s", routes=ROUTES)
        open_writer(world.database).close()
        rewrite(world, campaigns={f"c{n}": f"{n:08}-1111-4222-8333-94f5a6b7c8d9" for n in range(12)})
        found = failures(world)

    assert found == []
    assert world.asked() == [200] * 14


def test_an_account_that_fusion_paused_is_not_asked(world):
    with contextlib.closing(open_writer(world.database)) as connection:
        connection.execute(
            "INSERT INTO lanes (lane, account, reason, since, paused_until)"
            " VALUES ('leads', 'main', 'throttled', 0, ?)",
            (time.time() + 50,),
        )
    (wrong,) = failures(world)

    assert "asks to wait 5" in wrong["said"] or "asks to wait 4" in wrong["said"]
    assert world.asked() == []


def test_a_wrong_configuration_is_not_looked_at_further(world):
    rewrite(world, default_region="XX")
    result = check(world)

    assert result.exit_code == 2
    assert world.asked() == []
    assert TOKEN not in result.output


def test_a_database_that_is_none_stops_no_question(world):
    world.database.parent.mkdir()
    world.database.write_bytes(b"no database" * 1000)

    assert failures(world) == []
    with (
        pytest.raises(sqlite3.DatabaseError),
        contextlib.closing(sqlite3.connect(world.database)) as connection,
    ):
        connection.execute("SELECT 1 FROM attempts")
