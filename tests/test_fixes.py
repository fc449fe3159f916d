"""What a fix tells an operator to do cures what it stands beside: each is done here, with its commands.

Every fix text of the code that names `replay` is in a case (`test_no_fix_is_left_out`), so that a new one
needs one, too. Those of the configuration are followed in `config/test_fixes.py`.
"""

import ast
import asyncio
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bridge as package
from bridge.cli import app
from bridge.fusion.sandbox import Fault, create_sandbox
from tests.harness import BASE, running, write_config

PHONE = "+12025550101"
CAMPAIGN = "6f1c2a90-3f0e-4b7e-9c1d-2a6c1b0e7d55"
NAME = [{"name": "{{ contact.name }}"}]
TOUCHY = {"max_attempts": 2, "first_delay": "10ms", "max_delay": "20ms", "give_up_after": "1h"}


async def replay(bridge, *args):
    """The command, beside the running service."""
    config = str(bridge.folder / "config.yaml")
    result = await asyncio.to_thread(CliRunner().invoke, app, ["replay", *map(str, args), "-c", config])
    assert result.exit_code == 0, result.output
    bridge.service.signals.event_accepted()


def reload(bridge, **changes):
    write_config(bridge.folder, **changes)
    bridge.service.reload()


async def dead(bridge, event, fix):
    """The event is dead, and says this."""
    await bridge.settled()
    found = bridge.event(event)
    assert found["state"] == "dead", found
    assert fix in found["fix"]


async def cured(bridge, event, fate="delivered"):
    await bridge.settled()
    assert bridge.fate(event) == fate, bridge.event(event)


# Of the rules: change them, reload, replay.
RULES = {
    "give the contact a name in the CRM: its next event brings it; "
    "or end lead.name with a fixed text, then replay the event": (
        {"lead": {"name": "{{ contact.company }}"}},
        {"lead": {"name": ["{{ contact.company }}", "New lead"]}},
    ),
    "numbers may arrive as text: put `| number` behind the value; then replay the event": (
        {"routes": [{"when": "contact.custom['Bill'] > 80"}]},
        {"routes": [{"when": "contact.custom['Bill'] | number > 80"}]},
    ),
    "see what the rules make of the payload with `bridge preview`, correct the expression, replay": (
        {"routes": [{"when": "contact.custom['Bill'] / 0 > 80"}]},
        {"routes": [{"when": "contact.custom['Bill'] | number > 80"}]},
    ),
    "name one for such contacts, as in {{ … or 'main' }}; then replay the event": (
        {"routes": [{"account": "{{ contact.custom['Team'] }}"}]},
        {"routes": [{"account": "{{ contact.custom['Team'] or 'main' }}"}]},
    ),
    "change the rule, or add the account to fusion.accounts; then replay the event": (
        {"routes": [{"account": "{{ contact.custom['Owner'] }}"}]},
        {
            "routes": [{"account": "{{ contact.custom['Owner'] }}"}],
            "fusion": {
                **BASE["fusion"],
                "accounts": {"main": {"api_key": "key-of-the-main-account"}, "west": {"api_key": "key-2"}},
            },
        },
    ),
    "change the rule, or add the name and its UUID to campaigns:; then replay the event": (
        {"routes": [{"campaign": "{{ contact.custom['Owner'] }}"}]},
        {"routes": [{"campaign": "{{ contact.custom['Owner'] }}"}], "campaigns": {"west": CAMPAIGN}},
    ),
}


@pytest.mark.parametrize("fix", RULES)
async def test_a_rule_is_changed_and_the_event_replayed(tmp_path, fix):
    wrong, right = RULES[fix]
    async with running(tmp_path, **wrong) as bridge:
        event = await bridge.accept(phone=PHONE, Bill="90", Owner="west")
        await dead(bridge, event, fix)
        reload(bridge, **right)
        await replay(bridge, event)
        await cured(bridge, event)


@pytest.mark.parametrize(
    ("wrong", "right", "fix"),
    [
        ({"phone": "12345"}, {"phone": PHONE}, "correct the phone in the CRM"),
        (
            {"phone": PHONE, "first_name": "", "last_name": ""},
            {"phone": PHONE, "first_name": "Ann"},
            "give the contact a name in the CRM: its next event brings it",
        ),
    ],
)
async def test_the_contact_is_mended_in_the_crm_and_its_next_event_brings_it(tmp_path, wrong, right, fix):
    async with running(tmp_path, lead={"name": "{{ contact.name }}"}) as bridge:
        event = await bridge.accept(**wrong)
        await dead(bridge, event, fix)
        newer = await bridge.accept(**right)
        await cured(bridge, newer)
        assert bridge.event(event)["superseded_by"] == newer
        assert bridge.fate(event) == "superseded"
    assert bridge.lead(PHONE).phone == PHONE


async def test_an_opt_out_that_reached_nobody_is_sent_again_with_the_phone(tmp_path):
    fix = "block the person by hand: send the opt-out again with the phone of their lead"
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=PHONE)
        await bridge.settled()
        event = await bridge.accept(contact_id="stranger", email="stranger@example.com", dnd=True)
        await dead(bridge, event, fix)
        status = CliRunner().invoke(app, ["status", "-c", str(bridge.folder / "config.yaml")])
        assert "1 opt-out reached nobody" in status.stdout
        again = await bridge.accept(
            contact_id="stranger", email="stranger@example.com", phone=PHONE, dnd=True
        )
        await cured(bridge, again)
    assert bridge.lead(PHONE).tags == ["do-not-call"]


async def test_a_source_is_put_back(tmp_path):
    fix = "put it back, reload, and replay the event"
    sources = {
        **BASE["sources"],
        "forms": {"type": "ghl_workflow", "token": "forms-token-for-the-tests-only"},
    }
    async with running(tmp_path, sources=sources) as bridge:
        answer = await bridge.post(
            {"contact_id": "bob", "phone": "+12025550102", "full_name": "Bob Ray"},
            source="forms",
            token="forms-token-for-the-tests-only",
        )
        event = answer.json()["event_id"]
        await bridge.settled()
        reload(bridge)
        await replay(bridge, event)
        await dead(bridge, event, fix)
        reload(bridge, sources=sources)
        await replay(bridge, event, "--force")
        await cured(bridge, event)


REFUSED = {
    "change the rule that fills the field Fusion names, then replay the event": Fault("status", status=422),
    "correct the route's campaign, or choose a Default Feed in Fusion; then replay the event": Fault(
        "status", status=404
    ),
    "shorten the rules of custom fields or tags, then replay the event": Fault("status", status=413),
}


@pytest.mark.parametrize("fix", REFUSED)
async def test_what_fusion_refused_is_mended_and_replayed(tmp_path, fix):
    """The fault holds while the rules have the field that Fusion doesn't want."""
    wrong = {"lead": {**NAME[0], "company": "Too much"}}
    async with running(tmp_path, **wrong) as bridge:
        bridge.fusion.faults.add(REFUSED[fix])
        event = await bridge.accept(phone=PHONE)
        await dead(bridge, event, fix)
        bridge.fusion.faults.clear()
        reload(bridge, routes=[{"campaign_id": CAMPAIGN}])
        await replay(bridge, event)
        await cured(bridge, event)


async def test_another_lead_is_in_the_way(tmp_path):
    fix = "look the phone up in Fusion: another lead is in the way; mend it, then replay the event"
    async with running(tmp_path) as bridge:
        await bridge.accept(phone=PHONE)
        await bridge.settled()
        bridge.fusion.faults.add(Fault("status", status=409, method="PATCH"))
        event = await bridge.accept(phone=PHONE, first_name="Anna")
        await dead(bridge, event, fix)
        bridge.fusion.faults.clear()
        await replay(bridge, event)
        await cured(bridge, event)
    assert bridge.lead(PHONE).name == "Anna Lee"


async def test_a_web_page_answered(tmp_path):
    fix = "a web page answered, not Fusion: check fusion.base_url, then replay the event"
    async with running(tmp_path) as bridge:
        bridge.fusion.faults.add(Fault("html", status=404))
        event = await bridge.accept(phone=PHONE)
        await dead(bridge, event, fix)
        bridge.fusion.faults.clear()  # another address is another Fusion: `test_another_fusion.py`
        await replay(bridge, event)
        await cured(bridge, event)


async def test_failed_too_often(tmp_path):
    fix = "see the attempts with `bridge show`; `bridge replay` tries again"
    async with running(tmp_path, retry=TOUCHY) as bridge:
        bridge.fusion.faults.add(Fault("status", status=500))
        event = await bridge.accept(phone=PHONE)
        await dead(bridge, event, fix)
        shown = CliRunner().invoke(app, ["show", str(event), "-c", str(bridge.folder / "config.yaml")])
        assert shown.stdout.count("failed") >= 2
        bridge.fusion.faults.clear()
        await replay(bridge, event)
        await cured(bridge, event)


async def test_not_reached_for_too_long(tmp_path):
    fix = "check base_url and Fusion's status, then `bridge replay --state dead`"
    async with running(tmp_path, retry={**TOUCHY, "give_up_after": "100ms"}) as bridge:
        bridge.fusion.faults.add(Fault("down"))
        event = await bridge.accept(phone=PHONE)
        await dead(bridge, event, fix)
        bridge.fusion.faults.clear()
        await replay(bridge, "--state", "dead")
        await cured(bridge, event)


async def test_an_account_is_put_back(tmp_path):
    fix = "put it back, or mend the routes; then `bridge replay`"
    both = {**BASE["fusion"], "accounts": {**BASE["fusion"]["accounts"], "west": {"api_key": "key-2"}}}
    async with running(tmp_path, fusion=both, routes=[{"account": "west"}]) as bridge:
        bridge.fusion.faults.add(Fault("down"))
        event = await bridge.accept(phone=PHONE)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM attempts WHERE outcome IS NOT NULL"))
        reload(bridge)
        await dead(bridge, event, fix)
        bridge.fusion.faults.clear()
        reload(bridge, fusion=both, routes=[{"account": "west"}])
        await replay(bridge, event)
        await cured(bridge, event)


async def test_the_right_key_is_put_into_the_file(tmp_path):
    right = {**BASE["fusion"], "accounts": {"main": {"api_key": "the-right-key-of-the-account"}}}
    sandbox = create_sandbox(api_keys=["the-right-key-of-the-account"], requests=10_000, per_s=1.0)
    async with running(tmp_path, sandbox=sandbox) as bridge:
        event = await bridge.accept(phone=PHONE)
        await bridge.until(lambda: bridge.rows("SELECT 1 FROM lanes WHERE reason = 'unauthorized'"))
        status = CliRunner().invoke(app, ["status", "-c", str(bridge.folder / "config.yaml")])
        assert "put the right key of main into .env, then" in status.stdout
        reload(bridge, fusion=right)
        await cured(bridge, event)


# Followed elsewhere, or by nobody: a bug of ours.
ELSEWHERE = {
    "sends again": "test_another_fusion.py, cli/test_adopt.py",
    "put it back, or mend the routes; replay": "test_an_account_is_put_back: the log's words for the same",
    "this is a bug of the bridge: report it": "",
}


def test_no_fix_is_left_out():
    """Every text of the code that tells to replay is in a case above."""
    followed = Path(__file__).read_text().replace('"\n    "', "")  # a text on two lines
    missing = [
        text for text in told() if not any(part in text for part in ELSEWHERE) and text not in followed
    ]
    assert missing == []


def told():
    """Texts of the code that tell an operator to replay; of what is filled in, the longest part."""
    found = set()
    for file in Path(package.__file__).parent.rglob("*.py"):
        if file.parent.name == "cli":  # what a command says of itself
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [each.value for each in node.values if isinstance(each, ast.Constant)]
                found |= {part.strip() for part in parts if "replay" in part}
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_fix(node.value):
                found.add(node.value)
    return sorted(found)


def _is_fix(text):
    return "\n" not in text and re.search(rf"(?:{BEFORE})replay\b", text) is not None


BEFORE = "then |`bridge |; |and |, "
