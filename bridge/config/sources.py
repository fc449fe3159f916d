"""The `sources:` of the file as inbound's own values, one builder a type.

Knows the keys of each type and inbound's constructors. The rule to keep: one source that is wrong is a
problem of that source alone; the others are still checked.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from bridge.config.document import Document, spell
from bridge.config.schema import (
    SOURCE_TYPES,
    AppKeys,
    ContactKeys,
    JsonKeys,
    LocationKeys,
    SourceKeys,
    WorkflowKeys,
)
from bridge.config.wording import nearest, problems, show
from bridge.dates import MONTH_FIRST
from bridge.errors import Problem
from bridge.inbound import GhlApp, GhlWorkflow, JsonSource, Source, ghl
from bridge.inbound.signature import GHL_PUBLIC_KEY, load_public_key
from bridge.inbound.values import Zone

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")  # it is part of a URL


def build_sources(
    raw: Any,
    document: Document,
    *,
    folder: Path,
    default_region: str = "US",
    locations: Mapping[str, LocationKeys] = MappingProxyType({}),
) -> tuple[Mapping[str, Source], list[Problem]]:
    """Every source that is right, and what is wrong with the others."""
    built: dict[str, Source] = {}
    found: list[Problem] = []
    for name, keys in raw.items() if isinstance(raw, dict) else ():
        path = spell(("sources", name))
        if not _NAME.fullmatch(name):
            fix = "begin with a-z or 0-9, and use a-z, 0-9, - and _"
            found.append(Problem(path, "is not a name that fits into a URL", fix))
        if not isinstance(keys, dict):
            if keys is not None:  # a blank is told elsewhere
                fix = f"write type: and the keys of that type below it; types: {', '.join(SOURCE_TYPES)}"
                found.append(Problem(path, "must be keys with values", fix))
            continue
        if name == ghl.SYSTEM and keys.get("type") == "json":
            said = "is a name that GoHighLevel's contacts have: this source's would be taken for them"
            found.append(Problem(path, said, "choose another name"))
        try:
            read = _read(keys, document, at=path, folder=folder)
            built[name] = _build(name, read, default_region=default_region, locations=locations)
        except ValidationError as error:
            model = SOURCE_TYPES[keys["type"]]
            found += problems(error, model, document, at=("sources", name))
        except _UnknownTypeError as unknown:
            found += unknown.problems
    return MappingProxyType(built), found


class _UnknownTypeError(Exception):
    """The type decides about every other key, so without one nothing more can be said."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__()
        self.problems = problems


def _read(keys: Mapping[str, Any], document: Document, *, at: str, folder: Path) -> SourceKeys:
    known = ", ".join(SOURCE_TYPES)
    if "type" not in keys:
        slip = nearest("type", keys)
        if slip is not None:
            raise _UnknownTypeError(Problem(f"{at}.{slip}", f"unknown key {slip!r}", "did you mean `type`?"))
        raise _UnknownTypeError(Problem(f"{at}.type", "is missing", f"add type: with one of {known}"))
    kind = keys["type"]
    if kind is None:
        raise _UnknownTypeError
    if not isinstance(kind, str):
        raise _UnknownTypeError(Problem(f"{at}.type", "must be text", f"write one of {known}"))
    if kind not in SOURCE_TYPES:
        guess = nearest(kind, SOURCE_TYPES)
        said = f"unknown type {show(kind, f'{at}.type', document)}"
        fix = f"known types: {known}" if guess is None else f"did you mean `{guess}`? Known types: {known}"
        raise _UnknownTypeError(Problem(f"{at}.type", said, fix))
    return SOURCE_TYPES[kind].model_validate(keys, context={"folder": folder})


def _build(
    name: str, keys: SourceKeys, *, default_region: str, locations: Mapping[str, LocationKeys]
) -> Source:
    match keys:
        case WorkflowKeys():
            return GhlWorkflow(
                name=name,
                token=keys.token,
                locations=frozenset(keys.locations),
                default_region=keys.default_region,
                written=_written(keys, default_region),
                zones=MappingProxyType(
                    {at: ZoneInfo(each.timezone) for at, each in locations.items() if each.timezone}
                ),
            )
        case AppKeys():
            return GhlApp(
                name=name,
                public_keys=tuple(keys.public_keys) or (load_public_key(GHL_PUBLIC_KEY),),
                app_id=keys.app_id,
                locations=frozenset(keys.locations),
                default_region=keys.default_region,
            )
        case JsonKeys():
            return JsonSource(
                name=name,
                token=keys.token,
                contact=_words(keys.contact),
                custom=MappingProxyType(dict(keys.contact.custom)),
                id=keys.id,
                occurred_at=keys.occurred_at,
                deleted=keys.deleted,
                default_region=keys.default_region,
                written=_written(keys, default_region),
            )


def _written(keys: WorkflowKeys | JsonKeys, default_region: str) -> Zone:
    region = keys.default_region or default_region
    return Zone(ZoneInfo(keys.timezone) if keys.timezone else None, region not in MONTH_FIRST)


def _words(keys: ContactKeys) -> Mapping[str, Any]:
    return MappingProxyType({word: getattr(keys, word) for word in keys.model_fields_set if word != "custom"})
