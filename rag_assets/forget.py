"""Removes a source that left the settings: its documents, and all that rests on them."""

import time

import dagster as dg

from rag_assets.chunks import ChunksRun
from rag_assets.documents import STAGE
from rag_assets.embeddings import EmbeddingsRun
from rag_assets.extractions import ExtractionsRun
from rag_assets.ingest import run_stage
from rag_assets.outcome import Pass, SourceOutcome, silent
from rag_assets.runner import Runner
from rag_assets.stage import batches
from rag_assets.work import graph_waits
from resources.catalog.stages import Commit
from resources.index import Index


def forget_source(index: Index, instance: dg.DagsterInstance, source: str) -> Pass:
    """Remove a source that left the settings, and bring the graph up to date."""
    outcome, start = Pass(), time.monotonic()
    outcome.sources[source] = SourceOutcome()
    outcome.sources[source].applied.removed = remove_documents(index, source, f"rag forget {source}")
    if graph_waits(index):
        Runner(index, instance, outcome, full=False, say=silent).refresh_graph()
    outcome.seconds = time.monotonic() - start
    return outcome


def remove_documents(index: Index, source: str, holder: str) -> int:
    """Take every document of a source out of the ingest tables; the graph follows with its next refresh.

    Returns how many. Repeated after a kill it goes on where it stopped.
    """
    catalog, tables = index.catalog, index.tables
    catalog.items.forget(source)
    catalog.access.forget(source)
    gone = [d for d in catalog.items.documents() if d.source == source]
    for partition in sorted({d.partition for d in gone}):
        with catalog.leases.hold([partition], holder):
            mine = [d.id for d in gone if d.partition == partition]
            for batch in batches(mine):
                tables.documents.delete(batch)
                below = dict.fromkeys(("chunks", "embeddings", "extractions", "projection"), batch)
                waiting = catalog.items.pending(partition)
                catalog.stages.commit(
                    Commit(STAGE, partition, dropped=batch, touched=below, changes=waiting, advance=True)
                )
                catalog.letters.clear(STAGE, batch)
            for work in (ChunksRun, EmbeddingsRun, ExtractionsRun):
                run_stage(work(index, partition, full=False))
    return len(gone)
