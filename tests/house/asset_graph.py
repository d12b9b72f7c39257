"""The asset graph in words: what a user sees of it in Dagster. The reviewed state stands in asset_graph.json.

.venv/bin/python -m tests.house.asset_graph      # writes that file; read the difference before you commit it
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import dagster as dg

from rag_assets.definitions import build_defs
from resources.settings import REPOSITORY, load_settings

REVIEWED = Path(__file__).with_name("asset_graph.json")


def described() -> dict[str, Any]:
    """Assets, checks, jobs, sensors and schedules for the settings of the repository."""
    defs = build_defs(load_settings(REPOSITORY / "rag.yaml"))
    specs = sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)
    assets = [asset for asset in defs.assets or () if isinstance(asset, dg.AssetsDefinition)]
    policies = {key: asset.backfill_policy for asset in assets for key in asset.keys}
    checks = [spec for of_asset in defs.asset_checks or () for spec in of_asset.check_specs]
    jobs = [defs.resolve_job_def(job.name) for job in defs.jobs or ()]
    return {
        "assets": {spec.key.to_user_string(): _asset(spec, policies.get(spec.key)) for spec in specs},
        "checks": {f"{_user(check.asset_key)}/{check.name}": _check(check) for check in checks},
        "jobs": {job.name: _job(job) for job in jobs},
        "sensors": {sensor.name: _sensor(sensor) for sensor in defs.sensors or ()},
        "schedules": {schedule.name: _schedule(schedule) for schedule in defs.schedules or ()},
    }


def _user(key: dg.AssetKey) -> str:
    return key.to_user_string()


def _asset(spec: dg.AssetSpec, policy: dg.BackfillPolicy | None) -> dict[str, Any]:
    partitions = spec.partitions_def.get_partition_keys() if spec.partitions_def else None
    return {
        "description": spec.description,
        "group": spec.group_name,
        "owners": list(spec.owners),
        "kinds": sorted(spec.kinds),
        "code_version": spec.code_version,
        "partitions": partitions,
        "one_run_a_backfill": policy == dg.BackfillPolicy.single_run(),
        "deps": sorted(_user(dep.asset_key) for dep in spec.deps),
        "metadata": sorted(spec.metadata),
    }


def _check(check: dg.AssetCheckSpec) -> dict[str, Any]:
    return {"description": check.description, "blocking": check.blocking}


def _job(job: dg.JobDefinition) -> dict[str, Any]:
    return {
        "description": job.description,
        "assets": sorted(map(_user, job.asset_layer.executable_asset_keys)),
        "tags": dict(job.tags),
    }


def _jobs(trigger: dg.SensorDefinition | dg.ScheduleDefinition, names: Iterable[str]) -> dict[str, Any]:
    return {"description": trigger.description, "jobs": sorted(names), "status": trigger.default_status.value}


def _sensor(sensor: dg.SensorDefinition) -> dict[str, Any]:
    names = [] if isinstance(sensor, dg.RunStatusSensorDefinition) else [sensor.job_name or ""]
    return {**_jobs(sensor, names), "seconds": sensor.minimum_interval_seconds}


def _schedule(schedule: dg.ScheduleDefinition) -> dict[str, Any]:
    return {**_jobs(schedule, [schedule.job_name]), "cron": schedule.cron_schedule}


def written(graph: dict[str, Any]) -> str:
    """As JSON for reviewers: a list of words takes one line."""
    text = json.dumps(graph, indent=2, ensure_ascii=False)
    return re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text) + "\n"


if __name__ == "__main__":
    REVIEWED.write_text(written(described()), encoding="utf-8")
