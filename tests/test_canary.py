"""Secrets that sing: the whole product is run, made to fail in every way, and everything it said is searched.

Logs, answers, metrics, the screens of every command, the database with its WAL, the process list. The only
places where a token may stand are the URLs that `init` and `check` print for pasting.
"""

import http.server
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import COMMANDS as COMMANDS_OF_BRIDGE
from bridge.cli import app
from bridge.config import load
from bridge.config.environment import expand
from bridge.config.schema import FileKeys
from bridge.config.yaml_text import parse
from tests.crash.processes import Process, free_port

KEY = "fc_canary_key_5ee13a0b9c"
SECOND_KEY = "fc_canary_key_of_birch_77"
WORKFLOW = "canary+workflow~token!0123456789"  # in a URL some of its letters are written otherwise
FORMS = "canary-forms-token-0123456789abc"
LITERAL = "canary-literal-token-0123456789a"
SECRETS = (KEY, SECOND_KEY, WORKFLOW, "canary%2Bworkflow~token%210123456789", FORMS, LITERAL)
PEOPLE = ("2025550142", "canary.person@example.com")  # masked in logs; the commands may show them

PERSON = {
    "contact_id": "c1",
    "first_name": "Ann",
    "last_name": "Lee",
    "phone": "+12025550142",
    "email": PEOPLE[1],
}

# The service with a bug that puts what it knows into an exception.
BUGGY = """
import sys
from bridge.store import events
from bridge.metrics import Metrics
kept = events.accept
def accept(connection, source, incoming, **more):
    if incoming.type == "contact.deleted":
        raise RuntimeError("a bug that quotes {secrets} and {person}")
    return kept(connection, source, incoming, **more)
events.accept = accept
from bridge.cli import main
main()
"""


class _Fusion(http.server.BaseHTTPRequestHandler):
    """Refuses, fails and stumbles in turn, and quotes the key it was sent every time."""

    def _answer(self):
        length = int(self.headers.get("Content-Length", 0))
        self.rfile.read(length)
        self.server.came += 1
        key = self.headers.get("Authorization", "")
        status = (401, 500, 400, 502, 307, 200)[self.server.came % 6]
        body = json.dumps({"error": f"no such key: {key}", "message": key}).encode()
        if status == 200:
            body = f"<html>{key}</html>".encode()
        self.send_response(status)
        self.send_header("Location", f"http://127.0.0.1:9/{key.split()[-1]}")
        self.send_header("X-Key", key)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the library's names

    def log_message(self, *_):
        pass


@pytest.fixture
def fusion():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Fusion)
    server.came = 0
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def config(tmp_path, fusion):
    path = tmp_path / "config.yaml"
    path.write_text(
        f"""\
server: {{host: 127.0.0.1, port: {free_port()}}}
fusion:
  base_url: http://127.0.0.1:{fusion.server_port}
  accounts:
    main: {{api_key: "${{FUSION_API_KEY}}"}}
    birch: {{api_key: "${{file:birch.key}}"}}
sources:
  workflow: {{type: ghl_workflow, token: "${{WORKFLOW_TOKEN}}"}}
  forms: {{type: json, token: "${{FORMS_TOKEN}}", contact: {{phone: "{{{{ payload.phone }}}}"}}}}
  literal: {{type: ghl_workflow, token: {LITERAL}}}
retry: {{max_attempts: 3, first_delay: 50ms, max_delay: 100ms, give_up_after: 1h}}
"""
    )
    (tmp_path / "birch.key").write_text(f"{SECOND_KEY}\n")
    (tmp_path / ".env").write_text(f"FUSION_API_KEY={KEY}\nWORKFLOW_TOKEN={WORKFLOW}\nFORMS_TOKEN={FORMS}\n")
    return path


def sings(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    return [secret for secret in SECRETS if secret.encode() in raw]


def ask(port: int, path: str, body: bytes | None = None, **headers: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return f"{answer.headers}{answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.headers}{error.read().decode()}"
    except urllib.error.URLError:  # a body that nobody wanted, and the connection was to be closed
        return ""


def provoke(port: int) -> str:
    """Every answer to requests good and bad."""
    body, url = json.dumps(PERSON).encode(), "/webhooks/workflow/"
    said = [
        ask(port, url + "canary%2Bworkflow~token%210123456789", body),
        ask(port, url + WORKFLOW, body),
        ask(port, url + WORKFLOW, json.dumps({**PERSON, "event": "contact.deleted"}).encode()),
        ask(port, url + WORKFLOW[:-1], body),
        ask(port, url + WORKFLOW + "/more", body),
        ask(port, url + WORKFLOW, b"not JSON"),
        ask(port, url + WORKFLOW, b"x" * 2_000_000),
        ask(port, f"/webhooks/forms/{WORKFLOW}", body),
        ask(port, f"/webhooks/{FORMS}", body),
        ask(port, f"/{FORMS}"),
        ask(port, url + WORKFLOW),
        ask(port, "/webhooks/forms", json.dumps({"phone": "12"}).encode(), **{"X-Bridge-Token": FORMS}),
        ask(port, "/webhooks/literal", body, **{"X-Bridge-Token": LITERAL}),
    ]
    return "".join(said) + ask(port, "/metrics") + ask(port, "/readyz")


COMMANDS = {
    "check": 2,
    "serve": 2,
    "status": 0,
    "status --json": 0,
    "events": 0,
    "events --json": 0,
    "show 1": 0,
    "show 1 --json": 0,
    "leads": 0,
    "replay 1 --dry-run": 0,
    "preview payload.json --source workflow": 2,
    "adopt": 2,
}


def test_no_secret_is_said_anywhere(config, fusion):
    port = load(config, {}).server.port
    bug = BUGGY.format(secrets=" ".join(SECRETS), person=PEOPLE[1])
    script = config.with_name("buggy.py")
    script.write_text(bug)
    command = [sys.executable, str(script), "serve", "-c", str(config)]
    with Process(command, port=port, log=config.with_name("log"), probe="/readyz") as bridge:
        bridge.start()
        said = provoke(port)
        deadline = time.monotonic() + 10
        while fusion.came < 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert fusion.came >= 2

        # A file with mistakes beside its secrets: the log says what is wrong, and the old one stays.
        good = config.read_text()
        (config.parent / "payload.json").write_text(json.dumps(PERSON))
        previewed = run(config, "preview payload.json --source workflow", expect=0)
        config.write_text(
            good.replace('token: "${FORMS_TOKEN}"', f"token: '{LITERAL}', tokn: '{FORMS}'")
            .replace('api_key: "${FUSION_API_KEY}"', f'api_key: "{KEY} x"')
            .replace("max_attempts: 3", f"max_attempts: '{SECOND_KEY}'")
        )
        os.kill(bridge.pid, signal.SIGHUP)
        bridge_log = config.with_name("log")
        while "config.refused" not in bridge_log.read_text() and time.monotonic() < deadline:
            time.sleep(0.05)

        listed = "".join(run(config, command, expect=status) for command, status in COMMANDS.items())
        process = Path(f"/proc/{bridge.pid}")
        shown = process.joinpath("cmdline").read_bytes() + process.joinpath("environ").read_bytes()
        stored = b"".join(path.read_bytes() for path in config.parent.glob("data/*"))
        config.write_text(good)
        assert bridge.terminate() == 0
    log = bridge_log.read_text()

    assert sings(said) == []
    assert sings(previewed) == []
    assert sings(listed) == []
    assert sings(shown) == []
    assert sings(stored) == []
    assert sings(log) == []
    for happened in ("event.accepted", "event.refused", "event.malformed", "event.stumbled", "Traceback"):
        assert happened in log, happened
    for happened in ("attempt.finished", "config.refused", "a bug that quotes"):
        assert happened in log, happened
    assert not [person for person in PEOPLE if person in log]


def run(config: Path, command: str, *, expect: int) -> str:
    words = [sys.executable, "-c", "from bridge.cli import main; main()", *command.split(), "-c", str(config)]
    done = subprocess.run(words, capture_output=True, text=True, cwd=config.parent, check=False, timeout=30)
    assert done.returncode == expect, (command, done.stdout, done.stderr)
    return done.stdout + done.stderr


def test_no_value_of_the_configuration_shows_one(config):
    loaded = load(config, {})
    for shown in (repr(loaded), str(loaded), repr(loaded.fusion), repr(loaded.sources), f"{loaded.server}"):
        assert sings(shown) == []
    assert loaded.secrets == {KEY, SECOND_KEY, WORKFLOW, FORMS, LITERAL}
    variables = {"FUSION_API_KEY": KEY, "WORKFLOW_TOKEN": WORKFLOW, "FORMS_TOKEN": FORMS}
    document = parse(config.read_text(), variables, folder=config.parent)
    assert sings(repr(document)) == []
    assert sings(repr(FileKeys.model_validate(document.data))) == []
    assert sings(repr(expand("${FUSION_API_KEY}", variables, folder=config.parent))) == []


@pytest.mark.parametrize("command", sorted(set(COMMANDS_OF_BRIDGE) - {"sandbox"}))  # whose keys are made up
def test_no_command_asks_for_a_secret_as_an_argument(command):
    """What is typed as an option is in the process list and in the shell's history."""
    told = CliRunner().invoke(app, [command, "--help"])
    assert told.exit_code == 0
    assert not re.search(r"--[a-z-]*(key|token|secret|password)\b", told.stdout)
