"""What is expected of the embeddings: one unit vector a chunk, of the model's dimension, and none without a chunk.

Belongs here: rows and expectations of `embeddings_suite`. Does not: how texts become vectors (resources.embedder).
"""

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from rag_assets.checks.scope import Scope, behind, document_batches
from rag_assets.checks.suites import Expectations, Rows
from resources.index import Index

if TYPE_CHECKING:
    import pyarrow as pa

STAGE = "embeddings"
TOLERANCE = 1e-3


def rows(index: Index, scope: Scope) -> Rows:
    """Kind `embeddings`: for every chunk and every vector how often each is there, dimension, finiteness and length."""
    import pyarrow as pa

    table, chunks = index.embeddings(), index.tables.chunks
    set_aside = {letter.document_id for letter in index.catalog.letters.find(STAGE)}
    for batch in document_batches(index, scope, STAGE, table):
        wanted = chunks.by("document_id", batch, ("id", "document_id")).to_pylist()
        found = table.by("document_id", batch, ("chunk_id", "document_id", "vector"))
        late = set_aside | behind(index, "chunks", STAGE)
        found = found.filter(pa.array([d not in late for d in found["document_id"].to_pylist()], pa.bool_()))
        ids = {row["id"] for row in wanted if row["document_id"] not in late}
        yield STAGE, _vectors(found["chunk_id"].to_pylist(), found["vector"], ids)


def _vectors(chunk_ids: list[str], vectors: "pa.ChunkedArray", wanted: set[str]) -> dict[str, list[Any]]:
    copies = Counter(chunk_ids)
    missing = sorted(wanted - copies.keys())
    dimension, lengths, finite = measured(vectors)
    nothing: list[None] = [None] * len(missing)
    return {
        "id": [*chunk_ids, *missing],
        "copies": [*(copies[c] for c in chunk_ids), *(0 for _ in missing)],
        "has_chunk": [*(c in wanted for c in chunk_ids), *(True for _ in missing)],
        "dimension": [*(dimension for _ in chunk_ids), *nothing],
        "finite": [*finite, *nothing],
        "length": [*lengths, *nothing],
    }


def measured(vectors: "pa.ChunkedArray") -> tuple[int, list[float], list[bool]]:
    """Dimension, Euclidean lengths and finiteness; a vector that is not there, or not finite, has length 0."""
    dimension = int(vectors.type.list_size)
    values = np.zeros((len(vectors), dimension), np.float64)
    there = np.asarray(vectors.is_valid().to_pylist(), bool)
    if there.any():
        flat = np.concatenate([part.flatten().to_numpy(zero_copy_only=False) for part in vectors.chunks])
        values[there] = flat.reshape(-1, dimension)
    finite = np.isfinite(values).all(axis=1).reshape(-1)
    values[~finite] = 0.0
    lengths: list[float] = np.linalg.norm(values, axis=1).tolist()
    return dimension, lengths, finite.tolist()


def expectations(index: Index) -> Expectations:
    import great_expectations.expectations as gxe

    return {
        STAGE: [
            gxe.ExpectColumnValuesToBeInSet(column="copies", value_set=[1]),
            gxe.ExpectColumnValuesToBeInSet(column="has_chunk", value_set=[True]),
            gxe.ExpectColumnValuesToBeInSet(column="dimension", value_set=[index.embedder.dimension]),
            gxe.ExpectColumnValuesToBeInSet(column="finite", value_set=[True]),
            gxe.ExpectColumnValuesToBeBetween(column="length", min_value=1 - TOLERANCE, max_value=1 + TOLERANCE),
        ]
    }
