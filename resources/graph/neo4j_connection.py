"""One Neo4j database behind a bounded gate: transactions, retries, counts.

Belongs here: running, retrying, counting. Does not: the driver (neo4j_driver.py), statements (cypher.py) and verbs
(neo4j.py).
"""

import os
import random
import threading
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, TypeVar

from resources.errors import GraphError
from resources.graph import neo4j_driver, schema
from resources.graph.deadline import within
from resources.graph.neo4j_driver import Neo4jServerSettings
from resources.graph.neo4j_errors import Unreachable, translated
from resources.graph.pool import SessionGate
from resources.graph.traffic import Traffic

if TYPE_CHECKING:
    from neo4j import Transaction

T = TypeVar("T")
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
AWAY_SECONDS = 5.0
"""For so long a server that did not answer is not asked again: the other groups of a run need not wait too."""


class Neo4jConnection:
    """Transactions on one database; safe to use from several threads, and from a forked child."""

    def __init__(self, settings: Neo4jServerSettings, traffic: Traffic) -> None:
        self.settings, self.traffic = settings, traffic
        self.limits = settings.limits
        self._commits = threading.Lock()
        self._shared = neo4j_driver.borrow(settings)
        self._away: tuple[float, Unreachable] | None = None
        self.closed = False

    @property
    def gate(self) -> SessionGate:
        """What bounds the sessions of this process."""
        return self._driver_of_process().gate

    @property
    def version(self) -> str:
        """The server's, once it was asked something."""
        return self._driver_of_process().version

    def read(self, purpose: str, statement: str, parameters: dict[str, Any], timeout: float | None = None) -> list[Any]:
        """The rows of a statement, as tuples; within `timeout` seconds, waiting and retries included."""

        def ask() -> list[Any]:
            return self.transact(purpose, lambda run: run(statement, parameters), read=True, timeout=timeout)

        # The driver waits for ever on a server that holds the connection and says nothing.
        return self._noticed(ask) if timeout is None else within(timeout, ask, f"{self.settings.name} ({purpose})")

    def write(self, purpose: str, work: Callable[[schema.Run], T]) -> T:
        """Run `work` in one transaction, again where the server says so: it must be idempotent."""

        def do() -> T:
            self.ensure_schema()
            return self.transact(purpose, work)

        return self._noticed(do)

    def _noticed(self, work: Callable[[], T]) -> T:
        if self._away and time.monotonic() < self._away[0]:
            raise self._away[1]
        try:
            return work()
        except Unreachable as error:
            self._away = (time.monotonic() + AWAY_SECONDS, error)
            raise

    def ensure_schema(self) -> None:
        """Constraints and indexes, once a driver."""
        shared = self._driver_of_process()
        with shared.lock:
            if not shared.schema_ready:
                # Each step in a transaction of its own: the server does not mix schema and data in one.
                schema.ensure(
                    lambda statement, parameters: self.transact(
                        "preparing the schema", lambda run: run(statement, parameters)
                    ),
                    self.settings.database,
                )
                shared.schema_ready = True

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

    def probe(self, timeout: float = 10.0) -> str:
        """The server's version, asked now by a write; raises where it is away, too old, read-only or full."""
        self.transact("a probe", lambda run: run(schema.PROBE, {}), timeout=timeout)
        return self.version

    def close(self) -> None:
        """Let go of the driver; a closed connection cannot be used again."""
        if not self.closed:
            self.closed = True
            neo4j_driver.give_back(self._shared)

    def _once(self, work: Callable[[schema.Run], T], read: bool, timeout: float | None) -> T:
        from neo4j import READ_ACCESS, WRITE_ACCESS

        driver = self._driver_of_process().open()
        seconds = self.limits.transaction_seconds if timeout is None else min(timeout, self.limits.transaction_seconds)
        with driver.session(
            database=self.settings.database,
            default_access_mode=READ_ACCESS if read else WRITE_ACCESS,
            bookmark_manager=driver.execute_query_bookmark_manager,
            # Not for the whole driver, which then could not ask an old server what it is.
            notifications_min_severity="OFF",
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

    def _driver_of_process(self) -> neo4j_driver.ProcessDriver:
        if self.closed:
            raise GraphError("the graph store has been closed; open it again.")
        if self._shared.process != os.getpid():
            self._shared, self._commits = neo4j_driver.borrow(self.settings), threading.Lock()
        return self._shared

    def _named(self, error: Exception, purpose: str) -> Exception:
        return translated(error, self.settings.uri, self.settings.database, purpose)

    @staticmethod
    def _left(start: float, timeout: float | None) -> float | None:
        return None if timeout is None else max(0.001, timeout - (time.monotonic() - start))
