"""Whether a configuration was saved since it was read: by the time and size of its files.

Not by what is in them: that is kept in the database, and the files hold secrets.
"""

from pathlib import Path


def saved(path: Path) -> str:
    """Return a mark of the file and its .env. The mark changes when either file is saved again."""
    return " ".join(map(_mark, (path, path.with_name(".env"))))


def _mark(path: Path) -> str:
    try:
        status = path.stat()
    except (OSError, ValueError):
        return "-"
    return f"{status.st_size}/{status.st_mtime_ns}"
