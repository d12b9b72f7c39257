"""The quality checks: one suite an asset, from sources to reports.

Belongs here: which suite blocks, and which failures only warn. Does not: what a suite reads and expects.
"""

import dagster as dg

from rag_assets.checks import chunks, communities, documents, embeddings, graph
from rag_assets.checks.suites import suite_check


def quality_checks() -> list[dg.AssetChecksDefinition]:
    """All suites. A document that fails stops no other, and a report harms nothing below it: those do not block."""
    return [
        suite_check(
            "documents", documents.rows, documents.expectations, blocking=False, warns=("sources",),
            description="One row a live document, with text or with the reason why there is none; few fail.",
        ),
        suite_check(
            "chunks", chunks.rows, chunks.expectations, blocking=True,
            description="Unique, within the model's reach, exactly the document's text, and nothing left out.",
        ),
        suite_check(
            "embeddings", embeddings.rows, embeddings.expectations, blocking=True,
            description="One finite unit vector of the model's dimension for every chunk, and none without a chunk.",
        ),
        suite_check(
            "entity_graph", graph.rows, graph.expectations, blocking=True,
            description="Everything is said by a living chunk, no id leads nowhere, and the graph store agrees.",
        ),
        suite_check(
            "community_reports", communities.rows, communities.expectations, blocking=False, reads=communities.READS,
            description="Communities are a nested partition, each has one report, and every citation resolves.",
        ),
    ]  # fmt: skip
