"""The sensor of failed runs: lets go of their leases, records them, and has done what they left undone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg

from rag_assets.index_resource import run_holder
from rag_assets.work import graph_waits, partitions_with_work
from resources.index import Index, prepare_environment
from resources.settings import Settings
from sensors import graph_refresh, source_changes

JOBS = ("ingest", "graph_refresh", "full_reconcile")
"""The jobs whose runs are asked for again, in what they left undone."""


def run_failure_sensor(settings: Settings, jobs: Sequence[Any]) -> dg.SensorDefinition:
    """`jobs` are the definitions that it may ask for."""

    @dg.run_failure_sensor(
        name="failed_runs",
        description="Lets go of a failed run's leases, records it, and asks again for what it left undone.",
        default_status=dg.DefaultSensorStatus.STOPPED,
        minimum_interval_seconds=max(1, settings.changes.tick_seconds - 1),
        monitored_jobs=[job for job in jobs if job.name in JOBS],
        request_jobs=[job for job in jobs if job.name in ("ingest", "graph_refresh")],
    )
    def sensor(context: dg.RunFailureSensorContext) -> dg.RunRequest | dg.SkipReason:
        prepare_environment()
        index = Index.load(Path(settings.file))
        try:
            asked = after_failure(context.instance, index, context.dagster_run)
        finally:
            index.close()
        return dg.SkipReason(asked) if isinstance(asked, str) else asked

    return sensor


def after_failure(instance: dg.DagsterInstance, index: Index, run: dg.DagsterRun) -> dg.RunRequest | str:
    """Clear up after a failed run and record it; a request by state for what waits, or why there is none."""
    released = index.catalog.leases.release_holder(run_holder(run.run_id))
    source = run.tags.get(source_changes.SOURCE_TAG)
    asked = _ask(instance, index, source) if source in index.settings.sources else _ask_graph(instance, index, run)
    what = asked if isinstance(asked, str) else "asked for again"
    instance.report_runless_asset_event(
        dg.AssetObservation(
            "entity_graph" if run.job_name == "graph_refresh" else "documents",
            description=f"run {run.run_id[:8]} of {run.job_name} failed; {what}",
            metadata={
                "failed_run": run.run_id,
                "leases_released": released,
                "changes_waiting": sum(documents for documents, _ in index.catalog.items.waiting().values()),
            },
        )
    )
    return f"run {run.run_id[:8]} failed; {what}" if isinstance(asked, str) else asked


def _ask(instance: dg.DagsterInstance, index: Index, source: str | None) -> dg.RunRequest | str:
    assert source is not None
    keys = partitions_with_work(index, source)
    if keys is None:
        return "nothing of its source waits"
    if _watches(instance, f"{source}_changes"):
        return f"the sensor {source}_changes asks again"
    return source_changes.ask(instance, index, source, keys)


def _ask_graph(instance: dg.DagsterInstance, index: Index, run: dg.DagsterRun) -> dg.RunRequest | str:
    if run.job_name != "graph_refresh" or not graph_waits(index):
        return "nothing to ask for"
    if _watches(instance, "graph_refresh_sensor"):
        return "the sensor graph_refresh_sensor asks again"
    return graph_refresh.ask(instance, index)


def _watches(instance: dg.DagsterInstance, sensor: str) -> bool:
    """Whether this sensor is on: it asks at its next tick, and twice would be once too often."""
    if instance.schedule_storage is None:  # an instance in memory has no daemon
        return False
    return any(state.instigator_name == sensor and state.is_running for state in instance.all_instigator_state())
