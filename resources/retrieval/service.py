"""Search: from questions to passages and reports, in five modes.

Belongs here: which parts answer in which mode. Does not: what is read (neighbourhood.py), the order
(knowledge/ranking.py), what a caller may see (filters.py), the shape of an answer (answers.py).
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from knowledge.bm25 import Floats
from knowledge.ranking import rank
from knowledge.terms import question_terms
from resources.catalog import Catalog
from resources.embedder import Embedder
from resources.errors import SettingsError
from resources.graph import GraphStore
from resources.index import Index
from resources.lance import run
from resources.retrieval.answers import Hit, Shelf
from resources.retrieval.filters import Sight, readable_acl_ids
from resources.retrieval.fresh import Fresh
from resources.retrieval.neighbourhood import Explorer, Limits
from resources.retrieval.passages import PassageTable
from resources.retrieval.reader import Reader
from resources.retrieval.reports import ReportShelf
from resources.retrieval.serving import serving

MANY = 1_000
"""Hidden documents from which it pays to look for sources that are hidden as a whole: naming them is shorter."""
Mode = Literal["hybrid", "dense", "fulltext", "local", "global"]
MODES: tuple[Mode, ...] = get_args(Mode)
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and the id by which its answer is told from others."""

    id: str | None
    text: str


class Retrieval:
    """The query service over one index. Models and tables are opened once, for all questions.

    Every read is bounded (`Limits`), whatever the size of the index; the same index and question give the same answer.
    """

    def __init__(
        self,
        passages: PassageTable,
        reports: Reader,
        documents: Reader,
        graph: GraphStore,
        embedder: Embedder,
        catalog: Catalog,
        limits: Limits | None = None,
        served: Collection[str] | None = None,
        mentions: Reader | None = None,
    ) -> None:
        """`served`: the sources of the settings; what the index still holds of others is not shown.

        `mentions`: their table, for the names of passages that the graph does not hold yet.
        """
        self.served = None if served is None else frozenset(served)
        self.passages, self.graph, self.embedder, self.catalog = passages, graph, embedder, catalog
        fresh = Fresh(mentions, catalog, graph) if mentions is not None else None
        self.explorer = Explorer(passages, graph, catalog.names, limits, fresh)
        self.shelf = Shelf(passages, documents, graph, catalog.access.rights)
        self.reports = ReportShelf(reports, self.shelf)

    @classmethod
    def of(cls, index: Index, limits: Limits | None = None) -> "Retrieval":
        """The service over the tables that serve now."""
        live = serving(index)
        return cls(
            PassageTable(index.tables.uri, index.tables.embeddings(live.key, live.dimension).name),
            Reader(index.tables.uri, index.tables.reports(live.key, live.dimension).name),
            Reader(index.tables.uri, index.tables.documents.name), index.graph, live.embedder, index.catalog, limits,
            index.settings.sources, Reader(index.tables.uri, index.tables.mentions.name),
        )  # fmt: skip

    def search(
        self,
        questions: Sequence[Question],
        k: int = 8,
        mode: Mode = "hybrid",
        principals: Collection[str] | None = None,
        sources: Collection[str] | None = None,
    ) -> list[Answer]:
        """One answer a question, in their order: `results` at most k passages, best first; `reports` in two modes.

        `seconds` are those of the search, without the embedding of the question.

        `principals` trims to what one of them may read, None is the operator; `sources` to some sources. Raises
        SettingsError for a mode or k that there is not.
        """
        if mode not in MODES:
            raise SettingsError(f"mode {mode!r} is not there; allowed: {', '.join(MODES)}.")
        if not 1 <= k <= 1_000:
            raise SettingsError(f"k is {k}; allowed: 1 to 1000.")
        sight = self._sight(principals, sources)
        vectors = self._vectors([q.text for q in questions]) if mode != "fulltext" else [None] * len(questions)
        answers = []
        for question, vector in zip(questions, vectors, strict=True):
            start = time.perf_counter()
            results, reports = (
                ([], [])
                if sight.nothing or not run(self.passages.there())
                else self._answer(question.text, vector, k, mode, sight)
            )
            seconds = round(time.perf_counter() - start, 4)
            answers.append(
                {
                    "id": question.id, "question": question.text, "mode": mode, "seconds": seconds,
                    "results": results, "reports": reports,
                }
            )  # fmt: skip
        return answers

    def _sight(self, principals: Collection[str] | None, sources: Collection[str] | None) -> Sight:
        """What stands at a passage of who may read it is a copy; where it may be old, the catalog decides."""
        items, access = self.catalog.items, self.catalog.access
        readable = None if principals is None else readable_acl_ids(items.acl_sets(), access.asking(principals))
        hidden, closed = set(items.hidden()), set[str]()
        if len(hidden) > MANY:
            closed = access.closed_sources()
            hidden = set(items.hidden(leaving_out=closed))
        if self.served is not None:
            closed |= access.sources() - self.served
        if readable is not None:
            hidden |= {d for d, acl_id in access.unsettled().items() if acl_id not in readable}
        return Sight(
            acl_ids=readable, sources=None if sources is None else frozenset(sources), hidden=frozenset(hidden),
            closed=frozenset(closed),
        )  # fmt: skip

    def _vectors(self, texts: Sequence[str]) -> list[Floats]:
        """All questions in one call of the model; a blank one needs none."""
        asked = [text for text in texts if text.strip()]
        found = iter(np.asarray(self.embedder.encode(asked), np.float64)) if asked else iter(())
        return [next(found) if text.strip() else np.zeros(self.embedder.dimension) for text in texts]

    def _answer(
        self, question: str, vector: Floats | None, k: int, mode: Mode, sight: Sight
    ) -> tuple[list[Answer], list[Answer]]:
        if not question.strip():
            return [], []
        if vector is None:
            return self._fulltext(question, k, sight), []
        if mode == "dense":
            return self._dense(vector, k, sight), []
        if mode == "global":
            return self._global(vector, k, sight)
        return self._hybrid(question, vector, k, mode, sight)

    def _hybrid(
        self, question: str, vector: Floats, k: int, mode: Mode, sight: Sight
    ) -> tuple[list[Answer], list[Answer]]:
        found = self.explorer.explore(question, vector, sight, k)
        ranking = rank(found.passages, found.names)
        placed = zip(found.chunks, found.documents, ranking.score.tolist(), strict=True)
        hits = [Hit(chunk, document, score) for chunk, document, score in placed]
        reports = []
        if mode == "local":
            mass = dict(zip(found.entities, ranking.name_mass.tolist(), strict=True))
            reports = self.reports.local(mass, sight)
        return self.shelf.results(hits, k, sight), reports

    def _dense(self, vector: Floats, k: int, sight: Sight) -> list[Answer]:
        rows = run(self.passages.nearest(vector, 2 * k, sight.where(), _BRIEF)).to_pylist()
        hits = [Hit(r["chunk_id"], r["document_id"], 1 - r["_distance"]) for r in rows]
        return self.shelf.results(hits, k, sight)

    def _fulltext(self, question: str, k: int, sight: Sight) -> list[Answer]:
        asked = question_terms(question)
        rows = run(self.passages.matching(asked, 2 * k, sight.where(), _BRIEF)).to_pylist() if asked else []
        hits = [Hit(r["chunk_id"], r["document_id"], r["_score"]) for r in rows]
        return self.shelf.results(hits, k, sight)

    def _global(self, vector: Floats, k: int, sight: Sight) -> tuple[list[Answer], list[Answer]]:
        """The nearest reports, and the passages that they cite: by the report's score and their own cosine."""
        reports = self.reports.nearest(vector, sight)
        best: dict[str, float] = {}
        for report in reports:
            for chunk in report["citations"]:
                best[chunk] = max(best.get(chunk, -1.0), report["score"])
        cited = sorted(best)[:1_000]
        rows = run(self.passages.nearest_of(vector, cited, sight.where(), _BRIEF)).to_pylist()
        hits = [Hit(r["chunk_id"], r["document_id"], best[r["chunk_id"]] + 1 - r["_distance"]) for r in rows]
        return self.shelf.results(hits, k, sight), reports


_BRIEF = ("chunk_id", "document_id")
