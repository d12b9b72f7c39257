"""From Dagster's own command line: a partition, a range, a job in this process; a job and a backfill by the daemon."""

import json
import shutil
from pathlib import Path

import dagster as dg
import pytest

from resources.settings import REPOSITORY
from tests.house.company import SETTINGS, Company
from tests.house.dagster_cli import MODULE, daemon, dagster, ended

SHARDED = {"handbook": {"type": "filesystem", "path": "handbook"},
           "contracts": {"type": "filesystem", "path": "contracts", "shards": 2}}  # fmt: skip
INGEST = ("--select", "documents,chunks,embeddings,extractions")
RANGE = {"dagster/asset_partition_range_start": "g00", "dagster/asset_partition_range_end": "g03"}


@pytest.fixture
def company(tmp_path: Path) -> Company:
    company = Company.make(tmp_path)
    company.write("contracts", {"otter.md": "# Otter\n\nThe Otter probe is leased to Calder Vale Water."})
    company.set({**SETTINGS, "sources": SHARDED})
    (tmp_path / "dagster").mkdir()
    shutil.copy(REPOSITORY / "dagster.yaml", tmp_path / "dagster")
    return company


def test_partition_range_job_and_backfill_are_materialized_from_the_command_line(company: Company) -> None:
    environment = {**company.environment, "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore"}

    def documents() -> dict[str, int]:
        return {name: of["ok"] for name, of in company.rag("status", "--json").json["sources"].items()}

    dagster(environment, "asset", "materialize", *MODULE, *INGEST, "--partition", "handbook")
    assert documents() == {"handbook": 4, "contracts": 0}
    dagster(environment, "asset", "materialize", *MODULE, *INGEST, "--partition-range", "contracts/00...contracts/01")
    assert documents() == {"handbook": 4, "contracts": 2}
    dagster(environment, "job", "execute", *MODULE, "-j", "graph_refresh", "--tags", json.dumps(RANGE))
    status = company.rag("status", "--json").json
    assert status["tables"]["communities"] == status["tables"]["community_reports"] > 0
    assert len(set(status["generations"].values())) == 1
    assert company.rag("index", "--json").json["runs"] == []

    company.write("handbook", {"parking.md": "# Parking\n\nGate seven opens for Jonas Brandt alone."})
    with dg.DagsterInstance.from_config(str(company.home / "dagster")) as instance:
        known = [run.run_id for run in instance.get_runs()]
        with daemon(company.home, environment) as workspace:
            served = ("-w", str(workspace))
            dagster(environment, "job", "backfill", *served, "-j", "ingest", "--partitions", "handbook", "--noprompt")
            dagster(environment, "job", "launch", *served, "-j", "maintenance")
            runs = [ended(instance, job, known) for job in ("ingest", "maintenance")]
        (backfill,) = instance.get_backfills()
        assert [run.status for run in runs] == [dg.DagsterRunStatus.SUCCESS] * 2
        assert runs[0].tags["dagster/backfill"] == backfill.backfill_id
    assert documents() == {"handbook": 5, "contracts": 2}
    answer = company.rag("search", "Who opens gate seven?", "--json").json
    assert answer["results"][0]["path"] == "parking.md"
