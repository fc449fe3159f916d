"""Documentation is tested: what the README names exists, and what exists is named there."""

import re
from pathlib import Path

import pytest
import yaml

from bridge.app import create_app
from bridge.cli import COMMANDS
from bridge.config import load
from bridge.metrics import Gauges, Metrics
from bridge.rules.filters import FILTERS
from bridge.store.database import open_writer
from bridge.store.schema import FIRST

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
EXAMPLE = (ROOT / "config.example.yaml").read_text()
ENVIRON = {
    "FUSION_API_KEY": "key-of-the-example-account",
    "ACME_KEY": "key-of-the-acme-account",
    "BIRCH_KEY": "key-of-the-birch-account",
    "WORKFLOW_TOKEN": "token-of-the-example-workflow",
    "FORMS_TOKEN": "token-of-the-example-forms",
}
EXAMPLES = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
MINIMAL = {
    "fusion": {"accounts": {"main": {"api_key": "${FUSION_API_KEY}"}}},
    "sources": {"workflow": {"type": "ghl_workflow", "token": "${WORKFLOW_TOKEN}"}},
}


def test_there_are_five_examples():
    assert len(EXAMPLES) == 5


@pytest.mark.parametrize("text", EXAMPLES)
def test_each_example_of_the_mapping_is_a_configuration(text, tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump({**MINIMAL, **yaml.safe_load(text)}, sort_keys=False))
    assert load(path, ENVIRON).sources


def test_the_example_file_is_a_configuration(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE)
    assert set(load(path, ENVIRON).sources) == {"workflow", "app", "forms"}


def test_every_command_is_documented_and_every_documented_command_exists():
    documented = set(re.findall(r"\| `bridge (\w+)", README))
    assert documented == set(COMMANDS)
    assert set(re.findall(r"(?:`|bin/)bridge (\w+)", README)) <= set(COMMANDS)


def test_every_filter_is_documented():
    row = next(line for line in README.splitlines() if line.startswith("| filters |"))
    assert set(FILTERS) <= set(re.findall(r"`(\w+)`", row))


def test_every_state_is_documented():
    states = set(re.findall(r"'(\w+)'", re.search(r"CHECK \(state IN \((.*?)\)\)", FIRST, re.DOTALL)[1]))
    drawing = README.split("## States")[1].split("```")[1]
    assert states == set(re.findall(r"received|queued|delivered|skipped|superseded|dead", drawing))


def test_every_route_is_documented(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    for route in create_app(load(path, ENVIRON)).routes:
        assert f"{route.path}`" in README, route.path


def test_every_metric_is_documented_and_every_documented_metric_exists(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(MINIMAL))
    config = load(path, ENVIRON)
    open_writer(config.database).close()
    families = Metrics(Gauges(lambda: config, lambda: 0.0)).families()
    suffixes = {"counter": "_total"}

    names = {family.name + suffixes.get(family.type, "") for family in families}

    assert names == set(re.findall(r"`(bridge_\w+)", README))


def test_every_dependency_has_a_reason():
    project = (ROOT / "pyproject.toml").read_text()
    section = project.split("dependencies = [")[1].split("[project.scripts]")[0]
    reasons = README.split("## Dependencies")[1]
    for name in re.findall(r'"([A-Za-z0-9-]+)[><=]', section):
        assert name.lower() in reasons.lower(), name


def test_every_promise_names_tests_that_exist():
    promises = re.search(r"## Promises\n(.*?)\n## ", README, re.DOTALL)[1]
    rows = [line for line in promises.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 9
    for row in rows:
        named = re.findall(r"`([a-z_/]+\.py)`", row)
        assert named, row
        assert all((ROOT / "tests" / name).is_file() for name in named), row
