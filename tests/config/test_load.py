"""What a right file becomes, and what is said of a file that can't be read at all."""

import os
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bridge.config import Account, Limit, OwnTags, Retry, Server, load
from bridge.errors import ConfigError, Problem
from bridge.inbound import GhlApp, GhlWorkflow, JsonSource
from bridge.inbound.signature import GHL_PUBLIC_KEY, load_public_key
from bridge.inbound.values import Zone


def test_defaults(load_text, minimal, tmp_path):
    config = load_text(minimal)

    assert config.path == tmp_path / "config.yaml"
    assert config.server == Server("0.0.0.0", 8080, None)
    assert config.database == tmp_path / "data/bridge.db"
    assert config.default_region == "US"
    assert config.fusion.base_url == "https://app.fusioncalling.com"
    assert config.fusion.accounts == {"main": Account("main", "key-1")}
    assert config.fusion.default_account == "main"
    assert config.fusion.leads_limit == Limit(100, 60.0)
    assert config.sources == {"workflow": GhlWorkflow("workflow", "token-1-of-the-tests-only")}
    assert config.tags == OwnTags("do-not-call", "deleted-in-crm", "phone-changed", "moved")
    assert config.retry == Retry(8, 5.0, 900.0, 259_200.0)
    assert config.secrets == {"key-1", "token-1-of-the-tests-only"}
    assert config.rules.default_account == "main"


def test_the_mark_of_the_rules_changes_with_them_and_with_no_secret(load_text, minimal):
    mark = load_text(minimal).rules_mark
    assert load_text(minimal.replace("token-1-of", "token-2-of").replace("key-1", "key-2")).rules_mark == mark
    assert load_text(f"{minimal}\ndefault_region: GB\n").rules_mark != mark


def test_every_value_can_be_set(load_text, minimal, tmp_path):
    config = load_text(
        minimal.replace(
            "fusion:\n", "fusion:\n  base_url: http://127.0.0.1:9000/\n  leads_limit: {requests: 5}\n"
        )
        + "server: {host: '::1', port: '81', public_url: 'https://b.example.com/'}\n"
        + f"database: {tmp_path}/elsewhere.db\n"
        + "default_region: de\n"
        + "do_not_call: {when: \"'stop' in contact.tags\", tag: stop}\n"
        + "on_delete: {tag: gone}\non_phone_change: {tag: old}\n"
        + "retry: {max_attempts: 3, first_delay: 500ms, max_delay: 1.5h, give_up_after: 30d}\n"
    )

    assert config.server == Server("::1", 81, "https://b.example.com")
    assert config.fusion.base_url == "http://127.0.0.1:9000"
    assert config.fusion.leads_limit == Limit(5, 60.0)
    assert config.database == tmp_path / "elsewhere.db"
    assert config.default_region == "DE"
    assert config.tags == OwnTags("stop", "gone", "old")
    assert config.retry == Retry(3, 0.5, 5400.0, 2_592_000.0)


def test_the_first_account_is_the_default(load_text, minimal):
    config = load_text(minimal.replace("    main:", "    second: {api_key: key-2}\n    main:"))

    assert config.fusion.default_account == "second"
    assert list(config.fusion.accounts) == ["second", "main"]


@pytest.mark.parametrize("section", ["server", "lead", "routes", "do_not_call", "on_delete", "retry"])
def test_a_section_with_all_keys_commented_out_is_as_if_absent(load_text, minimal, section):
    blank = load_text(f"{minimal}{section}:\n  # nothing yet\n")

    assert blank.retry == load_text(minimal).retry


@pytest.mark.parametrize("spelt", ["", "''", "'${PUBLIC_URL:-}'", "~"])
def test_public_url_may_be_left_blank(load_text, minimal, spelt):
    assert load_text(f"{minimal}server: {{public_url: {spelt} }}\n").server.public_url is None


def test_webhook_urls(load_text, minimal):
    forms = "{type: json, token: 'a?b-of-the-tests-only-xyz', contact: {phone: '{{ payload.p }}'}}"
    sources = f"  app: {{type: ghl_app}}\n  forms: {forms}\n"
    text = minimal + sources

    assert load_text(text).webhook_urls() == {
        "workflow": "http://0.0.0.0:8080/webhooks/workflow/token-1-of-the-tests-only",
        "app": "http://0.0.0.0:8080/webhooks/app",
        "forms": "http://0.0.0.0:8080/webhooks/forms/a%3Fb-of-the-tests-only-xyz",
    }
    public = load_text(text + "server: {public_url: https://b.example.com}\n")
    assert public.webhook_urls()["app"] == "https://b.example.com/webhooks/app"
    six = load_text(text + "server: {host: '::1'}\n")
    assert six.webhook_urls()["app"] == "http://[::1]:8080/webhooks/app"


def test_an_app_without_keys_has_ghls(load_text, minimal):
    source = load_text(minimal + "  app: {type: ghl_app, app_id: 00123, locations: [1e3, NO]}\n").sources[
        "app"
    ]

    assert isinstance(source, GhlApp)
    assert source.app_id == "00123"
    assert source.locations == {"1e3", "NO"}
    assert source.public_keys == (load_public_key(GHL_PUBLIC_KEY),)


def test_public_keys_are_pem_or_file(load_text, minimal, tmp_path):
    key = Ed25519PrivateKey.generate().public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    (tmp_path / "ghl.pem").write_text(pem)
    block = "".join(f"        {line}\n" for line in pem.splitlines())

    text = f"{minimal}  app:\n    type: ghl_app\n    public_keys:\n      - ghl.pem\n      - |\n{block}"

    assert load_text(text).sources["app"].public_keys == (key, key)


def test_a_json_source(load_text, minimal):
    source = load_text(
        minimal
        + """\
  forms:
    type: json
    token: token-2-of-the-tests-only
    default_region: gb
    id: "{{ payload.n }}"
    contact:
      phone: "{{ payload.tel }}"
      tags: ["{{ payload.tags }}", web, "{{ payload.missing }}"]
      custom: {bill: "{{ payload.bill }}"}
"""
    ).sources["forms"]

    assert isinstance(source, JsonSource)
    assert source.default_region == "GB"
    reading = source.read({"n": 7, "tel": "+14155550101", "tags": ["a", "b"], "bill": 90})
    assert reading.contact.phone == "+14155550101"
    assert reading.contact.tags == ("a", "b", "web")
    assert reading.contact.custom == {"bill": 90}
    assert source.receive({"n": 7}).external_id == "7"


def test_a_tag_that_fails_does_not_cost_the_others(load_text, minimal):
    tags = '["{{ payload.n / 0 }}", web]'
    source = load_text(
        f"{minimal}  f:\n    type: json\n    token: token-f-of-the-tests-only\n"
        f"    contact: {{phone: '{{{{ payload.p }}}}', tags: {tags}}}\n"
    ).sources["f"]

    assert source.read({"n": 1}).contact.tags == ("web",)


def test_rules_are_compiled(load_text, minimal):
    rules = load_text(
        minimal
        + """\
lead: {tags: ["{{ contact.tags }}", ghl], tags_as_is: yes}
routes:
  - {when: "'a' in contact.tags", campaign_id: 6F1C2A90-3F0E-4B7E-9C1D-2A6C1B0E7D55, kind: sms, move: on}
  - {name: rest, lead: {tags_as_is: no}}
"""
    ).rules

    assert [route.name for route in rules.routes] == ["routes[0]", "rest"]
    assert rules.routes[0].campaign_id == "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
    assert rules.routes[0].move is True
    assert rules.routes[0].lead.tags_as_is is True
    assert rules.routes[1].lead.tags_as_is is False


def test_no_secret_in_any_text_of_the_configuration(load_text, minimal):
    config = load_text(
        minimal.replace("key-1", "'${KEY}'")
        + "  f: {type: json, token: tok-f-of-the-tests-only-xyz, contact: {phone: '{{ payload.p }}'}}\n",
        KEY="sk-very-secret",
    )

    for secret in ("sk-very-secret", "token-1-of-the-tests-only", "tok-f-of-the-tests-only-xyz"):
        assert secret in config.secrets
        assert secret not in f"{config!r} {config!s}"


def test_no_such_file(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "none.yaml", {})

    assert caught.value.file == str(tmp_path / "none.yaml")
    assert caught.value.problems == (
        Problem("", "no such file", "`bridge init` writes one; -c names another", None),
    )


def test_a_directory(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, {})

    assert caught.value.problems[0].message == "is a directory"
    assert "bridge init" in caught.value.problems[0].fix


def test_a_path_below_a_file(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path / "a" / "config.yaml", {})

    assert caught.value.problems[0].message == "can't be read: not a directory"


def test_a_path_that_is_none():
    with pytest.raises(ConfigError) as caught:
        load(Path("a\0b"), {})

    assert caught.value.problems[0].message == "can't be read: not a usable path"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text("")
    path.chmod(0)
    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert caught.value.problems[0].message == "can't be read: permission denied"


def test_not_utf8_names_the_line(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_bytes(b"server:\n  host: caf\xe9\n")
    with pytest.raises(ConfigError) as caught:
        load(path, {})

    assert caught.value.problems == (Problem("", "is not UTF-8 text", "save it as UTF-8", 2),)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(load_text, minimal):
    assert load_text("\ufeff" + minimal.replace("\n", "\r\n")).secrets == {
        "key-1",
        "token-1-of-the-tests-only",
    }


def test_payloads_go_with_their_events_at_the_latest(minimal, load_text):
    retention = load_text(minimal + "retention: {events: 20d}").retention

    assert (retention.payloads_s, retention.events_s) == (20 * 86_400, 20 * 86_400)


def test_a_blank_retention_is_the_default(minimal, load_text):
    assert load_text(minimal + "retention:").retention == load_text(minimal).retention


def test_how_a_source_writes_times(load_text, minimal):
    config = load_text(
        minimal
        + """\
  forms:
    {type: json, token: token-2-of-the-tests-only, default_region: US, timezone: America/Chicago,
     contact: {phone: "{{ payload.phone }}"}}
default_region: DE
locations: {L1: {timezone: America/New_York}}
"""
    )

    flow, forms = config.sources["workflow"], config.sources["forms"]
    assert (flow.written, dict(flow.zones)) == (
        Zone(None, day_first=True),
        {"L1": ZoneInfo("America/New_York")},
    )
    assert forms.written == Zone(ZoneInfo("America/Chicago"), day_first=False)
