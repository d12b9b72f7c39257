"""One pass of the whole chain in this process: discover, then a run for each part that has work, none where not."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from knowledge.counters import Counters
from rag_assets import discovery
from rag_assets.definitions import build_defs
from rag_assets.forget import remove_documents
from rag_assets.jobs import GRAPH, INGEST
from rag_assets.stage import FULL_TAG
from rag_assets.work import GRAPH as GRAPH_LEASE
from rag_assets.work import graph_waits, partitions_with_work
from resources.catalog.items import Applied
from resources.errors import LeaseHeld, RagError
from resources.index import Index
from resources.settings import FilesystemSettings

Say = Callable[[str], None]
PATIENCE = 60.0
"""Seconds that a pass waits for another run to be done with a source."""


@dataclass(slots=True)
class SourceOutcome:
    """What became of one source in a pass."""

    error: str | None = None
    partly: str | None = None
    """What of it could not be read, while the rest goes on."""
    applied: Applied = field(default_factory=Applied)

    def as_dict(self) -> dict[str, Any]:
        a = self.applied
        return {
            "ok": self.error is None, "error": self.error, "new": a.new, "changed": a.changed, "moved": a.moved,
            "removed": a.removed, "held": a.held, "notes": a.notes,
        }  # fmt: skip


@dataclass(slots=True)
class Pass:
    """The outcome of `rag index`: the JSON of the contract."""

    seconds: float = 0.0
    runs: list[str] = field(default_factory=list)
    sources: dict[str, SourceOutcome] = field(default_factory=dict)
    assets: dict[str, Counters] = field(default_factory=lambda: {name: Counters() for name in (*INGEST, *GRAPH)})
    checks: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        blocked = any(not c["passed"] and c["severity"] == "ERROR" for c in self.checks)
        return not (self.errors or blocked or any(s.error for s in self.sources.values()))

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "seconds": round(self.seconds, 2),
            "runs": self.runs,
            "sources": {name: source.as_dict() for name, source in self.sources.items()},
            "assets": {name: counters.as_dict() for name, counters in self.assets.items()},
            "checks": self.checks,
            "errors": self.errors,
            "notes": [f"{name}: {note}" for name, source in self.sources.items() for note in source.applied.notes],
        }


def _silent(_line: str) -> None:
    """Says nothing."""


def index_once(
    index: Index, instance: dg.DagsterInstance, sources: Sequence[str] = (), *, full: bool = False, say: Say = _silent
) -> Pass:
    """Discover and bring up to date; one source's trouble never stops the others."""
    outcome, start = Pass(), time.monotonic()
    runner = _Runner(index, instance, outcome, full=full, say=say)
    names = list(sources or index.settings.sources)
    while names:
        for name in names:
            say(f"looking at {name}")
            _look(index, name, outcome.sources.setdefault(name, SourceOutcome()), full=full)
        for name in names:
            source = outcome.sources[name]
            if source.error is None and (keys := partitions_with_work(index, name, full=full)):
                source.applied.removed += index.catalog.items.approved(name)
                source.error = runner.ingest(name, keys)
            source.error = source.error or _emptied(index, name, source.applied) or source.partly
        # so much waited that the look was not finished: it goes on now that it is worked off
        names = [name for name in names if outcome.sources[name].applied.paused and not outcome.sources[name].error]
    runner.refresh_graph()
    _count_the_rest(index, outcome)
    outcome.seconds = time.monotonic() - start
    return outcome


def _look(index: Index, name: str, source: SourceOutcome, *, full: bool) -> None:
    source.applied.paused = False
    try:
        source.applied.add(discovery.discover(index, name, full=full, who="rag index"))
    except discovery.PartlyRead as error:
        source.applied.add(error.found)
        source.partly = str(error)
    except RagError as error:
        source.error = str(error)


def _emptied(index: Index, name: str, applied: Applied) -> str | None:
    """A library may rightly become empty, a root hardly ever does: most often its disk is not mounted."""
    if not applied.emptied or not isinstance(index.settings.sources[name], FilesystemSettings):
        return None
    return (
        f"{name}: {index.settings.source_path(name)} is empty; its {applied.held} documents are kept. "
        f"Mount it, or let them go with `rag approve deletes {name}`."
    )


def forget_source(index: Index, instance: dg.DagsterInstance, source: str) -> Pass:
    """Remove a source that left the settings, and bring the graph up to date."""
    outcome, start = Pass(), time.monotonic()
    outcome.sources[source] = SourceOutcome()
    outcome.sources[source].applied.removed = remove_documents(index, source, f"rag forget {source}")
    _Runner(index, instance, outcome, full=False, say=_silent).refresh_graph()
    outcome.seconds = time.monotonic() - start
    return outcome


class _Runner:
    """Runs jobs in this process, recorded in the instance like any run."""

    def __init__(self, index: Index, instance: dg.DagsterInstance, outcome: Pass, *, full: bool, say: Say) -> None:
        self._index, self._instance, self._outcome, self._full, self._say = index, instance, outcome, full, say
        self._defs = build_defs(index.settings)

    def run(self, job: str, keys: tuple[str, str], tags: dict[str, str]) -> str | None:
        """One run over a range of partitions; returns its error."""
        self._say(f"{job} {keys[0]}" + (f" … {keys[1]}" if keys[1] != keys[0] else "") + self._after(job, tags))
        ranged = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[1]}
        result = self._defs.resolve_job_def(job).execute_in_process(
            instance=self._instance,
            tags={**tags, **ranged, **({FULL_TAG: "true"} if self._full else {})},
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            raise_on_error=False,
        )
        self._outcome.runs.append(result.run_id)
        self._collect(result)
        if result.success:
            return None
        return f"{job} failed in run {result.run_id}: {_first_error(result.all_events)}"

    def ingest(self, source: str, keys: tuple[str, str]) -> str | None:
        """Work off a source's changes, unless another run works on it and goes on doing so."""
        all_keys = self._index.settings.partitions(source)
        mine = all_keys[all_keys.index(keys[0]) : all_keys.index(keys[1]) + 1]
        hold = self._index.catalog.leases.hold
        try:
            with hold(mine, "rag index"):
                pass
        except LeaseHeld as busy:
            self._say(f"waiting: {busy}")
            try:
                with hold(mine, "rag index", wait_seconds=PATIENCE):
                    pass
            except LeaseHeld as error:
                return str(error)
        return self.run("ingest", keys, {discovery.TAG: "true", "rag/source": source})

    def _after(self, job: str, tags: dict[str, str]) -> str:
        """Whom the run has to wait for, in words."""
        settings, held = self._index.settings, self._index.catalog.leases.held()
        names = [GRAPH_LEASE] if job == "graph_refresh" else settings.partitions(tags["rag/source"])
        holder = next((held[name] for name in names if name in held), None)
        return f", when {holder} is done with it" if holder else ""

    def refresh_graph(self) -> None:
        """The graph, its communities and reports, where they are behind."""
        if graph_waits(self._index, full=self._full):
            keys = self._index.settings.graph_partitions()
            failure = self.run("graph_refresh", (keys[0], keys[-1]), {})
            if failure:
                self._outcome.errors.append(failure)

    def _collect(self, result: dg.ExecuteInProcessResult) -> None:
        seen: set[str] = set()
        for event in result.get_asset_materialization_events():
            asset = event.asset_key.to_user_string() if event.asset_key else ""
            if asset in seen:
                continue  # a range run reports the totals at each of its partitions
            seen.add(asset)
            metadata = event.step_materialization_data.materialization.metadata
            totals = {k: int(str(metadata[f"total/{k}"].value)) for k in Counters().as_dict()}
            self._outcome.assets[asset].add(Counters(**totals))
        self._outcome.checks += [
            {
                "asset": c.asset_key.to_user_string(), "name": c.check_name, "passed": c.passed,
                "severity": c.severity.value,
            }
            for c in result.get_asset_check_evaluations()
        ]  # fmt: skip


def _first_error(events: Iterable[dg.DagsterEvent]) -> str:
    for event in events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
                error = error.cause
            said = " ".join((error.message if error else "no error was recorded").split())
            return said.removeprefix(f"resources.errors.{error.cls_name}: " if error else "")[:600]
    return "see the run in the Dagster UI"


def _count_the_rest(index: Index, outcome: Pass) -> None:
    """Rows of the partitions that no run looked at are the same, and say so."""
    for asset, counters in outcome.assets.items():
        total = index.catalog.stages.rows(asset)
        counters.rows_same = max(0, total - counters.rows_new - counters.rows_changed)
