"""Expressions of the YAML, compiled once: `{{ … }}` values, texts with values in them, bare conditions.

Knows which names can exist (a Scope) and what to say about the others; knows nothing of leads.
Rule for editors: compiling raises only ExpressionError, evaluating only MappingError.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from types import MappingProxyType
from typing import Any, Final, TypeVar, cast

from jinja2 import TemplateError, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from bridge.errors import ExpressionError, MappingError
from bridge.model import NOTES, Contact
from bridge.rules.effort import limited, spend, weight
from bridge.rules.near import hinting
from bridge.rules.sandbox import LIST_METHODS, TEXT_METHODS, Rewriter, build_environment
from bridge.rules.values import plain

Scope = Mapping[str, frozenset[str] | None]
"""The names an expression may begin with → the attributes each has; None: any."""

NodeT = TypeVar("NodeT", bound=nodes.Node)
Value = Callable[[Mapping[str, Any]], Any]
Condition = Callable[[Mapping[str, Any]], bool]

RULE_SCOPE: Final[Scope] = MappingProxyType(
    {
        "contact": frozenset(each.name for each in fields(Contact)),
        "location": frozenset({"id", "name"}),
        "workflow": frozenset({"name"}),
        "event": frozenset({"type", "source"}),
        "data": None,
        "payload": None,
    }
)
PAYLOAD_SCOPE: Final[Scope] = MappingProxyType({"payload": None})

_ENVIRONMENT: Final = build_environment()
_SYNTAX_FIX: Final = "write it as in {{ contact.email or contact.custom['Work e-mail'] | lower }}"
_CONDITION_FIX: Final = "write it as in 'vip' in contact.tags and contact.custom['Bill'] | number > 80"
_COMPARE_FIX: Final = "compare with ==; for tags write 'x' in contact.tags"
_NOT_TEXT: Final = frozenset({"custom", "tags", "do_not_call"})  # of a contact's fields
_SEARCHES: Final = frozenset({"contains", "includes", "include", "has"})  # other languages' methods for `in`
_NOTES_MAX: Final = 6  # of an event's hints and the filters' notes
_LONGEST_REASON: Final = 200  # Python's words may quote the whole value


def compile_value(text: str, scope: Scope) -> Value:
    """What a rule's text gives for the variables of `scope`: plain data, '' for a missing value.

    Exactly one `{{ … }}` gives the value itself (a list stays a list); mixed text gives a str; text
    without `{{` gives itself. Raises ExpressionError; the result raises only MappingError.
    """
    if "{%" in text:
        raise ExpressionError(f"{text!r} holds a {{% … %}} statement", fix="use {{ a if b else c }}")
    if "{{" not in text:
        _refuse_forgotten_braces(text, scope)
        return lambda _variables: text
    with _syntax_errors(text, fix=_SYNTAX_FIX):
        tree = _checked(_ENVIRONMENT.parse(text.strip()), scope)
        pieces = [piece for output in tree.find_all(nodes.Output) for piece in output.nodes]
        if len(pieces) == 1 and not isinstance(pieces[0], nodes.TemplateData):
            return _evaluator(text, _expression(pieces[0]))
        return _evaluator(text, _ENVIRONMENT.from_string(_checked(_ENVIRONMENT.parse(text), scope)).render)


def compile_condition(text: str, scope: Scope) -> Condition:
    """Whether a bare expression (`'vip' in contact.tags`) holds. Errors as with compile_value."""
    if not text.strip():
        raise ExpressionError("the condition is empty", fix="write an expression, or leave the key out")
    if text.lstrip().startswith("{{"):
        raise ExpressionError(f"{text!r} stands in {{{{ }}}}", fix="write a condition without {{ and }}")
    with _syntax_errors(text, fix=_CONDITION_FIX):
        parser = Parser(_ENVIRONMENT, text, state="variable")
        parsed = parser.parse_expression()
        if not parser.stream.eos:
            at = parser.stream.current.value
            fix = _COMPARE_FIX if at == "=" else _CONDITION_FIX
            raise ExpressionError(f"{text!r} goes on after its end, at {at!r}", fix=fix)
        parsed.set_environment(_ENVIRONMENT)
        value = _evaluator(text, _expression(_checked(parsed, scope)), condition=True)
    return lambda variables: bool(value(variables))


def _refuse_forgotten_braces(text: str, scope: Scope) -> None:
    """`name: contact.name` would call everybody "contact.name"."""
    bare = text.strip()
    if re.match(rf"({'|'.join(scope)})[.\[]", bare):
        fix = f'write "{{{{ {bare} }}}}"'
        raise ExpressionError(f"{bare!r} is taken as plain text", fix=fix)


def _evaluator(text: str, evaluate: Value, *, condition: bool = False) -> Value:
    """`evaluate` with plain data as its result and MappingError as its only error.

    A name that it misses and the event nearly has is noted, unless another part of it gave a value.
    """

    def value(variables: Mapping[str, Any]) -> Any:
        try:
            with limited(), hinting() as hints:
                result = evaluate(variables)
                spend(weight(result))
                made = plain(result)
        except Exception as error:  # an expression can fail in any way that Python can
            raise MappingError(f"{text!r} failed: {_in_words(error)}", field="", fix=_fix(error)) from error
        if hints and (condition or made in ("", None, [])) and (notes := variables.get(NOTES)) is not None:
            notes.extend(hint for hint in hints if hint not in notes and len(notes) < _NOTES_MAX)
        return made

    return value


def _expression(tree: nodes.Expr) -> Value:
    # As Jinja's own compile_expression, which can't be given a tree: the value is kept in a variable.
    kept = nodes.Assign(nodes.Name("result", "store", lineno=1), tree, lineno=1)
    template = _ENVIRONMENT.from_string(nodes.Template([kept], lineno=1))

    def value(variables: Mapping[str, Any]) -> Any:
        context = template.new_context(dict(variables), shared=True)
        for _ in template.root_render_func(context):
            pass
        return context.vars["result"]

    return value


@contextmanager
def _syntax_errors(text: str, *, fix: str) -> Iterator[None]:
    try:
        yield
    except TemplateSyntaxError as error:
        fix = _COMPARE_FIX if "got '='" in str(error.message) else fix
        raise ExpressionError(f"{text!r} can't be read: {error.message}", fix=fix) from error
    except (RecursionError, SyntaxError, MemoryError) as error:  # of Jinja's parser, or Python's on its code
        raise ExpressionError(f"{text!r} is nested too deeply", fix="make it simpler") from error


def _checked(tree: NodeT, scope: Scope) -> NodeT:
    """The tree, made ready for evaluation. Raises ExpressionError for the first name that can't exist."""
    for node in (tree, *tree.find_all(nodes.Node)):  # find_all leaves the tree's own root out
        match node:
            case nodes.Getattr(attr=attribute) if attribute.startswith("__"):
                raise ExpressionError(f"{attribute!r} can't be reached", fix="what begins with __ is private")
            case nodes.Filter(name=name):
                _require(name, "filter", _ENVIRONMENT.filters)
            case nodes.Test(name=name):
                _require(name, "test", _ENVIRONMENT.tests)
            case nodes.Name(name=name):
                _require(name, "name", scope)
            case nodes.Getattr(node=nodes.Name(name=name), attr=attribute):
                _require_attribute(name, attribute, scope)
            case nodes.Getitem(node=nodes.Name(name=name), arg=nodes.Const(value=str(attribute))):
                _require_attribute(name, attribute, scope)
            case nodes.Getattr(node=inner, attr=attribute) if field := _contact_field(inner):
                _require_method(field, attribute)
            case nodes.Compare(expr=left, ops=operands):
                for operand in operands:
                    _require_comparable(operand.op, left, operand.expr)
                    left = operand.expr
            case _:
                pass
    return cast("NodeT", Rewriter().visit(tree))


def _require_attribute(name: str, attribute: str, scope: Scope) -> None:
    _require(name, "name", scope)
    known = scope[name]
    if known is not None:
        _require(attribute, "field", known, owner=f"{name}.")


def _contact_field(node: nodes.Node) -> str:
    """`tags` of `contact.tags` and of `contact['tags']`; '' for anything else."""
    match node:
        case nodes.Getattr(node=nodes.Name(name="contact"), attr=field):
            return field
        case nodes.Getitem(node=nodes.Name(name="contact"), arg=nodes.Const(value=str(field))):
            return field
    return ""


def _require_method(field: str, method: str) -> None:
    """A method that doesn't exist would be silently empty."""
    known = LIST_METHODS if field == "tags" else TEXT_METHODS
    if field in _NOT_TEXT - {"tags"} or method in known:
        return
    owner = f"contact.{field}"
    near = difflib.get_close_matches(method, known, n=1)
    if field == "tags" or method in _SEARCHES:
        fix = f"write 'x' in {owner}"
    else:
        fix = f"did you mean {owner}.{near[0]}?" if near else "there are filters, such as | lower"
    raise ExpressionError(f"there is no method {owner}.{method}", fix=fix)


def _require_comparable(op: str, left: nodes.Node, right: nodes.Node) -> None:
    """Tags never equal a text, nor do_not_call: the rule would never hold, and nobody would see why."""
    for field, other in ((_contact_field(left), right), (_contact_field(right), left)):
        if op not in ("eq", "ne") or field not in ("tags", "do_not_call"):
            continue
        name, no = f"contact.{field}", "not " * (op == "ne")
        match other:
            case nodes.Const(value=str(text)) if text and field == "tags":
                fix = f"write {text!r} {no}in {name}"
            case nodes.Const(value=str()) | nodes.List():
                fix = f"write {name}, or not {name}"
            case _:
                continue
        kind = "a list" if field == "tags" else "true or false"
        raise ExpressionError(f"{name} is {kind}, never equal to this", fix=fix)


def _require(name: str, what: str, known: Iterable[str], *, owner: str = "") -> None:
    names = sorted(known)
    if name in names:
        return
    near = difflib.get_close_matches(name, names, n=1)
    fix = f"did you mean {owner}{near[0]}?" if near else f"known: {', '.join(owner + each for each in names)}"
    if not near and owner == "contact.":
        fix = f"a custom field is contact.custom['{name}']; {fix}"
    raise ExpressionError(f"there is no {what} {owner}{name}", fix=fix)


def _in_words(error: Exception) -> str:
    words = str(error) if isinstance(error, (TypeError, ValueError, ArithmeticError, TemplateError)) else ""
    return (words or type(error).__name__)[:_LONGEST_REASON]


def _fix(error: Exception) -> str:
    if isinstance(error, TypeError) and "not supported between" in str(error):
        return "numbers may arrive as text: put `| number` behind the value; then replay the event"
    return "see what the rules make of the payload with `bridge preview`, correct the expression, replay"
