"""Reads of the serving table for one question: nearest, matching, by id; and what each term is worth."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.ranking import Floats, saturation
from resources.retrieval.reader import Reader, within

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("chunk_id", "document_id", "ordinal", "search_text", "vector")
SHOWN = ("chunk_id", "document_id", "source", "ordinal", "title", "heading_path", "text", "char_start", "char_end")


class BestMatch(NamedTuple):
    """The row that fits one term best: its BM25, how often the term stands in it, its terms. All 0: there is none."""

    score: float
    frequency: int
    length: int


class PassageTable(Reader):
    """The serving table."""

    def __init__(self, uri: str, name: str) -> None:
        super().__init__(uri, name)
        self._version: int | None = None
        self._best: dict[str, BestMatch] = {}

    async def size(self) -> int:
        """All rows, whoever may see them."""
        return int(await (await self.opened()).count_rows())

    async def nearest_of(
        self, vector: Floats, ids: Collection[str], where: str | None, columns: Sequence[str] = COLUMNS
    ) -> "pa.Table":
        """Some rows by chunk id with their `_distance`, those that the filter lets through."""
        return await self.nearest(vector, max(1, len(ids)), within("chunk_id", ids, where), columns)

    async def matching(
        self, terms: Collection[str], limit: int, where: str | None, columns: Sequence[str] = COLUMNS
    ) -> "pa.Table":
        """The rows of highest BM25 for some terms (`_score`)."""
        from lancedb.query import MatchQuery

        table = await self.opened()
        query = table.query().nearest_to_text(MatchQuery(" ".join(terms) or " ", "search_text"))
        query = query.where(where) if where else query
        return await query.select([*columns, "_score"]).limit(limit).to_arrow()

    async def best_matches(self, terms: Sequence[str]) -> dict[str, BestMatch]:
        """{term: the row that it fits best}; kept as long as the table does not change.

        The index tells no document frequencies, but the score of one known row tells the idf.
        """
        table = await self.opened()
        version = await table.version()
        if version != self._version:
            self._best, self._version = {}, version
        new = [term for term in terms if term not in self._best]
        hits = await asyncio.gather(*(self.matching([term], 1, None, ("search_text",)) for term in new))
        for term, hit in zip(new, hits, strict=True):
            found = hit["search_text"][0].as_py().split() if hit.num_rows else []
            score = hit["_score"][0].as_py() if hit.num_rows else 0.0
            self._best[term] = BestMatch(score, found.count(term), len(found))
        return {term: self._best[term] for term in terms}


def idf_from(best: Mapping[str, BestMatch], average: float) -> Floats:
    """The idf of terms from their best matches; 0 for a term that the index does not hold."""
    score, frequency, length = np.array(list(best.values()), np.float64).reshape(len(best), 3).T
    counted = saturation(frequency, length, average)
    return np.divide(score, counted, out=np.zeros(len(best)), where=counted > 0)


def vectors_of(rows: "pa.Table") -> Floats:
    """The vectors of some rows, (rows, dimension)."""
    column = rows["vector"].combine_chunks()
    flat: Floats = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    return flat.reshape(rows.num_rows, -1)
