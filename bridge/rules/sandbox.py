"""The Jinja2 environment that expressions run in: what they can reach, and how much they may cost.

Knows nothing of scopes or rules. Rule for editors: an expression reaches items of mappings and the methods
named here, nothing else of Python; whatever can multiply a value is paid for before it is worked out.
"""

from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Undefined, nodes
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

from bridge.rules import bounded
from bridge.rules.effort import spend, weight
from bridge.rules.filters import FILTERS
from bridge.rules.near import missed
from bridge.rules.values import EMPTY, Empty, plain

MAX_BITS: Final = 256  # of a whole number: far above any amount, far below what takes time

# Methods of a text that neither multiply it nor reach beyond it. `format` does both.
TEXT_METHODS: Final = frozenset(
    {"capitalize", "casefold", "count", "endswith", "find", "isalnum", "isalpha", "isdigit", "islower"}
    | {"isnumeric", "isspace", "isupper", "join", "lower", "lstrip", "partition", "removeprefix"}
    | {"removesuffix", "replace", "rfind", "rpartition", "rsplit", "rstrip", "split", "splitlines"}
    | {"startswith", "strip", "swapcase", "title", "upper"}
)
LIST_METHODS: Final = frozenset({"count", "index"})


class Sandbox(ImmutableSandboxedEnvironment):
    """Expressions only: no globals, no statements, items before attributes, missing values are Empty."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        """An item of a mapping, or one of the methods named above; anything else is Empty."""
        if isinstance(obj, Mapping):
            return self.getitem(obj, attribute)
        methods = TEXT_METHODS if isinstance(obj, str) else LIST_METHODS if _is_list(obj) else ()
        return getattr(obj, attribute) if attribute in methods else EMPTY

    def getitem(self, obj: Any, argument: Any) -> Any:
        """An item by key or position. Null and '' are as good as missing: GHL sends all three alike."""
        try:
            value = obj[argument]
        except (TypeError, LookupError):
            if isinstance(argument, str) and isinstance(obj, Mapping):
                missed(argument, obj)
            return self.getattr(obj, argument) if isinstance(argument, str) and not _is_map(obj) else EMPTY
        return EMPTY if value is None or value == "" else value

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`+`, `*`, `**` and `%`, refused (ValueError) where the result would be absurdly big."""
        if operator == "%" and isinstance(left, str):
            return bounded.format_text(left, right)
        if operator == "**":
            _refuse_big(_bits(left) * abs(right) if isinstance(right, (int, float)) else 0)
        elif operator == "*":
            _refuse_big(_bits(left) + _bits(right))
            bounded.multiplied(left, right)
        result = super().call_binop(context, operator, left, right)
        spend(weight(result))
        return result

    def call(self, _context: Context, method: Any, /, *args: Any, **kwargs: Any) -> Any:
        """A method of a text or a list; there is nothing else to call."""
        if isinstance(method, Empty):
            return method
        if not callable(method):
            raise TypeError(f"{type(method).__name__} is a value, not a function: leave the brackets out")
        return bounded.call_method(method, args, kwargs)


class Rewriter(NodeTransformer):
    """Turns `a in b` into the test and `a ~ b` into the filter that do it within bounds.

    An empty `a` is in nothing; Python itself would refuse to look for it in a text.
    """

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802 - Jinja's naming of visitors
        self.generic_visit(node)
        if len(node.ops) != 1 or node.ops[0].op not in ("in", "notin"):
            return node
        inside = nodes.Test(node.expr, "in", [node.ops[0].expr], [], None, None, lineno=node.lineno)
        return inside if node.ops[0].op == "in" else nodes.Not(inside, lineno=node.lineno)

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        self.generic_visit(node)
        texts = nodes.List(node.nodes, lineno=node.lineno)
        return nodes.Filter(texts, "join", [], [], None, None, lineno=node.lineno)


def build_environment() -> Sandbox:
    """A fresh environment with our filters, without Jinja's globals and without its dice."""
    made = Sandbox(undefined=Empty, finalize=_shown, optimized=False, keep_trailing_newline=True)
    made.globals.clear()  # lipsum and cycler have no place in a rule, range only does harm
    del made.filters["random"]  # the same event must give the same lead on every replay
    made.filters.update(FILTERS, join=bounded.join, sum=bounded.total, format=_format)
    made.tests.update({"in": _is_in, "none": _is_none})
    for name, kept in made.filters.items():
        made.filters[name] = bounded.bounded_filter(name, kept)
    for name, kept in made.tests.items():
        made.tests[name] = bounded.bounded_test(kept)
    made.policies["json.dumps_kwargs"] = {"sort_keys": True, "default": plain}
    return made


def _shown(value: Any) -> Any:
    """A value inside other text: nothing for null, lists with commas as everywhere in a lead."""
    spend(weight(value))
    value = plain(value)
    if value is None:
        return ""
    return ", ".join(str(_shown(item)) for item in value) if isinstance(value, list) else value


def _is_in(value: Any, container: Any) -> bool:
    return not isinstance(value, Undefined) and value in container


def _is_none(value: Any) -> bool:
    return value is None or isinstance(value, Undefined)


def _is_map(value: Any) -> bool:
    return isinstance(value, Mapping)


def _is_list(value: Any) -> bool:
    return isinstance(value, (list, tuple))


def _bits(value: Any) -> int:
    return value.bit_length() if isinstance(value, int) else 0


def _refuse_big(bits: float) -> None:
    if bits > MAX_BITS:
        raise ValueError("the number would be too big")


def _format(pattern: Any, *args: Any, **kwargs: Any) -> str:
    """Jinja's `format` filter (`"%.2f" | format(amount)`) within the same bounds as the operator `%`."""
    return bounded.format_text(pattern, kwargs or args)
