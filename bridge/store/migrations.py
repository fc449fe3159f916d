"""The migrations in their order: those that are due run in one transaction with the record that they ran.

The mechanism is sqlite-utils' own; the SQL is in `schema` and its neighbours. Rule for editors: a released
migration is never changed, a new one is added below it.
"""

from typing import Any

from sqlite_utils import Database
from sqlite_utils.migrations import Migrations

from bridge.store import (
    schema,
    schema_door,
    schema_left_out,
    schema_origins,
    schema_reach,
    schema_wanted,
    schema_words,
)

migrations = Migrations("bridge")


@migrations()
def first(db: Any) -> None:
    _run(db, schema.FIRST)


@migrations()
def second(db: Any) -> None:
    _run(db, schema.SECOND)


@migrations()
def third(db: Any) -> None:
    _run(db, schema.THIRD)


@migrations()
def fourth(db: Any) -> None:
    _run(db, schema.FOURTH)


@migrations()
def fusion_origins(db: Any) -> None:
    _run(db, schema_origins.ORIGINS)


@migrations()
def leads_seen(db: Any) -> None:
    _run(db, schema_origins.SEEN)


@migrations()
def wanted(db: Any) -> None:
    _run(db, schema_wanted.WANTED)


@migrations()
def door(db: Any) -> None:
    _run(db, schema_door.DOOR)


@migrations()
def reach(db: Any) -> None:
    _run(db, schema_reach.REACH)


@migrations()
def left_out(db: Any) -> None:
    _run(db, schema_left_out.LEFT_OUT)


@migrations()
def event_words(db: Any) -> None:
    _run(db, schema_words.WORDS)


def _run(db: Any, script: str) -> None:
    for statement in script.split(";\n"):
        if statement.strip():
            db.execute(statement)


def migrate(database: Database) -> None:
    """Bring the database to the newest version; safe to call at every start, and for two at the same time."""
    if not migrations.pending(database):
        return
    # In one transaction, and asked again inside it: what another process migrates meanwhile, or was killed
    # amid, must not be found half done.
    database.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(database)
        database.execute("COMMIT")
    finally:
        if database.conn.in_transaction:
            database.execute("ROLLBACK")
