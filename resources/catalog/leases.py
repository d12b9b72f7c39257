"""Leases: one run at a time works on a partition, and a dead holder blocks nobody."""

import logging
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database
from resources.catalog.processes import Process
from resources.errors import CatalogUnavailable, LeaseHeld

BEAT_SECONDS = 20.0
STALE_SECONDS = 180.0
"""A holder on another host that was not heard of for so long is taken for dead."""
_LET_GO: set[str] = set()
"""Tokens of this process whose row could not be deleted, on a full disk: nobody here waits for them."""
_log = logging.getLogger(__name__)


class Leases:
    """Rows of (name, hold, holder, host, process, heartbeat)."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @contextmanager
    def hold(
        self, names: Sequence[str], holder: str, wait_seconds: float = 0.0, doing: str = "indexed"
    ) -> Iterator[None]:
        """Hold leases on all names or raise LeaseHeld; a run may take again what it holds itself.

        `doing`: what a holder of such a name does with it, for the error.
        """
        deadline, token = time.monotonic() + wait_seconds, uuid.uuid4().hex
        while (blocker := self._take(names, holder, token)) is not None:
            if time.monotonic() >= deadline:
                since = time.strftime("%H:%M:%S", time.localtime(blocker.since))
                raise LeaseHeld(
                    f"{blocker.name.rpartition(':')[2]} is being {doing} by {blocker.holder} "
                    f"(pid {blocker.pid} on {blocker.host}) since {since}; wait, or stop that run."
                )
            time.sleep(0.5)
        stop = threading.Event()
        beat = threading.Thread(target=self._beat, args=(token, stop), daemon=True)
        beat.start()
        try:
            yield
        finally:
            stop.set()
            beat.join()
            self._let_go(token)

    def _take(self, names: Sequence[str], holder: str, token: str) -> Any:
        """Who is in the way, or None: then the names are held."""
        table, at = schema.leases, time.time()
        hold = {"token": token, "holder": holder, "host": socket.gethostname(), **asdict(Process.own())}
        with self._db.begin() as connection:
            rows = list(connection.execute(sa.select(table).where(table.c.name.in_(names)).order_by(table.c.name)))
            dead = [row.token for row in rows if not self._alive(row, at)]
            for row in rows:
                if row.holder != holder and row.token not in dead:
                    return row
            if dead:
                connection.execute(sa.delete(table).where(table.c.name.in_(names), table.c.token.in_(dead)))
            mine = [{"name": name, **hold, "since": at, "heartbeat": at} for name in names]
            self._db.write(connection, table, mine)
        return None

    @staticmethod
    def _alive(row: Any, at: float) -> bool:
        if row.token in _LET_GO:
            return False
        if row.host != socket.gethostname():
            return bool(at - row.heartbeat < STALE_SECONDS)
        return Process(row.boot_id, row.pid, row.started).lives

    def _beat(self, token: str, stop: threading.Event) -> None:
        table = schema.leases
        while not stop.wait(BEAT_SECONDS):
            try:
                with self._db.begin() as connection:
                    alive = sa.update(table).where(table.c.token == token)
                    connection.execute(alive.values(heartbeat=time.time()))
            except CatalogUnavailable as error:
                # the run itself fails if it needs the catalog; the next beat may find it again
                _log.warning("a lease could not be renewed: %s", error)

    def _let_go(self, token: str) -> None:
        try:
            self._delete(schema.leases.c.token == token)
        except CatalogUnavailable as error:
            _LET_GO.add(token)
            _log.warning("a lease was let go, and its row stays until the next one is taken: %s", error)

    def _delete(self, which: sa.ColumnElement[bool]) -> int:
        with self._db.begin() as connection:
            return connection.execute(sa.delete(schema.leases).where(which)).rowcount

    def release_holder(self, holder: str) -> int:
        """Let go of everything that this holder holds; returns how many leases."""
        return self._delete(schema.leases.c.holder == holder)

    def alive(self, name: str) -> bool | None:
        """Whether a holder of the lease lives; None where nobody holds it."""
        with self._db.read() as connection:
            rows = list(connection.execute(sa.select(schema.leases).where(schema.leases.c.name == name)))
        return any(self._alive(row, time.time()) for row in rows) if rows else None

    def held(self) -> dict[str, str]:
        """{name: holder} of the leases whose holder lives."""
        with self._db.read() as connection:
            rows = list(connection.execute(sa.select(schema.leases)))
        return {row.name: row.holder for row in rows if self._alive(row, time.time())}
