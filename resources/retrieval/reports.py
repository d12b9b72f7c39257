"""Community reports for a question: those of its strongest entities (local), or the nearest of all (global).

A report is shown only if every document that it rests on may be seen.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from knowledge.bm25 import Floats
from resources.graph import EdgeKind
from resources.lance import run
from resources.retrieval.answers import DIGITS, Shelf
from resources.retrieval.filters import Sight
from resources.retrieval.reader import Reader

Report = dict[str, Any]
COLUMNS = ("community_id", "level", "title", "summary", "findings", "citations", "documents", "rating")
RATING_WEIGHT = 0.01
"""What a point of a report's rating (0 … 10) counts beside its cosine with the question."""
LOCAL, GLOBAL = 5, 5
"""Reports that an answer shows at most."""
ENTITIES = 20
"""Strongest entities of a question whose communities are looked at."""


class ReportShelf:
    """Finds and trims reports. One for many questions."""

    def __init__(self, table: Reader, shelf: Shelf) -> None:
        self.table, self.shelf = table, shelf

    def local(self, mass: Mapping[str, float], sight: Sight) -> list[Report]:
        """Reports of the communities where the strongest entities `{id: mass}` are, by the mass they hold.

        Of two communities with the same entities the smaller one says more of them: it comes first.
        """
        strongest = dict(sorted(mass.items(), key=lambda item: (-item[1], item[0]))[:ENTITIES])
        if not strongest:
            return []
        held: dict[str, float] = {}
        for edge in self.shelf.graph.neighbours(strongest, {EdgeKind.IN_COMMUNITY}).edges:
            if edge.source in strongest:
                held[edge.target] = held.get(edge.target, 0.0) + strongest[edge.source]
        total = sum(strongest.values()) or 1.0
        rows = run(self._by_id(held)) if held else []
        scored = [(held[row["community_id"]] / total, row) for row in rows]
        scored.sort(key=lambda one: (-round(one[0], DIGITS), -one[1]["level"], one[1]["community_id"]))
        return self._shown(scored, sight, LOCAL)

    def nearest(self, vector: Floats, sight: Sight) -> list[Report]:
        """Reports by cosine with the question and rating: as many are read as it takes to find enough to show."""
        wanted, shown = GLOBAL * (4 if sight.whole else 20), list[Report]()
        while True:
            rows = run(self._nearest(vector, wanted))
            scored = [(1 - row["_distance"] + RATING_WEIGHT * row["rating"], row) for row in rows]
            scored.sort(key=lambda one: (-round(one[0], DIGITS), one[1]["level"], one[1]["community_id"]))
            shown = self._shown(scored, sight, GLOBAL)
            if len(shown) == GLOBAL or len(rows) < wanted:
                return shown
            wanted *= 4

    async def _by_id(self, ids: Collection[str]) -> list[Report]:
        if not await self.table.there():
            return []
        rows: list[Report] = (await self.table.by("community_id", ids, COLUMNS)).to_pylist()
        return rows

    async def _nearest(self, vector: Floats, limit: int) -> list[Report]:
        if not await self.table.there():
            return []
        rows: list[Report] = (await self.table.nearest(vector, limit, None, COLUMNS)).to_pylist()
        return rows

    def _shown(self, scored: Sequence[tuple[float, dict[str, Any]]], sight: Sight, most: int) -> list[Report]:
        """The first that rest on documents which all may be seen; one that rests on none has nothing to show."""
        seen = self.shelf.seen({document for _, row in scored for document in row["documents"]}, sight)
        kept = [(s, row) for s, row in scored if row["documents"] and seen.issuperset(row["documents"])]
        return [_report(score, row) for score, row in kept[:most]]


def _report(score: float, row: Mapping[str, Any]) -> Report:
    return {
        "community_id": row["community_id"], "level": row["level"], "title": row["title"], "summary": row["summary"],
        "findings": json.loads(row["findings"] or "[]"), "rating": row["rating"], "score": round(score, DIGITS),
        "citations": list(row["citations"]),
    }  # fmt: skip
