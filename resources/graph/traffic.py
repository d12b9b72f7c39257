"""What a store was asked and has done, counted."""

from dataclasses import dataclass, field
from threading import Lock


@dataclass(slots=True)
class Traffic:
    """What a store has done since it was opened; goes into the metadata of a materialization."""

    requests: int = 0
    rows_written: int = 0
    rows_deleted: int = 0
    bytes_written: int = 0
    retries: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock, repr=False, compare=False)

    def add(
        self,
        *,
        requests: int = 0,
        rows_written: int = 0,
        rows_deleted: int = 0,
        bytes_written: int = 0,
        retry: str | None = None,
    ) -> None:
        """Count what was done; several threads may do so at once. `retry` is the reason of one repetition."""
        with self._lock:
            self.requests += requests
            self.rows_written += rows_written
            self.rows_deleted += rows_deleted
            self.bytes_written += bytes_written
            if retry is not None:
                self.retries += 1
                self.reasons[retry] = self.reasons.get(retry, 0) + 1

    def metadata(self) -> dict[str, int]:
        """The counts, named for the metadata of a materialization."""
        return {
            "graph_requests": self.requests,
            "graph_rows_written": self.rows_written,
            "graph_rows_deleted": self.rows_deleted,
            "graph_bytes_written": self.bytes_written,
            "graph_retries": self.retries,
        }
