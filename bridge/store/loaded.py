"""SQL of the configuration that the service works with, for commands that see only the files.

Rule for editors: nothing of the configuration itself is kept, but a mark of when it was saved.
"""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the service has read, and what it refused since."""

    saved: str
    loaded_at: float
    refused_saved: str | None = None
    refused_at: float | None = None
    problem: str = ""


def write_loaded(connection: sqlite3.Connection, saved: str, rules: str, now: float) -> None:
    """The service works with the files as they were saved then."""
    connection.execute(
        "INSERT OR REPLACE INTO loaded_config (only_one, saved, loaded_at) VALUES (1, ?, ?)", (saved, now)
    )
    connection.execute("INSERT OR IGNORE INTO rule_sets VALUES (?, ?)", (rules, now))


def write_refused(connection: sqlite3.Connection, saved: str, problem: str, now: float) -> None:
    """The service refused the files as they were saved then, and goes on with what it had."""
    connection.execute(
        "UPDATE loaded_config SET refused_saved = ?, refused_at = ?, problem = ?", (saved, now, problem)
    )


def read(connection: sqlite3.Connection) -> Loaded | None:
    """Reads what the service has loaded; None when no service of this release was started yet."""
    row = connection.execute(
        "SELECT saved, loaded_at, refused_saved, refused_at, problem FROM loaded_config"
    ).fetchone()
    return Loaded(*row) if row else None
