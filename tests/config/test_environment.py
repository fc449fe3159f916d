"""References to the environment and to files, and the .env beside the configuration."""

import json
from pathlib import Path

import pytest

from bridge.config import load
from bridge.config.environment import SET_IT, expand, parse_dotenv
from bridge.errors import Problem


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("${NAME}", "value"),
        ("a${NAME}b${NAME}", "avaluebvalue"),
        ("${NAME:-default}", "value"),
        ("${NONE:-default}", "default"),
        ("${NONE:-}", ""),
        ("${NONE:-a:-b}", "a:-b"),
        ("${EMPTY}", ""),
        ("${EMPTY:-default}", "default"),
        ("${REFERENCE}", "${NAME}"),  # what comes from outside is not expanded again
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("a $${ b", "a ${ b"),
        ("$NAME $5 $", "$NAME $5 $"),
        ("{{ payload.x }}", "{{ payload.x }}"),
        ("${file:secret}", "from a file"),
        ("<${file: secret }>", "<from a file>"),
    ],
)
def test_expand(tmp_path, text, expanded):
    (tmp_path / "secret").write_text("from a file\n")
    variables = {"NAME": "value", "EMPTY": "", "REFERENCE": "${NAME}"}

    result = expand(text, variables, folder=tmp_path)

    assert result.text == expanded
    assert result.faults == ()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NONE}", "NONE is not set"),
        ("${NAME", "a ${ that isn't closed"),
        ("${}", "a ${…} that isn't understood"),
        ("${a b}", "a ${…} that isn't understood"),
        ("${1A}", "a ${…} that isn't understood"),
        ("${NAME-default}", "a ${…} that isn't understood"),
        ("${A:-${B}}", "a ${…} with braces inside"),
        ("${file:none}", "can't read {folder}/none: no such file or directory"),
        ("${file:.}", "can't read {folder}: is a directory"),
        ("${file:binary}", "{folder}/binary is not UTF-8 text"),
        ("${file:long}", "{folder}/long is too long"),
    ],
)
def test_a_reference_without_value(tmp_path, text, message):
    (tmp_path / "binary").write_bytes(b"\xff")
    (tmp_path / "long").write_bytes(b"x" * 70_000)

    result = expand(text, {"NAME": "value"}, folder=tmp_path)

    assert [said for said, _ in result.faults] == [message.replace("{folder}", str(tmp_path))]
    assert all(fix for _, fix in result.faults)


def test_every_unset_variable_at_once(problems_of):
    found = problems_of(
        """\
fusion:
  accounts: {main: {api_key: "${FUSION_API_KEY}"}}
sources:
  a: {type: ghl_workflow, token: "${A}-${B}"}
  b: {type: ghl_workflow, token: "${file:/nowhere/b}"}
"""
    )

    assert found == (
        Problem("fusion.accounts.main.api_key", "FUSION_API_KEY is not set", SET_IT, 2),
        Problem("sources.a.token", "A is not set", SET_IT, 4),
        Problem("sources.a.token", "B is not set", SET_IT, 4),
        Problem(
            "sources.b.token",
            "can't read /nowhere/b: no such file or directory",
            "create it, or correct the path",
            5,
        ),
    )


def test_a_variable_with_a_near_name_is_guessed(problems_of, minimal, tmp_path):
    (tmp_path / ".env").write_text("FORMS_TOKEN=secret-f\n")
    text = minimal.replace("token-1-of-the-tests-only", '"${FORM_TOKEN}"')

    (problem,) = problems_of(text, WORKFLOW_TOKEN="w")

    assert problem.message == "FORM_TOKEN is not set"
    assert problem.fix == f"did you mean FORMS_TOKEN? If not, {SET_IT}"
    assert "secret-f" not in repr(problem)
    assert problems_of(minimal.replace("token-1-of-the-tests-only", '"${WORKFLOW_TOKEN}"'))[0].fix == SET_IT


def test_an_empty_variable_is_named(problems_of, minimal):
    found = problems_of(
        minimal.replace("token-1-of-the-tests-only", '"${WORKFLOW_TOKEN}"'), WORKFLOW_TOKEN=""
    )

    assert found == (Problem("sources.workflow.token", "WORKFLOW_TOKEN is empty", SET_IT, 5),)


def test_a_comment_is_not_read(load_text, minimal):
    assert load_text(f"{minimal}# ${{NOT_SET}}\n")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("export KEY=value", "value"),
        ("  KEY = a b ", "a b"),
        ("KEY=", ""),
        ("KEY= # comment", ""),
        ("KEY=a#b", "a#b"),
        ("KEY=#b", "#b"),
        ("KEY=a # comment", "a"),
        ("KEY='a # b'  # comment", "a # b"),
        (r"KEY='a\n'", r"a\n"),
        (r'KEY="a\n\"b\" \\ $x"', 'a\n"b" \\ $x'),
        ('KEY=""', ""),
        ("KEY=a=b", "a=b"),
        ("KEY=1\nKEY=2", "2"),
        ("KEY=a\r", "a"),
    ],
)
def test_dotenv(line, value):
    assert parse_dotenv(f"# comment\n\n{line}\n") == ({"KEY": value}, [])


def test_dotenv_beside_the_configuration_is_read_and_the_environment_wins(load_text, minimal, tmp_path):
    (tmp_path / ".env").write_text("TOKEN=token-from-the-env-file-1\nKEY=from-file\n")
    text = minimal.replace("token-1-of-the-tests-only", "'${TOKEN}'").replace("key-1", "'${KEY}'")

    assert load_text(text, KEY="from-environment").secrets == {
        "token-from-the-env-file-1",
        "from-environment",
    }


def test_the_real_environment_is_the_default(tmp_path: Path, minimal, monkeypatch):
    monkeypatch.setenv("BRIDGE_TEST_TOKEN", "token-from-the-outside-1")
    path = tmp_path / "config.yaml"
    path.write_text(minimal.replace("token-1-of-the-tests-only", "'${BRIDGE_TEST_TOKEN}'"))

    assert "token-from-the-outside-1" in load(path).secrets


def test_what_is_wrong_in_dotenv_comes_with_the_rest_and_without_its_text(problems_of, minimal, tmp_path):
    (tmp_path / ".env").write_text("A=1\nsecret words\nB='secret\n")

    assert problems_of(minimal + "servr: 1\n") == (
        Problem("servr", "unknown key 'servr'", "did you mean `server`?", 6),
        Problem(".env", "line 2 is not KEY=VALUE", "write KEY=VALUE, or # before a comment"),
        Problem(".env", "line 3 has a stray quote", "close the quote on the same line"),
    )


def test_a_dotenv_that_is_no_text(problems_of, minimal, tmp_path):
    (tmp_path / ".env").write_bytes(b"A=\xff")

    assert problems_of(minimal) == (Problem(".env", "is not UTF-8 text", "save it as UTF-8"),)


def test_a_dotenv_that_is_a_directory(problems_of, minimal, tmp_path):
    (tmp_path / ".env").mkdir()

    assert problems_of(minimal) == (
        Problem(".env", "can't be read: is a directory", "let this user read it"),
    )


OUTSIDE = "hunter2secret"


@pytest.mark.parametrize(
    "key",
    [
        "default_region",
        "server.host",
        "server.port",
        "server.public_url",
        "fusion.base_url",
        "fusion.leads_limit.per",
        "on_delete.tag",
        "do_not_call.when",
        "retry.max_attempts",
        "routes[0].account",
        "routes[0].campaign_id",
        "routes[0].kind",
        "routes[0].when",
        "routes[0].lead.name",
        "sources.workflow.type",
        "sources.f.contact.name",
        "sources.f.contact.tags",
        "sources.f.id",
        "sources.app.public_keys",
        "sources.app.default_region",
    ],
)
def test_what_came_from_outside_is_never_shown(problems_of, key):
    # Wrong for every key: no region, number, address, tag, known account; not even an expression.
    text, value = _with(key), f"{{{{ {OUTSIDE}( }}}} {OUTSIDE}"

    found = problems_of(text, VALUE=value)

    assert found
    assert OUTSIDE not in repr(found)
    assert any("{" not in each.message for each in found)


def _with(key: str) -> str:
    sections = {
        "server": {},
        "fusion": {"accounts": {"main": {"api_key": "k"}}},
        "sources": {
            "workflow": {"type": "ghl_workflow", "token": "t"},
            "app": {"type": "ghl_app"},
            "f": {"type": "json", "token": "u", "contact": {}},
        },
        "routes": [{"name": "a", "lead": {}}],
        "on_delete": {},
        "do_not_call": {},
        "retry": {},
    }
    *steps, last = key.replace("[0]", ".0").split(".")
    holder = sections
    for step in steps:
        holder = holder[0] if step == "0" else holder.setdefault(step, {})
    holder[last] = ["${VALUE}"] if last in ("tags", "public_keys") else "${VALUE}"
    return json.dumps(sections)  # YAML is a superset of it
