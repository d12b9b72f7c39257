"""The SQLite file of the embedded graph store: schema, connections, and the one lock around every write.

Belongs here: opening, locking, transactions, what SQLite's errors mean. Does not: nodes and edges (sqlite.py).

SQLite before 3.51.3 can corrupt a WAL file when two connections write or checkpoint at the same moment
(https://sqlite.org/wal.html#walresetbug). So one advisory lock on a file beside the database is held around every
write transaction and every checkpoint, readers open the database read-only, and it is never mapped into memory.
"""

import fcntl
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from resources.errors import GraphError, GraphUnavailable, IndexRefused
from resources.frozen import open_frozen

SCHEMA_VERSION = 1
WAIT_SECONDS = 60.0
PAGE_BYTES = 1024
CACHE_KIB = 16_384
WAL_PAGES = 16_384

# Nodes get small integers in the order they arrive, so that the edges of one document, which arrive together, lie on
# neighbouring pages and every index entry is a dozen bytes: an edit touches few pages, and a page is 1 KiB because
# each touched page is written twice (to the log and back).
SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE node (k INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id NOT NULL, properties TEXT NOT NULL);
CREATE UNIQUE INDEX node_id ON node (id, kind);
CREATE TABLE edge (
    e INTEGER PRIMARY KEY, kind INTEGER NOT NULL, id NOT NULL, s INTEGER NOT NULL, t INTEGER NOT NULL,
    weight REAL NOT NULL, properties TEXT NOT NULL
);
CREATE UNIQUE INDEX edge_id ON edge (id, kind);
CREATE INDEX edge_s ON edge (s, kind);
CREATE INDEX edge_t ON edge (t, kind);
"""
PARTS = ("node", "edge")
COUNTING = " UNION ALL ".join(f"SELECT '{part}', kind, count(*) FROM {part} GROUP BY kind" for part in PARTS)
# How many rows there are of each kind, kept by the database itself: counting them reads an index from end to end.
COUNTED = f"""
CREATE TABLE counted (part TEXT, kind INTEGER, rows INTEGER NOT NULL, PRIMARY KEY (part, kind)) WITHOUT ROWID;
INSERT INTO counted {COUNTING};
""" + "".join(
    f"""
CREATE TRIGGER {part}_came AFTER INSERT ON {part} BEGIN
    INSERT INTO counted VALUES ('{part}', new.kind, 1) ON CONFLICT (part, kind) DO UPDATE SET rows = rows + 1;
END;
CREATE TRIGGER {part}_went AFTER DELETE ON {part} BEGIN
    UPDATE counted SET rows = rows - 1 WHERE part = '{part}' AND kind = old.kind;
END;
"""
    for part in PARTS
)


class GraphFile:
    """One database file: a writer connection, and as many readers as read at once."""

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        self._lock_path = self.path.with_name(self.path.name + ".lock")
        self._readers: list[sqlite3.Connection] = []
        self._mutex = threading.RLock()
        self._writer: sqlite3.Connection | None = None
        self._closed = False
        try:
            with self._named_errors():
                self._prepare()
        except BaseException:
            self.close()
            raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection that no other thread uses meanwhile, with SQLite's errors named."""
        with self._named_errors():
            self._check_open()
            with self._mutex:
                kept = self._readers.pop() if self._readers else None
            connection, lasts = (kept, True) if kept is not None else self._open_reader()
            try:
                yield connection
            finally:
                with self._mutex:
                    if lasts and not self._closed:
                        self._readers.append(connection)
                    else:
                        connection.close()

    def _open_reader(self) -> tuple[sqlite3.Connection, bool]:
        """A connection, and whether it may be kept: one that sees nothing new serves a single look."""
        connection = sqlite3.connect(
            f"{self.path.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS, check_same_thread=False
        )
        try:
            connection.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            connection.execute("SELECT 1 FROM sqlite_master")
        except sqlite3.OperationalError:
            connection.close()
            frozen = open_frozen(self.path)
            if frozen is None:
                raise
            return frozen, False
        return connection, True

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction that no other writer of any process overlaps; durable when it returns, else as before."""
        self._check_open()
        with self._mutex, self._named_errors(), self._file_lock():
            writer = self._open_writer()
            writer.execute("BEGIN IMMEDIATE")
            try:
                yield writer
                writer.execute("COMMIT")
            except BaseException:
                if writer.in_transaction:
                    writer.execute("ROLLBACK")
                raise

    def close(self) -> None:
        """Fold the log into the database and let go; readers first, for the last one to leave checkpoints unlocked."""
        with self._mutex:
            if self._closed:
                return
            self._closed = True
            for connection in self._readers:
                connection.close()
            if self._writer is not None:
                with self._named_errors(), self._file_lock():
                    self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                    self._writer.close()

    def _prepare(self) -> None:
        if self._version() is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            # Looked at again under the lock: another process may just be making the file.
            with self._mutex, self._file_lock():
                if self._is_empty():
                    insert = f"INSERT INTO meta VALUES ('schema_version', {SCHEMA_VERSION});"
                    self._open_writer().executescript(f"BEGIN IMMEDIATE; {SCHEMA} {COUNTED} {insert} COMMIT;")
        version = self._version()
        if version is None:
            raise IndexRefused(f"{self.path} is no graph store of rag-assets; move it away and run rag rebuild graph.")
        if version != SCHEMA_VERSION:
            raise IndexRefused(
                f"{self.path} has the graph schema {version}, this release reads {SCHEMA_VERSION}; "
                "use the release that wrote it, or remove the file and run rag rebuild graph."
            )

    def _is_empty(self) -> bool:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return True
        with self.reading() as db:
            return db.execute("SELECT 1 FROM sqlite_master").fetchone() is None

    def _version(self) -> object:
        if not self.path.exists() or self.path.stat().st_size == 0:
            return None
        with self.reading() as db:
            if not has_table(db, "meta"):
                return None
            row = db.execute("SELECT value FROM meta WHERE key = 'schema_version'").fetchone()
        return row and row[0]

    def _open_writer(self) -> sqlite3.Connection:
        if self._writer is None:
            writer = sqlite3.connect(self.path, timeout=WAIT_SECONDS, isolation_level=None, check_same_thread=False)
            writer.execute(f"PRAGMA page_size = {PAGE_BYTES}")
            mode = writer.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            if mode != "wal":
                writer.close()
                raise GraphError(
                    f"{self.path} cannot have a write-ahead log (SQLite says {mode!r}); "
                    "keep the graph on a local disk, or set graph.store to neo4j."
                )
            writer.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
            writer.execute("PRAGMA synchronous = FULL")
            writer.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
            if has_table(writer, "node") and not has_table(writer, "counted"):  # made before rows were counted
                writer.executescript(f"BEGIN IMMEDIATE; {COUNTED} COMMIT;")
            self._writer = writer
        return self._writer

    def _check_open(self) -> None:
        if self._closed:
            raise GraphError(f"the graph store {self.path} has been closed; open it again.")

    @contextmanager
    def _file_lock(self) -> Iterator[None]:
        # A new descriptor each time: threads and processes exclude each other alike, and a killed holder lets go.
        descriptor = os.open(self._lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            deadline = time.monotonic() + WAIT_SECONDS
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError as error:
                    if time.monotonic() > deadline:
                        raise GraphUnavailable(
                            f"{self.path} has been written by another process for {WAIT_SECONDS:.0f} seconds; "
                            "wait for that run, or stop it."
                        ) from error
                    time.sleep(0.003)
            yield
        finally:
            os.close(descriptor)

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as error:
            raise GraphUnavailable(
                f"the graph store {self.path} could not be used ({error}); nothing was written by this step. "
                "Free the disk or the file, and run it again."
            ) from error
        except sqlite3.DatabaseError as error:
            raise IndexRefused(
                f"{self.path} is damaged or no graph store ({error}); move it away and run rag rebuild graph."
            ) from error


def has_table(db: sqlite3.Connection, name: str) -> bool:
    return db.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (name,)).fetchone() is not None
