"""A database of the release before opens, with everything that waited in it, also what was under way."""

import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor

from sqlite_utils import Database

from bridge.outbox.budget import Budget
from bridge.store.claiming import claim
from bridge.store.database import open_writer
from bridge.store.migrations import migrate, migrations
from bridge.store.recovering import recover
from bridge.store.schema import FIRST


def before(path):
    """As the first release left it: one row waits, one was under way when it was killed."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(FIRST)
    Database(connection)["_sqlite_migrations"].create(
        {"id": int, "migration_set": str, "name": str, "applied_at": str}, pk="id"
    )
    connection.execute("INSERT INTO _sqlite_migrations VALUES (1, 'bridge', 'first', '2026-11-21')")
    for number in (1, 2):
        connection.execute(
            """
            INSERT INTO events (id, source, body_hash, type, received_at, occurred_at, state, payload)
            VALUES (?, 'workflow', 'h', 't', 1, 1, 'queued', x'7b7d')
            """,
            (number,),
        )
    connection.execute("INSERT INTO attempts (id, lane, account, started_at, method, leads) "
                       "VALUES (7, 'leads', 'main', 5, 'POST', 1)")  # fmt: skip
    connection.execute("INSERT INTO attempt_leads VALUES (7, 2, '', '+12025550102')")
    for number, sent in ((1, None), (2, 1)):
        connection.execute(
            """
            INSERT INTO outbox (
                lane, account, campaign_id, phone, body, event_id, sent_version, sent_event_id, priority,
                queued_at, due_at
            ) VALUES ('leads', 'main', '', ?, '{"name": "Ann Lee"}', ?, ?, ?, 1, 1, 1)
            """,
            (f"+1202555010{number}", number, sent, number if sent else None),
        )
    connection.close()


def test_what_waited_and_what_was_under_way_goes_on(tmp_path):
    before(tmp_path / "bridge.db")
    connection = open_writer(tmp_path / "bridge.db")
    rows = connection.execute("SELECT phone, sent_version, attempt_id FROM outbox ORDER BY id").fetchall()
    assert [tuple(row) for row in rows] == [("+12025550101", None, None), ("+12025550102", 1, 7)]
    assert recover(connection, 10.0) == 1
    claimed = claim(connection, "main", budget=Budget(100, 60), room=4, now=20.0).claimed
    assert [[row.phone for row in each.rows] for each in claimed] == [["+12025550101"], ["+12025550102"]]
    assert connection.execute("PRAGMA foreign_key_check").fetchall() == []


def test_migrating_twice_changes_nothing(tmp_path):
    counts = []
    for _ in range(2):
        connection = open_writer(tmp_path / "bridge.db")
        counts += connection.execute("SELECT COUNT(*) FROM _sqlite_migrations").fetchone()
        connection.close()
    assert counts == [11, 11]


def test_two_processes_may_start_at_the_same_time(tmp_path):
    """`bridge adopt` beside the first start: who comes second waits, and finds it done."""
    first = sqlite3.connect(tmp_path / "bridge.db", isolation_level=None)
    first.execute("PRAGMA journal_mode = WAL")
    first.execute("BEGIN IMMEDIATE")
    with ThreadPoolExecutor() as pool:
        second = pool.submit(open_writer, tmp_path / "bridge.db")
        time.sleep(0.2)  # whether it waits already or not, it must come out right
        migrations.apply(Database(first))
        first.execute("COMMIT")
        applied = second.result().execute("SELECT name FROM _sqlite_migrations ORDER BY id").fetchall()
    assert [row["name"] for row in applied] == [each.name for each in migrations.applied(Database(first))]
    assert len(applied) == len({row["name"] for row in applied}) > 1


def test_nothing_is_half_migrated(tmp_path):
    """Not even the list of migrations: without its index nothing would keep one from running twice."""
    database = Database(tmp_path / "bridge.db")
    statements = []
    database.conn.set_trace_callback(statements.append)
    migrate(database)
    writes = [each for each in statements if each.lstrip().startswith(("CREATE", "INSERT", "DROP", "ALTER"))]
    begun, ended = statements.index("BEGIN IMMEDIATE"), statements.index("COMMIT")
    assert all(begun < statements.index(each) < ended for each in writes)
    assert statements.count("COMMIT") == 1
