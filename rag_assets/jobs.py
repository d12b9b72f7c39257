"""The jobs, and the schedules beside them. All schedules are off until a person switches them on."""

from typing import Any

import dagster as dg

from rag_assets.maintenance import maintenance_asset_job
from rag_assets.stage import FULL_TAG
from rag_assets.work import GRAPH_STAGES, INGEST_STAGES


def jobs() -> list[Any]:
    """In process: a step costs 0.07 s there and more than a second in a process of its own."""
    executor = dg.in_process_executor
    return [
        dg.define_asset_job(
            "ingest",
            selection=list(INGEST_STAGES),
            description="Bring partitions of a source up to date: documents, chunks, embeddings, extractions.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "graph_refresh",
            selection=list(GRAPH_STAGES),
            description="Bring the graph, its communities and their reports up to date; take the whole range.",
            executor_def=executor,
        ),
        dg.define_asset_job(
            "full_reconcile",
            selection=list(INGEST_STAGES),
            description="The job `ingest`, comparing everything without the queues' hints.",
            tags={FULL_TAG: "true"},
            executor_def=executor,
        ),
        maintenance_asset_job(),
    ]
