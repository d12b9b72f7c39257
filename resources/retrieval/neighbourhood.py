"""What is read around one question: some hundred passages, their names, and nothing else of the graph.

Belongs here: which passages and names are read, and in which order, until the limits are reached. Does not: how they
are ordered (knowledge/ranking.py), how rows are read (candidates.py, passages.py).
"""

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np

from knowledge.bm25 import Floats
from knowledge.names import entity_id
from knowledge.questions import names_in, runs
from knowledge.ranking import Names, Passages, walk
from knowledge.terms import question_terms
from resources.catalog.names import Names as NameBook
from resources.graph import Edge, EdgeKind, GraphStore, NodeKind
from resources.lance import begin
from resources.retrieval.candidates import Candidates
from resources.retrieval.filters import Sight
from resources.retrieval.fresh import Fresh
from resources.retrieval.passages import COLUMNS, PassageTable
from resources.retrieval.term_values import TermValues, Worth

if TYPE_CHECKING:
    import pyarrow as pa


EXPANDED_AT_ONCE = 10
"""Names whose passages are read together, more where a filter keeps much back: the first often fill the room."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is read around one question. Each was measured: more finds nothing more (benchmarks)."""

    passages: int = 150
    """Candidates in all; at most 1,000 whatever is asked."""
    nearest: int = 30
    """By vector, and as many by full text."""
    of_asked: int = 50
    """Passages of one of the question's names: those first that it is the title of."""
    asked_uses: int = 2_000
    """A name of the question in more passages than this leads to none: only what is found otherwise has it."""
    uses: int = 50
    """Any other name in more passages than this is left out of the walk."""
    expanded: int = 40
    """Names whose passages are read: those where most walkers are."""

    def for_results(self, k: int) -> "Limits":
        """Wider where more results are asked for than usual."""
        nearest = min(300, max(self.nearest, 2 * k))
        passages = min(1_000, max(self.passages, 4 * k))
        return Limits(passages, nearest, self.of_asked, self.asked_uses, self.uses, self.expanded)


@dataclass(frozen=True, slots=True)
class Found:
    """The neighbourhood of one question: candidates and their documents by position, entities by position, numbers.

    `reads` counts the rows that were read: passages, edges, names.
    """

    chunks: list[str]
    documents: list[str]
    entities: list[str]
    passages: Passages
    names: Names
    reads: dict[str, int]


class Explorer:
    """Reads neighbourhoods. One for many questions."""

    def __init__(
        self,
        table: PassageTable,
        graph: GraphStore,
        names: NameBook,
        limits: Limits | None = None,
        fresh: Fresh | None = None,
    ) -> None:
        self.table, self.graph, self.names, self.fresh = table, graph, names, fresh
        self.limits, self.values = limits or Limits(), TermValues(table)

    def explore(self, question: str, vector: Floats, sight: Sight, k: int) -> Found:
        """The neighbourhood of a question whose vector is of unit length, of the passages that may be seen."""
        return _Exploration(self, question, vector, sight, self.limits.for_results(k)).found()


class _Exploration:
    """One question at work."""

    def __init__(self, of: Explorer, question: str, vector: Floats, sight: Sight, limits: Limits) -> None:
        self.table, self.values, self.graph, self.book, self.fresh = of.table, of.values, of.graph, of.names, of.fresh
        self.question, self.vector, self.sight, self.limits = question, vector, sight, limits
        self.terms = question_terms(question)
        self.candidates = Candidates(of.table, vector, sight, limits.passages, beside=self._read_names)
        self.rows = self.candidates.rows
        self.told: dict[str, list[tuple[str, float]]] = {}
        self.uses: dict[str, float] = {}
        self.reads = {"edges": 0, "names": 0}

    def found(self) -> Found:
        reading = begin(self._first_reads())
        asked = self._asked_names()
        wanted = self._passages_of_asked(asked)
        near, (hits, worth), corpus = reading.result()
        self.candidates.keep(near)
        self.candidates.keep(hits)
        if self._tell_fresh() and (now := self._asked_names()) != asked:
            asked, wanted = now, self._passages_of_asked(now)
        self.candidates.add(wanted)
        self._read_names()
        if self.candidates.room > 0:
            self._expand(asked, corpus)
        chunks = sorted(self.rows, key=lambda c: (self.rows[c].document, self.rows[c].ordinal, c))
        entities, names = self._names(chunks, asked, corpus)
        return Found(
            chunks=chunks,
            documents=[self.rows[c].document for c in chunks],
            entities=entities,
            passages=self._passages(chunks, worth),
            names=names,
            reads={"passages": self.candidates.read, **self.reads},
        )

    async def _first_reads(self) -> tuple["pa.Table", tuple["pa.Table", Worth], int]:
        limit, where = self.limits.nearest, self.sight.where()
        near, matching, size = await asyncio.gather(
            self.table.nearest(self.vector, limit, where, COLUMNS), self._matching(limit, where), self.table.count()
        )
        return near, matching, size

    async def _matching(self, limit: int, where: str | None) -> tuple["pa.Table", Worth]:
        hits = await self.table.matching(self.terms, limit, where)
        return hits, await self.values.of(self.terms, hits)

    def _tell_fresh(self) -> bool:
        """The names of candidates that the graph does not hold yet; those new in all count what is read of them.

        True where there are any.
        """
        told = self.fresh.names(self.rows) if self.fresh is not None else {}
        self._keep_uses(dict.fromkeys(entity for edges in told.values() for entity in edges))
        new = Counter(entity for edges in told.values() for entity in edges if entity not in self.uses)
        self.uses |= {entity: float(count) for entity, count in new.items()}
        self.told |= {chunk: sorted(edges.items()) for chunk, edges in told.items()}
        return bool(told)

    def _asked_names(self) -> list[str]:
        ids = {entity_id(name): name for name in runs(self.question)}
        self._keep_uses(ids)
        known = {ids[i] for i in ids if i in self.uses}
        titles = self.book.known(sorted(known)) if known else set()
        return [entity_id(name) for name in names_in(self.question, known, titles)]

    def _keep_uses(self, ids: Iterable[str]) -> None:
        found = self.graph.read_property(NodeKind.ENTITY, [i for i in ids if i not in self.uses], "mention_count")
        self.uses |= {entity: float(uses) for entity, uses in found.items()}
        self.reads["names"] += len(found)

    def _neighbours(self, ids: Collection[str], limit: int | None = None) -> list[Edge]:
        edges = self.graph.neighbours(ids, {EdgeKind.FROM_CHUNK}, limit).edges if ids else []
        self.reads["edges"] += len(edges)
        return edges

    def _passages_of_asked(self, asked: Collection[str]) -> list[str]:
        few = [e for e in asked if self.uses[e] <= self.limits.asked_uses]
        many = [e for e in few if not self.sight.whole and self.uses[e] > self.limits.of_asked]
        edges = self._neighbours([e for e in few if e not in many], self.limits.of_asked)
        for name in many:  # a limit before the filter could leave nothing that may be seen
            edges += self._first_seen(name)
        edges.sort(key=lambda edge: (-edge.weight, self.uses[edge.source], edge.target))
        return [edge.target for edge in edges]

    def _first_seen(self, name: str) -> list[Edge]:
        """The heaviest edges of a name to passages that may be seen."""
        edges = {edge.target: edge for edge in self._neighbours([name])}
        return [edges[chunk] for chunk in self.candidates.first_seen(list(edges), self.limits.of_asked)]

    def _read_names(self, reading: Sequence[str] = ()) -> None:
        """The names of every candidate that has not told its names yet, and of those that are just being read.

        Where a filter may keep many of them back, they wait.
        """
        new = [c for c in (*self.rows, *(reading if self.sight.whole else ())) if c not in self.told]
        self.told |= {chunk: [] for chunk in new}
        ends = self.graph.ends(EdgeKind.FROM_CHUNK, new, "mention_count") if new else []
        for chunk, entity, weight, uses in ends:
            if uses is not None:
                self.uses[entity] = float(uses)
                self.told[chunk].append((entity, weight))
        for chunk in new:
            self.told[chunk].sort(key=lambda edge: (-edge[1], edge[0]))
        self.reads["edges"] += len(ends)
        self.reads["names"] += len({end.end for end in ends})

    def _expand(self, asked: Collection[str], corpus: int) -> None:
        """Read the passages of the names where most walkers are, strongest name first."""
        chunks = list(self.rows)
        entities, names = self._names(chunks, asked, corpus)
        mass = walk(np.array([self.rows[c].cosine for c in chunks]), names)[1].tolist()
        held = {entity: -mass[n] for n, entity in enumerate(entities) if self.uses[entity] > 1}
        for entity in asked:
            held.pop(entity, None)
        strongest = sorted(held, key=lambda entity: (held[entity], entity))[: self.limits.expanded]
        place = {entity: n for n, entity in enumerate(strongest)}
        while strongest and self.candidates.room > 0:
            count = ceil(EXPANDED_AT_ONCE / self.candidates.share)
            some, strongest = strongest[:count], strongest[count:]
            edges = self._neighbours(some)
            edges.sort(key=lambda edge: (place[edge.source], -edge.weight, edge.target))
            self.candidates.add(edge.target for edge in edges)
        self._read_names()

    def _passages(self, chunks: list[str], worth: Worth) -> Passages:
        lengths = np.array([float(len(self.rows[c].terms)) for c in chunks])
        column = {term: place for place, term in enumerate(self.terms)}
        frequency = np.zeros((len(chunks), len(column)))
        for place, chunk in enumerate(chunks):
            for term in self.rows[chunk].terms:
                if term in column:
                    frequency[place, column[term]] += 1
        cosine = np.array([self.rows[c].cosine for c in chunks])
        return Passages(cosine, frequency, lengths, worth.idf, worth.average)

    def _names(self, chunks: list[str], asked: Collection[str], corpus: int) -> tuple[list[str], Names]:
        """The names of these candidates and their edges; names in very many passages are left out."""
        entities = {entity: place for place, entity in enumerate(asked)}
        passage, name, weights = [], [], []
        for place, chunk in enumerate(chunks):
            for entity, weight in self.told[chunk]:
                if entity in entities or self.uses[entity] <= self.limits.uses:
                    passage.append(place)
                    name.append(entities.setdefault(entity, len(entities)))
                    weights.append(weight)
        return list(entities), Names(
            uses=np.array([self.uses[e] for e in entities]),
            asked=np.arange(len(entities)) < len(asked),
            passage=np.array(passage, np.int64),
            name=np.array(name, np.int64),
            weight=np.array(weights),
            corpus=corpus,
        )
