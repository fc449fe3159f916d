"""File to Config, or every problem of the file at once.

Reads the file, .env, environment and secret files; nothing else of the project does. The rule to keep: no
problem hides another. What is wrong is taken out, and the rest is checked as if it hadn't been there.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bridge.config.assemble import assemble
from bridge.config.checks import blanks, check_retention, check_retry, check_routes, check_secrets
from bridge.config.document import Document, Steps, spell
from bridge.config.environment import variables_for
from bridge.config.model import Config
from bridge.config.parts import Parts, account_names, without
from bridge.config.placeholders import placeholders
from bridge.config.saved import saved
from bridge.config.schema import MAY_BE_BLANK, FileKeys
from bridge.config.sources import build_sources
from bridge.config.targets import check_targets, locations_of
from bridge.config.wording import blank, problems
from bridge.config.yaml_text import parse
from bridge.errors import ConfigError, Problem
from bridge.inbound import Source
from bridge.rules.mapping import Rules, compile_rules

_LONGEST = 300  # characters of a message; a rule may be quoted in it


def load(path: Path, environ: Mapping[str, str] | None = None, *, strict: bool = False) -> Config:
    """The configuration in a file. Raises ConfigError with every problem, in the order of the file.

    `strict` also refuses what config.example.yaml made up: ids and hosts that have the right shape only.
    """
    read_as, text = saved(path), _read(path)
    variables, found = variables_for(path.parent, environ)
    document = parse(text, variables, folder=path.parent)
    found += document.problems
    if document.data is None:
        raise ConfigError(str(path), tuple(sorted(found, key=document.place)))
    keys, sources, rules, more = _check(document, folder=path.parent)
    if strict:
        more += placeholders(document)
    found += _told(more, document)
    if found or keys is None or rules is None:
        raise ConfigError(str(path), tuple(sorted(found, key=document.place)))
    return assemble(path, keys, sources=sources, rules=rules, saved=read_as)


def line_of(path: Path, key: str) -> int | None:
    """The line of a key in a file that was loaded, None where it isn't there any more."""
    try:
        variables, _ = variables_for(path.parent, None)
        return parse(_read(path), variables, folder=path.parent).line(key)
    except ConfigError:
        return None


def _read(path: Path) -> str:
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problem = Problem("", "is not UTF-8 text", "save it as UTF-8", line)
    except FileNotFoundError:
        problem = Problem("", "no such file", "`bridge init` writes one; -c names another")
    except IsADirectoryError:
        problem = Problem("", "is a directory", "name the file in it, or let `bridge init` write one")
    except PermissionError:
        problem = Problem(
            "", "can't be read: permission denied", "let this user read it, or let `bridge init` write one"
        )
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "not a usable path").lower()
        problem = Problem(
            "", f"can't be read: {reason}", "name another with -c, or let `bridge init` write one"
        )
    raise ConfigError(str(path), (problem,))


def _check(
    document: Document, *, folder: Path
) -> tuple[FileKeys | None, Mapping[str, Source], Rules | None, list[Problem]]:
    data = document.data or {}
    keys, found, wrong = _keys(data, document)
    clean = without(data, wrong)
    parts = Parts.of(clean)
    sources, of_sources = build_sources(
        data.get("sources"),
        document,
        folder=folder,
        default_region=keys.default_region if keys else "US",
        locations=parts.tables.locations,
    )
    accounts = account_names(data)
    rules, of_rules = compile_rules(
        None if parts.lead is None else parts.lead.model_dump(exclude_unset=True),
        [route.model_dump(exclude_unset=True) for route in parts.routes],
        parts.do_not_call.when,
        default_account=accounts[0] if accounts else "",
        accounts=accounts,
        campaigns=parts.tables.campaigns,
        locations=locations_of(parts.tables),
    )
    found += of_sources
    found += check_routes(parts.routes, document)
    found += check_targets(parts, accounts, document)
    found += check_retry(parts.retry)
    found += check_retention(parts.retention)
    found += check_secrets(document)
    found += [_veiled(problem, document) for problem in of_rules]
    return keys, sources, rules, found


def _keys(data: dict[str, Any], document: Document) -> tuple[FileKeys | None, list[Problem], list[Steps]]:
    """The keys if they are right, else what is wrong and where."""
    empty = [steps for steps in blanks(data) if _is_refused(steps)]
    found: list[Problem] = []
    wrong: list[Steps] = list(empty)
    keys = None
    try:
        keys = FileKeys.model_validate(data)
    except ValidationError as error:
        found += problems(error, FileKeys, document)
        wrong += [detail["loc"] for detail in error.errors(include_url=False)]
    told = {problem.path for problem in found}
    found += [blank(steps) for steps in empty if spell(steps) not in told]
    return keys, found, wrong


def _is_refused(steps: Steps) -> bool:
    return steps != ("server", "public_url") and not (len(steps) == 1 and steps[0] in MAY_BE_BLANK)


def _veiled(problem: Problem, document: Document) -> Problem:
    """A rule's problem quotes the rule; not when it came from outside."""
    origin = document.origin(problem.path)
    if not origin:
        return problem
    said = f"the rule in {origin[0]} can't be used"
    return replace(problem, message=said, fix="write it into the file to see why")


def _told(found: Iterable[Problem], document: Document) -> list[Problem]:
    """Problems worth telling, each with its line and on one line."""
    return [
        Problem(_one_line(each.path), _one_line(each.message), _one_line(each.fix), document.line(each.path))
        for each in found
        if not document.is_broken(each.path)
    ]


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
