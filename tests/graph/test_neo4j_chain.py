"""The whole chain with its graph in Neo4j: it ends where the embedded graph ends, whatever happens to the server."""

import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from benchmarks.corpus import Corpus, name_of
from rag_assets import doctor, graph_rows
from rag_assets.rebuild import rebuild_graph, tidy_graph
from rag_assets.status import failed, retry
from resources.graph import EdgeKind, NodeKind
from resources.graph.neo4j import Neo4jGraph
from resources.graph.parity import differences as graph_differences
from resources.graph.sharded import ShardedGraph
from tests.chain.days import Days
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import differences
from tests.chain.test_chain_kill import end_of, start_pass
from tests.graph.conftest import PASSWORD
from tests.graph.server.neo4j_server import Neo4jServer
from tests.graph.server.old_server import old_server

SMALL = {"max_tokens": 64, "min_tokens": 16}
SEQUENCES = 40 if LONG else 1
MakeProject = Callable[..., Project]


@pytest.fixture
def project(tmp_path: Path, neo4j_graph: Neo4jGraph) -> Iterator[MakeProject]:
    """A project whose graph is in the first server, which is empty."""

    def make(name: str = "lived", *, checks: bool = False, **graph: Any) -> Project:
        settings = neo4j_graph.connection.settings
        neo4j = {"uri": settings.uri, "retry_seconds": 1.0, **graph}
        if settings.password:
            neo4j["password"] = settings.password
        return Project(tmp_path / name, checks=checks, chunks=SMALL, graph={"store": "neo4j", "neo4j": neo4j})

    return make


def two_servers(project: Project, server: Neo4jServer, **other: Any) -> dict[str, Any]:
    """The settings of a graph over both servers."""
    first = project.settings["graph"]["neo4j"]
    a = {"name": "a", **{key: first[key] for key in ("uri", "password") if key in first}}
    b = {"name": "b", "uri": server.uri, "password": PASSWORD, **other}
    return {"store": "neo4j", "neo4j": {"servers": [a, b], "retry_seconds": 1.0}}


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_any_sequence_of_edits_ends_where_a_clean_build_with_an_embedded_graph_ends(
    tmp_path: Path, project: MakeProject, seed: int
):
    lived = project()
    days = Days(lived, seed)
    days.morning(8)
    lived.good()
    for _ in range(3 if LONG else 2):
        for _ in range(6):
            days.act()
        lived.good(approve=True)
    assert differences(lived.snapshot(), lived.clean(tmp_path / "clean")) == [], days.done


def test_one_edited_of_two_hundred_documents_is_at_most_twelve_requests_with_all_checks(project: MakeProject):
    lived, corpus = project(checks=True), Corpus(200)
    lived.set(chunks={"max_tokens": 512})
    lived.write_all(corpus.documents())
    lived.good()
    lived.write(name_of(41), corpus.text(41, version=1))
    with lived.index() as index:
        before = index.graph.traffic.requests
        outcome = lived.good()
        assert before == 0
    assert outcome.assets["entity_graph"].rows_written > 0
    found = [_metadata(lived, asset) for asset in ("entity_graph", "communities", "community_reports")]
    by_assets = sum(one["graph_requests"] for one in found)
    # what the last asset says is what it added; both suites ask once more
    assert 0 < by_assets + 2 <= 12
    for one in found:
        assert (one["neo4j_pool_timed_out"], one["graph_retries"], one["graph_set_aside"]) == (0, 0, 0)
        assert one["neo4j_pool_peak"] <= 16
    assert found[-1]["graph_backlog"] == found[-1]["graph_behind_seconds"] == 0


def _metadata(project: Project, asset: str) -> dict[str, Any]:
    event = project.instance.get_latest_materialization_event(dg.AssetKey(asset))
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_the_store_moves_to_neo4j_and_back_by_one_setting(project: MakeProject, neo4j_graph: Neo4jGraph):
    moving = project()
    graph = moving.settings["graph"]
    moving.set(graph={**graph, "store": "sqlite"})
    Days(moving, 5).morning(8)
    moving.good()
    assert sum(neo4j_graph.stats().values()) == 0
    moving.set(graph=graph)
    moving.good()
    moving.snapshot()
    assert neo4j_graph.stats()[NodeKind.DOCUMENT] == 8
    assert moving.good().runs == []
    assert _raw(neo4j_graph, "MATCH (n) WHERE n.id <> 'schema' AND n.acl_id IS NULL RETURN count(n)") == [(0,)]
    assert _raw(neo4j_graph, "MATCH (n:Chunk) WHERE n.text IS NOT NULL RETURN count(n)") == [(0,)]
    moving.set(graph={**graph, "texts": True})
    moving.good()
    moving.snapshot()
    assert _raw(neo4j_graph, "MATCH (n:Chunk) WHERE n.text IS NULL RETURN count(n)") == [(0,)]


def _raw(graph: Neo4jGraph, statement: str) -> list[tuple[Any, ...]]:
    return graph.connection.transact("a test", lambda run: run(statement, {}))


def test_a_server_killed_in_the_middle_of_a_pass_is_waited_for(tmp_path: Path, server: Neo4jServer, reach: Any):
    watching = reach(retry_seconds=60.0)
    watching.clear()
    neo4j = {"uri": server.uri, "password": PASSWORD, "retry_seconds": 100.0, "batch_size": 40}
    lived = Project(tmp_path / "lived", checks=False, chunks=SMALL, graph={"store": "neo4j", "neo4j": neo4j})
    Days(lived, 7).morning(8)
    with lived.index() as index:
        # the pass shares the driver of this process, so its requests are counted by the pool
        killer = threading.Thread(target=_kill_when, args=(server, index.graph))
        killer.start()
        outcome = lived.run()
        killer.join()
    assert outcome.ok, outcome.as_dict()
    assert differences(lived.snapshot(), lived.clean(tmp_path / "clean")) == []
    assert lived.good().runs == []


@pytest.mark.parametrize("seed", range(20 if LONG else 1))
def test_a_pass_that_was_killed_is_finished_by_the_next_one_on_neo4j(tmp_path: Path, project: MakeProject, seed: int):
    rng = random.Random(seed)
    lived = project()
    days = Days(lived, 500 + seed)
    days.morning(8)
    if seed % 2:
        lived.good()
        for _ in range(6):
            days.act()
    for _ in range(2 if LONG else 1):
        # the graph's writes are the last third of a first pass
        writes = rng.randint(1, 180) if LONG else 75
        code = end_of(start_pass(lived, writes), 200.0)
        days.done.append(f"killed at write {writes}: {code}")
    lived.good(approve=True)
    assert differences(lived.snapshot(), lived.clean(tmp_path / "clean")) == [], days.done
    assert lived.good().runs == [], days.done


def _kill_when(server: Neo4jServer, graph: Neo4jGraph) -> None:
    while graph.connection.gate.counts().acquired < 12:
        threading.Event().wait(0.002)
    server.kill()
    server.start()


def test_a_row_that_the_store_refuses_is_set_aside_and_comes_back_with_retry(
    project: MakeProject, monkeypatch: pytest.MonkeyPatch
):
    lived = project(checks=True)
    Days(lived, 9).morning(6)
    related = graph_rows.related

    def poisoned(rows: Any) -> list[dict[str, Any]]:
        found = related(rows)
        if found:
            found[0]["weight"] = float("nan")
        return found

    monkeypatch.setattr(graph_rows, "related", poisoned)
    outcome = lived.run()
    monkeypatch.undo()
    assert outcome.assets["entity_graph"].rows_failed == 1
    with lived.index() as index:
        (letter,) = failed(index)
        assert letter["stage"] == "graph_store"
        assert "has the weight nan; a weight is a finite number" in letter["error"]
        tables = graph_rows.tables_of(index)
        (difference,) = graph_differences(index.graph, {EdgeKind.RELATED: tables[EdgeKind.RELATED]})
        assert len(difference.missing) == 1
        assert retry(index, ()) == 1
    lived.good()
    lived.snapshot()
    with lived.index() as index:
        assert failed(index) == []
    assert lived.good().runs == []


def test_writes_for_a_server_that_is_away_wait_and_the_other_gets_its_own(
    project: MakeProject, server: Neo4jServer, reach: Any
):
    reach().clear()
    lived = project()
    both = two_servers(lived, server)
    lived.set(graph=two_servers(lived, server, uri="bolt://127.0.0.1:1"))
    Days(lived, 11).morning(6)
    outcome = lived.run()
    (error,) = outcome.errors
    assert "server b of the graph did not take its part, 1 others did" in error
    with lived.index() as index:
        assert isinstance(index.graph, ShardedGraph)
        written = index.graph.stores["a"].stats()
        assert written[NodeKind.ENTITY] > 0
        assert written[NodeKind.DOCUMENT] > 0
        (finding,) = [f for f in doctor.examine(index) if f.part == "graph store"]
        assert finding.health == "unhealthy"
        assert "server b of the graph, 1 others are well" in finding.detail
    lived.set(graph=both)
    lived.good()
    lived.snapshot()


def test_a_server_is_added_while_the_old_one_serves(project: MakeProject, server: Neo4jServer, reach: Any):
    reach().clear()
    lived = project()
    Days(lived, 13).morning(8)
    lived.good()
    with lived.index() as old:
        before = old.graph.stats()
        assert isinstance(old.graph, Neo4jGraph)
        lived.set(graph=two_servers(lived, server))
        with lived.index() as new:
            rows = rebuild_graph(new, "a test", moved=True)
            assert rows == {str(kind): count for kind, count in before.items()}
            assert new.graph.traffic.rows_written < 2 * sum(before.values())
            tables = graph_rows.tables_of(old)
            assert [d for d in graph_differences(old.graph, tables) if d.missing or d.changed] == []
            assert lived.good().runs == []
            assert tidy_graph(new, "a test") > 0
            assert graph_differences(new.graph, tables) == []
    lived.snapshot()


def test_what_is_wrong_with_the_server_is_one_sentence_in_the_run_and_the_doctor(
    tmp_path: Path, server: Neo4jServer, reach: Any
):
    reach().clear()
    lived = Project(tmp_path / "lived", checks=False)
    Days(lived, 15).morning(3)
    with old_server((5, 4), "Neo4j/5.20.0") as old:
        for wrong, sentence in (
            ({"database": "nowhere"}, "has no such database; correct graph.neo4j.database"),
            ({"password": "wrong-and-secret"}, "refuses the user or the password; check graph.neo4j.user and password"),
            ({"uri": "bolt://127.0.0.1:1"}, "Start the server, or correct graph.neo4j.uri"),
            ({"uri": old}, "is Neo4j/5.20.0; the graph store needs Neo4j 5.26 or newer: upgrade the server"),
        ):
            neo4j = {"uri": server.uri, "password": PASSWORD, "retry_seconds": 0.5, **wrong}
            lived.set(graph={"store": "neo4j", "neo4j": neo4j})
            _refused(lived, sentence)
    assert sum(reach().stats().values()) == 0


def test_a_server_that_is_read_only_or_full_is_said_and_lacks_nothing_when_it_can_write_again(
    tmp_path: Path, server: Neo4jServer, reach: Any
):
    reach().clear()
    neo4j = {"uri": server.uri, "password": PASSWORD, "retry_seconds": 0.5}
    lived = Project(tmp_path / "lived", checks=False, graph={"store": "neo4j", "neo4j": neo4j})
    days = Days(lived, 17)
    days.morning(3)
    lived.good()
    before = reach().stats()
    days.act()
    server.restart("server.databases.read_only=neo4j")
    _refused(lived, "holds the database read-only; make it writable (server.databases.read_only)")
    assert reach().stats() == before
    server.stop()
    server.start()
    server.fill_disk()
    _refused(lived, "its log says why (a full disk does this): make room, then start the server again")
    server.kill()
    server.start()
    assert reach().stats() == before
    lived.good()
    assert differences(lived.snapshot(), lived.clean(tmp_path / "clean")) == [], days.done


def _refused(project: Project, sentence: str) -> None:
    """A pass and the doctor say the sentence, and no password."""
    outcome = project.run()
    assert sentence in " ".join(outcome.errors)
    with project.index() as index:
        (finding,) = [f for f in doctor.examine(index) if f.part == "graph store"]
    assert finding.health == "unhealthy"
    assert sentence in finding.detail
    assert "secret" not in finding.detail
