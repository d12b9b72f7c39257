"""The sensor of failed runs: lets go of their leases, so that what waits is asked for again by the other sensors."""

from pathlib import Path

import dagster as dg

from resources.index import Index, prepare_environment
from resources.settings import Settings


def run_failure_sensor(settings: Settings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="failed_runs",
        description="Lets go of a failed run's leases; what it left undone is asked for again.",
        default_status=dg.DefaultSensorStatus.STOPPED,
    )
    def sensor(context: dg.RunFailureSensorContext) -> None:
        prepare_environment()
        index = Index.load(Path(settings.file))
        try:
            released = index.catalog.leases.release_holder(f"run {context.dagster_run.run_id}")
            context.log.info(f"run {context.dagster_run.run_id}: {released} leases let go")
        finally:
            index.close()

    return sensor
