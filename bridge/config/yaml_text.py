"""YAML text to a Document: plain data with a line for every path, or problems in plain words.

Every scalar stays text (except null), so that `NO`, `0123` and ids made of digits keep their spelling.
The rules to keep: no text, however hostile, raises anything; and nothing of the text is quoted back but
keys, because a value may be a secret.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from bridge.config.document import Document, Steps, spell
from bridge.config.environment import expand
from bridge.config.yaml_words import explain
from bridge.errors import BridgeError, Problem

_MAX_TEXT = 262_144  # characters; a config of a hundred routes has a tenth of it
_MAX_VALUES = 20_000  # after aliases are followed: `*a` of `*b` of `*c` … multiplies
_MAX_DEPTH = 40
_THEIRS = "x-"  # such keys of the file are the user's own: a place for anchors

_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"
_KNOWN_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("null", "merge", "str", "int", "float", "bool", "timestamp", "value", "map", "seq")
)


class _TooMuchError(BridgeError):
    """More than any configuration needs; reading stops here."""

    def __init__(self, message: str, *, line: int, fix: str) -> None:
        super().__init__(message, fix=fix)
        self.line = line


def parse(text: str, variables: Mapping[str, str], *, folder: Path) -> Document:
    """Read YAML, with references to the environment and to files filled in."""
    if len(text) > _MAX_TEXT:
        return _nothing("", "is too long", f"keep it under {_MAX_TEXT} characters", line=None)
    try:
        root = _compose(text)
        if root is None or root.tag == _NULL:
            return _nothing(
                "", "is empty", "`bridge init` writes one; config.example.yaml shows every key", line=None
            )
        if not isinstance(root, yaml.MappingNode):
            return _nothing(
                "", "must be keys with values", "begin with `server:` or another key", line=_line(root)
            )
        walk = _Walk(variables, folder)
        data = walk.mapping(root, (), depth=0)
        data = {key: value for key, value in data.items() if not key.startswith(_THEIRS)}
    except yaml.YAMLError as error:
        return Document(None, problems=(explain(error, text),))
    except _TooMuchError as excess:
        return _nothing("", excess.message, excess.fix, line=excess.line)
    return Document(data, walk.lines, walk.origins, frozenset(walk.broken), tuple(walk.problems))


def _nothing(path: str, message: str, fix: str, *, line: int | None) -> Document:
    return Document(None, problems=(Problem(path, message, fix, line),))


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def _compose(text: str) -> yaml.Node | None:
    """The node graph. Depth is measured on the flat event stream first, since composing recurses."""
    _measure(text)
    loader = yaml.SafeLoader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _measure(text: str) -> None:
    loader = yaml.SafeLoader(text)
    depth = 0
    try:
        while loader.check_event():
            event = loader.get_event()  # type: ignore[no-untyped-call]
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            if depth > _MAX_DEPTH:
                line = event.start_mark.line + 1
                raise _TooMuchError("is nested too deep", line=line, fix=f"nest at most {_MAX_DEPTH} levels")
    except (ValueError, OverflowError):
        # An escape such as "\UFFFFFFFF", or a version of a thousand digits: chr() and int() complain.
        raise yaml.MarkedYAMLError(problem_mark=loader.get_mark()) from None
    finally:
        loader.dispose()


@dataclass(slots=True)
class _Walk:
    """One pass over the nodes; collects lines, origins and problems on the way."""

    variables: Mapping[str, str]
    folder: Path
    lines: dict[str, int] = field(default_factory=dict)
    origins: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    values: int = 0
    told: set[tuple[int, str]] = field(default_factory=set)  # an alias repeats a node, not its problems

    def value(self, node: yaml.Node, steps: Steps, *, depth: int) -> Any:
        self._count(node, depth)
        if node.tag not in _KNOWN_TAGS:
            self._refuse(
                node, steps, "a tag (`!…`) that isn't understood", "remove it, or put the text in quotes"
            )
            return None
        if isinstance(node, yaml.MappingNode):
            return self.mapping(node, steps, depth=depth)
        if isinstance(node, yaml.SequenceNode):
            return [self._item(item, (*steps, at), depth=depth + 1) for at, item in enumerate(node.value)]
        return self._scalar(node, steps)

    def mapping(self, node: yaml.MappingNode, steps: Steps, *, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value, inherited in self._pairs(node, steps, depth=depth):
            name = self._key(key, steps)
            if name is None or (inherited and name in found):
                continue
            at = (*steps, name)
            if name in found:
                first = self.lines[spell(at)]
                self._tell(key, at, f"stands twice, first on line {first}", "keep one of the two")
                continue
            self.lines[spell(at)] = _line(key)
            found[name] = self.value(value, at, depth=depth + 1)
        return found

    def _pairs(
        self, node: yaml.MappingNode, steps: Steps, *, depth: int
    ) -> Iterator[tuple[yaml.Node, yaml.Node, bool]]:
        """Keys and values; a mapping's own before those that `<<` brings in."""
        merged: list[yaml.Node] = []
        for key, value in node.value:
            self._count(key, depth)
            if key.tag == _MERGE:
                merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
            else:
                yield key, value, False
        for source in merged:
            if not isinstance(source, yaml.MappingNode):
                self._refuse(
                    source,
                    steps,
                    "`<<` names something without keys",
                    "name an anchor of a mapping: `<<: *name`",
                )
                continue
            for key, value, _ in self._pairs(source, steps, depth=depth + 1):
                yield key, value, True

    def _item(self, node: yaml.Node, steps: Steps, *, depth: int) -> Any:
        self.lines[spell(steps)] = _line(node)
        return self.value(node, steps, depth=depth)

    def _key(self, node: yaml.Node, steps: Steps) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._refuse(
                node, steps, "braces or brackets without quotes", 'put the text in quotes: "{{ … }}"'
            )
        elif node.tag == _NULL or node.tag not in _KNOWN_TAGS or _odd(node.value):
            self._tell(node, steps, "a key that is empty or not text", "write key: value")
        else:
            return str(node.value)
        return None

    def _scalar(self, node: yaml.Node, steps: Steps) -> str | None:
        if node.tag == _NULL:
            return None
        filled = expand(node.value, self.variables, folder=self.folder)
        for message, fix in filled.faults:
            self._refuse(node, steps, message, fix)
        if filled.origins:
            self.origins[spell(steps)] = filled.origins
        if _odd(filled.text):
            self._refuse(node, steps, "a character that is not text", "remove the NUL or the half character")
        return filled.text

    def _refuse(self, node: yaml.Node, steps: Steps, message: str, fix: str) -> None:
        self.broken.add(spell(steps))
        self._tell(node, steps, message, fix)

    def _tell(self, node: yaml.Node, steps: Steps, message: str, fix: str) -> None:
        if (id(node), message) not in self.told:
            self.told.add((id(node), message))
            self.problems.append(Problem(spell(steps), message, fix, _line(node)))

    def _count(self, node: yaml.Node, depth: int) -> None:
        self.values += 1
        if self.values > _MAX_VALUES or depth > _MAX_DEPTH:
            raise _TooMuchError(
                "unfolds into too much", line=_line(node), fix="use fewer aliases (`*name`) inside each other"
            )


def _odd(text: str) -> bool:
    """NUL or half a surrogate pair, from an escape or the environment: no path, URL or database takes it."""
    return any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)
