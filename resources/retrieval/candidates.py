"""The passages that are looked at for one question, read in the order in which they are wanted while there is room.

Belongs here: which rows are read, and how many at once. Does not: which passages are wanted (neighbourhood.py).
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from knowledge.bm25 import Floats
from resources.lance import begin, run
from resources.retrieval.filters import Sight
from resources.retrieval.passages import COLUMNS, PassageTable, vectors_of

if TYPE_CHECKING:
    import pyarrow as pa

FETCHED = 1_000
"""Most passages that are asked for at once, and read for one question."""
MARGIN = 1.25
"""What is asked for beyond what is likely to do: some rows too many cost less than one more read."""


class Row(NamedTuple):
    """A candidate as the ranking needs it."""

    document: str
    ordinal: int
    cosine: float
    terms: list[str]


class Candidates:
    """The candidates of one question: at most so many, of the passages that the caller may see.

    What the caller may not see takes no room. Which passages that is shows when they are read, and from then on as
    many are asked for at once as are likely to fill the room.
    """

    def __init__(
        self, table: PassageTable, vector: Floats, sight: Sight, most: int, beside: Callable[[Sequence[str]], None]
    ) -> None:
        """`beside` is called while passages are read, with their ids."""
        self.table, self.vector, self.sight, self.most, self.beside = table, vector, sight, most, beside
        self.rows: dict[str, Row] = {}
        self.read = 0
        self._granted = sight.granted()
        self._spare: dict[str, Row] = {}
        self._seen: dict[str, bool] = {}

    @property
    def room(self) -> int:
        return self.most - len(self.rows)

    @property
    def share(self) -> float:
        """Which part of the passages that were asked for may be seen; 1 before any was."""
        return (sum(self._seen.values()) + 1) / (len(self._seen) + 1)

    def keep(self, read: "pa.Table") -> None:
        """Take passages that a search has found, whether there is room or not."""
        self.rows |= self._rows(read)

    def add(self, wanted: Iterable[str]) -> None:
        """Take passages in the order in which they are wanted, as far as there is room."""
        new = [c for c in dict.fromkeys(wanted) if c not in self.rows]
        for place, chunk in enumerate(new):
            if self.room <= 0:
                return
            if chunk not in self._spare and self._seen.get(chunk, True):
                unread = [c for c in new[place:] if c not in self._spare and self._seen.get(c, True)]
                self._read(self._likely(unread, self.room)[: max(self.room, FETCHED - self.read)])
            if chunk in self._spare:
                self.rows[chunk] = self._spare[chunk]

    def first_seen(self, wanted: Sequence[str], most: int) -> list[str]:
        """The first `most` of some passages that may be seen, by name alone: no room is taken."""
        found: list[str] = []
        for place, chunk in enumerate(wanted):
            if len(found) == most:
                break
            if chunk not in self._seen:
                unknown = [c for c in wanted[place:] if c not in self._seen]
                self._look_at(self._likely(unknown, most - len(found)))
            if self._seen[chunk]:
                found.append(chunk)
        return found

    def _likely(self, chunks: Sequence[str], wanted: int) -> Sequence[str]:
        """The first of some passages, as many as it is likely to take until so many may be seen."""
        seen, share, enough = 0.0, self.share, wanted * (1 if self.sight.whole else MARGIN)
        for place, chunk in enumerate(chunks[:FETCHED]):
            if seen >= enough:
                return chunks[:place]
            seen += 1 if chunk in self._seen else share
        return chunks[:FETCHED]

    def _read(self, asked: Sequence[str]) -> None:
        reading = begin(self.table.by("chunk_id", asked, COLUMNS, self._granted))
        self.beside(asked)
        found = self._rows(reading.result())
        self._spare |= found
        self._note(asked, found)

    def _look_at(self, asked: Sequence[str]) -> None:
        read = run(self.table.by("chunk_id", asked, ("chunk_id", "document_id"), self._granted))
        documents = zip(read["chunk_id"].to_pylist(), read["document_id"].to_pylist(), strict=True)
        self._note(asked, {chunk for chunk, document in documents if document not in self.sight.hidden})

    def _note(self, asked: Sequence[str], found: Collection[str]) -> None:
        self._seen |= {chunk: chunk in found for chunk in asked}

    def _rows(self, read: "pa.Table") -> dict[str, Row]:
        if not read.num_rows:
            return {}
        self.read += read.num_rows
        cosines = (vectors_of(read) @ self.vector).tolist()
        columns = [read[name].to_pylist() for name in ("chunk_id", "document_id", "ordinal", "search_text")]
        return {
            chunk: Row(document, ordinal, cosine, text.split())
            for chunk, document, ordinal, text, cosine in zip(*columns, cosines, strict=True)
            if document not in self.sight.hidden
        }
