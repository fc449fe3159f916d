"""The rule engine under a fuzzer that learns: `python -m tests.benchmarks.fuzz_rules CORPUS [-option…]`.

An input is an expression, a NUL and a payload. Whatever they are: the expression compiles or is an
ExpressionError, and then gives plain data or a MappingError; soon, small, and without touching anything of
Python: no attribute beyond those named, no file, no module, no code.
"""

import json
import random
import re
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import atheris
import phonenumbers

with atheris.instrument_imports(include=["bridge"]):
    from bridge.errors import BridgeError, ExpressionError, MalformedPayload, MappingError
    from bridge.inbound import GhlWorkflow
    from bridge.inbound.body import parse
    from bridge.model import Lead
    from bridge.rules.effort import MAX_EFFORT, weight
    from bridge.rules.expression import RULE_SCOPE, Condition, Value, compile_condition, compile_value
    from bridge.rules.fit import TAGS_MAX, units
    from bridge.rules.mapping import LeadRules, Route, Rule, Rules, apply
    from bridge.rules.sandbox import LIST_METHODS, TEXT_METHODS, Sandbox
    from bridge.rules.values import CustomFields, Empty

from tests.benchmarks.fuzz_findings import Findings
from tests.benchmarks.fuzz_seeds import PAYLOADS, RULES, TOKENS

WORKFLOW = GhlWorkflow("workflow", "a-token-that-nobody-guesses")
PERSON = {"contact_id": "ann", "first_name": "Ann", "last_name": "Lee", "phone": "+12025550101"}
SECONDS = 2.0  # of the processor, a hundred times what is needed; the engine's own bound is 0.1
LONGEST_RULE = 2_000  # the rules are the operator's: what is looked for is what a value can do to them
_PYTHON = re.compile(r"<(?:class|function|module|bound method|built-in \w+|generator object|slot wrapper) ")
_ADDRESS = re.compile(r" at 0x[0-9a-f]{8,}>")
# What an evaluation has no business with. (`object.__getattr__`: a frame, a code object or a function's.)
_FORBIDDEN = ("open", "import", "exec", "compile", "os.", "socket.", "subprocess.", "ctypes.", "object.__")
_DATA = (str, int, float, type(None), list, tuple, Mapping, Empty)

Made = TypeVar("Made")
_evaluating = False


def one(data: bytes) -> None:
    """One expression on one payload: by itself, and as a rule for every field of a lead."""
    text, _, body = data.partition(b"\0")
    rule = text.decode("utf-8", "replace")[:LONGEST_RULE]
    try:
        payload = parse(body)
    except MalformedPayload:
        payload = {"text": body.decode("utf-8", "replace"), "items": [1, "a", None, {"a": "b"}], "n": 3}
    began = time.process_time()
    _evaluated(rule, payload)
    took = time.process_time() - began
    assert took < SECONDS, f"it took {took:.1f} s"


def _evaluated(text: str, payload: dict[str, Any]) -> None:
    value = _compiled(lambda: compile_value(text if "{{" in text else f"{{{{ {text} }}}}", RULE_SCOPE))
    when = _compiled(lambda: compile_condition(text, RULE_SCOPE))
    if value is None and when is None:
        return
    before = json.dumps(payload)
    if value is not None:
        contact = {
            "name": "Ann",
            "tags": ("a", "b"),
            "custom": CustomFields(payload),
            "phone": "+12025550101",
        }
        _value(value, {"contact": contact, "payload": payload, "data": payload}, text, before)
    rules = _rules(text, value or (lambda _variables: ""), when)
    mapped = _watched(lambda: apply(rules, WORKFLOW.read(PERSON | payload), regions=("US",)))
    assert json.dumps(payload) == before, "the expression changed the payload"
    assert bool(mapped.lead) + bool(mapped.skip) + bool(mapped.error) == 1
    if mapped.lead:
        _fits(mapped.lead)


def _compiled(compiling: Callable[[], Made]) -> Made | None:
    try:
        return compiling()
    except ExpressionError as error:
        _explained(error)
        return None


def _explained(error: BridgeError, longest: int = 100_000) -> None:
    assert error.fix
    assert 0 < len(error.message) < longest


def _value(evaluate: Value, variables: dict[str, Any], text: str, before: str) -> None:
    try:
        made = _watched(lambda: evaluate(variables))
    except MappingError as error:
        _explained(error, len(text) * 10 + 500)  # a rule's repr may spell a sign with ten
        return
    assert weight(made) <= MAX_EFFORT
    _plain(made)
    shown = str(made) if weight(made) < 100_000 else ""
    for python in (_PYTHON, _ADDRESS):
        assert not python.search(shown) or python.search(text + before), "something of Python shows"


def _rules(text: str, value: Value, when: Condition | None) -> Rules:
    """As the configuration would make them of that one text, but compiled once only."""

    def fields(name: str) -> tuple[Rule, ...]:
        return (Rule(name, f"lead.{name}", text, value),)

    last = [Rule(name, "", "", lambda v, name=name: v["contact"][name]) for name in ("name", "phone")]
    names = ("name", "phone", "email", "company", "tags")
    lead = LeadRules(**{name: fields(name) for name in names}, custom_fields=(("a", fields("a")),))
    lead = replace(lead, name=(*lead.name, last[0]), phone=(*lead.phone, last[1]))
    met = Route("met", "routes[0]", when or (lambda _variables: False), "met", "main", "", None, False, lead)
    other = replace(met, name="other", at="routes[1]", when=None, skip="")
    return Rules(lead, (met, other), when or (lambda v: bool(v["contact"]["do_not_call"])), "main")


def _fits(lead: Lead) -> None:
    assert re.fullmatch(r"\+[0-9]{10,15}", lead.phone)
    assert 2 <= units(lead.name) <= 100
    assert units(lead.company) <= 100
    assert len(lead.email) <= 254
    assert len(lead.tags) <= TAGS_MAX
    assert all(re.fullmatch("[A-Za-z0-9_-]{1,50}", tag) for tag in lead.tags)
    assert all(units(value) <= 1000 for value in lead.custom_fields.values() if isinstance(value, str))
    json.dumps([lead.name, lead.company, *lead.custom_fields.values()], ensure_ascii=False).encode()


def _plain(value) -> None:
    waiting = [value]
    while waiting:
        each = waiting.pop()
        assert type(each) in {str, int, float, bool, type(None), list, dict}, type(each)
        waiting += each if isinstance(each, list) else each.values() if isinstance(each, dict) else ()


def _watched(work):
    global _evaluating  # noqa: PLW0603 - an audit hook can't be taken out again, only told to look away
    _evaluating = True
    try:
        return work()
    finally:
        _evaluating = False


class Reached(BaseException):
    """Not an Exception, which the engine would take for a value that it can't use."""


def _audit(event: str, arguments: tuple[object, ...]) -> None:
    global _evaluating  # noqa: PLW0603 - looking at frames is audited, too
    if _evaluating and event.startswith(_FORBIDDEN):
        _evaluating = False
        reached, _evaluating = not _explaining(), True
        if reached:
            raise Reached(f"{event} {arguments!r:.200}")


def _explaining() -> bool:
    """Whether it is Jinja's doing, which makes another traceback of each with code of its own."""
    frame = sys._getframe(2)
    while frame is not None and not frame.f_code.co_filename.endswith("jinja2/debug.py"):
        frame = frame.f_back
    return frame is not None


def _reached(kept: Callable[..., Any]) -> Callable[..., Any]:
    """The sandbox's own way to a value, which must come to data or to a method that is named."""

    def checked(*args: Any) -> Any:
        found = kept(*args)
        owner, name = getattr(found, "__self__", None), getattr(found, "__name__", "")
        named = name in TEXT_METHODS | LIST_METHODS and isinstance(owner, str | list | tuple)
        if not named and not isinstance(found, _DATA):
            raise Reached(f"{args[1:]!r:.200} came to {found!r:.200}")
        return found

    return checked


def mutate(data: bytes, most: int, seed: int) -> bytes:
    """Half of the time by whole words: mere bytes seldom make another expression of one."""
    dice = random.Random(seed)
    if dice.random() < 0.5:
        return atheris.Mutate(data, most)
    text, _, body = data.partition(b"\0")
    words = re.findall(rb"\w+|\s+|[^\w\s]", text)
    at = dice.randrange(len(words) + 1)
    match dice.randrange(5):
        case 0:
            words[at:at] = [dice.choice(TOKENS)]
        case 1:
            words[at : at + dice.randrange(1, 4)] = [dice.choice(TOKENS)]
        case 2:
            del words[at : at + dice.randrange(1, 4)]
        case 3:
            words[at:at] = [b" ", *re.findall(rb"\w+|\s+|[^\w\s]", dice.choice(RULES))]
        case _:
            body = dice.choice(PAYLOADS)
    return (b"".join(words) + b"\0" + body)[:most]


def main() -> None:
    """Fuzz until libFuzzer has had enough; it ends the process."""
    findings = Findings.beside(Path(sys.argv[1]))
    phonenumbers.PhoneMetadata.load_all()  # what is imported at the first use
    for word in TOKENS:
        one(b"{{ payload.at | %b }}\0" % word + b'{"at": "10/05/2026"}')
    Sandbox.getattr, Sandbox.getitem = _reached(Sandbox.getattr), _reached(Sandbox.getitem)
    sys.addaudithook(_audit)
    atheris.Setup(sys.argv, findings.catching(one), custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
