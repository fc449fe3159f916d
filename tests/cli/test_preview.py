"""`bridge preview` shows exactly what would happen: the page, its JSON, and the status."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from typer.testing import CliRunner

from bridge.cli import app
from bridge.fusion.sandbox import create_sandbox, sandbox_transport

BRIDGE = Path(sys.executable).with_name("bridge")
PAYLOADS = Path(__file__).parents[1] / "payloads"
CASES = sorted(path.name for path in PAYLOADS.glob("*.json"))
SECRETS = ("key-of-a-test", "token-of-workflow", "token-of-forms")
CONFIG = """\
fusion: {accounts: {main: {api_key: key-of-a-test}, other: {api_key: key-of-another}}}
sources:
  flow: {type: ghl_workflow, token: token-of-workflow-of-the-tests-only}
  app: {type: ghl_app, app_id: 65a1b2c3d4e5f60718293a4b, locations: [LocOakFitness00000001]}
  forms:
    type: json
    token: token-of-forms-of-the-tests-only
    contact:
      name: "{{ payload.name }}"
      phone: "{{ payload.phone }}"
      email: "{{ payload.email }}"
      tags: "{{ payload.tags }}"
      do_not_call: "{{ payload.opted_out }}"
lead:
  name: ["{{ payload.nick }}", "{{ contact.name }}"]
  email: "{{ contact.email }}"
  tags: ["{{ contact.tags }}", gohighlevel]
routes:
  - name: customers
    when: "'customer' in contact.tags"
    skip: already a customer
  - name: broken
    when: "'broken' in contact.tags and contact.name > 3"
  - name: solar
    when: "'solar' in contact.tags"
    account: other
    campaign_id: 6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55
    kind: call
  - name: named
    when: contact.name
"""
ANN = {"name": "Ann Lee", "phone": "(415) 555-0101"}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def run(folder):
    def preview(payload, *args, columns="100"):
        text = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        arguments = ["preview", "-", *args]
        environ = {"COLUMNS": columns, "TZ": "UTC"}
        result = CliRunner().invoke(app, arguments, input=text, env=environ)
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert not any(secret in result.output for secret in SECRETS)
        assert list(folder.iterdir()) == [folder / "config.yaml"]  # no database, nothing
        return result

    return preview


def told(run, payload, *args):
    return json.loads(run(payload, "--json", *args).stdout)


def test_a_new_lead(run):
    result = run({**ANN, "tags": ["solar", "Hot Lead!"]})

    assert result.exit_code == 0
    page = result.stdout
    assert "Source   forms: the body has no marks of GHL's" in page
    assert "Answer   200 accepted" in page
    assert "✗ 1  customers  'customer' in contact.tags" in page
    assert "✓ 3  solar      'solar' in contact.tags" in page
    assert "→ account other, campaign 6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55, call" in page
    assert "named" not in page
    assert "QUEUED   a new lead" in page
    head, _, body = page.partition("POST https://app.fusioncalling.com/api/leads/external/v1/leads\n")
    assert head
    account, _, body = body.partition("\n")
    assert account == "with the key of account other"
    assert json.loads(body) == {
        "phone": "+14155550101",
        "name": "Ann Lee",
        "tags": ["solar", "Hot-Lead", "gohighlevel"],
        "campaign_id": "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55",
        "kind": "call",
    }


def test_each_field_with_its_rule(run):
    page = run({**ANN, "tags": ["Hot Lead!"]}).stdout.splitlines()

    def line_after(text):
        at = next(n for n, line in enumerate(page) if text in line)
        return page[at].split(), page[at + 1].split()

    assert line_after("{{ payload.nick }}")[0][-1] == "(nothing)"
    assert line_after("{{ payload.nick }}")[1] == ["lead.name[0]", "→", "not", "used"]
    assert line_after("{{ contact.name }}")[1] == ["lead.name[1]", "→", "the", "same"]
    assert line_after("{{ contact.phone }}")[0][-2:] == ["(415)", "555-0101"]  # as it came
    assert line_after("{{ contact.phone }}")[1] == ["default", "→", "+14155550101"]
    assert line_after("{{ contact.tags }}")[1] == ["lead.tags[0]", "→", "Hot-Lead"]


def test_a_lead_that_fusion_has(run):
    said = told(run, ANN, "--known")

    assert [request["method"] for request in said["requests"]] == ["PATCH"]
    assert "a change of a lead that Fusion has" in run(ANN, "--known").stdout


def test_no_phone(run):
    result = run({"name": "Ann Lee"})

    assert result.exit_code == 0
    assert "SKIPPED   no phone" in result.stdout
    assert "fix: nothing, if the contact has none" in result.stdout
    assert "POST" not in result.stdout


def test_filtered(run):
    result = run({**ANN, "tags": ["customer"]})

    assert result.exit_code == 0
    assert "→ skipped: already a customer" in result.stdout
    assert "SKIPPED   filtered: already a customer" in result.stdout
    assert "change `when` of route 1, customers" in result.stdout


def test_no_route(run):
    result = run({"phone": "+14155550101"})

    assert result.exit_code == 0
    assert "SKIPPED   filtered: no route matches" in result.stdout
    assert "add a last route without `when`" in result.stdout


def test_dead_by_its_phone(run):
    result = run({"name": "Ann Lee", "phone": "12345"})

    assert result.exit_code == 1
    assert "DEAD" in result.stdout
    assert "fix: correct the phone" in " ".join(result.stdout.split())


def test_dead_by_a_route(run):
    result = run({**ANN, "tags": ["broken"]})

    assert result.exit_code == 1
    assert "→ when failed" in result.stdout
    assert "put `| number` behind the value" in " ".join(result.stdout.split())


def test_do_not_call(run):
    result = run({**ANN, "opted_out": True})

    assert result.exit_code == 0
    assert "Blocked: the event says do-not-disturb for every channel" in result.stdout
    assert "SKIPPED   do not call" in result.stdout
    known = told(run, {**ANN, "opted_out": True}, "--known")
    assert known["state"] == "queued"
    assert known["requests"][0]["body"] == {"phone": "+14155550101", "tags": ["do-not-call"]}


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ContactDndUpdate__call_active", "Blocked: the event says do-not-disturb for calls"),
        ("ContactDndUpdate__lifted", "Allowed: the event says that there is no do-not-disturb."),
        ("ContactUpdate__silent_about_dnd", "Allowed: the event doesn't speak of do-not-disturb."),
        ("ContactDelete__snapshot", "The contact was deleted: no lead is made, one that exists gets the tag"),
    ],
)
def test_who_said_so(run, name, words):
    assert told(run, (PAYLOADS / f"{name}.json").read_bytes())["do_not_call"].startswith(words)


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("ContactCreate__full", "app"),
        ("NoteCreate__app", "app"),
        ("INSTALL__location", "app"),
        ("workflow__full", "flow"),
        ("workflow__no_phone", "flow"),
        ("custom_webhook__camel_case", "flow"),
        ("custom_webhook__nested_contact", "flow"),
        ("ContactCreate__record_under_data", "app"),
        ("form__plain", "forms"),
    ],
)
def test_the_source_is_guessed(run, name, source):
    said = told(run, (PAYLOADS / f"{name}.json").read_bytes())

    assert (said["source"], bool(said["source_because"])) == (source, True)


def test_the_source_is_named(run):
    assert told(run, ANN, "--source", "flow")["source"] == "flow"
    wrong = run(ANN, "--source", "fax")
    assert wrong.exit_code == 1
    assert (
        wrong.stderr
        == "error: there is no source 'fax' in config.yaml\nfix: choose one of flow, app, forms\n"
    )


@pytest.mark.parametrize(
    ("name", "status", "badge", "said"),
    [
        ("NoteCreate__app", 0, "IGNORED", "event type NoteCreate is not used"),
        (
            "ContactCreate__another_location",
            0,
            "IGNORED",
            "fix: if it is wanted, add it to sources.app.locations",
        ),
        ("ContactCreate__another_app", 1, "REFUSED", "fix: correct sources.app.app_id"),
        ("ContactCreate__nothing_of_a_contact", 1, "REFUSED", "nothing identifies a contact"),
    ],
)
def test_what_is_not_stored(run, name, status, badge, said):
    result = run((PAYLOADS / f"{name}.json").read_bytes())

    assert result.exit_code == status
    assert badge in result.stdout
    assert said in result.stdout


@pytest.mark.parametrize("body", ["", "not JSON", "[1]", "{}", b"\xff\xfe", "[" * 5000])
def test_malformed(run, body):
    result = run(body)

    assert result.exit_code == 1
    assert "400 malformed" in result.stdout


def test_too_large(run):
    result = run(b" " * 1_048_577)

    assert result.exit_code == 1
    assert "413 too large" in result.stdout


@pytest.mark.parametrize("columns", ["80", "120"])
@pytest.mark.parametrize("name", CASES)
def test_every_payload_fits_the_screen(run, name, columns):
    result = run((PAYLOADS / name).read_bytes(), columns=columns)
    page = re.split("^(?:POST|PATCH) ", result.stdout, flags=re.MULTILINE)[0]

    assert result.exit_code in {0, 1}
    assert max(map(len, page.splitlines())) <= int(columns)
    assert not any(line.endswith(" ") for line in page.splitlines())


def test_a_strangers_text_cannot_move_the_cursor(run):
    result = run(
        {"name": "\x1b[2J\x9b1mAnn\u202e\x07", "phone": "+14155550101", "tags": ["[red]x[/red]", "🎉"]}
    )

    assert result.exit_code == 0
    assert not set(result.stdout) & set("\x1b\x9b\u202e\x07")
    assert "[red]x[/red]" in result.stdout


def test_long_values_are_cut_on_the_page_only(run):
    name = "long " * 200
    page, said = run({**ANN, "name": name}).stdout, told(run, {**ANN, "name": name})

    assert "… (999 characters)" in " ".join(page.split())
    assert (
        next(field for field in said["fields"] if field["after"] and field["field"] == "name")["before"]
        == name.strip()
    )


def test_the_database_is_not_read(run, folder):
    (folder / "config.yaml").write_text("database: /dev/null/bridge.db\n" + CONFIG)

    assert run(ANN).exit_code == 0


@pytest.mark.usefixtures("folder")
def test_a_file_that_cannot_be_read():
    for name in ("nope.json", ".", "nul\0"):
        result = CliRunner().invoke(app, ["preview", name])

        assert result.exit_code == 1
        assert result.stderr.startswith("error: can't read")
        assert "fix: " in result.stderr


async def test_the_request_is_one_that_fusion_takes(run):
    """What is shown is what is sent: the sandbox takes it byte by byte."""
    requests = told(run, {**ANN, "tags": ["solar"]})["requests"]
    app_ = create_sandbox(rules="july")
    async with httpx2.AsyncClient(transport=sandbox_transport(app_), base_url="http://fusion") as client:
        for request in requests:
            answer = await client.request(
                request["method"],
                request["path"],
                json=request["body"],
                headers={"Authorization": "Bearer k"},
            )
            assert answer.status_code == 201


def test_as_a_process(folder):
    shutil.copy(PAYLOADS / "workflow__full.json", folder / "payload.json")
    done = subprocess.run([BRIDGE, "preview", "payload.json"], capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert "Payload  payload.json" in done.stdout
    assert "QUEUED   a new lead" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("payload", "source", "said"),
    [
        ({**ANN, "opted_out": "sms"}, "forms", "contact.do_not_call (sms)"),
        ({**ANN, "customData": {"DND": "sms"}}, "flow", "DND (sms)"),
    ],
)
def test_what_looks_like_do_not_disturb_and_is_none(run, payload, source, said):
    words = told(run, payload, "--source", source)["do_not_call"]

    assert words.startswith(f"Allowed: {said} isn't understood as do-not-disturb for calls")


@pytest.mark.parametrize(
    ("data", "warning"),
    [
        ({"dnd": "perhaps"}, "dnd: 'perhaps' isn't understood"),
        ({"DND Status": "on hold"}, "DND Status: 'on hold' isn't understood, so it counts as true"),
        ({"event": "contact tagged again"}, "event: 'contact tagged again'"),
    ],
)
def test_what_the_sender_seems_to_have_meant(run, data, warning):
    payload = {**ANN, "customData": data}

    assert f"!  {warning}" in run(payload, "--source", "flow").stdout
    assert told(run, payload, "--source", "flow")["warnings"][0].startswith(warning)


@pytest.mark.parametrize("source", ["forms", "flow"])
def test_silence_about_do_not_disturb_is_silence(run, source):
    words = told(run, {**ANN, "dnd": "", "opted_out": ""}, "--source", source)["do_not_call"]

    assert words.startswith("Allowed: the event doesn't speak of do-not-disturb.")


def test_an_app_delivery_without_its_event(run):
    result = run(ANN, "--source", "app")

    assert result.exit_code == 1
    assert "REFUSED   no event type" in result.stdout
    assert "fix: a GHL app's delivery names its event, as type: ContactCreate" in result.stdout
