"""`bridge init` writes what `bridge check` finds right, and never writes over anything."""

import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from bridge.cli import app

BRIDGE = Path(sys.executable).with_name("bridge")
URL = "https://leads.example.com"
KEY = "fc_test_0123456789abcdef"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("FUSION_API_KEY", "WORKFLOW_TOKEN", "FORMS_TOKEN", "BRIDGE_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def run(*args, key=None, **options):
    return CliRunner().invoke(app, list(args), env={"FUSION_API_KEY": key}, **options)


ALL = ("--source", "workflow", "--source", "app", "--source", "forms")


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("sources", [(), ("--source", "app"), ("--source", "forms"), ALL])
def test_what_it_writes_is_right(sources):
    result = run("init", "--yes", "--public-url", URL, *sources, key=KEY)

    assert result.exit_code == 0, result.output
    checked = run("check")
    assert checked.exit_code == 0, checked.output
    urls = re.findall(r"https://\S+/webhooks/\S+", result.stdout)
    assert urls == re.findall(r"https://\S+/webhooks/\S+", checked.stdout)
    assert len(urls) == max(1, len(sources) // 2)


def test_the_secrets_are_fresh_and_kept_apart(folder):
    run("init", "--yes", "-c", "a/config.yaml", key=KEY)
    run("init", "--yes", "-c", "b/config.yaml", key=KEY)

    first, second = (folder / name / ".env" for name in "ab")
    assert stat.S_IMODE(first.stat().st_mode) == 0o600
    tokens = [re.search("WORKFLOW_TOKEN=(.+)", file.read_text())[1] for file in (first, second)]
    assert len(set(tokens)) == 2
    assert min(map(len, tokens)) >= 43
    config = (folder / "a/config.yaml").read_text()
    assert KEY not in config
    assert tokens[0] not in config
    assert yaml.safe_load(config)["sources"]["workflow"]["token"] == "${WORKFLOW_TOKEN}"


@pytest.mark.parametrize("there", [["config.yaml"], [".env"], ["config.yaml", ".env"]])
def test_what_exists_is_left_alone(folder, there):
    for name in there:
        (folder / name).write_text("mine")

    result = run("init", "--yes")

    assert result.exit_code == 1
    assert f"{' and '.join(there)} exist" in result.stderr
    assert "fix: move" in result.stderr
    assert sorted(path.name for path in folder.iterdir()) == sorted(there)
    assert {(folder / name).read_text() for name in there} == {"mine"}


def test_without_a_key_check_says_what_is_missing(folder):
    result = run("init", "--yes")

    assert result.exit_code == 0
    assert "1. Put your Fusion API key into .env" in result.stdout
    checked = run("check")
    assert checked.exit_code == 2
    assert "FUSION_API_KEY is empty" in checked.stdout
    assert "1 problem in" in checked.stdout

    env = folder / ".env"
    env.write_text(env.read_text().replace("FUSION_API_KEY=", f"FUSION_API_KEY={KEY}"))
    assert run("check").exit_code == 0


@pytest.mark.parametrize(
    "key", ["plain-key", "with#hash", "quote'd", "both'\"kinds", "back\\slash'", "dollar${X}"]
)
def test_any_key_survives_the_env_file(folder, key):
    assert run("init", "--yes", key=key).exit_code == 0

    from bridge.config import load  # noqa: PLC0415

    assert load(folder / "config.yaml", {}).fusion.accounts["main"].api_key == key


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--public-url", "bridge.example.com/x y", "not an address"),
        ("--public-url", 'https://a"\n: b', "not an address"),
        ("--region", "UK", "did you mean `GB`?"),
        ("--api-key", KEY, "set FUSION_API_KEY"),
        ("--source", "fax", "not one of workflow, app, forms"),
    ],
)
def test_a_wrong_option_is_told_before_anything_is_written(folder, option, value, said):
    result = run("init", "--yes", option, value)

    assert result.exit_code == 2
    assert option in result.stderr
    assert said in " ".join(result.stderr.replace("│", "").split())
    assert KEY not in result.output
    assert list(folder.iterdir()) == []


def test_a_wrong_key_of_the_environment_is_told(folder):
    result = run("init", "--yes", key="two words")

    assert result.exit_code == 2
    assert "FUSION_API_KEY" in result.stderr
    assert "has a space" in result.stderr
    assert "two words" not in result.output
    assert list(folder.iterdir()) == []


def test_it_asks_until_the_answers_are_right(folder):
    answers = ["http://x/y", URL, "a key", KEY, "UK", "GB", "fax", "workflow, forms"]
    result = run("init", input="\n".join(answers) + "\n")

    assert result.exit_code == 0, result.output
    assert "did you mean `GB`?" in result.stdout
    assert KEY not in result.stdout
    written = yaml.safe_load((folder / "config.yaml").read_text())
    assert written["default_region"] == "GB"
    assert list(written["sources"]) == ["workflow", "forms"]
    assert run("check").exit_code == 0


def test_enter_takes_the_defaults(folder):
    result = run("init", input="\n\n\n\n")

    assert result.exit_code == 0, result.output
    assert "FUSION_API_KEY=\n" in (folder / ".env").read_text()


def test_a_folder_that_cannot_be_written(folder):
    (folder / "file").write_text("")
    result = run("init", "--yes", "-c", "file/config.yaml")

    assert result.exit_code == 1
    assert "error: can't write" in result.stderr
    assert "fix: " in result.stderr


@pytest.mark.usefixtures("folder")
def test_the_steps_name_the_file():
    result = run("init", "--yes", "-c", "my bridge/config.yaml")

    assert "bridge check -c 'my bridge/config.yaml'" in result.stdout


@pytest.mark.usefixtures("folder")
def test_as_a_process():
    command, env = [BRIDGE, "init", "--yes", "--public-url", URL], {**os.environ, "FUSION_API_KEY": KEY}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)

    assert f"{URL}/webhooks/workflow/" in done.stdout
    assert f"1. {BRIDGE} check" in done.stdout  # a bare `bridge` may be iproute2's
    assert f"2. {BRIDGE} serve" in done.stdout
    assert subprocess.run([BRIDGE, "check"], capture_output=True, check=False).returncode == 0
