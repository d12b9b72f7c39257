"""What the asset checks find, and that they pass over what is right; on a small index without models."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
import pytest

from knowledge import chunking
from rag_assets.checks import chunks, communities, documents, embeddings, graph, hierarchy
from rag_assets.checks.hierarchy import Tree
from rag_assets.checks.scope import Scope
from rag_assets.checks.suites import NAMED, validate
from rag_assets.definitions import build_defs
from rag_assets.indexing import index_once
from rag_assets.outcome import Pass
from resources.graph import EdgeKind, NodeKind
from resources.index import Index, prepare_environment
from resources.tables import Table, is_in

TEAMS = {
    "Harbor": ("Mara Holm", "Jonas Weber", "Aiko Tanaka", "Peter Lund", "Rosa Vidal", "Nils Berg"),
    "Lantern": ("Clara Stein", "Hugo Marsh", "Lena Frost", "Omar Haddad", "Vera Kuhn", "Egon Falk"),
}
PLACES = ("North Quay", "Tidal Gate", "Copper Mill")
SETTINGS = """
index: var/index
catalog: var/catalog.db
sources:
  docs: {type: filesystem, path: docs}
chunks: {max_tokens: 64, min_tokens: 16}
embeddings: {model: hashing}
extraction: {method: patterns}
"""
VECTOR = pa.list_(pa.float32(), 2)
SUITES = ("documents", "chunks", "embeddings", "entity_graph", "community_reports")


def note(team: str, number: int) -> str:
    people = TEAMS[team]
    one, two, three = (people[(number + step) % len(people)] for step in range(3))
    place = f"{team} {PLACES[number // 2]}"
    return (
        f"# {place} note {number}\n\n{one} met {two} at the {place}. {one} and {two} signed INV-{team}-{number}00.\n\n"
        f"INV-{team}-{number}01 and INV-{team}-{number}02 are with {one}.\n\n## Plans\n\n"
        f"{two} will visit the {place} with {three} in spring, when the weather allows it and the roads are dry.\n\n"
        + "Nothing else was decided on that day by anyone who was there. "
        * 6
    )


def begin(folder: Path) -> Path:
    prepare_environment()
    (folder / "docs").mkdir(parents=True)
    (folder / "rag.yaml").write_text(SETTINGS)
    for team in TEAMS:
        for number in range(6):
            (folder / "docs" / f"{team}-{number}.md").write_text(note(team, number))
    (folder / "docs" / "broken.pdf").write_bytes(b"%PDF-1.4 and nothing else")
    return folder


def opened(folder: Path) -> Index:
    return Index.load(folder / "rag.yaml")


def index_again(folder: Path) -> Pass:
    index = opened(folder)
    with dg.DagsterInstance.ephemeral() as instance:
        outcome = index_once(index, instance)
    index.close()
    return outcome


def checked(folder: Path, asset: str) -> Any:
    """The evaluation of a suite that is started alone."""
    name = f"{asset}_suite"
    selection = dg.AssetSelection.checks(dg.AssetCheckKey(dg.AssetKey(asset), name))
    job = dg.define_asset_job("alone", selection=selection, executor_def=dg.in_process_executor)
    defs = dg.Definitions.merge(build_defs(opened(folder).settings), dg.Definitions(jobs=[job]))
    with dg.DagsterInstance.ephemeral() as instance:
        result = defs.resolve_job_def("alone").execute_in_process(instance=instance, raise_on_error=False)
    (evaluation,) = result.get_asset_check_evaluations()
    return evaluation


def failed(evaluation: Any) -> dict[tuple[str, str], list[str]]:
    """{(kind, column): ids} of an evaluation."""
    return {(f["kind"], f["column"]): f["rows"] for f in evaluation.metadata["failed"].value}


@pytest.fixture(scope="module")
def first_pass(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Pass]:
    folder = begin(tmp_path_factory.mktemp("indexed") / "project")
    return folder, index_again(folder)


@pytest.fixture(scope="module")
def indexed(first_pass: tuple[Path, Pass]) -> Path:
    """A project indexed once; it is not changed."""
    return first_pass[0]


@pytest.fixture
def project(indexed: Path, tmp_path: Path) -> Path:
    """A copy of it, to plant defects in."""
    return Path(shutil.copytree(indexed, tmp_path / "project"))


@pytest.fixture
def index(project: Path) -> Iterator[Index]:
    index = opened(project)
    yield index
    index.close()


def first(table: Table, where: str | None = None, key: str = "id") -> dict[str, Any]:
    return dict(min(table.read(where).to_pylist(), key=lambda row: str(row[key])))


def update(table: Table, key: str, value: str, **values: Any) -> None:
    table.lance.update(where=is_in(key, [value]), values=values)


# -- healthy


@pytest.mark.parametrize("asset", SUITES)
def test_a_healthy_index_passes_and_everything_is_read_when_a_check_starts_alone(indexed: Path, asset: str) -> None:
    evaluation = checked(indexed, asset)
    assert evaluation.passed, evaluation.description
    assert evaluation.metadata["scope"].value == "everything"
    index = opened(indexed)
    rows = {
        "documents": index.tables.documents.count(), "chunks": index.tables.chunks.count(),
        "embeddings": index.embeddings().count(), "entities": index.tables.entities.count(),
        "relationships": index.tables.relationships.count(), "communities": index.tables.communities.count(),
        "community_reports": index.reports().count(),
    }  # fmt: skip
    found = evaluation.metadata["rows_by_kind"].value
    assert found
    assert {kind: found[kind] for kind in found if kind in rows} == {kind: rows[kind] for kind in rows if kind in found}
    index.close()


def test_every_asset_that_has_a_suite_is_checked_in_the_first_run(first_pass: tuple[Path, Pass]) -> None:
    _, outcome = first_pass
    assert outcome.ok, outcome.as_dict()
    assert {(check["asset"], check["passed"]) for check in outcome.checks} == {(asset, True) for asset in SUITES}
    assert outcome.assets["documents"].rows_failed == 1  # and the broken file stopped no other


def test_nothing_touched_and_an_empty_index_pass_without_loading_great_expectations(
    indexed: Path, tmp_path: Path
) -> None:
    (tmp_path / "rag.yaml").write_text(SETTINGS)
    program = f"""
import json, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
import dagster as dg
from rag_assets.definitions import build_defs
from resources.settings import load_settings
found = {{}}
every = dg.AssetSelection.all_asset_checks()
alone = dg.define_asset_job("alone", selection=every, executor_def=dg.in_process_executor)
for name, folder in (("touched", {str(indexed)!r}), ("empty", {str(tmp_path)!r})):
    defs = dg.Definitions.merge(build_defs(load_settings(Path(folder) / "rag.yaml")), dg.Definitions(jobs=[alone]))
    jobs = [("ingest", "docs"), ("graph_refresh", "g00")] if name == "touched" else [("alone", None)]
    with dg.DagsterInstance.ephemeral() as instance:
        for job, key in jobs:
            result = defs.resolve_job_def(job).execute_in_process(instance=instance, partition_key=key)
            for check in result.get_asset_check_evaluations():
                found[name + " " + check.check_name] = [check.passed, check.metadata["rows"].value]
print(json.dumps([found, "great_expectations" in sys.modules]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr[-2_000:]
    found, great_expectations = json.loads(done.stdout.splitlines()[-1])
    assert found == {f"{where} {asset}_suite": [True, 0] for where in ("touched", "empty") for asset in SUITES}
    assert not great_expectations


# -- planted defects: each is found, by the right expectation, and named by its id


def a_document_lost(index: Index) -> str:
    row = first(index.tables.documents, "status = 'ok'")
    index.tables.documents.delete([row["id"]])
    return str(row["id"])


def a_document_that_the_source_has_no_more(index: Index) -> str:
    row = first(index.tables.documents) | {"id": "0" * 32}
    index.tables.documents.upsert(index.tables.documents.arrow([row]))
    return "0" * 32


def a_document_without_text(index: Index) -> str:
    row = first(index.tables.documents, "status = 'ok'")
    update(index.tables.documents, "id", row["id"], text=" \n\t ")
    return str(row["id"])


def an_unknown_status(index: Index) -> str:
    row = first(index.tables.documents)
    update(index.tables.documents, "id", row["id"], status="fine")
    return str(row["id"])


def a_chunk_too_long(index: Index) -> str:
    row = first(index.tables.chunks)
    update(index.tables.chunks, "id", row["id"], tokens=65)
    return str(row["id"])


def a_chunk_of_another_text(index: Index) -> str:
    row = first(index.tables.chunks)
    update(index.tables.chunks, "id", row["id"], text="something else")
    return str(row["id"])


def a_chunk_twice(index: Index) -> str:
    row = first(index.tables.chunks)
    index.tables.chunks.lance.add(index.tables.chunks.arrow([row]))
    return str(row["id"])


def a_passage_left_out(index: Index) -> str:
    row = first(index.tables.chunks, "ordinal = 1")
    index.tables.chunks.delete([row["id"]], "id")
    return str(row["document_id"])


def a_vector_missing(index: Index) -> str:
    row = first(index.embeddings(), key="chunk_id")
    index.embeddings().delete([row["chunk_id"]], "chunk_id")
    return str(row["chunk_id"])


def a_vector_without_a_chunk(index: Index) -> str:
    table = index.embeddings()
    table.upsert(table.arrow([first(table, key="chunk_id") | {"chunk_id": "0" * 32}]))
    return "0" * 32


def vector(change: Callable[[np.ndarray], Any]) -> Callable[[Index], str]:
    def plant(index: Index) -> str:
        table = index.embeddings()
        row = first(table, key="chunk_id")
        table.upsert(table.arrow([row | {"vector": change(np.asarray(row["vector"], np.float32))}]))
        return str(row["chunk_id"])

    return plant


def an_entity_that_nobody_mentions(index: Index) -> str:
    table = index.tables.entities
    table.upsert(table.arrow([first(table) | {"id": "0" * 32}]))
    return "0" * 32


def an_entity_lost(index: Index) -> str:
    row = first(index.tables.entities)
    index.tables.entities.delete([row["id"]])
    return str(row["id"])


def a_relationship_to_nowhere(index: Index) -> str:
    row = first(index.tables.relationships)
    update(index.tables.relationships, "id", row["id"], target_id="f" * 32)
    return str(row["id"])


def a_relationship_that_nobody_states(index: Index) -> str:
    row = first(index.tables.relationships)
    index.tables.statements.delete([row["id"]], "relationship_id")
    return str(row["id"])


def a_mention_in_a_chunk_that_is_gone(index: Index) -> str:
    row = first(index.tables.mentions, key="chunk_id")
    table = index.tables.mentions
    table.upsert(table.arrow([row | {"chunk_id": "0" * 32}]))
    return str(row["entity_id"])


def a_statement_in_a_chunk_that_is_gone(index: Index) -> str:
    table = index.tables.statements
    row = first(table, key="chunk_id")
    table.upsert(table.arrow([row | {"chunk_id": "0" * 32}]))
    return str(row["relationship_id"])


def a_node_lost_in_the_graph_store(index: Index) -> str:
    row = first(index.tables.entities)
    index.graph.delete_nodes(NodeKind.ENTITY, [row["id"]])
    return f"entity {row['id']}"


def an_edge_with_another_weight(index: Index) -> str:
    row = first(index.tables.relationships)
    (edge,) = index.graph.read_edges_by_id(EdgeKind.RELATED, [row["id"]])
    index.graph.upsert_edges(EdgeKind.RELATED, [{**edge, "weight": edge["weight"] + 1}])
    return f"related {row['id']}"


def a_report_missing(index: Index) -> str:
    row = first(index.reports(), key="community_id")
    index.reports().delete([row["community_id"]])
    return str(row["community_id"])


def a_report_of_no_community(index: Index) -> str:
    table = index.reports()
    table.upsert(table.arrow([first(table, key="community_id") | {"community_id": "0" * 32}]))
    return "0" * 32


def a_citation_to_nowhere(index: Index) -> str:
    row = first(index.reports(), key="community_id")
    for chunk in row["citations"][:1]:
        index.tables.chunks.delete([chunk], "id")
    return str(row["community_id"])


def a_citation_in_no_finding(index: Index) -> str:
    row = first(index.reports(), key="community_id")
    update(index.reports(), "community_id", row["community_id"], citations=row["citations"][1:])
    return str(row["community_id"])


def an_entity_in_no_community(index: Index) -> str:
    row = first(index.tables.memberships, key="entity_id")
    index.tables.memberships.delete([row["entity_id"]], "entity_id")
    return str(row["entity_id"])


def an_entity_in_two_communities(index: Index) -> str:
    row = first(index.tables.memberships, "level = 0", key="entity_id")
    other = first(index.tables.communities, f"level = 0 AND id != '{row['community_id']}'")
    table = index.tables.memberships
    table.upsert(table.arrow([row | {"community_id": other["id"]}]))
    return str(row["entity_id"])


def a_child_without_its_parent(index: Index) -> str:
    table = index.tables.communities
    table.upsert(table.arrow([first(table) | {"id": "0" * 32, "level": 1, "parent": "f" * 32}]))
    return "0" * 32


def a_member_that_no_child_holds(index: Index) -> str:
    table, row = index.tables.communities, first(index.tables.communities)
    child = {"id": "0" * 32, "level": 1, "parent": row["id"], "members": row["members"][1:]}
    table.upsert(table.arrow([row | child]))
    return str(row["id"])


def a_community_lost_in_the_graph_store(index: Index) -> str:
    row = first(index.tables.communities)
    index.graph.delete_nodes(NodeKind.COMMUNITY, [row["id"]])
    return f"community {row['id']}"


DEFECTS: list[tuple[str, Callable[[Index], str], tuple[str, str]]] = [
    ("documents", a_document_lost, ("documents", "copies_too_many")),
    ("documents", a_document_that_the_source_has_no_more, ("documents", "copies_too_many")),
    ("documents", a_document_without_text, ("documents", "without_text")),
    ("documents", an_unknown_status, ("documents", "status")),
    ("chunks", a_chunk_too_long, ("chunks", "tokens")),
    ("chunks", a_chunk_of_another_text, ("chunks", "exact")),
    ("chunks", a_chunk_twice, ("chunks", "copies")),
    ("chunks", a_passage_left_out, ("documents", "characters_left_out")),
    ("embeddings", a_vector_missing, ("embeddings", "copies")),
    ("embeddings", a_vector_without_a_chunk, ("embeddings", "has_chunk")),
    ("embeddings", vector(lambda v: v * 0), ("embeddings", "length")),
    ("embeddings", vector(lambda v: v * 1.01), ("embeddings", "length")),
    ("entity_graph", an_entity_that_nobody_mentions, ("entities", "support")),
    ("entity_graph", an_entity_lost, ("entities", "copies")),
    ("entity_graph", a_relationship_to_nowhere, ("relationships", "ends_missing")),
    ("entity_graph", a_relationship_that_nobody_states, ("relationships", "support")),
    ("entity_graph", a_mention_in_a_chunk_that_is_gone, ("entities", "support_in_dead_chunks")),
    ("entity_graph", a_statement_in_a_chunk_that_is_gone, ("relationships", "support_in_dead_chunks")),
    ("entity_graph", a_node_lost_in_the_graph_store, ("graph_store", "state")),
    ("entity_graph", an_edge_with_another_weight, ("graph_store", "state")),
    ("community_reports", a_report_missing, ("communities", "reports_too_many")),
    ("community_reports", a_report_of_no_community, ("communities", "reports_too_many")),
    ("community_reports", a_citation_to_nowhere, ("community_reports", "dead_citations")),
    ("community_reports", a_citation_in_no_finding, ("community_reports", "unlisted_citations")),
    ("community_reports", an_entity_in_no_community, ("entities", "places_too_many")),
    ("community_reports", an_entity_in_two_communities, ("entities", "places_too_many")),
    ("community_reports", a_child_without_its_parent, ("communities", "misplaced")),
    ("community_reports", a_member_that_no_child_holds, ("communities", "not_shared_out")),
    ("community_reports", a_community_lost_in_the_graph_store, ("graph_store", "state")),
]
MODULES = {
    "documents": documents, "chunks": chunks, "embeddings": embeddings, "entity_graph": graph,
    "community_reports": communities,
}  # fmt: skip


def near(index: Index) -> Scope:
    """What a run touches that touches a few rows: those that the defects are planted in."""
    t, new = index.tables, "0" * 32
    edge = first(t.relationships)
    entities = {new, "f" * 32, edge["source_id"], edge["target_id"], first(t.entities)["id"]}
    entities |= {
        first(table, key=key)["entity_id"] for table, key in ((t.mentions, "chunk_id"), (t.memberships, "entity_id"))
    }
    statement = first(t.statements, key="chunk_id")
    entities |= {statement["source_id"], statement["target_id"]}
    assert 4 * len(entities) < t.entities.count()
    chunk = first(t.chunks)["document_id"]
    return Scope(
        ("docs",),
        {
            "documents": [new, first(t.documents)["id"], first(t.documents, "status = 'ok'")["id"]],
            "chunks": [chunk, first(t.chunks, "ordinal = 1")["document_id"]],
            "embeddings": [first(index.embeddings(), key="chunk_id")["document_id"]],
            "entity_graph": sorted(entities),
            "communities": [new, first(t.communities)["id"]],
            "community_reports": [first(index.reports(), key="community_id")["community_id"]],
        },
    )


@pytest.mark.parametrize(("asset", "plant", "where"), DEFECTS, ids=[f"{a}-{p.__name__}" for a, p, _ in DEFECTS])
def test_a_planted_defect_is_found_and_named_in_a_full_look_and_where_a_run_touched_it(
    index: Index, asset: str, plant: Callable[[Index], str], where: tuple[str, str]
) -> None:
    touched, module = near(index), MODULES[asset]
    planted = plant(index)
    for scope in (Scope(), touched):
        rows = ((kind, columns) for kind, columns in module.rows(index, scope) if kind == where[0])
        outcome = validate(rows, lambda: module.expectations(index))
        found = {(f.kind, f.allowed["column"]): f.rows for f in outcome.failed}
        assert planted in found.get(where, []), (scope, found)


@pytest.mark.parametrize("asset", SUITES)
def test_what_a_run_touched_passes_where_nothing_is_wrong(index: Index, asset: str) -> None:
    scope, module = near(index), MODULES[asset]
    some = Scope(
        scope.partitions, {stage: set(ids) - {"0" * 32, "f" * 32} for stage, ids in (scope.touched or {}).items()}
    )
    outcome = validate(module.rows(index, some), lambda: module.expectations(index))
    assert not outcome.failures, outcome.says()
    assert outcome.rows.total() > 0


@pytest.mark.parametrize(
    ("asset", "plant", "severity", "blocks"),
    [
        ("documents", a_document_lost, "ERROR", False),
        ("chunks", a_chunk_too_long, "ERROR", True),
        ("embeddings", a_vector_missing, "ERROR", True),
        ("entity_graph", an_entity_that_nobody_mentions, "ERROR", True),
        ("community_reports", a_report_missing, "ERROR", False),
    ],
)
def test_each_suite_reports_its_failures_to_dagster(
    project: Path, index: Index, asset: str, plant: Callable[[Index], str], severity: str, blocks: bool
) -> None:
    planted = plant(index)
    evaluation = checked(project, asset)
    assert not evaluation.passed
    assert evaluation.severity.value == severity
    assert evaluation.blocking == blocks
    assert planted in {row for rows in failed(evaluation).values() for row in rows}
    assert evaluation.metadata["rows"].value > 0


def test_many_failed_documents_are_a_warning_that_names_the_source(project: Path, index: Index) -> None:
    failing = index.tables.documents.read(None, ("id",))["id"].to_pylist()[:5]
    index.tables.documents.lance.update(where=is_in("id", failing), values={"status": "failed", "reason": "unreadable"})
    evaluation = checked(project, "documents")
    assert (evaluation.passed, evaluation.severity.value) == (False, "WARN")
    assert failed(evaluation) == {("sources", "failed_share"): ["docs"]}


def test_failures_name_at_most_twenty_rows_and_never_a_text(project: Path, index: Index) -> None:
    index.tables.chunks.lance.update(values={"text": "Confidential sentence", "tokens": 500})
    evaluation = checked(project, "chunks")
    found = {f["column"]: f for f in evaluation.metadata["failed"].value}
    assert found["tokens"]["count"] == index.tables.chunks.count() > NAMED
    assert len(found["tokens"]["rows"]) == len(found["exact"]["rows"]) == NAMED
    assert "Confidential" not in json.dumps(list(found.values())) + evaluation.description


# -- in a run


def test_a_run_over_one_edited_document_checks_that_document_and_what_it_touched(project: Path) -> None:
    index_again(project)  # the copies are new files with the bytes of the old
    edited = project / "docs" / "Harbor-3.md"
    edited.write_text(edited.read_text().replace("in spring", "in autumn"))
    with dg.DagsterInstance.ephemeral() as instance:
        index = opened(project)
        outcome = index_once(index, instance)
        runs = [
            instance.get_records_for_run(run, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
            for run in outcome.runs
        ]
    found = {
        event.asset_check_evaluation_data.check_name.removesuffix("_suite"): event.asset_check_evaluation_data.metadata
        for run in runs
        for record in run.records
        if (event := record.event_log_entry.dagster_event) is not None
    }
    assert {data["scope"].value for data in found.values()} == {"what the run touched"}
    rows = {asset: data["rows_by_kind"].value for asset, data in found.items()}
    (document,) = index.tables.documents.read("path = 'Harbor-3.md'", ("id",))["id"].to_pylist()
    own = index.tables.chunks.count(is_in("document_id", [document]))
    assert rows["documents"] == {"documents": 1, "sources": 1}
    assert rows["chunks"] == {"chunks": own, "documents": 1}
    assert rows["embeddings"] == {"embeddings": own}
    assert 0 < rows["entity_graph"]["entities"] < index.tables.entities.count()
    assert set(rows["community_reports"]) >= {"communities", "community_reports", "entities"}
    index.close()


def test_only_the_rows_of_the_touched_document_are_read(index: Index) -> None:
    (document,) = index.tables.documents.read("path = 'Lantern-2.md'", ("id",))["id"].to_pylist()
    own = index.tables.chunks.count(is_in("document_id", [document]))
    tables = {"documents": index.tables.documents, "chunks": index.tables.chunks, "embeddings": index.embeddings()}
    before = {name: table.rows_read for name, table in tables.items()}
    for module in (documents, chunks, embeddings):
        for _, columns in module.rows(index, Scope(("docs",), {module.STAGE: [document]})):
            assert set(columns)
    read = {name: table.rows_read - before[name] for name, table in tables.items()}
    # documents: its row, its size twice, its text; chunks: place and text, copies, ids
    assert read == {"documents": 4, "chunks": 3 * own, "embeddings": own}


def test_a_chunker_that_changes_text_is_stopped_before_anything_is_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    split = chunking.split
    monkeypatch.setattr(chunking, "split", lambda *a: [replace(c, text=c.text.upper()) for c in split(*a)])
    folder = begin(tmp_path / "project")
    outcome = index_again(folder)
    assert not outcome.ok
    assert [(c["asset"], c["passed"]) for c in outcome.checks][:2] == [("documents", True), ("chunks", False)]
    assert outcome.assets["embeddings"].texts_embedded == 0


def test_changes_that_wait_for_the_graph_are_no_defect(project: Path) -> None:
    (project / "docs" / "Harbor-0.md").unlink()
    (project / "docs" / "Lantern-1.md").write_text(note("Harbor", 5).replace("Rosa Vidal", "Rosa Nguyen"))
    job = build_defs(opened(project).settings).resolve_job_def("ingest")
    with dg.DagsterInstance.ephemeral() as instance:
        assert job.execute_in_process(instance=instance, partition_key="docs").success
    for asset in SUITES:
        evaluation = checked(project, asset)
        assert evaluation.passed, (asset, evaluation.description)


# -- the pure parts


def test_a_vector_that_is_not_there_or_not_finite_has_no_length() -> None:
    rows = [[3.0, 4.0], None, [float("nan"), 1.0], [float("inf"), 0.0]]
    vectors = pa.chunked_array([pa.array(rows[:1], VECTOR), pa.array(rows[1:], VECTOR)])
    assert embeddings.measured(vectors) == (2, [5.0, 0.0, 0.0, 0.0], [True, True, False, False])
    assert embeddings.measured(pa.chunked_array([], VECTOR)) == (2, [], [])


@pytest.mark.parametrize(
    ("text", "spans", "missing"),
    [
        ("", [], 0),
        (" \n ", [], 0),
        ("abc def", [(0, 7)], 0),
        ("abc def", [(4, 7), (0, 3)], 0),
        ("abc def", [(0, 3)], 3),
        ("abc def", [(1, 2)], 5),
        ("abcdef", [(0, 4), (2, 6)], 0),
        ("a\u2028b c", [(0, 1)], 2),
    ],
)
def test_characters_that_no_chunk_holds_are_counted(text: str, spans: list[tuple[int, int]], missing: int) -> None:
    assert chunks.left_out(text, spans) == missing


def community(name: str, level: int, parent: str | None, members: str) -> dict[str, Any]:
    return {"id": name, "level": level, "parent": parent, "members": list(members), "size": len(members)}


def test_a_tree_whose_children_share_their_parent_out_is_a_nested_partition() -> None:
    tree = Tree([community("p", 0, None, "abcd"), community("x", 1, "p", "ab"), community("y", 1, "p", "cd")])
    found = hierarchy.placed(tree, ["p", "x", "y"])
    assert not any(found["misplaced"] + found["not_shared_out"] + found["copies_too_many"])


@pytest.mark.parametrize(
    ("children", "members"),
    [
        ([("x", 1, "p", "ab"), ("y", 1, "p", "c")], 1),
        ([("x", 1, "p", "abc"), ("y", 1, "p", "cd")], 1),
        ([("x", 1, "p", "ab"), ("y", 1, "p", "cde")], 1),
        ([("x", 1, "p", "ab"), ("y", 1, "p", "ef")], 4),
    ],
)
def test_members_that_the_children_share_out_wrongly_are_counted(children: list[Any], members: int) -> None:
    tree = Tree([community("p", 0, None, "abcd"), *(community(*child) for child in children)])
    assert hierarchy.placed(tree, ["p"])["not_shared_out"] == [members]


def test_a_path_that_skips_a_level_or_leaves_its_parent_is_broken() -> None:
    tree = Tree([community("p", 0, None, "ab"), community("q", 0, None, "c"), community("x", 1, "p", "ab")])
    memberships = [
        {"entity_id": entity, "community_id": c, "level": tree.rows[c]["level"]}
        for entity, of in {"a": "px", "b": "x", "c": "qx"}.items()
        for c in of
    ]
    found = hierarchy.covered(tree, ["a", "b", "c"], memberships, {"a", "b", "c"})
    assert found["broken_path"] == [False, True, True]
    assert found["places_too_many"] == [0, -1, 0]
    assert found["memberships_wrong"] == [0, 1, 1]
