"""Any text as a rule, on any payload: it compiles or is refused in words, and gives data or one error."""

import json

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.errors import ExpressionError, MappingError
from bridge.rules.effort import MAX_EFFORT, limited, size, weight
from bridge.rules.expression import RULE_SCOPE, compile_condition, compile_value
from bridge.rules.phone import says_no_phone
from bridge.rules.sandbox import LIST_METHODS, TEXT_METHODS, build_environment
from bridge.rules.values import EMPTY, CustomFields, flat, fold, plain, plain_text

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
ENVIRONMENT = build_environment()
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
)
PAYLOADS = st.fixed_dictionaries({}, optional=dict.fromkeys(("a", "b", "items", "text", "n"), JSON))
TEXTS = st.text(max_size=30) | st.lists(
    st.sampled_from(
        ["{{", "}}", "{%", "{#", "payload.a", "'x'", "|", "upper", "(", ")", "[", "]", "+", "in", " "]
    )
).map("".join)

ATOMS = [
    "payload.a",
    "payload.b",
    "payload.items",
    "payload.text",
    "payload.n",
    "payload.missing",
    "contact.tags",
]
ATOMS += ["contact.custom", "''", "'a'", "0", "1.5", "-1", "99999", "none", "true", "[]", "{}", "payload"]


def _grown(inner):
    filters = st.sampled_from(sorted(ENVIRONMENT.filters))
    methods = st.sampled_from(sorted(TEXT_METHODS | LIST_METHODS | {"__class__", "format", "encode", "x"}))
    between = st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "~", "==", "<", "in", "and", "or"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, between, inner),
        st.builds("({} | {})".format, inner, filters),
        st.builds("({} | {}({}))".format, inner, filters, inner),
        st.builds("({} | {}({}, {}))".format, inner, filters, inner, inner),
        st.builds("({} | map('{}') | list)".format, inner, filters),
        st.builds("{}.{}".format, inner, methods),
        st.builds("{}.{}({})".format, inner, methods, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}[{}:{}]".format, inner, inner, inner),
        st.builds("({} if {} else {})".format, inner, inner, inner),
        st.builds("({} is {})".format, inner, st.sampled_from(sorted(ENVIRONMENT.tests))),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'a': {}}}".format, inner),
    )


EXPRESSIONS = st.recursive(st.sampled_from(ATOMS), _grown, max_leaves=6)


def only_plain(value):
    assert type(value) in {str, int, float, bool, type(None), list, dict}
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        only_plain(item)


def evaluated(compiling, payload):
    try:
        evaluate = compiling()
    except ExpressionError as error:
        refused = error
    else:
        before = json.dumps(payload)
        try:
            made = evaluate(
                {"payload": payload, "contact": {"tags": ("a",), "custom": CustomFields(payload)}}
            )
        except MappingError as error:
            refused = error
        else:
            assert weight(made) <= MAX_EFFORT
            only_plain(made)
            assert " at 0x" not in str(made) or " at 0x" in before
            refused = None
        assert json.dumps(payload) == before
    assert refused is None or (refused.message and refused.fix)


@QUIET
@given(TEXTS, PAYLOADS)
def test_any_text_is_a_rule_or_refused_in_words(text, payload):
    evaluated(lambda: compile_value(text, RULE_SCOPE), payload)
    evaluated(lambda: compile_condition(text, RULE_SCOPE), payload)


@QUIET
@given(EXPRESSIONS, PAYLOADS)
@example("(payload.a.upper ~ 'a')", {"a": "a"})
@example("(contact.custom | string)", {"a": "a"})
def test_any_expression_gives_plain_data_or_one_error(expression, payload):
    evaluated(lambda: compile_value(f"{{{{ {expression} }}}}", RULE_SCOPE), payload)
    evaluated(lambda: compile_value(f"a {{{{ {expression} }}}} b", RULE_SCOPE), payload)
    evaluated(lambda: compile_condition(expression, RULE_SCOPE), payload)


@given(st.text(max_size=30))
def test_a_text_without_braces_is_itself(text):
    try:
        value = compile_value(text, RULE_SCOPE)
    except ExpressionError:
        assert "{{" in text or "{%" in text or "." in text or "[" in text
    else:
        assert "{{" in text or value({}) == text


@given(JSON)
def test_plain_data_stays_itself_and_any_value_is_text(value):
    made = plain(value)
    only_plain(made)
    assert plain(made) == made or made != made  # noqa: PLR0124 - not a number
    text = plain_text(value)
    assert isinstance(text, str)
    assert plain_text(text) == text
    assert not any(isinstance(item, list) for item in flat(value))
    assert flat(flat(value)) == flat(value) or value != value  # noqa: PLR0124
    with limited():
        assert 0 <= size(value) <= weight(value) + 1 or weight(value) > MAX_EFFORT


@given(st.dictionaries(st.text(max_size=8), st.integers(), max_size=5), st.text(max_size=8))
def test_a_custom_field_is_found_by_its_own_name_and_by_others_like_it(sent, name):
    fields = CustomFields(sent)
    for label, value in sent.items():
        assert fields[label] == value
        spelt = f"contact.{label}"
        if fold(label) and spelt not in sent and fold(spelt) == fold(label):
            assert fields[spelt] in {sent[other] for other in sent if fold(other) == fold(label)}
    assert fold(fold(name)) == fold(name)
    assert (fields.get(name, EMPTY) is EMPTY) == (
        name not in sent and fold(name) not in {fold(label) for label in sent} - {""}
    )


@given(st.text(max_size=20))
def test_what_says_no_phone_says_so_in_capitals_and_with_signs_as_well(text):
    assert says_no_phone(text) == says_no_phone(f" ({text}). ")
    if text.isascii():
        assert says_no_phone(text) == says_no_phone(text.upper())
