"""The option -c/--config that every command shares, and the loading of what it names.

Knows where a configuration is looked for; `bridge.config` knows what it means. Rule for editors: imports
bridge.config only when called (0.2 s), and leaves the words to `output`. Commands that only look at the
database use `outline`: they must work while a mistake in the file waits to be mended, as the service does.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from bridge.cli.output import warn_of
from bridge.errors import ConfigError

if TYPE_CHECKING:
    from bridge.config import Config, Limit
    from bridge.config.document import Document

DEFAULT_CONFIG: Final = Path("config.yaml")

# Use: `config: ConfigOption = DEFAULT_CONFIG`.
ConfigOption = Annotated[
    Path,
    typer.Option(
        "-c",
        "--config",
        metavar="FILE",
        envvar="BRIDGE_CONFIG",
        help="The configuration.",
    ),
]

_WANTED_LINE = re.compile(r"(database|default_region)\s*:")


@dataclass(frozen=True, slots=True)
class Outline:
    """As much of a configuration as it takes to look at the database."""

    database: Path
    default_region: str
    accounts: tuple[str, ...]  # empty: not known
    limit: "Limit | None"  # None: not known
    rules_mark: str = ""  # a fingerprint of the rules; empty: not known


def load_config(path: Path, *, strict: bool = False) -> "Config":
    """The configuration, or every problem on stderr and exit 2."""
    from bridge.config import load  # noqa: PLC0415 -- brings pydantic and the rules

    return load(path, strict=strict)


def outline(path: Path) -> Outline:
    """The outline of a configuration; of a wrong one what can be made out, with a warning.

    Raises:
        ConfigError: it doesn't even say where the database is.
    """
    try:
        config = load_config(path)
    except ConfigError as error:
        found = _made_out(path, error)
        warn_of(error)
        return found
    accounts, limit = tuple(config.fusion.accounts), config.fusion.leads_limit
    return Outline(config.database, config.default_region, accounts, limit, config.rules_mark)


def _made_out(path: Path, error: ConfigError) -> Outline:
    from bridge.config.assemble import database_at  # noqa: PLC0415
    from bridge.config.parts import account_names  # noqa: PLC0415
    from bridge.config.schema import FileKeys  # noqa: PLC0415

    document = _document(path, error)
    data = document.data or {}
    database = data.get("database", FileKeys.model_fields["database"].default)
    if not isinstance(database, str) or not database.strip() or document.is_broken("database"):
        raise error
    return Outline(
        database=database_at(path.parent / database),
        default_region=_region(data.get("default_region")),
        accounts=tuple(account_names(data)),
        limit=_limit(data.get("fusion")),
    )


def _document(path: Path, error: ConfigError) -> "Document":
    """The file as far as it can be read; of one that is no YAML only the lines that matter."""
    from bridge.config.environment import variables_for  # noqa: PLC0415
    from bridge.config.yaml_text import parse  # noqa: PLC0415

    try:
        text = path.read_text("utf-8-sig", errors="replace")
    except (OSError, ValueError):
        raise error from None
    variables, _ = variables_for(path.parent, None)
    document = parse(text, variables, folder=path.parent)
    if document.data is not None:
        return document
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    wanted = [line for line in lines if _WANTED_LINE.match(line)]
    found = parse("\n".join(wanted), variables, folder=path.parent)
    unread = bool(wanted) and found.data is None
    elsewhere = "database" not in (found.data or {}) and "database" in "".join(lines)
    # Better no database than another one; and without `fusion:` it is no configuration at all.
    if unread or elsewhere or not any(line.startswith("fusion") for line in lines):
        raise error
    return found


def _region(value: Any) -> str:
    from phonenumbers import SUPPORTED_REGIONS  # noqa: PLC0415

    region = str(value).upper()
    return region if region in SUPPORTED_REGIONS else "US"


def _limit(fusion: Any) -> "Limit | None":
    from pydantic import ValidationError  # noqa: PLC0415

    from bridge.config import Limit  # noqa: PLC0415
    from bridge.config.schema import LimitKeys  # noqa: PLC0415

    if not isinstance(fusion, dict):
        return None
    try:
        keys = LimitKeys.model_validate(fusion.get("leads_limit", {}))
    except ValidationError:
        return None
    return Limit(keys.requests, keys.per)
