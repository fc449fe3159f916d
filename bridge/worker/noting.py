"""Writes down which configuration the service works with, and why it refused another.

Rule for editors: that this can't be written stops nothing.
"""

import contextlib
from collections.abc import Callable

import structlog

from bridge.config import Config
from bridge.config.saved import saved
from bridge.errors import ConfigError, StoreError
from bridge.store import loaded
from bridge.store.writer import Writer
from bridge.worker import origin

log = structlog.get_logger()


async def note_loaded(writer: Writer, config: Config, clock: Callable[[], float]) -> None:
    """The service works with this configuration from now on; an account that is new in it is bound, too."""
    now = clock()
    with contextlib.suppress(StoreError):
        await origin.bind(writer, config, clock)
        await writer.run(
            lambda connection: loaded.write_loaded(connection, config.saved, config.rules_mark, now)
        )


async def note_refused(
    writer: Writer, config: Config, error: ConfigError, clock: Callable[[], float]
) -> None:
    """The service goes on with this configuration, because of an error in the file."""
    now, files = clock(), saved(config.path)
    first, *others = error.problems
    line = f"line {first.line}: " if first.line else ""
    more = f" (and {len(others)} more)" if others else ""
    problem = f"{line}{first.path}{' ' if first.path else ''}{first.message}{more}"
    with contextlib.suppress(StoreError):
        await writer.run(lambda connection: loaded.write_refused(connection, files, problem, now))


def log_refused(error: ConfigError) -> None:
    """Every problem of a refused file, a line each."""
    for problem in error.problems:
        log.error(
            "config.refused",
            line=problem.line,
            path=problem.path,
            problem=problem.message,
            fix=problem.fix,
        )
