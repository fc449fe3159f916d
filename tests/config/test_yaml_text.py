"""YAML as text with lines: nothing changes its spelling, nothing raises, every problem has its line."""

from pathlib import Path

import pytest

from bridge.config.document import spell
from bridge.config.yaml_text import parse
from bridge.errors import Problem


def read(text, **variables):
    return parse(text, variables, folder=Path("/nowhere"))


@pytest.mark.parametrize(
    "scalar", ["NO", "yes", "on", "0123", "0x1F", "1e3", "1_000", "12:30:45", "2024-01-01", ".5", "true", "="]
)
def test_scalars_keep_their_spelling(scalar):
    assert read(f"a: {scalar}").data == {"a": scalar}


@pytest.mark.parametrize("scalar", ["", "~", "null", "NULL"])
def test_null_is_null(scalar):
    assert read(f"a: {scalar}").data == {"a": None}


@pytest.mark.parametrize("scalar", ["'null'", '"null"', "!!str null"])
def test_null_that_is_meant_as_text(scalar):
    assert read(f"a: {scalar}").data == {"a": "null"}


def test_keys_are_text_as_well():
    assert read("NO: 1\n0123: 2\n").data == {"NO": "1", "0123": "2"}


def test_lines_of_keys_and_items():
    document = read("a:\n  b: 1\n\n  c:\n  - x\n  - d: |\n      long\n      text\ne: {f: 1,\n  g: 2}\n")

    assert document.lines == {
        "a": 1,
        "a.b": 2,
        "a.c": 4,
        "a.c[0]": 5,
        "a.c[1]": 6,
        "a.c[1].d": 6,
        "e": 9,
        "e.f": 9,
        "e.g": 10,
    }
    assert document.line("a.c[1].nothing[3]") == 6
    assert document.line("nothing") is None


def test_a_path_is_one_line():
    assert spell(("a", 0, "b\nc")) == "a[0].'b\\nc'"


def test_merge_keys_give_what_is_not_written_and_keep_their_lines():
    document = read("a: &a\n  x: 1\n  y: 2\nb: &b {y: 3, z: 4}\nc:\n  <<: [*a, *b]\n  x: own\n")

    assert document.data["c"] == {"x": "own", "y": "2", "z": "4"}
    assert document.line("c.y") == 3
    assert document.line("c.x") == 7


def test_merges_of_merges():
    assert read("a: &a {x: 1}\nb: &b {<<: *a, y: 2}\nc: {<<: *b}\n").data["c"] == {"x": "1", "y": "2"}


SYNTAX = {
    "a tab": ("a:\n\tb: 1\n", 2, "a tab where spaces belong", "indent with spaces"),
    "a late tab": ("a:\n  b: 1\n\tc: 2\nd: 3\n", 3, "a tab where spaces belong", "indent with spaces"),
    "a tab in a list": ("a:\n  - 'b'\n  \t- c\n", 3, "a tab where spaces belong", "indent with spaces"),
    "colon": ("a: 1\nb: c: d\n", 2, "a `:` that doesn't belong here", "check the indentation"),
    "no colon": ("a: 1\nb\nc: 2\n", 2, "a key without `:`", "write key: value"),
    "open quote": ('a: 1\nb: "c\nd: 1\n', 2, "a quote that isn't closed", "add the closing quote"),
    "open brace": ("a: 1\nb: {c: 1\nd: 2\n", 2, "a { or [ that isn't closed", "close it; between"),
    "indentation": (
        "a:\n  b: 1\n c: 2\n",
        3,
        "doesn't line up with the lines above",
        "indent keys of one level alike",
    ),
    "alias": ("a: *b\n", 1, "an alias (`*name`) without its anchor (`&name`)", "put the text in quotes"),
    "two documents": ("a: 1\n---\nb: 1\n", 2, "a second document (`---`)", "keep one"),
    "escape": ('a: "\\d"\n', 1, "an unknown \\ escape in double quotes", "use single quotes"),
    "short escape": ('a: "\\x1"\n', 1, "an unknown \\ escape in double quotes", "use single quotes"),
    "no character": ('a: 1\nb: "\\UFFFFFFFF"\n', 2, "can't be read as YAML", "check quotes"),
    "control": ("a: 1\nb: \x07\n", 2, "a control character", "remove it"),
    "reserved": ("a: 1\nb: @c\n", 2, "a character that can't begin a text", "put the text in quotes"),
    "tag handle": ("a: !x!y 1\n", 1, "a tag (`!…`) that isn't understood", "put the text in quotes"),
    "directive": ("%YAML 1." + "9" * 5000 + "\n---\na: 1\n", 1, "can't be read as YAML", "check quotes"),
}


@pytest.mark.parametrize("case", SYNTAX)
def test_syntax_errors(case):
    text, line, message, fix = SYNTAX[case]

    document = read(text)

    assert document.data is None
    (problem,) = document.problems
    assert (problem.path, problem.message, problem.line) == ("", message, line)
    assert problem.fix.startswith(fix)


@pytest.mark.parametrize("text", ["", "# comment\n", "---\n", "\n\n"])
def test_an_empty_file(text):
    assert read(text).problems == (
        Problem("", "is empty", "`bridge init` writes one; config.example.yaml shows every key"),
    )


@pytest.mark.parametrize("text", ["- a\n", "text", "[]", "42"])
def test_a_file_without_keys(text):
    assert read(text).problems == (
        Problem("", "must be keys with values", "begin with `server:` or another key", 1),
    )


@pytest.mark.parametrize(
    ("text", "path", "message", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", "a", "stands twice, first on line 1", 3),
        ("x:\n- {b: 1, b: 2}\n", "x[0].b", "stands twice, first on line 2", 2),
        ("a: 1\nb: {{ contact.name }}\n", "b", "braces or brackets without quotes", 2),
        ("a: 1\n~: 2\n", "", "a key that is empty or not text", 2),
        ("a: !!binary aGk=\n", "a", "a tag (`!…`) that isn't understood", 1),
        ("a: !secret b\n", "a", "a tag (`!…`) that isn't understood", 1),
        ("a: !!python/object/apply:os.system [ls]\n", "a", "a tag (`!…`) that isn't understood", 1),
        ("a:\n  <<: 1\n", "a", "`<<` names something without keys", 2),
        ('a: 1\nb: "\\0"\n', "b", "a character that is not text", 2),
        ('a: 1\nb: "\\ud800"\n', "b", "a character that is not text", 2),
    ],
)
def test_problems_that_let_reading_go_on(text, path, message, line):
    document = read(text)

    assert document.data is not None
    (problem,) = document.problems
    assert (problem.path, problem.message, problem.line) == (path, message, line)
    assert problem.fix


def test_an_alias_tells_its_problem_once():
    assert len(read("a: &a ${NONE}\nb: [*a, *a]\n").problems) == 1


def bomb(levels):
    lines = ["a0: &a0 [x, x]"] + [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, levels)]
    return "\n".join(lines)


@pytest.mark.parametrize(
    "text",
    [
        bomb(25),
        "a: &a [*a]",
        "a: &a {b: *a}",
        "a: &a {<<: *a}",
        "a: &a\n  <<: [" + "*a, " * 50 + "*a]",
    ],
)
def test_aliases_that_explode(text):
    document = read(text)

    assert document.data is None
    assert document.problems[0].message == "unfolds into too much"
    assert document.problems[0].line


@pytest.mark.parametrize("text", ["[" * 5000, "a: " + "{a: " * 5000, "- " * 5000, "{" * 5000])
def test_nesting_without_end(text):
    assert read(text).problems[0].message in ("is nested too deep", "can't be read as YAML")


def test_a_file_without_end():
    assert read("# " + "x" * 300_000).problems[0].message == "is too long"


def test_a_value_from_outside_has_its_origin():
    document = read("a: [x, '${A}-${B:-b}']\nc: d\n", A="1")

    assert document.data["a"] == ["x", "1-b"]
    assert document.origin("a[1]") == ("A",)
    assert document.origin("a") == ("A",)
    assert document.origin("c") == ()
