"""How much of a Neo4j server one process may use, as one object with a rule.

Belongs here: numbers and their refusal. Does not: waiting for a session (pool.py).
"""

from dataclasses import dataclass

from resources.errors import SettingsError

SESSIONS = 16
CONCURRENCY = 8
READS_EACH = 2
SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one driver; `Limits.of` derives what is not given and refuses what cannot hold.

    The rule: `max_concurrency × 2 ≤ pool_size × 0.5`, for a report makes two reads and half of the pool belongs to
    writes, queries and the checks; and at most `max_sessions ≤ pool_size` sessions are open at once.
    """

    pool_size: int = 50
    max_sessions: int = SESSIONS
    max_concurrency: int = CONCURRENCY
    acquire_seconds: float = 10.0
    transaction_seconds: float = 120.0
    retry_seconds: float = 30.0
    batch_size: int = 5_000
    writers: int = 1

    @classmethod
    def of(
        cls,
        pool_size: int = 50,
        max_sessions: int | None = None,
        max_concurrency: int | None = None,
        *,
        acquire_seconds: float = 10.0,
        transaction_seconds: float = 120.0,
        retry_seconds: float = 30.0,
        batch_size: int = 5_000,
        writers: int = 1,
    ) -> "Limits":
        """The limits for a pool; raises SettingsError with the key, the value and what is allowed."""
        most = int(pool_size * SHARE / READS_EACH)
        if most < 1:
            raise SettingsError(f"graph.neo4j.pool_size is {pool_size}; at least {int(READS_EACH / SHARE)} is needed.")
        concurrency = min(CONCURRENCY, most) if max_concurrency is None else max_concurrency
        if not 1 <= concurrency <= most:
            raise SettingsError(
                f"reports.max_concurrency is {concurrency}; a pool of {pool_size} allows 1 … {most} "
                f"(max_concurrency × {READS_EACH} ≤ pool_size × {SHARE}). "
                f"Lower it, or raise graph.neo4j.pool_size to {max(concurrency, 1) * int(READS_EACH / SHARE)}."
            )
        sessions = min(SESSIONS, pool_size) if max_sessions is None else max_sessions
        if not 1 <= sessions <= pool_size:
            raise SettingsError(
                f"graph.neo4j.max_sessions is {sessions}; a pool of {pool_size} allows 1 … {pool_size}."
            )
        if not 1 <= writers <= sessions:
            raise SettingsError(f"graph.neo4j.writers is {writers}; {sessions} sessions allow 1 … {sessions}.")
        seconds = {
            "acquire_seconds": acquire_seconds,
            "transaction_seconds": transaction_seconds,
            "retry_seconds": retry_seconds,
        }
        for name, value in seconds.items():
            if value <= 0:
                raise SettingsError(f"graph.neo4j.{name} is {value}; it must be more than 0.")
        if batch_size < 1:
            raise SettingsError(f"graph.neo4j.batch_size is {batch_size}; it must be at least 1.")
        return cls(
            pool_size, sessions, concurrency, acquire_seconds, transaction_seconds, retry_seconds, batch_size, writers
        )
