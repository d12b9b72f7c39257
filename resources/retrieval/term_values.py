"""What the terms of questions are worth, kept as long as the table does not change.

The index tells no document frequencies, but the scores of its rows, and what they were made of can be told from those.
Belongs here: which rows are asked for. Does not: how a score is taken apart (knowledge/bm25.py).
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from knowledge.bm25 import Floats, average_from, idf_from
from resources.retrieval.passages import PassageTable

if TYPE_CHECKING:
    import pyarrow as pa

TEXT = ("search_text",)
ROWS = 30
"""Rows of one term from which the average length is told."""
TRIED = 3
"""Terms that are tried for it."""


class Worth(NamedTuple):
    """`idf` (terms,), 0 for a term that the index does not hold; the `average` length of a row in terms."""

    idf: Floats
    average: float


class TermValues:
    """The idf of terms. One for many questions."""

    def __init__(self, table: PassageTable) -> None:
        self.table = table
        self._version: int | None = None
        self._idf: dict[str, float] = {}
        self._average: float | None = None

    async def of(self, terms: Sequence[str], hits: "pa.Table") -> Worth:
        """What terms are worth; `hits` are rows (`search_text`, `_score`) of a search by all of them."""
        version = await self.table.version()
        if version != self._version:
            self._version, self._idf, self._average = version, {}, None
        if self._average is None:
            self._average = await self._average_by(self._unknown(terms)[:TRIED])
        average = self._average or _mean_length(hits)
        if hits.num_rows and self._unknown(terms):
            self._learn(terms, hits, average)
        while asked := self._unknown(terms):
            rows = await self.table.matching(asked, ROWS, None, TEXT)
            self._learn(asked, rows, average)
            if len(self._unknown(asked)) == len(asked):
                await self._each(asked, average)
        return Worth(np.array([self._idf[term] for term in terms]), average)

    def _unknown(self, terms: Sequence[str]) -> list[str]:
        return [term for term in terms if term not in self._idf]

    async def _average_by(self, terms: Sequence[str]) -> float | None:
        """The average length, told by the rows of one of some terms; None where none does."""
        found = await asyncio.gather(*(self.table.matching([term], ROWS, None, TEXT) for term in terms))
        for term, rows in zip(terms, found, strict=True):
            frequency, length, score = _counts(rows, [term])
            if average := average_from(frequency[:, 0], length, score):
                return average
        return None

    async def _each(self, terms: Sequence[str], average: float) -> None:
        """What terms are worth whose rows together do not tell: by the best row of each alone."""
        found = await asyncio.gather(*(self.table.matching([term], 1, None, TEXT) for term in terms))
        for term, rows in zip(terms, found, strict=True):
            self._learn([term], rows, average)
        self._idf |= dict.fromkeys(self._unknown(terms), 0.0)

    def _learn(self, terms: Sequence[str], rows: "pa.Table", average: float) -> None:
        """Keep what rows of a search by these terms tell; none at all: the index does not hold the terms."""
        told = idf_from(*_counts(rows, terms), average) if rows.num_rows else np.zeros(len(terms))
        self._idf |= {term: idf for term, idf in zip(terms, told.tolist(), strict=True) if isfinite(idf)}


def _mean_length(rows: "pa.Table") -> float:
    """About the average length, where no rows tell it."""
    lengths = [len(text.split()) for text in rows["search_text"].to_pylist()]
    return sum(lengths) / len(lengths) if lengths else 1.0


def _counts(rows: "pa.Table", terms: Sequence[str]) -> tuple[Floats, Floats, Floats]:
    """How often each term stands in each row (rows, terms), the lengths and the scores of the rows (rows,)."""
    texts = [text.split() for text in rows["search_text"].to_pylist()]
    frequency = np.zeros((len(texts), len(terms)))
    for row, text in enumerate(texts):
        count = Counter(text)
        frequency[row] = [count[term] for term in terms]
    return frequency, np.array([float(len(text)) for text in texts]), np.array(rows["_score"].to_pylist(), np.float64)
