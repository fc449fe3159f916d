"""`bridge check` tells every problem at once, each with its place and its fix; or what was understood."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import app

BRIDGE = Path(sys.executable).with_name("bridge")
EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
OWN = {
    "0123456789abcdef01234567": "65a1b2c3d4e5f60718293a4b",
    "ve9EPM428h8vShlRW1KT": "LocOakFitness00000001",
    "Xk2JbMp9dQ7rTz4LcV0w": "LocElmDental000000002",
    "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55": "0b8a4c1e-1111-4222-8333-94f5a6b7c8d9",
}
SECRETS = {
    "FUSION_API_KEY": "fc_test_0123456789abcdef",
    "WORKFLOW_TOKEN": "workflow-token-1-of-the-tests-only",
    "FORMS_TOKEN": "forms-token-2-of-the-tests-only",
}
WRONG = """\
server: {port: 99999, hots: 127.0.0.1}
default_region: UK
fusion:
  accounts:
    main: {api_key: "${NOT_SET_ANYWHERE}"}
sources:
  workflow: {type: ghl_workflow}
routes:
  - when: contact.tag == 'x'
    account: nobody
"""


@pytest.fixture
def example(tmp_path):
    text = EXAMPLE.read_text().replace("bridge.example.com", "leads.example.com")
    for made_up, own in OWN.items():
        text = text.replace(made_up, own)
    (tmp_path / "config.yaml").write_text(text)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    return tmp_path / "config.yaml"


@pytest.fixture
def wrong(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(WRONG)
    return path


def run(path, *more):
    return CliRunner().invoke(app, ["check", "-c", str(path), *more])


def test_every_problem_at_once(wrong):
    result = run(wrong)

    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    found = [line for line in lines if line.startswith(str(wrong))]
    assert [line.removeprefix(f"{wrong}:").split("  ")[:2] for line in found] == [
        ["1", "server.port"],
        ["1", "server.hots"],
        ["2", "default_region"],
        ["5", "fusion.accounts.main.api_key"],
        ["7", "sources.workflow.token"],
        ["9", "routes[0].when"],
        ["10", "routes[0].account"],
    ]
    assert sum(line.startswith("    fix: ") for line in lines) == len(found)
    assert "NOT_SET_ANYWHERE is not set" in result.stdout
    assert "did you mean `host`?" in result.stdout
    assert lines[-1] == f"7 problems in {wrong}"


def test_every_problem_as_json(wrong):
    result = run(wrong, "--json")

    assert result.exit_code == 2
    said = json.loads(result.stdout)
    assert said["webhooks"] == {}
    assert len(said["problems"]) == 7
    assert said["problems"][2] == {
        "line": 2,
        "path": "default_region",
        "message": "'UK' is not a region",
        "fix": "did you mean `GB`?",
    }


def test_other_commands_tell_them_too_each_on_a_line(wrong):
    result = CliRunner().invoke(app, ["serve", "-c", str(wrong)])

    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert len(lines) == 7
    assert lines[2] == f"{wrong}:2  default_region  'UK' is not a region; did you mean `GB`?"


def test_a_line_of_the_env_file_is_to_blame(example):
    env = example.with_name(".env")
    env.write_text(env.read_text() + "secret without a name\n")
    result = run(example)

    assert result.exit_code == 2
    assert f"{env}  line 4 is not KEY=VALUE" in result.stdout
    assert "secret without" not in result.output


def test_what_was_understood(example):
    result = run(example)

    assert result.exit_code == 0
    said = result.stdout
    assert "is fine" in said
    assert "https://leads.example.com/webhooks/workflow/workflow-token-1-of-the-tests-only" in said
    assert "https://leads.example.com/webhooks/app\n" in said
    assert "https://leads.example.com/webhooks/forms/forms-token-2-of-the-tests-only" in said
    assert SECRETS["FUSION_API_KEY"] not in said
    assert "main: key fc_t•••ef, the default" in said
    assert "100 requests in 60s" in said
    routes = [line.split("  ")[-1] for line in said.splitlines() if re.search(r"  [1-4]\. ", line)]
    assert routes == [
        "1. existing customers: skipped, already a customer",
        "2. solar: to main, campaign solar, call",
        "3. by the product: to main, campaign {{ data.campaign or 'solar' }}",
        "4. everyone else: to main, the location's campaign, else Default Feed",
    ]
    assert "  Campaigns   solar: 0b8a4c1e-1111-4222-8333-94f5a6b7c8d9\n" in said
    assert (
        "  Locations   LocOakFitness00000001: Acme Solar, to main, campaign solar, phones from US\n" in said
    )
    assert "workflow: ghl_workflow, 1 location listed, phones from US" in said


def test_what_the_example_made_up_is_refused(tmp_path):
    (tmp_path / "config.yaml").write_text(EXAMPLE.read_text())
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in SECRETS.items()))
    result = run(tmp_path / "config.yaml")

    assert result.exit_code == 2
    assert "sources.app.app_id  is the app id of config.example.yaml" in result.stdout
    assert result.stdout.count("    fix: write ") == 8


def test_what_was_understood_as_json(example):
    said = json.loads(run(example, "--json").stdout)

    assert said["problems"] == []
    assert said["webhooks"] == {
        "workflow": "https://leads.example.com/webhooks/workflow/workflow-token-1-of-the-tests-only",
        "app": "https://leads.example.com/webhooks/app",
        "forms": "https://leads.example.com/webhooks/forms/forms-token-2-of-the-tests-only",
    }


def test_without_a_public_url_it_says_how_to_get_one(tmp_path):
    path = tmp_path / "config.yaml"
    sources = "{w: {type: ghl_workflow, token: token-t-of-the-tests-only}}"
    path.write_text(f"fusion: {{accounts: {{a: {{api_key: k}}}}}}\nsources: {sources}\n")
    result = run(path)

    assert result.exit_code == 0
    assert "http://0.0.0.0:8080/webhooks/w/token-t-of-the-tests-only" in result.stdout
    assert "server.public_url" in result.stdout
    assert "key •••" in result.stdout


def test_text_of_the_file_cannot_move_the_cursor(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text('"\\e[2Jkey": 1\n')
    result = run(path)

    assert result.exit_code == 2
    assert "\x1b" not in result.output


def test_as_a_process(wrong):
    done = subprocess.run([BRIDGE, "check", "-c", wrong], capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert done.stderr == ""
    assert "7 problems" in done.stdout
