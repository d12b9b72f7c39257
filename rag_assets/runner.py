"""Runs of a pass, in its own process: a job over a range of partitions, recorded like any run, and what came of it."""

from collections.abc import Iterable

import dagster as dg

from knowledge.counters import Counters
from rag_assets import discovery
from rag_assets.definitions import build_defs
from rag_assets.outcome import Pass, Say
from rag_assets.stage import FULL_TAG
from rag_assets.work import GRAPH
from resources.errors import LeaseHeld
from resources.index import Index

PATIENCE = 60.0
"""Seconds that a pass waits for another run to be done with a source."""


class Runner:
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
        names = [GRAPH] if job == "graph_refresh" else settings.partitions(tags["rag/source"])
        holder = next((held[name] for name in names if name in held), None)
        return f", when {holder} is done with it" if holder else ""

    def refresh_graph(self) -> None:
        """Bring the graph, its communities and reports up to date."""
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
