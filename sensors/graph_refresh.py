"""The sensor of the graph: level-triggered, so that no update is lost; waits for a quiet moment, but not for ever."""

from pathlib import Path

import dagster as dg

from rag_assets.work import GRAPH, graph_waits
from resources.index import Index, prepare_environment
from resources.settings import Settings
from sensors.requests import active_run, holder_of, request

TAGS = {"rag/graph": "refresh"}


def graph_refresh_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.sensor(
        name="graph_refresh_sensor",
        job_name="graph_refresh",
        minimum_interval_seconds=max(1, settings.changes.tick_seconds - 1),
        description="Brings graph, communities and reports up to date when ingest is ahead of them.",
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        prepare_environment()
        index = Index.load(Path(settings.file))
        try:
            return tick(context.instance, index)
        finally:
            index.close()

    return sensor


def tick(instance: dg.DagsterInstance, index: Index) -> dg.SensorResult:
    """One look: compares what is there with what is wanted, never with an event."""
    cursor = str(index.catalog.generations.current())
    if not graph_waits(index):
        return dg.SensorResult(skip_reason=f"the graph holds generation {cursor}", cursor=cursor)
    if cursor == "0":
        return dg.SensorResult(skip_reason="nothing was ingested yet", cursor=cursor)
    changes, behind = index.settings.changes, index.catalog.generations.behind()
    if behind is not None:
        quiet, late = behind
        if quiet < changes.debounce_seconds and late < changes.most_late_seconds:
            reason = f"ingest changed rows {quiet:.0f} s ago; waiting for {changes.debounce_seconds:.0f} quiet seconds"
            return dg.SensorResult(skip_reason=reason, cursor=cursor)
    asked = ask(instance, index)
    if isinstance(asked, str):
        return dg.SensorResult(skip_reason=f"the graph is behind generation {cursor}; {asked}", cursor=cursor)
    return dg.SensorResult(run_requests=[asked], cursor=cursor)


def ask(instance: dg.DagsterInstance, index: Index) -> dg.RunRequest | str:
    """A request for a refresh over the whole range, or why there is none."""
    running = active_run(instance, index.catalog, TAGS)
    holder = f"run {running[:8]}" if running else holder_of(index.catalog, [GRAPH])
    if holder:
        return f"{holder} is at work"
    keys = index.settings.graph_partitions()
    return request(instance, "graph_refresh", (keys[0], keys[-1]), str(index.catalog.generations.current()), TAGS)
