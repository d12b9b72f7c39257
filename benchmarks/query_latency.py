"""How long a search takes beyond the question's embedding, on a large index of synthetic passages.

`python -m benchmarks.query_latency [CHUNKS] [--work DIR]` writes CHUNKS (100,000) passages straight into the tables and
the graph store: vectors in clusters, words and names by Zipf's law, ten names a passage, five passages a document. It
prints one JSON line a mode and filter: milliseconds at the median, the 95th percentile and the most, and what was read.
With --work the index is kept, and used again.
"""

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import sqlalchemy as sa

from knowledge.fingerprint import fingerprint
from knowledge.mention import TITLE_WEIGHT
from knowledge.names import canonical, entity_id
from resources.catalog import Catalog, schema
from resources.graph import EdgeKind, NodeKind, SqliteGraph
from resources.retrieval import Mode, Question, Retrieval
from resources.retrieval.passages import PassageTable
from resources.retrieval.reader import Reader
from resources.tables import Table, Tables

DIMENSION, CLUSTERS, VOCABULARY = 384, 1_000, 50_000
PER_DOCUMENT, NAMES, WORDS = 5, 10, 120
SOURCES = 10
BATCH = 10_000
QUESTIONS = 200


class Given:
    """An embedder whose vectors are known before: only the search is measured."""

    identity, dimension, max_tokens, tokenizer = "given", DIMENSION, 512, None

    def __init__(self) -> None:
        self.vectors: dict[str, Any] = {}

    def encode(self, texts: Sequence[str]) -> Any:
        return np.array([self.vectors[text] for text in texts])


class Batch(NamedTuple):
    """Passages as numbers, one row each: words, names and the vector."""

    words: Any
    names: Any
    vectors: Any


@lru_cache(maxsize=2)
def batch(chunks: int, start: int) -> Batch:
    """The passages from `start` on, at most BATCH: the same ones every time, for the same number in all.

    Half of the names are drawn by rank, as people and places are; half are rare.
    """
    draw, documents, count = np.random.default_rng([chunks, start]), -(-chunks // PER_DOCUMENT), chunks - start
    count = min(BATCH, count)
    names = [zipf(draw, documents, (count, NAMES // 2)), draw.integers(0, documents * 3, (count, NAMES // 2))]
    centres = np.random.default_rng(CLUSTERS).standard_normal((CLUSTERS, DIMENSION), np.float32)
    vectors = centres[draw.integers(0, CLUSTERS, count)] + draw.standard_normal((count, DIMENSION), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Batch(zipf(draw, VOCABULARY, (count, WORDS)), np.hstack(names), vectors)


def zipf(draw: np.random.Generator, most: int, size: tuple[int, ...]) -> Any:
    """Numbers 0 … most - 1, each as often as its rank says."""
    return np.minimum(np.exp(draw.random(size) * np.log(most)).astype(int), most - 1)


def name(number: int) -> str:
    """The name of an entity, as written."""
    return f"Name{number % 997} Unit{number}"


def document(number: int) -> str:
    return fingerprint("document", str(number))


def chunk(number: int) -> str:
    return fingerprint("chunk", str(number))


def build(folder: Path, chunks: int) -> None:
    """Write tables, graph and catalog."""
    tables = Tables(str(folder / "index"), folder / "locks")
    passages = tables.embeddings("given", DIMENSION)
    uses: Counter[int] = Counter()
    with SqliteGraph(folder / "graph.db") as graph:
        for start in range(0, chunks, BATCH):
            passages.replace((), rows(passages, chunks, start), fresh=True)
            for own, found in mentions(chunks, start):
                uses.update({own, *found})
        graph.upsert_nodes(NodeKind.CHUNK, ({"id": chunk(number)} for number in range(chunks)))
        graph.upsert_nodes(NodeKind.ENTITY, (entity(number, count) for number, count in uses.items()))
        for start in range(0, chunks, BATCH):
            graph.upsert_edges(EdgeKind.FROM_CHUNK, edges(chunks, start))
    passages.compact()
    blank, last = dict.fromkeys(tables.documents.schema.names), -(-chunks // PER_DOCUMENT)
    known = [
        blank | {"id": document(n), "source": f"s{n % SOURCES}", "path": f"{n}.md", "acl_id": f"a{n % SOURCES}"}
        for n in range(last)
    ]
    tables.documents.replace((), tables.documents.arrow(known), fresh=True)
    tables.documents.compact()
    catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
    with catalog.database.begin() as connection:
        acls = [{"acl_id": f"a{n}", "principals": [f"user:{n}"]} for n in range(SOURCES)]
        connection.execute(sa.insert(schema.acl_sets), acls)
        titles = [{"name": canonical(name(n)), "document_id": document(n)} for n in range(last)]
        connection.execute(sa.insert(schema.names), titles)
        connection.execute(sa.insert(schema.items), [item(n) for n in range(last)])
    catalog.close()


def item(number: int) -> dict[str, Any]:
    """A document as the catalog knows it."""
    source = f"s{number % SOURCES}"
    return {
        "source": source, "native_id": str(number), "scope": "", "document_id": document(number), "partition": source,
        "path": f"{number}.md", "uri": "", "version": "1", "size": 1, "folder": False, "state": "live",
        "acl_id": f"a{number % SOURCES}",
    }  # fmt: skip


def rows(table: Table, chunks: int, start: int) -> Any:
    """Rows of the serving table."""
    drawn = batch(chunks, start)
    texts = [" ".join(f"w{word}" for word in line) for line in drawn.words]
    numbers = range(start, start + len(texts))
    documents = [n // PER_DOCUMENT for n in numbers]
    columns: dict[str, Any] = {
        "chunk_id": map(chunk, numbers), "document_id": map(document, documents),
        "partition": [f"s{d % SOURCES}" for d in documents], "source": [f"s{d % SOURCES}" for d in documents],
        "ordinal": [n % PER_DOCUMENT for n in numbers], "title": map(name, documents),
        "heading_path": [[] for _ in numbers], "text": texts, "search_text": texts,
        "char_start": [0 for _ in numbers], "char_end": map(len, texts), "vector": list(drawn.vectors),
        "vector_key": map(chunk, numbers), "acl_id": [f"a{d % SOURCES}" for d in documents],
        "classification": ["internal" for _ in numbers],
    }  # fmt: skip
    return table.arrow([dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)])


def mentions(chunks: int, start: int) -> Iterator[tuple[int, set[int]]]:
    """(the name of its document, other names) of each passage."""
    for place, line in enumerate(batch(chunks, start).names.tolist()):
        own = (start + place) // PER_DOCUMENT
        yield own, set(line) - {own}


def entity(number: int, uses: int) -> dict[str, Any]:
    described = f"{name(number)} is a name of this corpus, in {uses} of its passages."
    key = canonical(name(number))
    return {
        "id": entity_id(key), "name": name(number), "type": "ORG", "mention_count": uses, "document_count": uses,
        "description": described, "fingerprint": fingerprint(described),
    }  # fmt: skip


def edges(chunks: int, start: int) -> Iterator[dict[str, Any]]:
    for place, (own, others) in enumerate(mentions(chunks, start)):
        target = chunk(start + place)
        for number in sorted({own, *others}):
            source = entity_id(canonical(name(number)))
            weight = TITLE_WEIGHT if number == own else 1.0
            yield {"id": target[:16] + source[:16], "source": source, "target": target, "weight": weight}


def questions(chunks: int, embedder: Given) -> list[Question]:
    """Each holds two names and six words of some passage, and its vector is near that passage's."""
    draw = np.random.default_rng(5)
    asked: list[Question] = []
    for start in sorted(draw.integers(0, -(-chunks // BATCH), QUESTIONS).tolist()):
        drawn = batch(chunks, start * BATCH)
        place = int(draw.integers(0, len(drawn.words)))
        words = " ".join(f"w{word}" for word in drawn.words[place, :6])
        text = f"What has {name(drawn.names[place, 0])} to do with {name(drawn.names[place, -1])}, {words}?"
        vector = drawn.vectors[place] + 0.02 * draw.standard_normal(DIMENSION)
        embedder.vectors[text] = vector / np.linalg.norm(vector)
        asked.append(Question(str(len(asked)), text))
    return asked


@contextmanager
def opened(folder: Path, embedder: Given) -> Iterator[Retrieval]:
    tables = Tables(str(folder / "index"), folder / "locks")
    passages = PassageTable(tables.uri, tables.embeddings("given", DIMENSION).name)
    reports, documents = Reader(tables.uri, "reports"), Reader(tables.uri, "documents")
    catalog = Catalog(f"sqlite:///{folder / 'catalog.db'}")
    with SqliteGraph(folder / "graph.db") as graph:
        yield Retrieval(passages, reports, documents, graph, embedder, catalog)  # type: ignore[arg-type]
    catalog.close()


CASES: tuple[tuple[Mode, dict[str, Any]], ...] = (
    ("hybrid", {}),
    ("hybrid", {"sources": ["s1", "s2"]}),
    ("hybrid", {"principals": ["user:3"]}),
    ("hybrid", {"k": 50}),
    ("dense", {}),
    ("fulltext", {}),
)


def measure(service: Retrieval, asked: Sequence[Question]) -> Iterator[dict[str, Any]]:
    """Questions one after another, each case after ten that are not counted."""
    for mode, given in CASES:
        warm, took = asked[:10], []
        for question in (*warm, *asked):
            start = time.perf_counter()
            service.search([question], mode=mode, **given)
            took.append(1000 * (time.perf_counter() - start))
        counted = np.array(took[len(warm) :])
        p50, p95 = np.percentile(counted, [50, 95])
        yield {
            "mode": mode, **given, "questions": len(counted), "p50_ms": round(p50, 1), "p95_ms": round(p95, 1),
            "max_ms": round(counted.max(), 1),
        }  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("chunks", type=int, nargs="?", default=100_000)
    parser.add_argument("--work", type=Path, help="keep the index here")
    given = parser.parse_args(arguments)
    embedder = Given()
    with tempfile.TemporaryDirectory(prefix="rag-latency-") as fresh:
        folder = given.work or Path(fresh)
        if not (folder / "catalog.db").exists():
            folder.mkdir(parents=True, exist_ok=True)
            start = time.perf_counter()
            build(folder, given.chunks)
            print(
                json.dumps({"chunks": given.chunks, "build_seconds": round(time.perf_counter() - start, 1)}), flush=True
            )
        with opened(folder, embedder) as service:
            for row in measure(service, questions(given.chunks, embedder)):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
