"""The operator's pages say what is so: commands, options, log lines, metrics, links and tests that exist."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import COMMANDS, app

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
PAGES = [DEPLOY / name for name in ("README.md", "operations.md", "runbook.md", "threat-model.md")]
CODE = "".join(path.read_text() for path in (ROOT / "bridge").rglob("*.py"))


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)]+)\)", page.read_text()):
        if "://" in target:
            continue
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.is_file(), target
        assert not anchor or anchor in anchors(linked), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page):
    for command, rest in re.findall(r"ghl-bridge ([a-z]+)([^`|#&\n]*)", page.read_text()):
        assert command in COMMANDS, command
        told = CliRunner().invoke(app, [command, "--help"]).stdout
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in told, (command, option)


def test_log_lines_and_metrics_of_the_runbook_exist():
    text = (DEPLOY / "runbook.md").read_text()
    lines = re.findall(r"`([a-z]+\.[a-z_]+)`", text)
    lines = [line for line in lines if not line.startswith(("config.", "retry.", "retention.", "fusion."))]
    assert len(lines) > 5
    for line in lines:
        assert f'"{line}"' in CODE, line
    for metric in re.findall(r"bridge_[a-z_]+", text):
        assert metric in (ROOT / "README.md").read_text(), metric


def test_the_tests_that_the_threat_model_names_exist():
    named = set(re.findall(r"`(test_\w+)`", (DEPLOY / "threat-model.md").read_text()))
    there = {path.stem for path in (ROOT / "tests").rglob("test_*.py")}
    assert named
    assert named <= there


@pytest.mark.parametrize(
    "case",
    ["disk", "busy", "Fusion", "key", "rules", "409", "VPS", "token", "erasure", "put aside"],
)
def test_each_emergency_says_how_it_is_noticed_and_when_it_is_over(case):
    parts = (DEPLOY / "runbook.md").read_text().split("\n## ")[1:]
    (part,) = [each for each in parts if case in each.splitlines()[0]]
    assert "You notice" in part or case == "busy"
    assert "It is over" in part
