"""What people write beside a number or a name: who said no there isn't called."""

from typing import Any

import pytest

from bridge.inbound import remarks
from bridge.inbound.ghl_workflow import GhlWorkflow
from bridge.inbound.json_source import JsonSource
from bridge.inbound.opt_out import spoken


@pytest.mark.parametrize(
    "text",
    [
        "202-555-0143 - do not call",
        "202-555-0143 (DO NOT CALL!)",
        "DNC 202-555-0144",
        "202-555-0144 (DNC)",
        "dnc 1 (202) 555-0144",
        "202-555-0144 don't call",
        "202-555-0144 please dont call",
        "202-555-0144 no calls please",
        "202-555-0144 do not contact",
        "OPTED OUT 202-555-0144",
        "202-555-0144 never call",
        "DO NOT CALL Ann Lee",
        "Ann Lee (DNC)",
        "Ann Lee - opted out",
    ],
)
def test_a_remark_that_says_no_blocks(text: str) -> None:
    assert remarks.says_no(text)
    assert spoken({"contact_id": "c1", "full_name": text}).everything is True
    assert spoken({"contact_id": "c1", "Phone Number": text}).everything is True


@pytest.mark.parametrize(
    "text",
    [
        "202-555-0143",
        "",
        None,
        7,
        "202-555-0143 no calls after 9",
        "202-555-0143 (don't call before 10:00)",
        "202-555-0143 do not call on Sundays",
        "202-555-0143 do not call 9-5",
        "202-555-0143 no texts",
        "202-555-0143 (call after 5pm)",
        "Dnc Lee",
        "Ann Donot",
        "Noah Callister",
        "No Callahan",
    ],
)
def test_a_remark_about_hours_or_somebodys_name_blocks_nothing(text: Any) -> None:
    assert not remarks.says_no(text)
    assert spoken({"contact_id": "c1", "phone": text, "full_name": text}).everything is None


def test_a_fields_name_is_no_persons() -> None:
    assert spoken({"field": {"name": "Do not call", "value": "no"}}).everything is None
    assert spoken({"workflow": {"name": "Do not call"}}).everything is None


def test_the_workflow_tells_it() -> None:
    reading = GhlWorkflow("workflow", token="").read(
        {"contact_id": "c1", "full_name": "Ann Lee", "phone": "202-555-0143 (DNC)"}
    )
    assert reading.contact.do_not_call
    assert "phone: its words say do not call, and count as an opt-out" in reading.warnings


def test_a_form_is_understood_under_keys_of_its_own() -> None:
    source = JsonSource(
        name="forms", token="", contact={"phone": lambda variables: variables["payload"].get("3")}
    )
    reading = source.read({"3": "202-555-0143 - do not call"})
    assert reading.contact.do_not_call
    assert reading.dnd_all is True
    assert "phone: its words say do not call, and count as an opt-out" in reading.warnings


def test_a_phone_that_the_mapping_misses_is_named() -> None:
    source = JsonSource(
        name="forms", token="", contact={"phone": lambda variables: variables["payload"].get("phone")}
    )

    def said(payload: dict[str, Any]) -> str:
        return " | ".join(source.read(payload).warnings)

    assert "'phone_number' may be it" in said({"phone_number": "2025550101"})
    assert "'contact.phone' may be it" in said({"contact": {"phone": "2025550101"}})
    assert said({"phone_number": "n/a", "smartphone": "yes", "total": 2025550101}) == ""


@pytest.mark.parametrize("key", ["status", "Lead Status", "call_disposition", "pipelineStage", "lost reason"])
@pytest.mark.parametrize(
    "value",
    ["DNC", "dnc", "Do Not Call", "do-not-contact", "Lost - do not call", "DNC requested", "opted_out"],
)
def test_a_status_that_says_no_blocks(key: str, value: str) -> None:
    said = spoken({"contact_id": "c1", key: value})
    assert said.everything is True
    assert said.doubts


@pytest.mark.parametrize("key", ["status", "Lead Status", "call_disposition", "pipelineStage", "lost reason"])
@pytest.mark.parametrize(
    "value",
    [
        *("New", "No Call", "No contact", "Not contacted", "Not DNC", "Unsubscribed", "Stopped", "blocked"),
        *("No answer", "Wrong number", "Stop", "Call back", "", None, 3, "Contacted", "Opted in"),
    ],
)
def test_a_status_about_anything_else_blocks_nothing(key: str, value: Any) -> None:
    assert spoken({"contact_id": "c1", key: value}).everything is None


def test_a_status_of_somebody_else_blocks_nothing() -> None:
    assert spoken({"contact_id": "c1", "agent": {"status": "DND"}}).everything is None
    assert spoken({"contact_id": "c1", "Favourite game": "DND"}).everything is None
