"""`bridge preview` says of an event what the service writes on it, and reads bodies as the service does."""

import json

import yaml
from typer.testing import CliRunner

from bridge.cli import app
from tests.harness import BASE, running

PERSON = {"contact_id": "ann", "full_name": "Ann Lee", "phone": "+12025550101", "tags": "solar"}


async def history(folder, *payloads):
    """A bridge that has received these; its database stays."""
    async with running(folder) as bridge:
        for payload in payloads:
            assert (await bridge.post(payload)).status_code == 200
            await bridge.settled()


def preview(folder, *args, **changes):
    path = folder / "config.yaml"
    if changes:
        path.write_text(yaml.safe_dump({**BASE, **changes}, sort_keys=False))
    result = CliRunner().invoke(app, ["preview", *map(str, args), "-c", str(path), "--json"])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return json.loads(result.stdout) if result.stdout.startswith("{") else result.stderr


async def test_the_warnings_are_those_of_the_event(tmp_path):
    odd = {**PERSON, "email": "no address", "company_name": "x" * 150, "phone": "202-555-0101 / 202-555-0102"}
    async with running(tmp_path) as bridge:
        event_id = await bridge.accept(**odd)
        await bridge.settled()
        written = json.loads(bridge.event(event_id)["warnings"])
    assert len(written) >= 3
    assert preview(tmp_path, event_id)["warnings"] == written


async def test_a_file_that_is_called_like_a_number(tmp_path, monkeypatch):
    await history(tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "7").write_text(json.dumps(PERSON))
    assert preview(tmp_path, 7)["file"] == "7"


def test_a_form_as_it_was_sent(tmp_path):
    (tmp_path / "config.yaml").write_text(yaml.safe_dump(BASE))
    (tmp_path / "body").write_text("contact_id=ann&full_name=Ann+Lee&phone=%2B12025550101")
    assert preview(tmp_path, tmp_path / "body")["state"] == "queued"
