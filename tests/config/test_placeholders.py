"""What config.example.yaml made up is refused in a configuration that is checked strictly, wherever it is."""

import pytest

from bridge.config import load
from bridge.errors import ConfigError

HEAD = "fusion: {accounts: {main: {api_key: k}}}\n"
SOURCE = "sources: {workflow: {type: ghl_workflow, token: token-1-of-the-tests-only}}\n"
APP = "sources: {app: {type: ghl_app"
LOCATION, UUID = "ve9EPM428h8vShlRW1KT", "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"

# What stands in the file → where it is refused.
COPIED = {
    f"{APP}, app_id: 0123456789abcdef01234567}}}}": ["sources.app.app_id"],
    f"{APP}, app_id: 0123456789abcdef01234567-k3x9}}}}": ["sources.app.app_id"],
    f"{APP}, app_id: 0123456789ABCDEF01234567}}}}": ["sources.app.app_id"],
    f"{APP}, locations: [LocOakFitness00000001, {LOCATION}]}}}}": ["sources.app.locations[1]"],
    f"{SOURCE}locations: {{{LOCATION}: {{name: Ours}}}}": [f"locations.{LOCATION}"],
    f"{SOURCE}locations: {{Xk2JbMp9dQ7rTz4LcV0w: {{}}}}": ["locations.Xk2JbMp9dQ7rTz4LcV0w"],
    f"{SOURCE}campaigns: {{ours: {UUID}}}": ["campaigns.ours"],
    f"{SOURCE}routes: [{{campaign_id: {UUID.upper()}}}]": ["routes[0].campaign_id"],
    f"{SOURCE}routes: [{{campaign: {UUID}}}]": ["routes[0].campaign"],
    f"{SOURCE}routes: [{{when: \"location.id == '{LOCATION}'\"}}, {{}}]": ["routes[0].when"],
    f"{SOURCE}server: {{public_url: https://bridge.example.com}}": ["server.public_url"],
    f"{SOURCE}server: {{public_url: https://BRIDGE.example.com:8443/}}": ["server.public_url"],
    f"{SOURCE}x-a: &a {UUID}\nroutes: [{{campaign_id: *a}}]": ["routes[0].campaign_id"],
    f"{SOURCE}x-a: {UUID}": [],
    f"{SOURCE}server: {{public_url: https://leads.example.com}}": [],
    f"{APP}, app_id: 65a1b2c3d4e5f60718293a4b}}}}": [],
}


@pytest.mark.parametrize("text", COPIED)
def test_a_copy_is_refused(tmp_path, text):
    path = tmp_path / "config.yaml"
    path.write_text(f"{HEAD}{text}\n")
    load(path, {})  # right by its shape

    if not COPIED[text]:
        load(path, {}, strict=True)
        return
    with pytest.raises(ConfigError) as caught:
        load(path, {}, strict=True)
    assert [problem.path for problem in caught.value.problems] == COPIED[text]
    assert all(problem.fix.startswith("write ") and problem.line for problem in caught.value.problems)


def test_beside_other_problems(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(f"{HEAD}{SOURCE}routes: [{{campaign_id: {UUID}, kind: fax}}]\n")

    with pytest.raises(ConfigError) as caught:
        load(path, {}, strict=True)
    assert [problem.path for problem in caught.value.problems] == ["routes[0].campaign_id", "routes[0].kind"]


def test_from_the_environment(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(f'{HEAD}{SOURCE}campaigns: {{ours: "${{ID}}"}}\n')

    with pytest.raises(ConfigError) as caught:
        load(path, {"ID": UUID}, strict=True)
    assert caught.value.problems[0].path == "campaigns.ours"
