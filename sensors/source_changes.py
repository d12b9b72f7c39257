"""The sensor of a source: looks at it inside a time budget, notes what changed, and asks for one run."""

from pathlib import Path

import dagster as dg

from rag_assets.discovery import PartlyRead, discover
from rag_assets.work import partitions_with_work
from resources.catalog.items import Applied
from resources.errors import CatalogUnavailable, IndexRefused, RagError
from resources.index import Index, prepare_environment
from resources.settings import Settings
from sensors.requests import active_run, request

MOST_NOTES = 5


def source_changes_sensor(settings: Settings, name: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{name}_changes",
        job_name="ingest",
        minimum_interval_seconds=settings.changes.tick_seconds,
        description=f"Looks at the source `{name}`, and starts a run for what changed.",
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        prepare_environment()
        index = Index.load(Path(settings.file))
        try:
            return tick(context.instance, index, name)
        finally:
            index.close()

    return sensor


def tick(instance: dg.DagsterInstance, index: Index, name: str) -> dg.SensorResult:
    """One look. What was found stands in the catalog; the cursor is the ingest generation and nothing else."""
    trouble: list[str] = []
    try:
        try:
            found = discover(
                index, name, seconds=index.settings.changes.tick_budget_seconds, who=f"the sensor {name}_changes",
                wait_seconds=0.0,
            )  # fmt: skip
        except PartlyRead as error:
            found, trouble = error.found, [str(error)]
        keys = partitions_with_work(index, name)
    except (CatalogUnavailable, IndexRefused) as error:  # there is no generation to read
        return dg.SensorResult(skip_reason=str(error))
    except RagError as error:  # nothing was noted of what failed; the next tick looks again
        return _skip(index, str(error))
    waiting = {p: of for p, of in index.catalog.items.waiting().items() if p in index.settings.partitions(name)}
    said = _words(name, found, sum(documents for documents, _ in waiting.values()))
    said = "; ".join([said, *trouble, *found.notes[:MOST_NOTES]])
    if keys is None:
        return _skip(index, said)
    tags = {"rag/source": name}
    running = active_run(instance, tags)
    if running:
        return _skip(index, f"{said}; run {running[:8]} is at work")
    last = max((seq for _, seq in waiting.values()), default=0)
    asked = request(instance, "ingest", keys, f"{last}.{index.catalog.stages.generation()}", tags)
    if isinstance(asked, str):
        return _skip(index, f"{said}; {asked}")
    return dg.SensorResult(run_requests=[asked], cursor=str(index.catalog.stages.generation()))


def _skip(index: Index, reason: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=reason, cursor=str(index.catalog.stages.generation()))


def _words(name: str, found: Applied, waiting: int) -> str:
    parts = [
        f"{count} {what}"
        for what, count in (
            ("new", found.new),
            ("changed", found.changed),
            ("moved", found.moved),
            ("removed", found.removed),
            ("deletions held until `rag approve deletes`", found.held),
        )
        if count
    ]
    return f"{name}: {', '.join(parts) or 'nothing changed'}" + (f", {waiting} waiting" if waiting else "")
