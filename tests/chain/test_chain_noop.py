"""Nothing changed: nothing is started, written or loaded."""

import json
from pathlib import Path

import dagster as dg
import pytest

from benchmarks import corpus
from knowledge.counters import Counters
from tests.chain.harness import Project

WRITTEN = ("rows_new", "rows_changed", "rows_removed", "rows_failed", "model_calls", "texts_embedded", "bytes_written")
INGEST, GRAPH = "documents,chunks,embeddings,extractions", "entity_graph,communities,community_reports"


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("noop"))
    project.write_all(corpus.Corpus(12).documents())
    project.good()
    return project


def test_a_pass_without_a_change_starts_no_run_and_counts_every_row_as_the_same(indexed: Project) -> None:
    before = indexed.versions()
    with indexed.counted() as asked:
        outcome = indexed.good()
    assert outcome.runs == []
    assert not asked
    assert indexed.versions() == before
    rows = {"documents": 12, "chunks": 12, "embeddings": 12}
    for asset, counters in outcome.assets.items():
        assert counters == Counters(rows_same=rows.get(asset, counters.rows_same))
        assert counters.rows_same > 0


@pytest.mark.parametrize("job", ["ingest", "graph_refresh", "full_reconcile"])
def test_a_job_started_by_hand_writes_no_row_and_asks_no_model(indexed: Project, job: str) -> None:
    before = indexed.versions()
    with indexed.counted() as asked:
        result = indexed.materialize(job)
    assert result.success
    assert not asked
    assert indexed.versions() == before
    events = result.get_asset_materialization_events()
    assert {e.asset_key.to_user_string() for e in events if e.asset_key}
    for event in events:
        _nothing_written(event.step_materialization_data.materialization)
    assert all(check.passed for check in result.get_asset_check_evaluations())
    assert indexed.good().runs == []


def _nothing_written(materialization: dg.AssetMaterialization) -> None:
    counted = {name: materialization.metadata[f"total/{name}"].value for name in WRITTEN}
    assert counted == dict.fromkeys(WRITTEN, 0), materialization.asset_key


def test_partitions_materialized_from_the_command_line_write_no_row(indexed: Project) -> None:
    before = indexed.versions()
    for selection, keys in ((INGEST, "docs"), (GRAPH, "g00...g03")):
        ranged = ["--partition", keys] if "..." not in keys else ["--partition-range", keys]
        command = ("asset", "materialize", "--select", selection, *ranged, "-m", "rag_assets.definitions")
        code, out, err = indexed.call("dagster", *command)
        assert code == 0, f"{out}\n{err}"
    assert indexed.versions() == before
    with dg.DagsterInstance.from_config(str(indexed.home / "dagster")) as instance:
        for asset in (*INGEST.split(","), *GRAPH.split(",")):
            event = instance.get_latest_materialization_event(dg.AssetKey(asset))
            assert event is not None
            assert event.asset_materialization is not None
            _nothing_written(event.asset_materialization)
    assert indexed.good().runs == []


LOADED = """
import json, sys
from pathlib import Path
from rag_assets.indexing import index_once
from resources.index import Index
HEAVY = {"dagster", "torch", "sentence_transformers", "transformers", "spacy", "lancedb"}
def loaded(): return sorted(HEAVY & set(sys.modules))
index = Index.load(Path("rag.yaml"))
outcome = index_once(index)
index.close()
index_loaded = loaded()
from tests.chain.harness import Project
project = Project(Path("."), embeddings={}, extraction={}, chunks={})
results = [project.materialize(job) for job in ("ingest", "graph_refresh")]
written = [
    event.step_materialization_data.materialization.metadata[f"total/{name}"].value
    for result in results for event in result.get_asset_materialization_events()
    for name in ("rows_new", "rows_changed", "rows_removed", "model_calls", "bytes_written")
]
print(json.dumps({"runs": outcome.runs, "pass": index_loaded, "by hand": loaded(), "written": sum(written),
                  "success": all(result.success for result in results)}))
"""


def test_with_the_real_models_nothing_to_do_loads_neither_a_model_nor_dagster(tmp_path: Path) -> None:
    """The default settings: a sentence-transformers model and spaCy."""
    project = Project(tmp_path, embeddings={}, extraction={}, chunks={})
    project.write_all(corpus.Corpus(20).documents({}) | {"a.md": "# Nordwind\n\nNordwind AS was founded by Eva Holm."})
    for number in range(17):
        project.delete(corpus.name_of(number))
    code, _, err = project.call("rag", "index")  # in a process of its own, as the models are large
    assert code == 0, err
    code, out, err = project.call("-c", LOADED)
    assert code == 0, err
    found = json.loads(out.splitlines()[-1])
    assert (found["runs"], found["written"], found["success"]) == ([], 0, True)
    assert found["pass"] == []
    assert set(found["by hand"]) <= {"dagster", "lancedb"}
