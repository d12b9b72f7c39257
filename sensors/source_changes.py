"""The sensor of a source: looks at it inside a time budget, notes what changed, and asks for one run."""

import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from rag_assets.discovery import PartlyRead, discover
from rag_assets.work import partitions_with_work
from resources.catalog.items import Applied
from resources.errors import CatalogUnavailable, IndexRefused, LeaseHeld, RagError
from resources.index import Index, prepare_environment
from resources.settings import FilesystemSettings, Settings
from sensors.requests import active_run, holder_of, request

SOURCE_TAG = "rag/source"
REST = 5
"""Seconds of rest for each second of the processor that a look took: a large source is looked at less often."""
REMOTE_SECONDS = 10
"""A service is asked no more often than this."""
MOST_NOTES = 5
_next_look: dict[tuple[Path, str], float] = {}


def source_changes_sensor(settings: Settings, name: str) -> dg.SensorDefinition:
    @dg.sensor(
        name=f"{name}_changes",
        job_name="ingest",
        minimum_interval_seconds=interval(settings, name),
        description=f"Looks at the source `{name}`, and starts a run for what changed.",
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        prepare_environment()
        index = Index.load(Path(settings.file))
        try:
            return rested_tick(context.instance, index, name)
        finally:
            index.close()

    return sensor


def interval(settings: Settings, name: str) -> int:
    """Seconds between ticks, less one: the daemon goes round every 5 s, and a second too early costs a whole round."""
    seconds = settings.changes.tick_seconds
    if not isinstance(settings.sources[name], FilesystemSettings):
        seconds = max(seconds, REMOTE_SECONDS)
    return max(1, seconds - 1)


def rested_tick(
    instance: dg.DagsterInstance, index: Index, name: str, clock: Callable[[], float] = time.thread_time
) -> dg.SensorResult:
    """A tick, unless the last one of this process took long and was not long ago."""
    place, changes = (index.settings.file, name), index.settings.changes
    rest = _next_look.get(place, 0.0) - time.monotonic()
    if rest > 0:
        return _skip(index, f"{name}: looked at just now; the next look is in {rest:.0f} s")
    start = clock()
    result = tick(instance, index, name)
    pause = min((clock() - start) * REST, changes.most_late_seconds)
    if pause > changes.tick_seconds:
        _next_look[place] = time.monotonic() + pause
    return result


def tick(instance: dg.DagsterInstance, index: Index, name: str) -> dg.SensorResult:
    """One look. What was found stands in the catalog; the cursor is the ingest generation and nothing else."""
    trouble: list[str] = []
    try:
        found = _look(index, name, trouble)
        keys = partitions_with_work(index, name)
    except (CatalogUnavailable, IndexRefused) as error:  # there is no generation to read
        return dg.SensorResult(skip_reason=str(error))
    except LeaseHeld as error:
        return _skip(index, f"{name}: not looked at, {error}")
    except RagError as error:  # nothing was noted of what failed; the next tick looks again
        return _skip(index, str(error))
    said, waiting = _words(name, found), _waiting(index, name)
    if waiting:
        said += f", {sum(documents for documents, _ in waiting.values())} waiting"
    said = "; ".join([said, *trouble, *found.notes[:MOST_NOTES]])
    if keys is None:
        return _skip(index, said)
    asked = ask(instance, index, name, keys)
    if isinstance(asked, str):
        return _skip(index, f"{said}; {asked}")
    return dg.SensorResult(run_requests=[asked], cursor=str(index.catalog.generations.current()))


def _look(index: Index, name: str, trouble: list[str]) -> Applied:
    """What the look found; what could not be read of it goes to `trouble`."""
    budget = index.settings.changes.tick_budget_seconds
    try:
        return discover(index, name, seconds=budget, who=f"the sensor {name}_changes", wait_seconds=0)
    except PartlyRead as error:
        trouble.append(str(error))
        return error.found


def ask(instance: dg.DagsterInstance, index: Index, name: str, keys: tuple[str, str]) -> dg.RunRequest | str:
    """A request for a run over these partitions of a source, or why there is none."""
    tags = {SOURCE_TAG: name}
    running = active_run(instance, index.catalog, tags)
    holder = f"run {running[:8]}" if running else holder_of(index.catalog, index.settings.partitions(name))
    if holder:
        return f"{holder} is at work"
    last = max((seq for _, seq in _waiting(index, name).values()), default=0)
    return request(instance, "ingest", keys, f"{last}.{index.catalog.generations.current()}", tags)


def _waiting(index: Index, name: str) -> dict[str, tuple[int, int]]:
    partitions = index.settings.partitions(name)
    return {p: of for p, of in index.catalog.items.waiting().items() if p in partitions}


def _skip(index: Index, reason: str) -> dg.SensorResult:
    return dg.SensorResult(skip_reason=reason, cursor=str(index.catalog.generations.current()))


def _words(name: str, found: Applied) -> str:
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
    return f"{name}: {', '.join(parts) or 'nothing changed'}"
