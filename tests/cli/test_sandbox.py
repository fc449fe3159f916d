"""`bridge sandbox` on a real port answers as Fusion, says how to use it, and stops when told."""

import json
import re
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import pytest
from typer.testing import CliRunner

from bridge.cli import app

BRIDGE = Path(sys.executable).with_name("bridge")
LEADS = "/api/leads/external/v1/leads"
LEAD = {"name": "Ann Lee", "phone": "+14155550101"}


@contextmanager
def sandbox(*args):
    command = [BRIDGE, "sandbox", "--port", "0", *args]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        first = process.stdout.readline()
        yield re.search(r"http://\S+?(?=;)", first)[0], process
    finally:
        process.terminate()
        process.communicate(timeout=10)


def call(url, body=None, *, key="any"):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {key}"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_it_takes_leads_and_tells_what_it_has():
    with sandbox() as (url, process):
        assert call(url + LEADS, LEAD)[0] == 201
        assert call(url + LEADS, LEAD)[0] == 409
        assert call(f"{url}/sandbox/leads")[1]["total"] == 1
        process.send_signal(signal.SIGTERM)
        said = process.stdout.read()
        _, complaints = process.communicate(timeout=10)

    assert process.returncode == 0
    assert complaints == ""
    assert f"base_url: {url}" in said
    for route in ("leads", "requests", "stats", "faults", "reset"):
        assert f"{url}/sandbox/{route}" in said


def test_ctrl_c_is_no_accident():
    with sandbox() as (url, process):
        call(f"{url}/sandbox/stats")
        process.send_signal(signal.SIGINT)
        _, complaints = process.communicate(timeout=10)

    assert (process.returncode, complaints) == (0, "")


def test_keys_limit_and_faults():
    with sandbox(
        "--key", "one", "--key", "two", "--requests", "2", "--per", "1h", "--fault", "status=503,times=1"
    ) as (
        url,
        _,
    ):
        assert call(url + LEADS, LEAD, key="three")[0] == 401
        assert [call(url + LEADS, LEAD, key="two")[0] for _ in range(3)] == [503, 201, 429]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("status=500,rate=0.1", "status"),
        ("delay=2s,method=post", "delay"),
        ("reset_after,times=1", "reset_after"),
        ("reset_late,delay=2s", "reset_late"),
        ("status=500,phone=+1 (202) 555-0101", "status"),
    ],
)
def test_a_fault_is_read(text, kind):
    from bridge.cli.sandbox import _fault  # noqa: PLC0415

    assert _fault(text).kind == kind


def test_every_kind_of_fault_is_in_the_help():
    from bridge.fusion.sandbox_faults import FaultKind  # noqa: PLC0415

    said = " ".join(CliRunner().invoke(app, ["sandbox", "--help"]).stdout.split())
    (listed,) = re.findall(r"kind \((.*?)\)", said)
    assert set(re.findall(r"\w+", listed)) - {"or"} == set(get_args(FaultKind))


def test_the_date_is_told_once():
    with sandbox() as (url, _):
        request = urllib.request.Request(url + LEADS, headers={"Authorization": "Bearer any"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            assert len(answer.headers.get_all("date")) == 1


def test_down_from_the_start():
    with sandbox("--fault", "down") as (url, _), pytest.raises(OSError, match=r"closed|reset"):
        call(url + LEADS, LEAD)


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--fault", "stauts=500"], "known keys are kind, status"),
        (["--fault", "kind=flood"], "kinds are status, delay"),
        (["--fault", "status=abc"], "status in 'status=abc'"),
        (["--fault", "kind=flood"], "fewer, others, no_ids, down"),
        (["--fault", "status=500,phone=nobody"], "phone in 'status=500,phone=nobody'"),
        (["--fault", "rate=2"], "rate in 'rate=2'"),
        (["--fault", "delay=soon"], "is not a time"),
        (["--fault", "delay=2"], "'2' has no unit; write 2s, 2m or 2h"),
        (["--fault", "status"], "'status' has no status; write for example status=503"),
        (["--fault", "rate=0.5"], "has no status"),
        (["--per", "1 fortnight"], "is not a time"),
        (["--per", "5"], "'5' has no unit; write 5s, 5m or 5h"),
        (["--port", "70000"], "--port"),
        (["--rules", "may"], "june"),
    ],
)
def test_a_wrong_option_is_told(args, said):
    result = CliRunner().invoke(app, ["sandbox", *args])

    assert result.exit_code == 2
    assert said in result.stderr


def test_a_port_that_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = CliRunner().invoke(app, ["sandbox", "--port", str(port)])

    assert result.exit_code == 1
    assert f"error: can't listen on 127.0.0.1:{port}: address already in use\nfix: " in result.stderr
