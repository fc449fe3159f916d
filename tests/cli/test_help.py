"""What the program says of itself, and how fast: nothing heavy is imported for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli import COMMANDS, app

BRIDGE = Path(sys.executable).with_name("bridge")
HEAVY = (
    "pydantic",
    "starlette",
    "httpx2",
    "rich",
    "uvicorn",
    "jinja2",
    "phonenumbers",
    "bridge.config",
    "bridge.app",
)


def imported_by(*args):
    """The modules that a run of the program leaves imported."""
    code = (
        "import json, sys\n"
        f"sys.argv = ['bridge', *{list(args)!r}]\n"
        "from bridge.cli import main\n"
        "try: main()\n"
        "except SystemExit as end: print(json.dumps([end.code, sorted(sys.modules)]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    status, modules = json.loads(done.stdout.splitlines()[-1])
    return status, set(modules), done.stdout


@pytest.mark.parametrize("args", [["--help"], ["--version"]])
def test_nothing_heavy_is_imported(args):
    status, modules, _ = imported_by(*args)

    assert status == 0
    assert modules.isdisjoint(HEAVY)
    assert not {name for name in modules if name.startswith("bridge.cli.")} - {"bridge.cli.output"}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_explains_itself_without_the_rest(command):
    status, modules, said = imported_by(command, "--help")

    assert status == 0
    assert modules & {*HEAVY} <= {"pydantic"}  # with which typer itself reads options
    assert "\n  Example:\n    bridge " in said  # its lines as typed


def test_the_table_is_the_list():
    said = CliRunner().invoke(app, ["--help"]).stdout

    listed = [line.split()[0] for line in said.partition("Commands:\n")[2].split("\n\n")[0].splitlines()]
    assert listed == list(COMMANDS)


def test_without_a_command_it_helps():
    result = CliRunner().invoke(app, [])

    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_a_slip_is_recognised():
    result = CliRunner().invoke(app, ["chekc"])

    assert result.exit_code == 2
    assert "Did you mean 'check'?" in result.stderr


def test_a_missing_configuration_is_told_by_every_command(tmp_path):
    for command in ("serve", "check", "status"):
        result = CliRunner().invoke(app, [command, "-c", str(tmp_path / "nope.yaml")])

        assert result.exit_code == 2
        assert "no such file" in result.output
        assert "Traceback" not in result.output


def test_the_environment_names_the_configuration(tmp_path):
    result = CliRunner().invoke(app, ["serve"], env={"BRIDGE_CONFIG": str(tmp_path / "other.yaml")})

    assert result.exit_code == 2
    assert "other.yaml" in result.stderr


def test_a_reader_that_goes_away_is_no_trouble():
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([BRIDGE, "--help"], stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)

    assert done.stderr == ""
    assert done.returncode in {0, 1}


def test_letters_that_a_terminal_lacks_are_spelt_out(tmp_path):
    environ = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    command = [BRIDGE, "init", "--yes", "-c", str(tmp_path / "config.yaml")]
    done = subprocess.run(command, env=environ, capture_output=True, encoding="latin-1", check=True)

    assert "GoHighLevel \\u2192 Automation" in done.stdout
