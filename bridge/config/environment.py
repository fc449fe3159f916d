"""What a configuration takes from outside: `${NAME}`, `${NAME:-default}`, `${file:/path}`, and the .env.

Knows text and variables, not YAML. The rule to keep: a value from outside never gets into a message, only
its name does; and nothing else in the project reads the environment.
"""

import difflib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.errors import BridgeError, Problem

SET_IT = "set it in the environment or in .env beside the config"

_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_REFERENCE = re.compile(r"\$\$\{|\$\{([^}]*)(\}?)")
_VARIABLE = re.compile(rf"({_NAME})(?::-(.*))?", re.DOTALL)
_ASSIGNMENT = re.compile(rf"(?:export\s+)?({_NAME})\s*=(.*)")
_DOUBLE_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"\s*(?:#.*)?')
_SINGLE_QUOTED = re.compile(r"'([^']*)'\s*(?:#.*)?")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_NEAR = 0.8  # alike enough for a slip: FORM_TOKEN and FORMS_TOKEN are, FORMS_TOKEN and WORKFLOW_TOKEN aren't
_MAX_FILE = 65_536  # bytes; a secret or a PEM is far shorter, /dev/zero is not


@dataclass(frozen=True, slots=True)
class Expanded:
    """A scalar with its references filled in, and what went wrong (message, fix) where they couldn't be."""

    text: str = field(repr=False)
    origins: tuple[str, ...] = ()  # the variables and files whose values are in the text
    faults: tuple[tuple[str, str], ...] = ()


class _UnusableError(BridgeError):
    """A reference that gives no value."""


def expand(text: str, variables: Mapping[str, str], *, folder: Path) -> Expanded:
    """Fill in every reference of a scalar; `$${` stands for a plain `${`. Values are not expanded again."""
    origins: list[str] = []
    faults: list[tuple[str, str]] = []

    def fill(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        try:
            value, origin = _look_up(match, variables, folder=folder)
        except _UnusableError as unusable:
            faults.append((unusable.message, unusable.fix))
            return ""
        if origin:
            origins.append(origin)
        return value

    return Expanded(_REFERENCE.sub(fill, text), tuple(origins), tuple(faults))


def _look_up(match: re.Match[str], variables: Mapping[str, str], *, folder: Path) -> tuple[str, str]:
    """The value of a reference and the name of where it came from; a default comes from nowhere."""
    body = match[1]
    if not match[2]:
        raise _UnusableError("a ${ that isn't closed", fix="close it with }, or write $${ for a plain ${")
    if "{" in body:
        raise _UnusableError(
            "a ${…} with braces inside", fix="write ${NAME} or ${NAME:-default} without braces"
        )
    if body.startswith("file:"):
        return _read_secret(folder / body.removeprefix("file:").strip()), body
    variable = _VARIABLE.fullmatch(body)
    if variable is None:
        raise _UnusableError(
            "a ${…} that isn't understood",
            fix="write ${NAME}, ${NAME:-default}, ${file:/path}, or $${ for a plain ${",
        )
    name, default = variable[1], variable[2]
    value = variables.get(name)
    if default is not None and not value:
        return default, ""
    if value is None:
        near = difflib.get_close_matches(name, variables, n=1, cutoff=_NEAR)
        fix = f"did you mean {near[0]}? If not, {SET_IT}" if near else SET_IT
        raise _UnusableError(f"{name} is not set", fix=fix)
    return value, name


def _read_secret(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_FILE + 1)
        if len(content) > _MAX_FILE:
            raise _UnusableError(f"{path} is too long", fix=f"name a file of at most {_MAX_FILE} bytes")
        return content.decode("utf-8-sig").rstrip("\r\n")  # the newline an editor or `echo` left
    except UnicodeDecodeError:
        raise _UnusableError(f"{path} is not UTF-8 text", fix="save it as UTF-8") from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a usable path").lower()
        raise _UnusableError(f"can't read {path}: {reason}", fix="create it, or correct the path") from None


def variables_for(folder: Path, environ: Mapping[str, str] | None) -> tuple[dict[str, str], list[Problem]]:
    """The environment over the .env in this folder, and what is wrong with the latter."""
    real = os.environ if environ is None else environ
    path = folder / ".env"
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (FileNotFoundError, NotADirectoryError):
        return dict(real), []
    except UnicodeDecodeError:
        return dict(real), [Problem(".env", "is not UTF-8 text", "save it as UTF-8")]
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a usable path").lower()
        return dict(real), [Problem(".env", f"can't be read: {reason}", "let this user read it")]
    written, problems = parse_dotenv(text)
    return {**written, **real}, problems


def parse_dotenv(text: str) -> tuple[dict[str, str], list[Problem]]:
    """KEY=VALUE lines with comments, quotes and `export`; a later line wins. Lines are never quoted back."""
    values: dict[str, str] = {}
    problems: list[Problem] = []
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        assignment = _ASSIGNMENT.fullmatch(line)
        if assignment is None:
            problems.append(
                Problem(".env", f"line {number} is not KEY=VALUE", "write KEY=VALUE, or # before a comment")
            )
            continue
        value = _dotenv_value(assignment[2])
        if value is None:
            problems.append(
                Problem(".env", f"line {number} has a stray quote", "close the quote on the same line")
            )
            continue
        values[assignment[1]] = value
    return values, problems


def _dotenv_value(raw: str) -> str | None:
    text = raw.strip()
    if text.startswith('"'):
        quoted = _DOUBLE_QUOTED.fullmatch(text)
        return quoted and re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), quoted[1])
    if text.startswith("'"):
        quoted = _SINGLE_QUOTED.fullmatch(text)
        return quoted and quoted[1]
    return re.split(r"\s#", raw, maxsplit=1)[0].strip()
