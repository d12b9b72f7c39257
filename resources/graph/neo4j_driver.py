"""The driver of this process: one for each database, opened after a fork, closed when its last user lets go.

Belongs here: opening, sharing, closing. Does not: sessions and transactions (neo4j_connection.py).
"""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from resources.errors import GraphError
from resources.graph import schema
from resources.graph.limits import Limits
from resources.graph.metrics import POOLS
from resources.graph.pool import SessionGate

if TYPE_CHECKING:
    from neo4j import Driver

CONNECT_SECONDS = 10.0
CLOSE_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Neo4jServerSettings:
    """Where a database is and who asks: `bolt://` one server, `neo4j://` a cluster, `+s` TLS with the system's CAs.

    `ca_file` is a PEM file of the CAs to trust instead; it switches TLS on for a plain scheme. `capacity` is the share
    of the graph that this server takes where there are several, each with its own `name`.
    """

    uri: str = "bolt://localhost:7687"
    user: str = "neo4j"
    password: str | None = field(default=None, repr=False)
    database: str = "neo4j"
    ca_file: Path | None = None
    name: str = "neo4j"
    capacity: float = 1.0
    limits: Limits = field(default_factory=Limits)


class ProcessDriver:
    """The driver and the gate before it, shared by all stores of this process with the same settings."""

    def __init__(self, settings: Neo4jServerSettings) -> None:
        self.settings = settings
        self.gate = SessionGate(settings.limits, settings.name)
        self.process = os.getpid()
        self.users = 0
        self.version = ""
        self.schema_ready = False
        self.lock = threading.RLock()
        self._closed = False
        self._driver: Driver | None = None
        POOLS.watch(self.gate)

    def open(self) -> "Driver":
        """The driver, connected at its first use. Raises GraphUnavailable for a server that is too old."""
        with self.lock:
            if self._closed:
                # Whoever was left behind by a deadline must not open what nobody closes.
                raise GraphError("the graph store has been closed; open it again.")
            if self._driver is None:
                driver = _connect(self.settings)
                try:
                    self.version = schema.check_server(driver.get_server_info().agent, self.settings.uri)
                except BaseException:
                    driver.close()
                    raise
                self._driver = driver
            return self._driver

    def close(self) -> None:
        # What a deadline left behind may still be at work, and a connection is not to be closed under it.
        self.gate.quiet(CLOSE_SECONDS)
        with self.lock:
            # A forked child has its parent's driver, whose connections are the parent's.
            if self._driver is not None and self.process == os.getpid():
                self._driver.close()
            self._driver, self._closed = None, True


_DRIVERS: dict[Neo4jServerSettings, ProcessDriver] = {}
_LOCK = threading.RLock()


def _forget() -> None:
    global _LOCK
    _LOCK = threading.RLock()
    _DRIVERS.clear()


os.register_at_fork(after_in_child=_forget)


def borrow(settings: Neo4jServerSettings) -> ProcessDriver:
    """This process's driver for these settings; to be given back."""
    with _LOCK:
        driver = _DRIVERS.setdefault(settings, ProcessDriver(settings))
        driver.users += 1
        return driver


def give_back(driver: ProcessDriver) -> None:
    """Let go of a driver; the last one to do so closes it."""
    with _LOCK:
        if driver.process != os.getpid():
            return
        driver.users -= 1
        if not driver.users:
            _DRIVERS.pop(driver.settings, None)
            driver.close()


def _connect(settings: Neo4jServerSettings) -> "Driver":
    from neo4j import GraphDatabase, TrustCustomCAs

    limits = settings.limits
    tls: dict[str, Any] = {}
    if settings.ca_file is not None:
        tls = {"encrypted": True, "trusted_certificates": TrustCustomCAs(str(settings.ca_file))}
    return GraphDatabase.driver(
        settings.uri,
        auth=None if settings.password is None else (settings.user, settings.password),
        max_connection_pool_size=limits.pool_size,
        # The gate is where one waits for others; the driver's own wait is that for a connection to open.
        connection_acquisition_timeout=limits.acquire_seconds + CONNECT_SECONDS,
        connection_timeout=CONNECT_SECONDS,
        liveness_check_timeout=30.0,
        telemetry_disabled=True,
        **tls,
    )
