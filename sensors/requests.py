"""Run requests by state: what waits is asked for again until it is done, whatever became of an earlier run."""

import dagster as dg

from rag_assets import discovery

ACTIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
MOST_TRIES = 5
"""Runs of one state; after so many failures a person has to look."""


def active_run(instance: dg.DagsterInstance, tags: dict[str, str]) -> str | None:
    """The id of a run with these tags that is queued or running."""
    runs = instance.get_runs(dg.RunsFilter(tags=tags, statuses=ACTIVE), limit=1)
    return runs[0].run_id if runs else None


def request(
    instance: dg.DagsterInstance, job: str, keys: tuple[str, str], state: str, tags: dict[str, str]
) -> dg.RunRequest | str:
    """A request for a range run, or the reason in words why there is none.

    `state` names what the run would work on (a change sequence). A run key is remembered for ever, also that of a
    failed run: so it counts the tries of this state.
    """
    marked = {**tags, "rag/state": state}
    tries = instance.get_runs_count(dg.RunsFilter(job_name=job, tags=marked))
    if tries >= MOST_TRIES:
        return f"{tries} runs of this state did not do it; look at the last one, mend it, and start the job by hand."
    return dg.RunRequest(
        job_name=job,
        run_key=f"{job}:{keys[0]}:{state}:{tries}",
        tags={
            **marked,
            discovery.TAG: "true",
            "dagster/asset_partition_range_start": keys[0],
            "dagster/asset_partition_range_end": keys[1],
        },
    )
