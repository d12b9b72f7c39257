"""Reading an SQLite file where nothing can be written: on a full disk, in a folder that is read-only.

A reader of a database with a write-ahead log makes two small files beside it. Where it cannot, the database is read as
it stands, which is whole if it was closed properly: then there is no log. Whoever writes makes a log first.
"""

import sqlite3
from pathlib import Path


def open_frozen(path: Path) -> sqlite3.Connection | None:
    """A connection that only reads and makes no file; None where a log may hold more than the database does.

    Use it for one look and let it go: it does not see what others write.
    """
    log = path.with_name(path.name + "-wal")
    if not path.is_file() or (log.exists() and log.stat().st_size):
        return None
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True, check_same_thread=False)
