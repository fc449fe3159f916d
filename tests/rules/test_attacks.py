"""Expressions and payloads that were written to stop the bridge: each ends soon, small, with a named error.

The rules are the operator's, so what counts is what a stranger's values can do to an ordinary rule; rules
that are hostile by themselves are here as well, because people paste them. Bounds are a hundred times what
honest rules take, and a tenth of what anybody would notice.
"""

import json
import time
import tracemalloc

import pytest

from bridge.errors import BridgeError, ExpressionError, MappingError
from bridge.inbound.body import parse
from bridge.inbound.ghl_workflow import GhlWorkflow
from bridge.rules.expression import RULE_SCOPE, compile_value
from bridge.rules.mapping import apply, compile_rules
from bridge.rules.values import CustomFields, fold, plain_text

LONG = 1_000_000  # characters: as many as a body may have
BIG = 10**9
SECONDS = 5.0  # of the processor; measured below 0.15 each, and without bounds it would be hours
MEMORY = 64 * 1024 * 1024

# Rule → what a stranger puts into the payload.
MULTIPLIED = {
    "{{ 'x' * payload.n }}": {"n": BIG},
    "{{ payload.n * 'x' }}": {"n": BIG},
    "{{ payload.text * payload.n }}": {"text": "x" * 100, "n": BIG},
    "{{ [payload.items] * payload.n }}": {"items": list(range(1000)), "n": 10_000},
    "{{ [payload.text] * payload.n }}": {"text": "x" * LONG, "n": 10_000},
    "all: {{ [payload.text] * payload.n }}": {"text": "x" * LONG, "n": 10_000},
    "{{ [[payload.text] * 99] * 99 }}": {"text": "x" * LONG},
    "{{ payload.n ** payload.n ** payload.n }}": {"n": 10},
    "{{ payload.n ** payload.m }}": {"n": 2**63, "m": 2**63},
    "{{ (payload.text | int(base=16)) // (payload.text | int(base=16)) }}": {"text": "f" * LONG},
    "{{ '%1000000000d' % payload.n }}": {"n": 1},
    "{{ '%.1000000000f' % payload.n }}": {"n": 1.5},
    "{{ '%*d' % (payload.n, 1) }}": {"n": BIG},
    "{{ payload.text % payload.n }}": {"text": "%1000000000d", "n": 1},
    "{{ '%(a)1000000000d' % {'a': payload.n} }}": {"n": 1},
    "{{ '%(a)1000000000d' | format(a=payload.n) }}": {"n": 1},
    "{{ payload.text | format(a=1) }}": {"text": "%(a(x)b)999d" * 80_000},
    "{{ payload.text | format(a=payload.more) }}": {"text": "%(a)s" * 100_000, "more": "x" * 400_000},
    "{{ payload.text | center(payload.n) }}": {"text": "x", "n": BIG},
    "{{ payload.items | map('center', 10000) | list }}": {"items": [1] * 300_000},
    "{{ payload.items | map('center', 10000) | join }}": {"items": [1] * 300_000},
    "{{ payload.items | map(payload.name, payload.n) | list }}": {"items": ["a"], "name": "center", "n": BIG},
    "{{ payload.text | replace(payload.old, payload.more) }}": {
        "text": "x" * 300_000,
        "old": "x",
        "more": "y" * 300_000,
    },
    "{{ payload.text.replace('', payload.more) }}": {"text": "x" * 300_000, "more": "y" * 300_000},
    "{{ 'aaaaaaaaaa' | replace('a', payload.b) | replace('b', payload.c) }}": {
        "b": "b" * 400_000,
        "c": "c" * 400_000,
    },
    "{{ payload.items | join(payload.more) }}": {"items": [""] * 200_000, "more": "y" * 300_000},
    "{{ payload.more.join(payload.items) }}": {"items": [""] * 200_000, "more": "y" * 300_000},
    "{{ payload.more.join(payload.more) }}": {"more": "y" * 500_000},
    "{{ ([payload.items] * 9000) | join }}": {"items": ["y"] * 200_000},
    "{{ payload.text | indent(payload.more) }}": {"text": "\n" * 400_000, "more": " " * 400_000},
    "{{ payload.text | indent(10000) }}": {"text": "\nx" * 400_000},
    "{{ payload.text | wordwrap(1, wrapstring=payload.more) }}": {
        "text": "x " * 4_000,
        "more": "y" * 400_000,
    },
    "{{ payload.text | urlize(target=payload.more) }}": {"text": "www.a.com " * 900, "more": "x" * 400_000},
    "{{ payload.items | tojson(indent=payload.n) }}": {"items": [1] * 300_000, "n": 10_000},
    "{{ ([payload.items] * 9000) | tojson }}": {"items": [1] * 200_000},
    "{{ ([payload.items] * 9000) | string }}": {"items": [1] * 200_000},
    "{{ ([payload.items] * 9000) ~ 'x' }}": {"items": [1] * 200_000},
    "{{ payload.items | batch(1) | map('batch', 10000, 'x') | map('list') | list }}": {
        "items": [1] * 300_000
    },
    "{{ payload.items | slice(10000, payload.more) | list }}": {"items": [1] * 5, "more": "y" * 900_000},
    "{{ payload.items | map('default', payload.more) | list }}": {
        "items": [None] * 90_000,
        "more": "y" * 500_000,
    },
    "{{ payload.date | date(payload.text) }}": {"date": "2026-10-05", "text": "%c" * 400_000},
}
SLOW = {
    "{{ payload.items | sum(start=[]) }}": {"items": [[1]] * 200_000},
    "{{ payload.items | select('in', payload.items) | list }}": {"items": [float(i) for i in range(90_000)]},
    "{{ payload.items | reject('in', payload.more) | list }}": {
        "items": [f"a{i}" for i in range(50_000)],
        "more": [f"b{i}" for i in range(50_000)],
    },
    "{{ payload.items | map('lookup', payload.table) | list }}": {
        "items": ["a"] * 50_000,
        "table": {f"b{i}": 1 for i in range(50_000)},
    },
    "{{ payload.items | map('phone') | list }}": {"items": ["202 555 0101 x"] * 50_000},
    "{{ payload.items | map('date') | list }}": {"items": ["Oct 5th, 2026!"] * 50_000},
    "{{ payload.items | map('upper') | map('lower') | map('upper') | list }}": {"items": ["a"] * 200_000},
    "{{ payload.items | sort | unique | list }}": {"items": [f"a{i}" for i in range(100_000)]},
    "{{ payload.items | groupby('a') }}": {"items": [{"a": i} for i in range(50_000)]},
    "{{ payload.text | wordwrap(1) }}": {"text": "x" * LONG},
    "{{ payload.text | striptags }}": {"text": "<!---->" * 140_000},
    "{{ payload.text | urlize }}": {"text": "(" * LONG},
    "{{ payload.text | pprint }}": {"text": "a " * (LONG // 2)},
    "{{ payload.text | title }}": {"text": "a-" * (LONG // 2)},
    "{{ payload.text | digits }}": {"text": "1" * LONG},
    "{{ payload.text | phone }}": {"text": "\ufdfa" * 300_000},
    "{{ payload.text | phone }} ": {"text": "1(" * (LONG // 2)},
    "{{ payload.text | number }}": {"text": "1," * (LONG // 2)},
    "{{ payload.text | int }}": {"text": "9" * LONG},
    "{{ payload.text | float }}": {"text": "9" * LONG},
    "{{ payload.text in payload.more }}": {"text": "a" * 200_000 + "b", "more": "a" * 600_000},
    "{{ payload.text.rfind(payload.more) }}": {"text": "a" * 600_000, "more": "ab" + "a" * 200_000},
    "{{ payload.text.rsplit(payload.more, 1) }}": {"text": "a" * 600_000, "more": "ab" + "a" * 200_000},
    "{{ payload.text.rsplit(sep=payload.more) }}": {"text": "a" * 600_000, "more": "ab" + "a" * 200_000},
    "{{ payload.text.rpartition(payload.more) }}": {"text": "a" * 600_000, "more": "ab" + "a" * 200_000},
    "{{ payload.text.strip(payload.more) }}": {"text": "д" * 150_000, "more": "ж" * 150_000 + "д"},
    "{{ payload.text.lstrip(payload.more) }}": {"text": "д" * 150_000, "more": "ж" * 150_000 + "д"},
    "{{ payload.text | trim(payload.more) }}": {"text": "д" * 150_000, "more": "ж" * 150_000 + "д"},
    **{
        f"{{{{ payload.items | {each} | list }}}}": {"items": [{}] * 300, "path": "a." * 200_000 + "a"}
        for each in (
            *("map(attribute=payload.path)", "selectattr(payload.path)", "rejectattr(payload.path, 'eq', 1)"),
            *("groupby(payload.path)", "groupby(attribute=payload.path)", "sort(attribute=payload.path)"),
            *(
                "sort(false, false, payload.path)",
                "unique(attribute=payload.path)",
                "unique(true, payload.path)",
            ),
            *("map('upper') | map(attribute=payload.path)", "sum(payload.path)", "join('', payload.path)"),
            *(
                "max(attribute=payload.path)",
                "min(false, payload.path)",
                "sort(attribute=payload.path ~ ',a')",
            ),
        )
    },
    "{{ payload.items | map('lookup', payload.table)|list }}": {
        "items": ["b"] * 50_000,
        "table": {"a" * 700_000: 1},
    },
    "{{ payload }}": {"items": [[]] * 300_000},
}


@pytest.mark.parametrize("rule", [*MULTIPLIED, *SLOW])
def test_no_value_makes_an_expression_run_long_or_grow(rule):
    evaluate = compile_value(rule, RULE_SCOPE)
    variables = {"payload": (MULTIPLIED | SLOW)[rule]}
    tracemalloc.start()
    began = time.process_time()
    try:
        made = len(plain_text(evaluate(variables)))
    except MappingError:
        made = 0
    took = time.process_time() - began
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert made <= LONG
    assert peak < MEMORY
    assert took < SECONDS * 3  # tracemalloc makes it three times as slow


@pytest.mark.parametrize("rule", [rule for rule in MULTIPLIED if "date(" not in rule])
def test_what_would_be_too_much_is_refused_and_not_cut(rule):
    with pytest.raises(MappingError) as error:
        compile_value(rule, RULE_SCOPE)({"payload": MULTIPLIED[rule]})
    assert "MemoryError" not in error.value.message
    assert error.value.fix


@pytest.mark.parametrize(
    "rule",
    [
        "{{ payload['__class__'] }}",
        "{{ payload | attr('__class__') }}",
        "{{ payload.text | attr(payload.k) }}",
        "{{ payload.text[payload.k] }}",
        "{{ payload.items | map(attribute=payload.path) | first }}",
        "{{ payload.items | map('attr', payload.k) | first }}",
        "{{ payload.text.format_map(payload) }}",
        "{{ payload.text.format(payload) }}",
        "{{ payload.text.encode() }}",
        "{{ payload.text.center(9) }}{{ payload.text.ljust(9) }}{{ payload.text.zfill(9) }}",
        "{{ payload.text.expandtabs(9) }}{{ payload.text.translate(payload) }}",
        "{{ (payload.text.upper | attr('__self__')) }}",
        "{{ payload.missing['__init__']['__globals__'] }}",
        "{{ payload.missing | attr('__init__') }}",
        "{{ (payload.text | safe).unescape() }}",
        "{{ (payload.text | escape).__html__ }}",
        "{{ payload.items.append('x') }}{{ payload.items.clear() }}",
        "{{ payload.pop('text') }}",
        # A method without its brackets, on the way to a text: its address would stand in the lead.
        "a{{ payload.text.upper }}",
        "{{ payload.text.upper | string }}",
        "{{ payload.text.upper | trim }}",
        "{{ payload.text.upper | pprint }}",
        "{{ payload.text.upper ~ 'a' }}",
        "{{ '%s' % payload.text.upper }}",
        "{{ '%(a)s' | format(a=payload.text.upper) }}",
        "{{ [payload.text.upper] | join }}",
        "{{ [payload.text.upper] | string }}",
        "{{ [[payload.text.upper]] | map('string') | list }}",
        "{{ [payload.text.upper] | map('lower') | list }}",
        "{{ {'a': payload.text.upper} | tojson }}",
        "{{ 'a' | replace('a', payload.text.upper) }}",
        "{{ 'ab' | batch(1, payload.items.index) | list | string }}",
        "{{ 'a' | lookup({'b': 1}, payload.text.upper) | string }}",
        "{{ {'a': payload.text.upper} | xmlattr }}",
        "{{ [1, 2] | join(payload.text.upper) }}",
        # And so with a list that is still to be made.
        "{{ payload.items | map('upper') | string }}",
        "{{ payload.items | select | capitalize }}",
        "{{ (payload.items | reject('none')) ~ 'a' }}",
        "{{ '%s %r' % (payload.items | batch(2), 1) }}",
        "{{ [payload.items | unique] | pprint }}",
        "{{ 'a' | replace('a', payload.items | slice(1)) }}",
    ],
)
def test_nothing_of_python_is_reached(rule):
    payload = {"text": "{0.__class__}", "k": "__class__", "path": "__class__.__mro__", "items": ["a"]}
    before = json.dumps(payload)
    try:
        found = compile_value(rule, RULE_SCOPE)({"payload": payload})
    except BridgeError:
        found = ""
    assert found == ""
    assert json.dumps(payload) == before


@pytest.mark.parametrize(
    "rule",
    [
        *("self", "cycler('a')", "namespace()", "joiner()", "dict(a=1)", "lipsum(9)", "range(9)", "loop"),
        *("caller()", "varargs", "super()", "_regions", "_notes", "(1).__class__", "payload.a.__globals__"),
        *("-" * 2000 + "1", "not " * 2000 + "1", "1" + "+1" * 20_000, "[" * 500 + "]" * 500),
        "payload" + "|list" * 3000,
    ],
    ids=lambda rule: rule[:20],
)
def test_such_a_rule_is_refused_at_once(rule):
    with pytest.raises(ExpressionError):
        compile_value(f"{{{{ {rule} }}}}", RULE_SCOPE)


def test_what_honest_rules_do_with_honest_payloads_is_far_within_the_bounds():
    payload = {
        "notes": "word " * 20_000,  # 100 KB
        "items": [{"name": f"thing {i}", "price": i} for i in range(1_000)],
    }
    for rule, expected in {
        "{{ payload.notes | replace('word', 'sentence') | upper | trim | length }}": 180_000 - 1,
        "{{ payload.items | map(attribute='name') | map('upper') | join(', ') | length }}": 10_888,
        "{{ payload.items | sum(attribute='price') }}": 499_500,
        "{{ payload.items | selectattr('price', 'gt', 990) | map(attribute='price') | list | length }}": 9,
        "{{ payload.items | sort(attribute='price', reverse=true) | map(attribute='price') | first }}": 999,
        "{{ 'word' in payload.notes }}": True,
        "{{ payload.items | sort(attribute='a.b.c,name,price') | map(attribute='name') | first }}": "thing 0",
        "{{ payload.notes.rsplit(' ', 2) | length }}": 3,
        "{{ payload.notes.strip('abcdefghijklmnopqrstuvwxyz ') | length }}": 0,
        "{{ (payload.items | tojson | length) > 1000 }}": True,
        "{{ '%08.2f' | format(1234.5) }}": "01234.50",
        "{{ '%(sum)d of %(all)d' | format(sum=1, all=2) }}": "1 of 2",
        "{{ [[1], [2, 3]] | sum(start=[]) }}": [1, 2, 3],
        "{{ 'a' ~ 1 ~ payload.missing ~ true }}": "a1True",
    }.items():
        assert compile_value(rule, RULE_SCOPE)({"payload": payload}) == expected, rule


PERSON = {"contact_id": "ann", "first_name": "Ann", "last_name": "Lee", "phone": "+12025550101"}
HOSTILE = {
    "a name of a megabyte": {"full_name": "a" * LONG},
    "a name of signs that can't be seen": {"full_name": "\u200b" * (LONG // 4)},
    "a phone of a megabyte": {"phone": "1(" * (LONG // 2)},
    "a phone that grows when it is spelt plainly": {"phone": "\ufdfa" * (LONG // 4)},
    "a tag that grows when it is spelt plainly": {"tags": ["\ufdfa" * (LONG // 4)]},
    "very many tags": {"tags": [f"t{i}" for i in range(80_000)]},
    "very many tags in a text": {"tags": ",".join(f"t{i}" for i in range(100_000))},
    "merge fields that aren't closed": {"full_name": "{{a" * (LONG // 3)},
    "an event's name without end": {"event": "contact" + "is" * (LONG // 2 - 50)},
    "do-not-disturb in a million words": {"dnd": "a," * (LONG // 2)},
    "do-not-disturb in a list": {"dnd": ["x"] * (LONG // 4)},
    "very many channels": {"dndSettings": {f"Call {i}": {"status": "x"} for i in range(25_000)}},
    "very many keys": {f"k{i}": i for i in range(60_000)},
    "very many custom fields": {"customFields": [{"id": f"k{i}", "value": 1} for i in range(25_000)]},
    "a time of a megabyte": {"timestamp": "1" * LONG},
}


@pytest.mark.parametrize("case", HOSTILE)
def test_no_payload_keeps_the_bridge_busy(case):
    rules, problems = compile_rules(None, [], "contact.do_not_call", default_account="main")
    assert not problems
    source = GhlWorkflow("workflow", "token")
    body = json.dumps({**PERSON, **HOSTILE[case]}, ensure_ascii=False).encode()
    began = time.process_time()
    payload = parse(body)
    source.receive(payload)
    mapped = apply(rules, source.read(payload), regions=("US",))
    assert time.process_time() - began < SECONDS
    assert mapped.lead or mapped.skip or mapped.error
    assert sum(map(len, mapped.warnings)) < 10_000


def test_do_not_disturb_that_is_too_long_to_be_read_blocks():
    for said in ("no," * 1_000, ["no"] * 101):
        reading = GhlWorkflow("workflow", "token").read({**PERSON, "dnd": said})
        assert reading.contact.do_not_call
        assert reading.warnings


def test_a_phone_is_looked_for_in_the_first_of_very_many_values_only():
    rules, _ = compile_rules({"phone": "{{ payload.phones }}"}, [], "false", default_account="main")
    phones = ["nothing"] * 90_000
    reading = GhlWorkflow("workflow", "token").read({**PERSON, "phones": phones})
    began = time.process_time()
    assert not apply(rules, reading, regions=("US",)).phone
    assert time.process_time() - began < SECONDS


def test_field_names_of_a_megabyte_are_found_and_not_remembered():
    """The memory of names is a cache: two hundred such keys would have filled the machine."""
    tracemalloc.start()
    for letter in "abcdefghij":
        fields = CustomFields({f"My {letter * LONG}": letter})
        assert fields[f"my_{letter * LONG}"] == letter
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 5 * LONG
    assert fold("contact.monthly_bill") == fold("Monthly bill?")
