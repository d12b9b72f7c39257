"""The schedules: a full reconcile by night, maintenance by week. Off until a person switches them on."""

import dagster as dg

from rag_assets.stage import FULL_TAG
from resources.settings import Settings


def schedules(settings: Settings) -> list[dg.ScheduleDefinition]:
    @dg.schedule(
        name="nightly_full_reconcile",
        job_name="full_reconcile",
        cron_schedule="0 2 * * *",
        description="Every source compared from nothing; the graph follows by its sensor.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    def nightly(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
        at = context.scheduled_execution_time.isoformat()
        return [
            dg.RunRequest(
                run_key=f"{name}:{at}",
                tags={
                    FULL_TAG: "true",
                    "rag/source": name,
                    "dagster/asset_partition_range_start": keys[0],
                    "dagster/asset_partition_range_end": keys[-1],
                },
            )
            for name in settings.sources
            if (keys := settings.partitions(name))
        ]

    weekly = dg.ScheduleDefinition(
        name="weekly_maintenance",
        job_name="maintenance",
        cron_schedule="0 3 * * 0",
        description="Compacts the tables.",
        default_status=dg.DefaultScheduleStatus.STOPPED,
    )
    return [nightly, weekly]
