"""What the fix of a configuration's problem tells is done, and the file is loaded again: it is right then."""

import pytest

from bridge.config import load
from bridge.errors import ConfigError
from tests.config.conftest import MINIMAL

UUID = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"

# What is wrong, what the fix tells, and the same when that is done. {} is the shortest right file.
FIXES = {
    "a key that isn't one": ("{}retyr: {{}}", "did you mean `retry`", "{}retry: {{}}"),
    "nothing behind a key": ("{}database:", "give it a value", "{}database: data/x.db"),
    "a list for a text": ("{}database: [a]", "write one text", "{}database: a"),
    "neither true nor false": (
        "{}lead: {{tags_as_is: maybe}}",
        "write true or",
        "{}lead: {{tags_as_is: true}}",
    ),
    "a kind of neither": ("{}routes: [{{kind: fax}}]", "write call or sms", "{}routes: [{{kind: call}}]"),
    "no number": ("{}server: {{port: eighty}}", "write digits only", "{}server: {{port: 80}}"),
    "a number too high": ("{}server: {{port: 70000}}", "write 65535 or less", "{}server: {{port: 65535}}"),
    "a number too low": ("{}retry: {{max_attempts: 0}}", "write 1 or more", "{}retry: {{max_attempts: 1}}"),
    "a time without a unit": ("{}retry: {{first_delay: 5}}", "write 5s, 5m", "{}retry: {{first_delay: 5s}}"),
    "a region that is none": ("{}default_region: uk", "did you mean `GB`?", "{}default_region: GB"),
    "a host with its scheme": (
        "{}server: {{host: 'http://x'}}",
        "write 0.0.0.0, 127.0.0.1 or a name",
        "{}server: {{host: 127.0.0.1}}",
    ),
    "a rule without braces": (
        "{}lead: {{name: contact.name}}",
        'write "{{ contact.name }}"',
        '{}lead: {{name: "{{{{ contact.name }}}}"}}',
    ),
    "a condition in braces": (
        "{}routes: [{{when: '{{{{ contact.email }}}}'}}]",
        "write a condition without {{ and }}",
        "{}routes: [{{when: contact.email}}]",
    ),
    "an assignment": (
        "{}routes: [{{when: contact.type = 'lead'}}]",
        "compare with ==",
        "{}routes: [{{when: contact.type == 'lead'}}]",
    ),
    "a field that is none": (
        "{}routes: [{{when: contact.emial}}]",
        "did you mean contact.email",
        "{}routes: [{{when: contact.email}}]",
    ),
    "a route that nobody reaches": (
        "{}routes: [{{name: all}}, {{name: vips, when: \"'vip' in contact.tags\"}}]",
        "move it above routes[0]",
        "{}routes: [{{name: vips, when: \"'vip' in contact.tags\"}}, {{name: all}}]",
    ),
    "an SMS without a campaign": (
        "{}routes: [{{kind: sms}}]",
        "or campaign_id:",
        f"{{}}routes: [{{{{kind: sms, campaign_id: {UUID}}}}}]",
    ),
    "an SMS that should be a call": (
        "{}routes: [{{kind: sms}}]",
        "or write kind: call",
        "{}routes: [{{kind: call}}]",
    ),
    "delays the wrong way round": (
        "{}retry: {{first_delay: 5m, max_delay: 1m}}",
        "make first_delay the shorter one",
        "{}retry: {{first_delay: 1m, max_delay: 5m}}",
    ),
    "payloads kept for longer than events": (
        "{}retention: {{payloads: 30d, events: 10d}}",
        "or events longer",
        "{}retention: {{payloads: 30d, events: 40d}}",
    ),
    "a ${ that isn't closed": ("{}database: '${{X'", "write $${ for a plain ${", "{}database: '$${{X'"),
    "keys over plain http": (
        "{}".replace("{}", MINIMAL.replace("fusion:\n", "fusion:\n  base_url: http://example.com\n")),
        "write https://",
        MINIMAL.replace("fusion:\n", "fusion:\n  base_url: https://example.com\n"),
    ),
}


def filled(text):
    return text if text.startswith("fusion") else text.format(MINIMAL)


@pytest.mark.parametrize("case", FIXES)
def test_the_fix_is_done_and_the_file_is_right(tmp_path, case):
    wrong, fix, right = FIXES[case]
    path = tmp_path / "config.yaml"
    path.write_text(filled(wrong))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert any(fix in problem.fix for problem in caught.value.problems), caught.value.problems
    path.write_text(filled(right))
    load(path, {})


def test_a_variable_is_set(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL.replace("key-1", '"${FUSION_KEY}"'))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    assert ".env" in problem.fix
    (tmp_path / ".env").write_text("FUSION_KEY=key-1\n")
    assert load(path, {}).fusion.accounts["main"].api_key == "key-1"


def test_a_secret_file_is_made(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL.replace("key-1", '"${file:key}"'))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    assert problem.fix == "create it, or correct the path"
    (tmp_path / "key").write_text("key-1\n")
    assert load(path, {}).fusion.accounts["main"].api_key == "key-1"


def test_a_token_that_is_too_short(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL.replace("token-1-of-the-tests-only", "short"))
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    (problem,) = caught.value.problems
    assert "24" in problem.message + problem.fix
    path.write_text(MINIMAL)
    load(path, {})


def test_two_sources_with_one_token(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(MINIMAL + "  other: {type: ghl_workflow, token: token-1-of-the-tests-only}\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert caught.value.problems[0].fix
    path.write_text(MINIMAL + "  other: {type: ghl_workflow, token: token-2-of-the-tests-only}\n")
    load(path, {})


def test_no_file(tmp_path):
    """`bridge init` writes one."""
    from typer.testing import CliRunner  # noqa: PLC0415

    from bridge.cli import app  # noqa: PLC0415

    path = tmp_path / "config.yaml"
    with pytest.raises(ConfigError) as caught:
        load(path, {})
    assert "`bridge init` writes one" in caught.value.problems[0].fix
    result = CliRunner().invoke(app, ["init", "--yes", "-c", str(path)])
    assert result.exit_code == 0, result.output
    (tmp_path / ".env").write_text(
        (tmp_path / ".env").read_text().replace("FUSION_API_KEY=", "FUSION_API_KEY=k")
    )
    load(path, {})
