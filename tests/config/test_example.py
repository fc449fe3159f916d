"""config.example.yaml is the manual: it loads, and it shows every key and no other."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from bridge.config import Retention, load
from bridge.config.placeholders import PLACEHOLDERS
from bridge.config.schema import SOURCE_TYPES, ContactKeys, FileKeys
from bridge.errors import ConfigError
from bridge.model import Contact

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"
ENVIRON = {
    "FUSION_API_KEY": "key",
    "WORKFLOW_TOKEN": "token-1-of-the-tests-only",
    "FORMS_TOKEN": "token-2-of-the-tests-only",
}
NAMED = {("fusion", "accounts"), ("campaigns",), ("locations",)}  # by names that the user chooses


def keys_of(model, path=()):
    """Every key of the models, with * for names the user chooses."""
    for name, field in model.model_fields.items():
        yield (*path, name)
        if (path, name) == ((), "sources"):
            for kind, keys in SOURCE_TYPES.items():
                yield from keys_of(keys, ("sources", kind))
            continue
        for inner, steps in models_in(field.annotation):
            yield from keys_of(inner, (*path, name, *steps))


def models_in(kind, steps=()):
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield kind, steps
    many = getattr(kind, "__origin__", None) in (dict, list)
    for part in getattr(kind, "__args__", ()):
        yield from models_in(part, (*steps, "*") if many else steps)


def keys_in(data, path=()):
    """Every key of the file, in the same form."""
    if isinstance(data, list):
        for item in data:
            yield from keys_in(item, (*path, "*"))
    if not isinstance(data, dict):
        return
    for name, value in data.items():
        if path == () and name.startswith("x-"):
            continue
        if path == ("sources",):
            yield from keys_in(value, ("sources", value["type"]))
            continue
        step = "*" if path in NAMED else name
        yield (*path, step)
        if name not in ("custom", "custom_fields"):
            yield from keys_in(value, (*path, step))


def test_it_loads():
    config = load(EXAMPLE, ENVIRON)

    assert config.secrets == set(ENVIRON.values())
    assert [route.name for route in config.rules.routes] == [
        "existing customers",
        "solar",
        "by the product",
        "everyone else",
    ]
    assert config.webhook_urls() == {
        "workflow": "https://bridge.example.com/webhooks/workflow/token-1-of-the-tests-only",
        "app": "https://bridge.example.com/webhooks/app",
        "forms": "https://bridge.example.com/webhooks/forms/token-2-of-the-tests-only",
    }


def test_it_shows_every_key_and_no_other():
    text = EXAMPLE.read_text()
    live = {*keys_in(yaml.safe_load(text))} - {(*path, "*") for path in NAMED}
    known = {*keys_of(FileKeys)}

    assert live - known == set()
    # Shown once for all sources; and the one that can't stand there live.
    missing = {path for path in known - live if path[-1] != "default_region"}
    missing -= {("routes", "*", *path) for path in live if path[0] == "lead"}  # the same rules
    assert missing == {("sources", "ghl_app", "public_keys")}
    assert "# public_keys: [" in text
    assert ("sources", "ghl_workflow", "default_region") in live


def test_whatever_it_makes_up_is_refused_in_a_copy(tmp_path):
    copy = tmp_path / "config.yaml"
    copy.write_text(EXAMPLE.read_text())

    with pytest.raises(ConfigError) as caught:
        load(copy, ENVIRON, strict=True)

    assert {problem.path for problem in caught.value.problems} == {
        "server.public_url",
        "sources.workflow.locations[0]",
        "sources.app.app_id",
        "sources.app.locations[0]",
        "campaigns.solar",
        "locations.ve9EPM428h8vShlRW1KT",
        "locations.Xk2JbMp9dQ7rTz4LcV0w",
        "locations.Xk2JbMp9dQ7rTz4LcV0w.campaign_id",
    }
    assert all(problem.line and problem.fix for problem in caught.value.problems)
    live = "".join(line.partition(" #")[0] for line in copy.read_text().splitlines() if line[:1] != "#")
    made_up = set(
        re.findall(r"\b[0-9a-f]{24}\b|\b[0-9A-Za-z]{20}\b|\b[0-9a-f-]{36}\b|[a-z.]+example\.com", live)
    )
    assert made_up == set(PLACEHOLDERS)


def test_it_shows_the_defaults(tmp_path):
    """Where a key has a default, the example has the same value: deleting a line changes nothing."""
    minimal = "fusion: {accounts: {main: {api_key: key}}}\nsources: {a: {type: ghl_app}}\n"
    path = tmp_path / "config.yaml"
    path.write_text(minimal)
    default, shown = load(path, {}), load(EXAMPLE, ENVIRON)

    assert (shown.server.host, shown.server.port) == (default.server.host, default.server.port)
    assert shown.database.relative_to(EXAMPLE.parent) == default.database.relative_to(tmp_path)
    assert shown.default_region == default.default_region
    assert shown.fusion.base_url == default.fusion.base_url
    assert shown.fusion.leads_limit == default.fusion.leads_limit
    assert shown.tags == default.tags
    assert shown.retry == default.retry
    assert shown.retention == default.retention == Retention()


def test_the_words_of_a_contact_are_the_models():
    assert set(ContactKeys.model_fields) == {word.name for word in fields(Contact)}


@pytest.mark.parametrize("name", ENVIRON)
def test_each_variable_is_needed_and_named(name):
    with pytest.raises(ConfigError) as caught:
        load(EXAMPLE, {key: value for key, value in ENVIRON.items() if key != name})

    assert [problem.message for problem in caught.value.problems] == [f"{name} is not set"]


def test_every_variable_in_it_is_one_of_those():
    assert set(re.findall(r'"\$\{(\w+)\}"', EXAMPLE.read_text())) == set(ENVIRON)
