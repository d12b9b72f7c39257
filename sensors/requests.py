"""Run requests by state: what waits is asked for again until it is done, whatever became of an earlier run."""

import time
from collections.abc import Iterable

import dagster as dg

from rag_assets import discovery
from rag_assets.index_resource import run_lease
from resources.catalog import Catalog

ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
PAUSES = (0.0, 0.0, 0.0, 60.0, 600.0, 3_600.0)
"""Seconds until the next run of one state, by the runs it had: what fails again and again is tried ever more rarely."""
SILENT_SECONDS = 120.0
"""A run without lease and without a step for so long has no process any more."""


def active_run(instance: dg.DagsterInstance, catalog: Catalog, tags: dict[str, str]) -> str | None:
    """The id of a run with these tags that is queued or running; one whose process is gone is reported as failed."""
    for record in instance.get_run_records(dg.RunsFilter(tags=tags, statuses=ACTIVE), limit=20):
        run = record.dagster_run
        if not _dead(instance, catalog, record):
            return run.run_id
        instance.report_run_failed(run, "The process of this run is gone; what it left undone is asked for again.")
    return None


def _dead(instance: dg.DagsterInstance, catalog: Catalog, record: dg.RunRecord) -> bool:
    run = record.dagster_run
    if run.status not in (dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING):
        return False
    alive = catalog.leases.alive(run_lease(run.run_id))
    if alive is not None:
        return not alive
    begun = record.start_time or record.create_timestamp.timestamp()
    steps = instance.get_run_step_stats(run.run_id)
    last = max((step.end_time or step.start_time or 0.0 for step in steps), default=0.0)
    return time.time() - max(last, begun) > SILENT_SECONDS


def holder_of(catalog: Catalog, names: Iterable[str]) -> str | None:
    """Who works on one of these partitions now, as far as leases tell: a run of this instance, or `rag` elsewhere."""
    held = catalog.leases.held()
    return next((held[name] for name in names if name in held), None)


def request(
    instance: dg.DagsterInstance, job: str, keys: tuple[str, str], state: str, tags: dict[str, str]
) -> dg.RunRequest | str:
    """A request for a range run, or the reason in words why there is none.

    `state` names what the run would work on (a change sequence). A run key is remembered for ever, also that of a
    failed run: so it counts the tries of this state.
    """
    marked = {**tags, "rag/state": state}
    which = dg.RunsFilter(job_name=job, tags=marked)
    tries = instance.get_runs_count(which)
    pause = PAUSES[min(tries, len(PAUSES) - 1)]
    if pause:
        last = instance.get_run_records(which, limit=1)[0]
        due = last.create_timestamp.timestamp() + pause
        if time.time() < due:
            at = time.strftime("%H:%M:%S", time.localtime(due))
            return f"{tries} runs did not do it, see run {last.dagster_run.run_id[:8]}; the next try is at {at}"
    return dg.RunRequest(
        job_name=job,
        run_key=f"{job}:{keys[0]}:{state}:{tries}",
        tags={
            **marked,
            discovery.TAG: "true",
            "dagster/asset_partition_range_start": keys[0],
            "dagster/asset_partition_range_end": keys[1],
            "dagster/max_retries": "0",  # asked for again by state, from here
        },
    )
