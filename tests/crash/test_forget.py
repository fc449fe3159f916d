"""A person demands erasure of a running bridge, amid the traffic of others; and what a lost key comes to.

Real processes: the service, Fusion's sandbox, the command. What is proved is proved by the bytes of files.
"""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import threading
import time

import pytest

from tests.crash.dying import Death
from tests.crash.nursery import Nursery, Order
from tests.crash.processes import _BRIDGE, ROOT, call
from tests.crash.stage import phone, stage, until

# Whoever is erased: two contacts with one phone.
PHONE = "+12025550666"
SPELT = ("+12025550666", "(202) 555-0666", "1-202-555-0666", "202.555.0666")
NAME, EMAIL = "Quentin Zzyzx", "quentin.zzyzx@example.com"
TRACES = ("2025550666", "555-0666", "555.0666", "zzyzx", "quentin", "c-quentin")


def say(scene, **payload):
    """A webhook about them; returns the event's id."""
    person = {"contact_id": "c-quentin-1", "full_name": NAME, "email": EMAIL, "phone": PHONE}
    path, body, headers = scene.setting.with_token({**person, **payload})
    answer = call(scene.setting.port, "POST", path, json.loads(body), headers=headers)
    assert answer["status"] == "accepted", answer
    return answer["event_id"]


def rows(scene, sql, *values):
    connection = sqlite3.connect(f"file:{scene.database}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        return [dict(row) for row in connection.execute(sql, values)]
    finally:
        connection.close()


def through_the_rules(scene):
    until(lambda: not rows(scene, "SELECT 1 FROM events WHERE state = 'received'"), 20)


def forget(scene, *args, check=True):
    command = [*_BRIDGE, "forget", *args, "--yes", "-c", str(scene.setting.config)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stdout + done.stderr
    return done


def left_of_them(scene):
    """What of them is in the bytes of the files, by file."""
    files = [scene.database.with_name(scene.database.name + end) for end in ("", "-wal", "-shm")]
    files += [scene.service.log]
    found = {file.name: file.read_bytes().lower() for file in files if file.exists()}
    return [(name, trace) for name, raw in found.items() for trace in TRACES if trace.encode() in raw]


class Traffic:
    """Others go on all the time."""

    def __init__(self, scene, numbers):
        self._scene = scene
        self._numbers = iter(numbers)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        self._thread.join()

    def _run(self):
        for number in self._numbers:
            if self._stop.is_set():
                return
            status, answer = self._scene.post(number)
            assert status == 200, answer  # nobody waits for the command for too long
            time.sleep(0.01)


def leads(scene):
    return {lead["phone"]: lead for lead in call(scene.fusion.port, "GET", "/sandbox/leads")["leads"]}


def asked_about_them(scene):
    """Requests that Fusion had and that may have carried them: all that aren't a look at the sandbox."""
    lead = leads(scene).get(PHONE)
    return None if lead is None else (lead["calls"], lead["name"], lead["updated_at"])


def test_a_person_disappears_while_others_go_on(tmp_path):
    with stage(tmp_path) as scene:
        scene.service.start()
        scene.accept(*range(10))
        for number, spelt in enumerate(SPELT):
            say(scene, phone=spelt, tags=[f"t{number}"])
        say(scene, contact_id="c-quentin-2", full_name=f"{NAME} II", phone=SPELT[1])
        until(lambda: PHONE in leads(scene), 20)
        say(scene, phone="12", note="a number that nobody could dial, of somebody known")
        note = {
            "contact_id": "c3",
            "full_name": "Person 3",
            "phone": phone(3),
            "note": f"spouse of {SPELT[3]}",
        }
        say(scene, **{**note, "email": ""})
        scene.fault(kind="status", status=400, phone=PHONE)
        say(scene, tags=["refused"])
        through_the_rules(scene)
        until(lambda: rows(scene, "SELECT 1 FROM events WHERE state = 'dead' AND phone = ?", PHONE), 20)
        connection = sqlite3.connect(scene.database, timeout=10)
        with connection:  # as a Fusion that names people would have said it
            words = f"{NAME} ({SPELT[2]}) has no consent"
            connection.execute("UPDATE attempts SET error = ? WHERE error <> ''", (words,))
            connection.execute("UPDATE events SET reason = ? WHERE state = 'dead'", (words,))
        connection.close()
        scene.fault(kind="down")
        say(scene, tags=["waits"])
        through_the_rules(scene)
        before = asked_about_them(scene)
        assert {name for name, _ in left_of_them(scene)} >= {"bridge.db-wal"}

        with Traffic(scene, range(10, 140)):
            done = forget(scene, SPELT[1], "--json")
        told = json.loads(done.stdout)

        assert told["clean"]
        assert (told["contacts"], told["withdrawn"] >= 1) == (2, True)
        assert [lead["lead_id"] for lead in told["leads_in_fusion"]] == [leads(scene)[PHONE]["id"]]
        assert left_of_them(scene) == []
        assert rows(scene, "SELECT COUNT(*) AS n FROM events WHERE payload LIKE '%spouse of%'") == [{"n": 0}]
        (other,) = rows(scene, "SELECT payload FROM events WHERE contact_id = 'c3' ORDER BY id DESC LIMIT 1")
        assert json.loads(other["payload"])["note"] == ""

        scene.fault()
        later = [say(scene, tags=["again"]), say(scene, contact_id="c-new", phone=SPELT[3])]
        later += [say(scene, contact_id="c-quentin-2", phone="+12025550667")]
        through_the_rules(scene)
        for event_id in later:
            (event,) = rows(scene, "SELECT * FROM events WHERE id = ?", event_id)
            assert (event["state"], event["reason"]) == ("skipped", "do not call")
            assert (event["payload"], event["phone"], event["contact_id"]) == (b"", "", "")
        until(lambda: left_of_them(scene) == [], 30)  # the log is emptied of these, too

        expected = {phone(number) for number in scene.accepted}
        until(lambda: leads(scene).keys() >= expected, 30)
        assert {lead["calls"] for lead in leads(scene).values()} == {1}
        assert leads(scene).keys() == expected | {PHONE}
        assert asked_about_them(scene) == before
        assert not rows(scene, "SELECT 1 FROM events WHERE state IN ('received', 'queued')")
        assert scene.service.terminate() == 0
        assert "Traceback" not in scene.service.log.read_text()
        assert left_of_them(scene) == []


def test_without_its_key_nobody_is_called_until_it_is_back(tmp_path):
    with stage(tmp_path) as scene:
        scene.service.start()
        scene.accept(1)
        until(lambda: phone(1) in leads(scene), 20)
        forget(scene, PHONE)
        key = scene.database.with_suffix(".key")
        assert key.stat().st_mode & 0o777 == 0o600
        scene.accept(2)
        until(lambda: phone(2) in leads(scene), 20)  # the service has read it
        scene.service.terminate()
        aside = shutil.move(key, tmp_path / "aside.key")
        scene.service.start()

        scene.accept(3)
        say(scene)
        until(lambda: scene.logged("resolver.waiting"), 10)
        time.sleep(2.5)  # it tries again and again, and says it once
        (line,) = scene.logged("resolver.waiting")
        assert "their key isn't in" in line["error"]
        assert "put bridge.key back" in line["fix"]
        assert phone(3) not in leads(scene)
        assert {row["state"] for row in rows(scene, "SELECT state FROM events WHERE id > 2")} == {"received"}
        status = [*_BRIDGE, "status", "-c", str(scene.setting.config)]
        said = subprocess.run(status, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        assert "no event goes on" in said

        shutil.move(aside, key)
        until(lambda: phone(3) in leads(scene), 10)
        through_the_rules(scene)
        assert PHONE not in leads(scene)
        assert scene.service.terminate() == 0


def test_a_lifted_mark_makes_leads_again(tmp_path):
    with stage(tmp_path) as scene:
        scene.service.start()
        forget(scene, PHONE)
        event_id = say(scene)
        through_the_rules(scene)
        assert rows(scene, "SELECT reason FROM events WHERE id = ?", event_id) == [{"reason": "do not call"}]
        forget(scene, PHONE, "--lift")
        say(scene)
        until(lambda: PHONE in leads(scene), 10)


def test_what_a_release_before_left_is_written_over_beside_the_service(tmp_path):
    with stage(tmp_path) as scene:
        scene.service.start()
        scene.accept(*range(5))
        connection = sqlite3.connect(scene.database, timeout=10, isolation_level=None)
        connection.execute("PRAGMA secure_delete = OFF")
        gone = [(f"gone {number}: {PHONE}, {EMAIL}", 0.0) for number in range(500)]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO lanes VALUES ('x', ?, '', '', ?, 0)", gone)
        connection.execute("COMMIT")
        connection.execute("DELETE FROM lanes WHERE lane = 'x'")
        connection.close()

        with Traffic(scene, range(10, 120)):
            told = json.loads(forget(scene, PHONE, "--json").stdout)

        assert (told["events"], told["file_written_anew"], told["clean"]) == (0, True, True)
        assert "2025550666" not in {trace for _, trace in left_of_them(scene)}
        scene.ends_well()


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A stopped bridge that knows them: everything that a run without a service meets."""
    folder = tmp_path_factory.mktemp("before")
    with stage(folder) as scene:
        scene.service.start()
        scene.accept(1, 2)
        say(scene, phone=SPELT[1])
        say(scene, contact_id="c-quentin-2")
        until(lambda: {PHONE, phone(1), phone(2)} <= leads(scene).keys(), 20)
        note = {"contact_id": "c1", "full_name": "Person 1", "email": "", "phone": phone(1)}
        say(scene, **note, note=f"spouse of {SPELT[2]}")
        scene.fault(kind="down")
        say(scene, tags=["waits"])
        through_the_rules(scene)
        scene.service.kill()
        yield scene


# A kill between two of these leaves what one at the second would.
LASTING = ("commit", "wal_checkpoint", "close")


def copied(scene, folder):
    """The database as it was killed, with a configuration of its own."""
    folder.mkdir()
    for name in ("bridge.db", "bridge.db-wal", "app.pem"):
        shutil.copyfile(scene.database.with_name(name), folder / name)
    text = scene.setting.config.read_text().replace(str(scene.database), "bridge.db")
    (folder / "config.yaml").write_text(text)
    return folder


def run(nursery, folder, death=None):
    """`bridge forget` to its end, or to its death. Returns the exit status and what it passed."""
    command = ("bridge", "forget", PHONE, "--yes", "-c", str(folder / "config.yaml"))
    death, journal = death or Death(), folder / f"journal-{bool(death)}"
    order = Order(command, str(folder / "log"), death=death, journal=str(journal), step="forget")
    return nursery.fork(order).wait(60), [line.split("\t")[-1] for line in journal.read_text().splitlines()]


def deaths_of(passed):
    """One at each boundary that leaves something else behind."""
    for at, label in enumerate(passed):
        if any(word in label for word in LASTING) and ", done" not in label:
            yield Death(label=label, nth=passed[: at + 1].count(label))


def test_killed_anywhere_it_is_finished_by_the_next_run(before, tmp_path):
    """Without a service."""
    with Nursery() as nursery:
        status, passed = run(nursery, copied(before, tmp_path / "whole"))
        assert status == 0
        deaths = list(deaths_of(passed))
        assert len(deaths) > 5
        for number, death in enumerate(deaths):
            folder = copied(before, tmp_path / str(number))
            assert run(nursery, folder, death)[0] == -9, death
            status, _ = run(nursery, folder)
            assert status == 0, (death, (folder / "log").read_text())
            raw = b"".join(file.read_bytes().lower() for file in folder.glob("bridge.db*"))
            assert [trace for trace in TRACES if trace.encode() in raw] == [], death
            with contextlib.closing(sqlite3.connect(folder / "bridge.db")) as connection:
                marks = connection.execute("SELECT COUNT(*), MIN(stage), MAX(stage) FROM forgotten")
                assert marks.fetchone() == (3, 2, 2), death
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
                others = connection.execute("SELECT phone FROM lead_map ORDER BY phone").fetchall()
                assert others == [(phone(1),), (phone(2),)], death
                kept = connection.execute("SELECT payload FROM events WHERE id = 1").fetchone()[0]
                assert json.loads(kept)["full_name"].startswith("Person ")
