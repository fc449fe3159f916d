"""deploy/firewall never shuts SSH out: its ports are opened before the rest is shut, or nothing is done.

The commands it asks (sshd, ss, systemctl, ufw) are stand-ins that say what real ones print.
"""

import os
import subprocess
from pathlib import Path

import pytest

FIREWALL = Path(__file__).parents[1] / "deploy" / "firewall"
LISTENS = 'LISTEN 0 128 {} 0.0.0.0:* users:(("{}",pid=7,fd=3))'
MEETS = '0 0 {} 198.51.100.7:51000 users:(("{}",pid=8,fd=4),("sshd-session",pid=9,fd=4))'

# What the machine says → the ports of SSH that stay open.
MACHINES = {
    "the usual": ({"listen": LISTENS.format("0.0.0.0:22", "sshd")}, ["22"]),
    "another port": ({"listen": LISTENS.format("0.0.0.0:2222", "sshd")}, ["2222"]),
    "IPv6": ({"listen": LISTENS.format("[::]:2200", "sshd")}, ["2200"]),
    "one address": ({"listen": LISTENS.format("198.51.100.1%eth0:22", "sshd")}, ["22"]),
    "two ports": (
        {"listen": LISTENS.format("*:22", "sshd") + "\n" + LISTENS.format("*:2222", "sshd")},
        ["22", "2222"],
    ),
    "connected by an old port": (
        {
            "listen": LISTENS.format("*:22", "sshd"),
            "established": MEETS.format("198.51.100.1:2022", "sshd-session"),
        },
        ["22", "2022"],
    ),
    "connected over IPv6": ({"established": MEETS.format("[2001:db8::1]:22022", "sshd")}, ["22022"]),
    "configured, not started": ({"sshd": "port 2222\npermitrootlogin no\nport 22"}, ["22", "2222"]),
    "systemd listens": ({"socket": "Listen=0.0.0.0:2244 (Stream)\nListen=[::]:2244 (Stream)"}, ["2244"]),
    "dropbear": ({"listen": LISTENS.format("*:22", "dropbear")}, ["22"]),
    "told by the session": ({"SSH_CONNECTION": "198.51.100.7 51000 198.51.100.1 2345"}, ["2345"]),
    "others listen, too": (
        {"listen": LISTENS.format("*:22", "sshd") + "\n" + LISTENS.format("*:5432", "postgres")},
        ["22"],
    ),
    "named beside what was found": (
        {"listen": LISTENS.format("*:22", "sshd"), "args": ["--ssh", "2222"]},
        ["22", "2222"],
    ),
    "named alone": ({"args": ["--ssh", "443"]}, ["443"]),
    "none, said so": ({"args": ["--ssh", "none"]}, []),
    "none, said so, with a server": (
        {"listen": LISTENS.format("*:22", "sshd"), "args": ["--ssh", "none"]},
        [],
    ),
}


def _say(what):
    return f"echo '{{{what}}}'"


def _case(of, arms, machine):
    """A `case` of the shell, with what the machine says in its arms."""
    said = {key: machine.get(key, "") for key in ("established", "listen", "socket")}
    lines = "".join(f"{pattern}) {arm.format(**said)} ;; " for pattern, arm in arms.items())
    return f"case {of} in {lines} esac"


def run(folder, machine, *args):
    """The script on a machine like that, without a terminal; with what ufw was told."""
    done = folder / "ufw.log"
    stubs = {
        "sshd": f"echo '{machine.get('sshd', '')}'",
        "ss": _case("$*", {"*established*": _say("established"), "*": _say("listen")}, machine),
        "systemctl": _case(
            "$*",
            {"*sshd.socket*": "exit 3", "*is-active*": "[ -n '{socket}' ]", "*": _say("socket")},
            machine,
        ),
        "ufw": f'echo "$*" >> {done}',
        "id": "echo 0",
    }
    for name, text in stubs.items():
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    environ = {"PATH": f"{folder}:{os.environ['PATH']}"}
    if "SSH_CONNECTION" in machine:
        environ["SSH_CONNECTION"] = machine["SSH_CONNECTION"]
    result = subprocess.run(
        [FIREWALL, *machine.get("args", ()), *args],
        env=environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return result, done.read_text().splitlines() if done.exists() else []


@pytest.mark.parametrize("case", MACHINES)
def test_the_ports_of_ssh_are_opened_before_the_rest_is_shut(tmp_path, case):
    machine, ports = MACHINES[case]
    result, told = run(tmp_path, machine, "--yes")

    assert result.returncode == 0, result.stderr
    web = ["allow 80/tcp", "allow 443"]
    assert told == [*(f"allow {port}/tcp" for port in ports), *web, "--force enable"]
    assert all(port in result.stdout for port in ports)


@pytest.mark.parametrize("case", MACHINES)
def test_without_a_terminal_and_without_yes_nothing_is_done(tmp_path, case):
    result, told = run(tmp_path, MACHINES[case][0])

    assert (result.returncode, told) == (1, [])
    assert "fix: look at the ports above, then add --yes" in result.stderr


@pytest.mark.parametrize("args", [(), ("--yes",)])
def test_where_no_ssh_is_found_nothing_is_done(tmp_path, args):
    result, told = run(tmp_path, {"listen": LISTENS.format("*:5432", "postgres")}, *args)

    assert (result.returncode, told) == (1, [])
    assert "--ssh 22" in result.stderr


@pytest.mark.parametrize(
    "args", [("--ssh",), ("--ssh", "ssh"), ("--ssh", "-1"), ("--yess",), ("--ssh", "22/tcp")]
)
def test_wrong_usage(tmp_path, args):
    result, told = run(tmp_path, {}, *args)

    assert (result.returncode, told) == (2, [])
