"""The database: migrations, the one writer, and a module of SQL for each table group. No SQL elsewhere."""
