"""The gate through which every session to a server goes, and its counts.

Belongs here: bounding, waiting, counting. Does not: sessions themselves (neo4j.py), Prometheus (metrics.py).
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from resources.errors import GraphSaturated
from resources.graph.limits import Limits


@dataclass(slots=True)
class PoolCounts:
    """Sessions of one store: three that rise and fall, five that only rise."""

    active: int = 0
    idle: int = 0
    waiting: int = 0
    acquired: int = 0
    timed_out: int = 0
    created: int = 0
    closed: int = 0
    peak: int = 0

    def metadata(self) -> dict[str, int]:
        """The counts under the names of the metrics."""
        return {f"neo4j_pool_{name}": value for name, value in asdict(self).items()}


class SessionGate:
    """At most `limits.max_sessions` sessions at once; whoever waits longer than `acquire_seconds` is told why."""

    def __init__(self, limits: Limits, name: str = "neo4j") -> None:
        self.limits, self.name = limits, name
        self._counts = PoolCounts(idle=limits.max_sessions)
        self._free = threading.Condition()

    @contextmanager
    def lend(self, purpose: str, timeout: float | None = None) -> Iterator[None]:
        """Hold one session; raises GraphSaturated where none came free in time."""
        seconds = self.limits.acquire_seconds if timeout is None else min(timeout, self.limits.acquire_seconds)
        self._acquire(purpose, seconds)
        try:
            yield
        finally:
            with self._free:
                self._counts.active -= 1
                self._counts.idle += 1
                self._counts.closed += 1
                self._free.notify_all()

    def quiet(self, seconds: float) -> bool:
        """Wait until no session is held, for so long at most: whether that came to be."""
        with self._free:
            return self._free.wait_for(lambda: not self._counts.active, seconds)

    def counts(self) -> PoolCounts:
        """A copy of the counts as they stand."""
        with self._free:
            return PoolCounts(**asdict(self._counts))

    def saturated(self, purpose: str, seconds: float) -> GraphSaturated:
        """The error of a session that did not come: how many asked, for what, of which pool, and what to change."""
        counts = self.counts()
        return GraphSaturated(
            f"{counts.waiting + counts.active} asked the graph store {self.name} for a session at once and {purpose} "
            f"got none within {seconds:g} seconds ({counts.active} of {self.limits.max_sessions} in use, pool of "
            f"{self.limits.pool_size}); read in batches, lower reports.max_concurrency, or raise "
            "graph.neo4j.pool_size and graph.neo4j.max_sessions."
        )

    def _acquire(self, purpose: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        with self._free:
            self._counts.waiting += 1
            try:
                while not self._counts.idle:
                    left = deadline - time.monotonic()
                    if left <= 0:
                        self._counts.timed_out += 1
                        raise self.saturated(purpose, seconds)
                    self._free.wait(left)
            finally:
                self._counts.waiting -= 1
            self._counts.idle -= 1
            self._counts.active += 1
            self._counts.acquired += 1
            self._counts.created += 1
            self._counts.peak = max(self._counts.peak, self._counts.active)
