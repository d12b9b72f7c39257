"""The counters that every asset reports: the proof that cost follows the change."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Counters:
    """Rows by what happened to them, model calls, texts given to the embedder, bytes of rows written."""

    rows_same: int = 0
    rows_new: int = 0
    rows_changed: int = 0
    rows_removed: int = 0
    rows_failed: int = 0
    model_calls: int = 0
    texts_embedded: int = 0
    bytes_written: int = 0

    def add(self, other: "Counters") -> None:
        for name, value in asdict(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def rows_written(self) -> int:
        return self.rows_new + self.rows_changed + self.rows_removed

    def as_dict(self) -> dict[str, int]:
        return asdict(self)
