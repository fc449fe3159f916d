"""What deploy/ promises about the walls around the service, read from the files that are used."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
import yaml

from bridge.rules.countries import LANGUAGES
from tests.crash import processes
from tests.crash.near import config_of

ROOT = Path(__file__).parents[1]
UNIT = (ROOT / "deploy" / "bridge.service").read_text()
SYSTEMD = shutil.which("systemd-analyze")


@pytest.mark.parametrize("name", ["bridge", "caddy"])
def test_containers_are_read_only_and_without_privileges(name):
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 128
    assert service["mem_limit"] == "256m"
    assert all("noexec" in mount for mount in service["tmpfs"])
    assert "privileged" not in service
    # No secret as environment, where `docker inspect` shows it; and the bridge's port only inside.
    assert not re.search("KEY|TOKEN|SECRET", str(service.get("environment", {})))
    assert ("ports" in service) == (name == "caddy")


def test_the_image_runs_as_nobody_special():
    last = (ROOT / "Dockerfile").read_text().rsplit("FROM ", 1)[1]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["10001:10001"]
    assert not re.search(r"^(ARG|ENV) .*(KEY|TOKEN|SECRET)", last, re.MULTILINE)


def test_the_image_keeps_the_languages_in_which_countries_are_read():
    kept = re.search(r"grep -vE '/\(root\|(.+?)\)", (ROOT / "Dockerfile").read_text())
    assert kept
    assert tuple(kept[1].split("|")) == LANGUAGES


@pytest.mark.parametrize(
    "line",
    [
        *("User=bridge", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "PrivateTmp=yes"),
        *(
            "CapabilityBoundingSet=",
            "UMask=0077",
            "MemoryMax=256M",
            "RestrictNamespaces=yes",
            "PrivateUsers=yes",
        ),
        *("MemoryDenyWriteExecute=yes", "SystemCallFilter=@system-service", "ProtectProc=invisible"),
    ],
)
def test_the_unit_is_walled_in(line):
    assert line in UNIT.splitlines()


@pytest.mark.skipif(SYSTEMD is None, reason="no systemd here")
def test_systemd_finds_nothing_wrong_with_the_unit(tmp_path):
    unit = tmp_path / "bridge.service"
    unit.write_text(UNIT.replace("/opt/bridge/bin/bridge", "/bin/true"))
    verified = subprocess.run([SYSTEMD, "verify", unit], capture_output=True, text=True, check=False)
    assert "bridge.service" not in verified.stderr
    judged = subprocess.run(
        [SYSTEMD, "security", "--offline=true", "--no-pager", "--threshold=20", unit],
        capture_output=True,
        text=True,
        check=False,
    )
    if "Overall exposure level" not in judged.stdout:
        pytest.skip("this systemd can't judge a file")
    assert float(re.search(r"Overall exposure level.*?: ([\d.]+)", judged.stdout)[1]) <= 1.5


def test_the_database_is_for_its_user_alone_wherever_the_service_is_started(tmp_path):
    path, port = config_of(tmp_path)
    with processes.bridge(path, port) as bridge:
        bridge.start()
        data = tmp_path / "data"
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in (data, *data.iterdir())}
        assert bridge.terminate() == 0
    assert {"data", "bridge.db", "bridge.db-wal"} <= set(modes)
    assert modes.pop("data") == 0o700
    assert set(modes.values()) == {0o600}
