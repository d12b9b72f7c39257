"""Leases: one run at a time works on a partition, and a dead holder blocks nobody."""

import os
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database
from resources.errors import LeaseHeld

BEAT_SECONDS = 20.0
STALE_SECONDS = 180.0
"""A holder on another host that was not heard of for so long is taken for dead."""


def boot_id() -> str:
    """Changes with every start of the machine, so that a pid of before is never taken for one of now."""
    file = Path("/proc/sys/kernel/random/boot_id")
    return file.read_text(encoding="ascii").strip() if file.exists() else "unknown"


class Leases:
    """Rows of (name, holder, host, boot id, pid, heartbeat)."""

    def __init__(self, database: Database) -> None:
        self._db = database

    @contextmanager
    def hold(self, names: Sequence[str], holder: str, wait_seconds: float = 0.0) -> Iterator[None]:
        """Hold leases on all names or raise LeaseHeld; a run may take again what it holds itself."""
        deadline = time.monotonic() + wait_seconds
        while (blocker := self._take(names, holder)) is not None:
            if time.monotonic() >= deadline:
                since = time.strftime("%H:%M:%S", time.localtime(blocker.since))
                raise LeaseHeld(
                    f"{blocker.name} is being indexed by {blocker.holder} (pid {blocker.pid} on {blocker.host}) "
                    f"since {since}; wait, or stop that run."
                )
            time.sleep(0.5)
        stop = threading.Event()
        beat = threading.Thread(target=self._beat, args=(tuple(names), holder, stop), daemon=True)
        beat.start()
        try:
            yield
        finally:
            stop.set()
            beat.join()
            self.release(names, holder)

    def _take(self, names: Sequence[str], holder: str) -> Any:
        table, at = schema.leases, time.time()
        mine = {
            "holder": holder,
            "host": socket.gethostname(),
            "boot_id": boot_id(),
            "pid": os.getpid(),
            "since": at,
            "heartbeat": at,
        }
        with self._db.begin() as connection:
            rows = connection.execute(sa.select(table).where(table.c.name.in_(names)).with_for_update())
            for row in rows:
                if row.holder != holder and self._alive(row, at):
                    return row
            self._db.write(connection, table, [{"name": name, **mine} for name in names])
        return None

    @staticmethod
    def _alive(row: Any, at: float) -> bool:
        if row.host != socket.gethostname():
            return bool(at - row.heartbeat < STALE_SECONDS)
        if row.boot_id != boot_id():
            return False
        try:
            os.kill(row.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True

    def _beat(self, names: tuple[str, ...], holder: str, stop: threading.Event) -> None:
        table = schema.leases
        while not stop.wait(BEAT_SECONDS):
            with self._db.begin() as connection:
                alive = sa.update(table).where(table.c.name.in_(names), table.c.holder == holder)
                connection.execute(alive.values(heartbeat=time.time()))

    def release(self, names: Sequence[str], holder: str) -> None:
        table = schema.leases
        with self._db.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.name.in_(names), table.c.holder == holder))

    def release_holder(self, holder: str) -> int:
        """Let go of everything that this holder holds; returns how many leases."""
        table = schema.leases
        with self._db.begin() as connection:
            return connection.execute(sa.delete(table).where(table.c.holder == holder)).rowcount

    def held(self) -> dict[str, str]:
        """{name: holder} of the leases whose holder lives."""
        with self._db.read() as connection:
            rows = list(connection.execute(sa.select(schema.leases)))
        return {row.name: row.holder for row in rows if self._alive(row, time.time())}
