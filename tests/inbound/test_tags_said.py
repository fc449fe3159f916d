"""Whether an event speaks of tags at all: only then may a lead's tags become none."""

import pytest

from bridge.config.values import _tags
from bridge.inbound import GhlApp, GhlWorkflow, JsonSource

SAID = [[], "", "vip", ["vip"], "vip, new", [""], "[]", ["vip", None]]
SILENT = [None, "null", "undefined", "{{contact.tags}}"]
WHERE = {
    "workflow": lambda tags: GhlWorkflow("workflow", "t").read({"contact_id": "c", "tags": tags}),
    "workflow, nested": lambda tags: GhlWorkflow("workflow", "t").read(
        {"contact": {"id": "c", "phone": "1", "tags": tags}}
    ),
    "app": lambda tags: GhlApp("app", ()).read({"type": "ContactUpdate", "id": "c", "tags": tags}),
    "form": lambda tags: form("{{ payload.tags }}").read({"tags": tags}),
    "form, a list of rules": lambda tags: form(["{{ payload.interests }}", "{{ payload.tags }}"]).read(
        {"tags": tags}
    ),
    "form, nested": lambda tags: form("{{ payload.a['Your tags'] }}").read({"a": {"Your tags": tags}}),
    "form, filtered": lambda tags: form("{{ payload.tags | lower }}").read({"tags": tags}),
}


def form(rule):
    return JsonSource("forms", "t", contact={"tags": _tags(rule)})


@pytest.mark.parametrize("where", WHERE)
@pytest.mark.parametrize("tags", SAID, ids=repr)
def test_said(where, tags):
    assert WHERE[where](tags).tags_said


@pytest.mark.parametrize("where", [where for where in WHERE if where != "form, filtered"])
@pytest.mark.parametrize("tags", SILENT, ids=repr)
def test_null_and_an_unfilled_field_say_nothing(where, tags):
    assert not WHERE[where](tags).tags_said


@pytest.mark.parametrize(
    "payload", [{}, {"name": "Ann"}, {"a": {}}, {"a": {"tag": "vip"}}, {"contact": {"name": "Ann"}}]
)
@pytest.mark.parametrize(
    "source",
    [
        GhlWorkflow("workflow", "t"),
        GhlApp("app", ()),
        form("{{ payload.a.tags }}"),
        form(["{{ payload.tags }}", "{{ payload.a.interests }}"]),
        JsonSource("forms", "t", contact={}),
    ],
)
def test_a_source_that_is_silent(source, payload):
    assert not source.read(payload).tags_said


def test_what_is_found_in_a_list_of_objects_counts():
    answers = form("{{ (payload.answers | selectattr('id', 'equalto', 7) | first).labels }}")
    assert not answers.read({"answers": [{"id": 6, "labels": ["vip"]}]}).tags_said
    assert answers.read({"answers": [{"id": 7, "labels": ["vip"]}]}).tags_said


@pytest.mark.parametrize(
    "tags", ["vip, Customer", '["vip", "Customer"]', ["vip", "Customer"], "[vip, Customer]"]
)
@pytest.mark.parametrize("rule", ["{{ payload.tags }}", ["{{ payload.tags }}"]])
def test_tags_in_any_shape_of_a_mapped_source(tags, rule):
    assert form(rule).read({"tags": tags}).contact.tags == ("vip", "Customer")


def test_a_literal_is_one_tag():
    assert form(["{{ payload.tags }}", "web, form"]).read({"tags": "vip,new"}).contact.tags == (
        "vip",
        "new",
        "web, form",
    )
