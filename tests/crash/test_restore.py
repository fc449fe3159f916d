"""The restore drill of deploy/operations.md, with real processes: a server is lost, a copy takes its place.

What waited in the copy is delivered, what Fusion has already is not created again, and what came after the
copy is made good by sending it once more.
"""

import contextlib
import http.client
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.crash.processes import ROOT, Process, bridge, call, sandbox
from tests.crash.setting import Setting, prepare

LIMIT, WINDOW_S = 20, 2


def person(number: int, name: str = "Lee") -> dict[str, Any]:
    return {
        "contact_id": f"c-{number}",
        "first_name": f"Ann{number}",
        "last_name": name,
        "phone": f"+120255501{number:02d}",
    }


def post(setting: Setting, payload: dict[str, Any]) -> None:
    path, body, headers = setting.with_token(payload)
    connection = http.client.HTTPConnection("127.0.0.1", setting.port, timeout=10)
    connection.request("POST", path, body, headers)
    answer = connection.getresponse()
    assert (answer.status, b"accepted" in answer.read()) == (200, True)
    connection.close()


def rows(setting: Setting, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(f"{setting.database.as_uri()}?mode=ro", uri=True)) as reader:
        return reader.execute(query).fetchall()


def settled(setting: Setting) -> None:
    end = time.monotonic() + 30
    while rows(setting, "SELECT 1 FROM events WHERE state IN ('received', 'queued') LIMIT 1"):
        assert time.monotonic() < end, rows(setting, "SELECT id, state, reason FROM events")
        time.sleep(0.05)


def states(setting: Setting) -> dict[str, int]:
    return dict(rows(setting, "SELECT state, COUNT(*) FROM events GROUP BY state"))


def command(setting: Setting, *args: str) -> str:
    program = [sys.executable, "-c", "from bridge.cli import main; main()", *args, "-c", str(setting.config)]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True).stdout


@pytest.fixture
def fusion(tmp_path: Path):
    with sandbox(tmp_path, requests=LIMIT, per_s=WINDOW_S) as fusion:
        fusion.start()
        yield fusion


def leads(fusion: Process) -> dict[str, dict[str, Any]]:
    """By phone; none is there twice, none was called twice, and no request was over the limit."""
    found = call(fusion.port, "GET", "/sandbox/leads")["leads"]
    stats = call(fusion.port, "GET", "/sandbox/stats")
    assert (stats["doubles"], stats["over_limit"]) == (0, 0)
    assert all(lead["calls"] == 1 for lead in found)
    by_phone = {lead["phone"]: lead for lead in found}
    assert len(by_phone) == len(found)
    return by_phone


def test_the_drill(tmp_path: Path, fusion: Process) -> None:
    setting = prepare(tmp_path / "vps", fusion_port=fusion.port, requests=LIMIT, per_s=WINDOW_S)
    safe = tmp_path / "safe"
    safe.mkdir()
    delivered, waiting = range(10), range(10, 20)
    afterwards = [*(person(number, "Newer") for number in range(3)), *map(person, range(20, 22))]

    with bridge(setting.config, setting.port) as service:
        service.start()
        for number in delivered:
            post(setting, person(number))
        settled(setting)
        call(fusion.port, "POST", "/sandbox/faults", {"kind": "down"})
        for number in waiting:
            post(setting, person(number))
        said = command(setting, "backup", str(safe / "bridge.db"))
        call(fusion.port, "DELETE", "/sandbox/faults")
        settled(setting)
        for payload in afterwards:
            post(setting, payload)
        settled(setting)
        service.kill()
    assert "10 delivered" in said
    assert len(leads(fusion)) == 22
    shutil.rmtree(setting.folder)  # the server is gone, with all of its disk

    # Another one, with the configuration that was kept beside the copy.
    restored = prepare(tmp_path / "vps", fusion_port=fusion.port, requests=LIMIT, per_s=WINDOW_S)
    shutil.copy(safe / "bridge.db", restored.database)
    assert states(restored).get("delivered") == 10
    requests = call(fusion.port, "GET", "/sandbox/requests")["total"]
    time.sleep(WINDOW_S)  # as the page says: what was sent after the copy is in nobody's count
    with bridge(restored.config, restored.port) as service:
        service.start()
        settled(restored)
        assert states(restored) == {"delivered": 20}
        assert len(leads(fusion)) == 22
        since = call(fusion.port, "GET", "/sandbox/requests")["requests"][requests:]
        assert 201 not in {each["status"] for each in since}

        for payload in afterwards:  # the workflow runs once more for those of after the copy
            post(restored, payload)
        settled(restored)
        service.terminate()

    assert states(restored) == {"delivered": 25}
    found = leads(fusion)
    assert len(found) == 22
    assert [found[person(number)["phone"]]["name"] for number in (0, 5, 20)] == [
        "Ann0 Newer",
        "Ann5 Lee",
        "Ann20 Lee",
    ]
    assert rows(restored, "PRAGMA integrity_check") == [("ok",)]
