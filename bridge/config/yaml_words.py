"""PyYAML's complaints in plain words: what it says, what we say, and what to do about it.

Knows only errors, not configurations. The rule to keep: the parser's own words are matched, never shown,
because they quote the file, and the file may hold a secret.
"""

import yaml
from yaml.reader import ReaderError

from bridge.errors import Problem

# (part of the parser's words, our message, fix). The first that is found decides.
_WORDS = (
    ("'\\t'", "a tab where spaces belong", "indent with spaces"),
    (
        "mapping values are not allowed",
        "a `:` that doesn't belong here",
        "check the indentation, or put the text in quotes",
    ),
    ("could not find expected ':'", "a key without `:`", "write key: value"),
    ("unexpected end of stream", "a quote that isn't closed", "add the closing quote"),
    (
        "expected ',' or",
        "a { or [ that isn't closed",
        "close it; between { and } put texts such as ${NAME} in quotes",
    ),
    (
        "expected <block end>",
        "doesn't line up with the lines above",
        "indent keys of one level alike; put text that begins with { [ & * ! | > % @ in quotes",
    ),
    (
        "undefined alias",
        "an alias (`*name`) without its anchor (`&name`)",
        "put the text in quotes if the * is meant",
    ),
    (
        "duplicate anchor",
        "an anchor (`&name`) that is there already",
        "put the text in quotes if the & is meant",
    ),
    ("expected a single document", "a second document (`---`)", "keep one"),
    ("unknown escape character", "an unknown \\ escape in double quotes", "use single quotes, or write \\\\"),
    ("expected escape sequence", "an unknown \\ escape in double quotes", "use single quotes, or write \\\\"),
    ("tag handle", "a tag (`!…`) that isn't understood", "put the text in quotes"),
    ("cannot start any token", "a character that can't begin a text", "put the text in quotes"),
)
_ANYTHING = ("can't be read as YAML", "check quotes, colons and indentation; put odd texts in quotes")
# What begins there is to blame, not where the parser gave up.
_BLAME_THE_BEGINNING = ("unexpected end of stream", "expected ',' or", "could not find expected ':'")


def explain(error: yaml.YAMLError, text: str) -> Problem:
    """A syntax error as a problem with its line."""
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        return Problem("", "a control character", "remove it; type the line anew", line)
    said = f"{error.context} {error.problem}" if isinstance(error, yaml.MarkedYAMLError) else ""
    message, fix = next(((ours, mend) for theirs, ours, mend in _WORDS if theirs in said), _ANYTHING)
    return Problem("", message, fix, _line(error, said))


def _line(error: yaml.YAMLError, said: str) -> int | None:
    if not isinstance(error, yaml.MarkedYAMLError):
        return None
    mark = error.problem_mark
    if any(words in said for words in _BLAME_THE_BEGINNING):
        mark = error.context_mark or mark
    return None if mark is None else int(mark.line) + 1
