"""Reads of the serving table for one question: nearest, matching, by id."""

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

import numpy as np

from knowledge.bm25 import Floats
from resources.retrieval.reader import Reader, within

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("chunk_id", "document_id", "ordinal", "search_text", "vector")
SHOWN = ("chunk_id", "document_id", "source", "ordinal", "title", "heading_path", "text", "char_start", "char_end")


class PassageTable(Reader):
    """The serving table."""

    async def nearest_of(
        self, vector: Floats, ids: Collection[str], where: str | None, columns: Sequence[str] = COLUMNS
    ) -> "pa.Table":
        """Some rows by chunk id with their `_distance`, those that the filter lets through."""
        query = (await self.opened()).query().nearest_to(vector).distance_type("cosine").bypass_vector_index()
        query = query.where(within("chunk_id", ids, where))
        return await query.select([*columns, "_distance"]).limit(max(1, len(ids))).to_arrow()

    async def matching(
        self, terms: Collection[str], limit: int, where: str | None, columns: Sequence[str] = COLUMNS
    ) -> "pa.Table":
        """The rows of highest BM25 for some terms (`_score`)."""
        from lancedb.query import MatchQuery

        table = await self.opened()
        query = table.query().nearest_to_text(MatchQuery(" ".join(terms) or " ", "search_text"))
        query = query.where(where) if where else query
        return await query.select([*columns, "_score"]).limit(limit).to_arrow()


def vectors_of(rows: "pa.Table") -> Floats:
    """The vectors of some rows, (rows, dimension)."""
    column = rows["vector"].combine_chunks()
    flat: Floats = column.flatten().to_numpy(zero_copy_only=False).astype(np.float64)
    return flat.reshape(rows.num_rows, -1)
