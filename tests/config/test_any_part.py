"""Every part of a configuration by itself: .env, references, times, addresses, and the line of a mistake."""

import re
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from bridge.config import load
from bridge.config.addresses import Host, PublicUrl, SafeUrl
from bridge.config.document import spell
from bridge.config.environment import expand, parse_dotenv
from bridge.config.values import CampaignId, Region, Tag, Token, seconds
from bridge.config.yaml_text import parse
from bridge.errors import ConfigError

QUIET = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
HERE = Path(__file__).parent
SECRET = "s3cret-0123456789-abcdef"
TEXT = st.text(max_size=40) | st.text("AB=#'\"\\ \t\r${}:-_naexport", max_size=40)
NAMES = st.from_regex("[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)


@given(st.lists(TEXT | st.tuples(NAMES, TEXT).map("=".join), max_size=6).map("\n".join))
def test_any_dotenv_gives_values_or_says_which_line(text):
    values, problems = parse_dotenv(text)
    assert all(
        isinstance(value, str) and re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name)
        for name, value in values.items()
    )
    assert all(re.match(r"line [0-9]+ ", problem.message) and problem.fix for problem in problems)
    assert len(values) + len(problems) <= text.count("\n") + 1


@given(NAMES, st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=30))
def test_a_value_in_quotes_comes_back_from_dotenv(name, value):
    quoted = value.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_dotenv(f'{name}="{quoted}" # a comment') == ({name: value}, [])
    if "'" not in value:
        assert parse_dotenv(f"export {name}='{value}'") == ({name: value}, [])


@given(NAMES, TEXT.map(lambda text: f"{SECRET}{text}"))
def test_a_dotenv_line_is_never_quoted(name, value):
    for line in (f'{name}="{value}', f"{name} {value}", f"{value}={name}", f"{name}='{value}"):
        assert SECRET not in repr(parse_dotenv(line)[1])


@given(TEXT, st.dictionaries(NAMES, TEXT.map(lambda text: f"{SECRET}{text}"), max_size=3))
def test_any_reference_is_filled_in_or_told_without_its_value(text, variables):
    for written in (text, f"${{{text}}}", f"${{{text}", f"${{file:{text}}}", f"${{A:-{text}}}"):
        filled = expand(written, variables, folder=HERE)
        assert SECRET not in repr(filled)
        assert all(message and fix for message, fix in filled.faults)
        if "${" not in written:
            assert filled.text == written


@given(TEXT)
def test_what_comes_from_outside_is_not_looked_into_again(value):
    assert expand("<${A}>", {"A": value, "B": "b"}, folder=HERE).text == f"<{value}>"
    assert expand(value.replace("${", "$${"), {}, folder=HERE).text == value.replace("$${", "$${")


@given(st.text(max_size=12) | st.from_regex(r"[0-9]{0,12}\.?[0-9]{0,4} ?(ms|s|m|h|d)?", fullmatch=True))
def test_any_time_is_one_of_ten_years_or_refused(text):
    try:
        length = seconds(text)
    except PydanticCustomError:
        return
    assert 0 < length <= 3650 * 86_400


@given(st.integers(1, 10_000), st.sampled_from([("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]))
def test_a_time_means_what_it_says(number, unit):
    name, length = unit
    assert seconds(f"{number}{name}") == pytest.approx(number * length)


HOSTS = [
    "a.example.com",
    "10.0.0.1",
    "[::1]",
    "169.254.169.254",
    "0x7f.1",
    "127.1",
    "localhost",
    "[fe80::1%eth0]",
]
PARTS = st.lists(
    st.sampled_from([*HOSTS, "http://", "https://", "@", ":", "/", "\\", "%2f", "..", "?", "#", " ", "\n"])
)
URLS = st.text(max_size=20) | PARTS.map("".join) | st.sampled_from(HOSTS).map(lambda host: f"https://{host}")


@given(URLS)
def test_any_address_is_a_scheme_and_a_host_or_refused(text):
    for kind in (SafeUrl, PublicUrl, Host):
        try:
            url = TypeAdapter(kind).validate_python(text)
        except ValidationError:
            continue
        assert not url or re.fullmatch(r"(https?://)?[]A-Za-z0-9._:%\[-]+", url)
        if kind is SafeUrl and url.startswith("http:"):
            assert re.match(
                r"http://(localhost|127\.|10\.|172\.|192\.168\.|\[(::1|f[cd]))", url, re.IGNORECASE
            )


@given(URLS, st.sampled_from(["user:{}@", "?key={}", "#{}", "{}@", ":{}@[", "{}!@ "]))
def test_what_stands_where_passwords_do_is_not_shown(text, way):
    for place in (0, len(text), text.find("//") + 2):
        url = text[:place] + way.format(SECRET) + text[place:]
        for kind in (SafeUrl, PublicUrl):
            try:
                TypeAdapter(kind).validate_python(url)
            except ValidationError as error:
                context = error.errors(include_url=False, include_input=False)[0].get("ctx", {})
            else:
                raise AssertionError(url)
            assert SECRET not in context["message"].replace("{value}", context["value"])


@given(st.text(max_size=60))
def test_any_word_is_what_its_key_takes_or_refused(text):
    for kind, form in (
        (Token, r"[!-.0-~]+"),
        (Tag, r"[A-Za-z0-9_-]{1,50}"),
        (Region, "[A-Z]{2}"),
        (CampaignId, "[0-9a-f-]{36}"),
    ):
        try:
            assert re.fullmatch(form, TypeAdapter(kind).validate_python(text))
        except ValidationError as error:
            said = error.errors(include_url=False, include_input=False)
        else:
            continue
        assert said


BASE = [
    "fusion:",
    "  accounts: {main: {api_key: key-of-the-main-account}}",
    "sources:",
    "  workflow: {type: ghl_workflow, token: abcdefghijklmnopqrstuvwxyz}",
]
FILLING = st.lists(st.sampled_from(["", "# a comment", "  ", "# {[&*!", "#\ttab"]), max_size=4)


@QUIET
@given(FILLING, FILLING, st.sampled_from(["tok", "é", "a b", "'quoted'", "2"]))
def test_a_mistake_is_on_the_line_where_it_stands(before, between, key):
    wrong = f"{key}: wrong"
    lines = [*before, *BASE, *between, wrong, *between, "server:", *between, "  port: many"]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "config.yaml"
        path.write_text("\n".join(lines))
        with pytest.raises(ConfigError) as refused:
            load(path, {})
    told = {problem.line for problem in refused.value.problems}
    assert told == {lines.index(wrong) + 1, lines.index("  port: many") + 1}


LINES = st.text(max_size=200) | st.text("a:-[]{}&*<!|>'\"\n\t #%@`,?\r\x85", max_size=80)


@QUIET
@given(LINES)
def test_a_problem_of_any_text_is_on_a_line_of_it(text):
    last = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text)) + 1
    for problem in parse(text, {}, folder=HERE).problems:
        assert problem.line is None or 1 <= problem.line <= last


PLAIN = st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="$")
WORDS = st.text(PLAIN, max_size=12)
DATA = st.recursive(
    WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)


@QUIET
@given(st.dictionaries(WORDS, DATA, min_size=1, max_size=4))
def test_what_yaml_writes_is_read_as_it_was(data):
    document = parse(yaml.safe_dump(data, allow_unicode=True, sort_keys=False), {}, folder=HERE)
    assert document.problems == ()
    assert document.data == data
    lines = [document.lines[spell((name,))] for name in data]
    assert lines == sorted(lines)
