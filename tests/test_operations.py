"""The pages for operators: what they name exists, and the samples are what they say."""

import re
import subprocess
from pathlib import Path

import yaml

from bridge.cli import COMMANDS
from bridge.store.secret_key import make_key, read_keys

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


def test_the_key_of_the_marks_is_changed_as_told(tmp_path):
    database = tmp_path / "bridge.db"
    database.touch()
    before = make_key(database)
    (block,) = [
        each for each in re.findall(r"```sh\n(.*?)```", PAGES["operations.md"], re.DOTALL) if ".new" in each
    ]
    lines = block.splitlines()
    assert lines[0] == "cd /var/lib/bridge"
    subprocess.run(["/bin/sh", "-ec", "\n".join(lines[1:])], cwd=tmp_path, check=True)
    after = read_keys(database)
    assert after.keys[1:] == before.keys
    assert len(after.keys) == 2
    assert not after.open_to_others
