"""Every sentence of the contract about expressions, each with a case that fails without it."""

from typing import Any

import pytest

from bridge.errors import ExpressionError, MappingError
from bridge.rules.expression import PAYLOAD_SCOPE, RULE_SCOPE, compile_condition, compile_value
from bridge.rules.values import CustomFields

CUSTOM = {
    "Monthly bill": "$95.50",
    "What Services?": ["Roof", "Solar"],
    "contact.lead_score": 7,
    "aB3dEf": "x",
}
VARIABLES: dict[str, Any] = {
    "contact": {
        "name": "Jane Doe",
        "city": "",
        "tags": ("solar", "New Lead!"),
        "do_not_call": False,
        "custom": CustomFields(CUSTOM),
    },
    "location": {"id": "loc1", "name": "Main Street"},
    "workflow": {"name": ""},
    "event": {"type": "contact.updated", "source": "workflow"},
    "data": {"budget": "1,200"},
    "payload": {
        "items": ["a", "b"],
        "keys": "mine",
        "get": None,
        "n": 5,
        "deep": {"er": {"est": True}},
        "_id": "u1",
        "list": [1, None, "x"],
    },
}


def value(text: str) -> Any:
    return compile_value(text, RULE_SCOPE)(VARIABLES)


def holds(text: str) -> bool:
    return compile_condition(text, RULE_SCOPE)(VARIABLES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("gohighlevel", "gohighlevel"),
        ("", ""),
        ("a } b { c # d", "a } b { c # d"),
        ("{{ contact.tags }}", ["solar", "New Lead!"]),
        ("  {{ contact.tags }}\n", ["solar", "New Lead!"]),
        ("{{ payload.n }}", 5),
        ("{{ payload.deep.er.est }}", True),
        ("{{ payload['deep']['er'] }}", {"est": True}),
        ("{{ payload.n + 0.5 }}", 5.5),
        ("n={{ payload.n }} ", "n=5 "),
        ("{{ contact.name }} of {{ contact.city }}{{ payload.get }}", "Jane Doe of "),
        ("tags: {{ contact.tags }}", "tags: solar, New Lead!"),
        ("{{ contact.name }}{{ payload.n }}", "Jane Doe5"),
        ("{{ contact.tags | map('upper') }}", ["SOLAR", "NEW LEAD!"]),
        ("{{ contact.name.upper() }}", "JANE DOE"),
        ("{{ contact.name if payload.n > 3 else 'x' }}", "Jane Doe"),
        ("{{ contact.tags | join('/') }}", "solar/New Lead!"),
        ("{{ contact.tags | tojson }}", '["solar", "New Lead!"]'),
        ("{{ contact.tags + ['x'] }}", None),
    ],
)
def test_one_pair_of_brackets_gives_a_value_other_text_is_literal(text: str, expected: Any) -> None:
    if expected is None:  # a tuple and a list don't add up in Python: an error, never a crash
        with pytest.raises(MappingError):
            value(text)
    else:
        assert value(text) == expected
        assert type(value(text)) is type(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("payload.items", ["a", "b"]),
        ("payload.keys", "mine"),
        ("payload.values", ""),
        ("payload['items']", ["a", "b"]),
        ("payload._id", "u1"),
        ("payload.deep.items", ""),
        ("payload.deep.pop", ""),
    ],
)
def test_a_mapping_is_read_by_its_keys_and_never_by_its_methods(text: str, expected: Any) -> None:
    assert value("{{ " + text + " }}") == expected


@pytest.mark.parametrize(
    "text",
    [
        "payload.missing > 80",
        "payload.missing < 80",
        "80 >= payload.missing",
        "80 <= payload.missing",
        "contact.custom['Monthly bil'] | number > 80",
        "contact.custom['nope'] | number <= 80",
        "payload.missing in 'abc'",
        "contact.city in 'abc'",
        "payload.missing in contact.tags",
        "'x' in payload.missing",
        "payload.missing.deeper['still'].there",
        "payload.missing",
        "payload.get",
        "payload.missing is defined",
        "contact.city is defined",
        "payload.missing == 'x'",
        "payload.missing == 0",
        "payload.missing != ''",
        "payload.missing | number * 12 > 0",
        "(payload.missing | number) | round(2) > 1",
        "payload.missing.startswith('a')",
        "payload.missing | upper",
        "payload.missing | split",
        "payload.missing | date",
        "payload.missing | phone",
        "payload.missing | digits",
        "payload.missing | lookup({'a': 1})",
        "payload.missing | list",
        "payload.missing | first",
        "payload.missing | length > 0",
        "payload.missing[0:2]",
        "payload.missing | abs",
        "-payload.missing > 0",
        "contact.tags | select('equalto', 'none such')",
    ],
)
def test_a_missing_value_is_empty_and_never_an_error(text: str) -> None:
    assert holds(text) is False


@pytest.mark.parametrize(
    "text",
    [
        "payload.missing == ''",
        "payload.missing == none",
        "payload.missing == payload.gone",
        "payload.get is none",
        "payload.missing not in 'abc'",
        "'x' not in payload.missing",
        "payload.missing | length == 0",
        "payload.missing | default('x') == 'x'",
        "contact.city | default('x') == 'x'",
        "payload.missing ~ 'a' == 'a'",
        "contact.city + 'a' == 'a'",
        "'a' + contact.city == 'a'",
        "payload.missing | int == 0",
        "not payload.missing",
        "'solar' in contact.tags and contact.custom['Monthly bill'] | number > 80",
        "'solar' in contact.name or 'Jane' in contact.name",
        "1 < payload.n <= 5",
        "contact.tags | select('in', ['solar'])",
    ],
)
def test_conditions_that_hold(text: str) -> None:
    assert holds(text) is True


@pytest.mark.parametrize("null", [None, ""])
def test_null_and_empty_text_are_missing_alike(null: Any) -> None:
    got = compile_value("{{ payload.x | default('none') }}", PAYLOAD_SCOPE)({"payload": {"x": null}})
    assert got == "none"


@pytest.mark.parametrize(
    "missing", ["{{ payload.missing }}", "{{ payload.missing.deeper }}", "{{ contact.city }}"]
)
def test_a_missing_value_comes_out_as_empty_text(missing: str) -> None:
    assert value(missing) == ""
    assert type(value(missing)) is str
    assert value("{{ [payload.missing, payload.n] }}") == ["", 5]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Monthly bill", "$95.50"),
        ("monthly_bill", "$95.50"),
        ("contact.monthly_bill", "$95.50"),
        ("MONTHLY  BILL:", "$95.50"),
        ("what services", ["Roof", "Solar"]),
        ("Lead score", 7),
        ("aB3dEf", "x"),
        ("???", ""),
        ("", ""),
    ],
)
def test_a_custom_field_is_found_by_label_key_or_id(name: str, expected: Any) -> None:
    assert value(f"{{{{ contact.custom['{name}'] }}}}") == expected


def test_an_exact_custom_field_goes_before_a_similar_one() -> None:
    fields = CustomFields({"monthly bill": 1, "Monthly Bill": 2, "": 3})
    assert fields["Monthly Bill"] == 2
    assert fields["MONTHLY BILL"] == 1
    assert list(fields) == ["monthly bill", "Monthly Bill", ""]
    assert len(fields) == 3


@pytest.mark.parametrize(
    ("text", "message", "fix"),
    [
        ("{{ contct.name }}", "contct", "contact"),
        ("{{ contact.nme }}", "contact.nme", "contact.name"),
        ("{{ contact['nme'] }}", "contact.nme", "contact.name"),
        ("{{ contact.favourite_colour }}", "favourite_colour", "contact.custom['favourite_colour']"),
        ("{{ contact.name.uper() }}", "contact.name.uper", "upper"),
        ("{{ contact.name.format(1) }}", "contact.name.format", ""),
        ("{{ location.nam }}", "location.nam", "location.name"),
        ("{{ record.x }}", "record", "known: contact"),
        ("{{ contact.name | uper }}", "uper", "upper"),
        ("{{ contact.name if contact.city is defind }}", "defind", "defined"),
        ("{{ contact.name | nmber if false }}", "nmber", "number"),
        ("Hello {{ contact.frist_name }}!", "frist_name", "contact.first_name"),
        ("{{ contact.name", "can't be read", "{{"),
        ("{{ contact.name }", "can't be read", "{{"),
        ("{{ a and }}", "can't be read", "{{"),
        ("{% if contact.name %}x{% endif %}", "statement", "{{ a if b else c }}"),
        ("{{ range(5) }}", "range", "known"),
        ("{{ lipsum() }}", "lipsum", "known"),
        ("{{ contact.tags | random }}", "random", ""),
        ("{{ payload.__class__ }}", "__class__", "private"),
        ("{{" + "(" * 3000 + "1" + ")" * 3000 + "}}", "nested", "simpler"),
    ],
)
def test_a_name_that_cannot_exist_is_an_error_with_the_nearest_known_name(
    text: str, message: str, fix: str
) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_value(text, RULE_SCOPE)
    assert message in error.value.message
    assert fix in error.value.fix


@pytest.mark.parametrize(
    "text", ["", "  ", "{{ contact.name }}", "a b", "contact.name 5", "contact.nme", "1 +"]
)
def test_a_condition_that_cannot_work_is_an_error(text: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_condition(text, RULE_SCOPE)
    assert error.value.fix


@pytest.mark.parametrize(
    ("text", "said", "fix"),
    [
        ("contact.type = 'x'", "at '='", "compare with ==; for tags write 'x' in contact.tags"),
        ("(contact.type = 'x')", "can't be read", "compare with ==; for tags write 'x' in contact.tags"),
        ("contact.type ==", "can't be read", "write it as in 'vip' in contact.tags"),
        ("contact.tags == 'vip'", "a list", "write 'vip' in contact.tags"),
        ("'vip' != contact['tags']", "a list", "write 'vip' not in contact.tags"),
        ("contact.city and contact.tags == ''", "a list", "write contact.tags, or not contact.tags"),
        ("contact.tags == []", "a list", "write contact.tags, or not contact.tags"),
        ("contact.do_not_call == 'true'", "true or false", "write contact.do_not_call, or not"),
        ("contact.tags.contains('x')", "contact.tags.contains", "write 'x' in contact.tags"),
        ("contact['tags'].lower()", "contact.tags.lower", "write 'x' in contact.tags"),
        ("contact.name.contains('x')", "contact.name.contains", "write 'x' in contact.name"),
        ("contact.name.lowr()", "contact.name.lowr", "did you mean contact.name.lower?"),
        ("contact.name.foo", "there is no method contact.name.foo", "there are filters, such as | lower"),
    ],
)
def test_a_condition_that_would_never_hold_is_an_error(text: str, said: str, fix: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_condition(text, RULE_SCOPE)
    assert said in error.value.message
    assert error.value.fix.startswith(fix)
    assert "{{" not in error.value.fix


@pytest.mark.parametrize(
    "text",
    [
        "contact.tags | length == 2",
        "contact.tags[0] == 'solar'",
        "contact.tags | join(',') != 'x'",
        "contact.tags.count('solar') == 1",
        "contact.do_not_call == false",
        "contact.tags == contact.tags",
    ],
)
def test_tags_may_be_compared_by_what_they_hold(text: str) -> None:
    assert holds(text) is True


@pytest.mark.parametrize(
    "text", ["contact.name", " payload['x'] ", "data.utm | lower", "event.type", "location.id", "contact.nme"]
)
def test_forgotten_braces_are_an_error(text: str) -> None:
    with pytest.raises(ExpressionError) as error:
        compile_value(text, RULE_SCOPE)
    assert error.value.message == f"{text.strip()!r} is taken as plain text"
    assert error.value.fix == f'write "{{{{ {text.strip()} }}}}"'


@pytest.mark.parametrize(
    "text", ["contact", "contact us", "contacts.x", "database", "my contact.name", "event"]
)
def test_text_that_only_resembles_a_name_is_literal(text: str) -> None:
    assert value(text) == text


def test_a_name_of_another_scope_is_literal() -> None:
    assert compile_value("contact.example.com", PAYLOAD_SCOPE)({}) == "contact.example.com"


def test_names_of_another_scope_are_unknown() -> None:
    assert compile_value("{{ payload.anything.at_all }}", PAYLOAD_SCOPE)({"payload": {}}) == ""
    with pytest.raises(ExpressionError):
        compile_value("{{ contact.name }}", PAYLOAD_SCOPE)


@pytest.mark.parametrize(
    "text",
    [
        "payload.n > 'a'",
        "data.budget > 80",
        "payload.n / 0 > 1",
        "payload.n['a':'b']",
        "payload.n()",
        "contact.name.upper",
        "contact.name | map('no such filter') | list",
        "9 ** 9 ** 9 > 1",
        "2.0 ** 100000 > 1",
        "'x' * 1000000",
        "1000000 * 'x'",
        "payload.items * 100000",
        "(7 ** 80) * (7 ** 80) > 0",
        "'x' | center(1000000000)",
        "payload.items | batch(1000000000, 'x') | list",
        "payload.items | slice(1000000000) | list",
        "1 | round(-1000000000)",
        "'%1000000000d' % 1",
        "'%*d' % (1000000000, 1)",
        "'%1000000000d' | format(1)",
        "payload | tojson(indent=1000000000)",
    ],
)
def test_a_failing_or_hostile_expression_is_a_mapping_error_that_names_it(text: str) -> None:
    condition = compile_condition(text, RULE_SCOPE)
    with pytest.raises(MappingError) as error:
        condition(VARIABLES)
    assert text in error.value.message
    assert error.value.fix


def test_comparing_text_with_a_number_says_how_to_mend_it() -> None:
    with pytest.raises(MappingError) as error:
        holds("data.budget > 80")
    assert "| number" in error.value.fix
    assert holds("data.budget | number > 80")


@pytest.mark.parametrize(
    "text",
    [
        "''['__class__']",
        "contact.name['format']",
        "contact.name | attr('__class__')",
        "contact.tags['append']",
    ],
)
def test_nothing_of_python_can_be_reached(text: str) -> None:
    assert value("{{ " + text + " }}") == ""


def test_data_nested_without_end_is_a_mapping_error() -> None:
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(MappingError):
        compile_value("{{ payload.x }}", PAYLOAD_SCOPE)({"payload": {"x": deep}})


@pytest.mark.parametrize(
    ("text", "expected"),
    [("{{ '%05.1f' | format(80.25) }}", "080.2"), ("{{ 7 * 6 }}", 42), ("{{ 2 ** 5 }}", 32)],
)
def test_ordinary_arithmetic_and_formats_still_work(text: str, expected: Any) -> None:
    assert value(text) == expected


def test_jinjas_markup_comes_out_as_plain_text() -> None:
    assert type(value("{{ contact.name | escape }}")) is str
