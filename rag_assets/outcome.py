"""What a pass leaves and says: the JSON of `rag index`."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from knowledge.counters import Counters
from rag_assets.work import GRAPH_STAGES, INGEST_STAGES
from resources.catalog.items import Applied

Say = Callable[[str], None]


def silent(_line: str) -> None:
    """Says nothing."""


@dataclass(slots=True)
class SourceOutcome:
    """What became of one source in a pass."""

    error: str | None = None
    partly: str | None = None
    """What of it could not be read, while the rest goes on."""
    applied: Applied = field(default_factory=Applied)

    def as_dict(self) -> dict[str, Any]:
        a = self.applied
        return {
            "ok": self.error is None, "error": self.error, "new": a.new, "changed": a.changed, "moved": a.moved,
            "removed": a.removed, "held": a.held, "notes": a.notes,
        }  # fmt: skip


@dataclass(slots=True)
class Pass:
    """The outcome of `rag index`: the JSON of the contract."""

    seconds: float = 0.0
    runs: list[str] = field(default_factory=list)
    sources: dict[str, SourceOutcome] = field(default_factory=dict)
    assets: dict[str, Counters] = field(
        default_factory=lambda: {name: Counters() for name in (*INGEST_STAGES, *GRAPH_STAGES)}
    )
    checks: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        blocked = any(not c["passed"] and c["severity"] == "ERROR" for c in self.checks)
        return not (self.errors or blocked or any(s.error for s in self.sources.values()))

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "runs": self.runs,
            "sources": {name: source.as_dict() for name, source in self.sources.items()},
            "assets": {name: counters.as_dict() for name, counters in self.assets.items()},
            "checks": self.checks,
            "errors": self.errors,
            "notes": [f"{name}: {note}" for name, source in self.sources.items() for note in source.applied.notes],
        }
