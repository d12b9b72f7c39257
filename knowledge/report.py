"""What a report is made of: plain values, and how their length is counted.

Belongs here: the types. Does not: choosing what a report says (reports, quotes).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Counter = Callable[[str], int]
"""Tokens of a text."""


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage that a report may quote; `fingerprint` is over its title and text, not over where it stands."""

    chunk_id: str
    text: str
    title: str | None
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence, the chunks it stands in, the ids of the members it names, and the relationships' weight in it."""

    summary: str
    citations: tuple[str, ...]
    entities: tuple[str, ...]
    weight: float

    def row(self) -> dict[str, Any]:
        """The finding as plain JSON values."""
        return {
            "summary": self.summary, "citations": list(self.citations), "entities": list(self.entities),
            "weight": self.weight,
        }  # fmt: skip

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Finding":
        """The finding that `row()` wrote."""
        return cls(row["summary"], tuple(row["citations"]), tuple(row["entities"]), row["weight"])


@dataclass(frozen=True, slots=True)
class Report:
    """A community in words: `rating` from 0 to 10, `tokens` over title, summary and findings."""

    community_id: str
    level: int
    title: str
    summary: str
    findings: tuple[Finding, ...]
    rating: float
    tokens: int
    fingerprint: str

    @property
    def citations(self) -> tuple[str, ...]:
        """The chunks that any finding cites, sorted."""
        return tuple(sorted({chunk for finding in self.findings for chunk in finding.citations}))


def rough_tokens(text: str) -> int:
    """About the tokens of a text: 1.3 a word, and at least one to five bytes, for scripts that set no blanks."""
    return max(-(-13 * len(text.split()) // 10), len(text.encode("utf-8", "surrogatepass")) // 5)
