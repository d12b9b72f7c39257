"""One Neo4j database behind a bounded gate: the driver of this process, transactions, retries.

Belongs here: opening, running, retrying, counting. Does not: statements (cypher.py) and verbs (neo4j.py).
"""

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from resources.errors import GraphError
from resources.graph import schema
from resources.graph.base import Traffic
from resources.graph.deadline import within
from resources.graph.limits import Limits
from resources.graph.metrics import POOLS
from resources.graph.neo4j_errors import translated
from resources.graph.pool import SessionGate

if TYPE_CHECKING:
    from neo4j import Driver, Transaction

T = TypeVar("T")
CONNECT_SECONDS = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0


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


class Neo4jConnection:
    """Transactions on one database; safe to use from several threads, and from a forked child."""

    def __init__(self, settings: Neo4jServerSettings, traffic: Traffic) -> None:
        self.settings, self.traffic = settings, traffic
        self.limits = settings.limits
        self.gate = SessionGate(self.limits, settings.name)
        self.version = ""
        self._lock = threading.RLock()
        self._commits = threading.Lock()
        self._driver: Driver | None = None
        self._process = 0
        self._schema_ready = False
        self._closed = False
        POOLS.watch(self.gate)

    def read(self, purpose: str, statement: str, parameters: dict[str, Any], timeout: float | None = None) -> list[Any]:
        """The rows of a statement, as tuples; within `timeout` seconds, waiting and retries included."""

        def ask() -> list[Any]:
            return self.transact(purpose, lambda run: run(statement, parameters), read=True, timeout=timeout)

        # The driver waits for ever on a server that holds the connection and says nothing.
        return ask() if timeout is None else within(timeout, ask, f"{self.settings.name} ({purpose})")

    def write(self, purpose: str, work: Callable[[schema.Run], T]) -> T:
        """Run `work` in one transaction, again where the server says so: it must be idempotent."""
        self.ensure_schema()
        return self.transact(purpose, work)

    def ensure_schema(self) -> None:
        """Constraints and indexes, once a connection."""
        with self._lock:
            if not self._schema_ready:
                # Each step in a transaction of its own: the server does not mix schema and data in one.
                schema.ensure(
                    lambda statement, parameters: self.transact(
                        "preparing the schema", lambda run: run(statement, parameters)
                    ),
                    self.settings.database,
                )
                self._schema_ready = True

    def transact(
        self, purpose: str, work: Callable[[schema.Run], T], *, read: bool = False, timeout: float | None = None
    ) -> T:
        """`work` with a function that runs statements in one transaction; raises the errors of `GraphStore`."""
        from neo4j.exceptions import ConnectionAcquisitionTimeoutError, DriverError, IncompleteCommit, Neo4jError

        start, pause = time.monotonic(), FIRST_PAUSE
        budget = self.limits.retry_seconds if timeout is None else min(timeout, self.limits.retry_seconds)
        while True:
            try:
                with self.gate.lend(purpose, timeout):
                    return self._once(work, read, self._left(start, timeout))
            except ConnectionAcquisitionTimeoutError as error:
                raise self.gate.saturated(purpose, self.limits.acquire_seconds) from error
            except (DriverError, Neo4jError) as error:
                # A commit whose answer was lost may have happened; the work is idempotent, so it is done again.
                again = error.is_retryable() or isinstance(error, IncompleteCommit)
                if not again or time.monotonic() - start + pause > budget:
                    raise self._named(error, purpose) from None
                self.traffic.add(retry=getattr(error, "code", None) or type(error).__name__)
            time.sleep(pause * random.uniform(0.5, 1.0))
            pause = min(2 * pause, LONGEST_PAUSE)

    def probe(self) -> str:
        """The server's version, asked now; raises where it does not answer or is too old."""
        self.read("a probe", "RETURN 1", {}, timeout=self.limits.acquire_seconds)
        return self.version

    def close(self) -> None:
        """Close the driver; a closed connection cannot be used again."""
        with self._lock:
            self._closed = True
            if self._driver is not None and self._process == os.getpid():
                self._driver.close()
            self._driver = None

    def _once(self, work: Callable[[schema.Run], T], read: bool, timeout: float | None) -> T:
        from neo4j import READ_ACCESS, WRITE_ACCESS

        driver = self._open()
        seconds = self.limits.transaction_seconds if timeout is None else min(timeout, self.limits.transaction_seconds)
        with driver.session(
            database=self.settings.database,
            default_access_mode=READ_ACCESS if read else WRITE_ACCESS,
            bookmark_manager=driver.execute_query_bookmark_manager,
        ) as session:
            with session.begin_transaction(timeout=seconds) as transaction:
                done = work(self._runner(transaction))
                # One commit at a time: two that share no node still wait for each other's relationships, because a
                # relationship lies in the chains of both of its nodes, and then may wait for ever.
                with nullcontext() if read else self._commits:
                    transaction.commit()
            return done

    def _runner(self, transaction: "Transaction") -> schema.Run:
        def run(statement: str, parameters: dict[str, Any]) -> list[Any]:
            self.traffic.add(requests=1)
            return [tuple(record.values()) for record in transaction.run(f"CYPHER 5 {statement}", parameters)]

        return run

    def _open(self) -> "Driver":
        with self._lock:
            if self._closed:
                raise GraphError("the graph store has been closed; open it again.")
            if self._driver is None or self._process != os.getpid():
                driver = self._connect()
                try:
                    self.version = schema.check_server(driver.get_server_info().agent, self.settings.uri)
                except BaseException:
                    driver.close()
                    raise
                self._driver, self._process = driver, os.getpid()
            return self._driver

    def _connect(self) -> "Driver":
        from neo4j import GraphDatabase, TrustCustomCAs

        settings, limits = self.settings, self.limits
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
            notifications_min_severity="OFF",
            **tls,
        )

    def _named(self, error: Exception, purpose: str) -> Exception:
        return translated(error, self.settings.uri, self.settings.database, purpose)

    @staticmethod
    def _left(start: float, timeout: float | None) -> float | None:
        return None if timeout is None else max(0.001, timeout - (time.monotonic() - start))
