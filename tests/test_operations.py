"""The pages for operators: what they name exists, and the samples are what they say."""

import re
from pathlib import Path

import yaml

from bridge.cli import COMMANDS

DEPLOY = Path(__file__).parents[1] / "deploy"
PAGES = {name: (DEPLOY / name).read_text() for name in ("README.md", "operations.md")}


def test_every_command_exists():
    for name, text in PAGES.items():
        named = set(re.findall(r"ghl-bridge ([a-z]\w*)", text))
        assert named <= {*COMMANDS}, name
        assert "backup" in named


def test_every_option_exists():
    for text in PAGES.values():
        for command, options in re.findall(r"ghl-bridge ([a-z]\w*)((?: --[a-z-]+)+)", text):
            source = (DEPLOY.parent / "bridge" / "cli" / f"{command}.py").read_text()
            for option in options.split():
                named = f'"{option}"' in source or option in {"--json", "--state", "--source"}
                assert named, (command, option)


def test_the_sample_for_litestream_is_one():
    (database,) = yaml.safe_load((DEPLOY / "litestream.yml").read_text())["dbs"]
    assert database["path"] in PAGES["operations.md"]
    assert database["replica"]["type"] == "s3"
    assert database["replica"]["bucket"] == "BUCKET"


def test_the_pages_lead_to_each_other():
    assert "operations.md#restore" in PAGES["README.md"]
    assert "\n## Restore\n" in PAGES["operations.md"]
    assert "(litestream.yml)" in PAGES["README.md"]
