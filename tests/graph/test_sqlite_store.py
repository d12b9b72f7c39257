"""What the embedded store promises beyond the contract: crashes, several processes, small writes, refusals."""

import os
import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from resources.errors import GraphError, IndexRefused
from resources.graph import EdgeKind, NodeKind, SqliteGraph
from resources.graph.parity import differences
from tests.graph.company import company, edge, fill, random_graph, tables

WRITER = """
import sys
from resources.graph import EdgeKind, NodeKind, SqliteGraph
path, name = sys.argv[1:]
graph, batch = SqliteGraph(path), 0
while True:
    ids = [f"{name}-{batch}-{i}" for i in range(200)]
    graph.upsert_nodes(NodeKind.ENTITY, [{"id": i, "name": "n" * 50} for i in ids])
    edges = [{"id": a + b, "source": a, "target": b, "weight": 1.0} for a, b in zip(ids, ids[1:])]
    graph.upsert_edges(EdgeKind.RELATED, edges)
    print(batch, flush=True)
    batch += 1
"""


def start_writer(path: Path, name: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, str(path), name]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": "."})


def integrity(path: Path) -> str:
    with sqlite3.connect(path) as db:
        answer: str = db.execute("PRAGMA integrity_check").fetchone()[0]
    db.close()
    return answer


def test_a_killed_writer_loses_nothing_that_was_acknowledged(tmp_path: Path):
    path = tmp_path / "graph.db"
    acknowledged = {}
    for cycle in range(3):
        names = [f"w{cycle}a", f"w{cycle}b"]
        writers = {name: start_writer(path, name) for name in names}
        for name, writer in writers.items():
            assert writer.stdout
            for _ in range(4 + 3 * cycle):
                acknowledged[name] = int(writer.stdout.readline())
        for writer in writers.values():
            writer.send_signal(signal.SIGKILL)
        for writer in writers.values():
            writer.communicate()
    with SqliteGraph(path) as graph:
        for name, last in acknowledged.items():
            ids = [f"{name}-{batch}-{i}" for batch in range(last + 1) for i in range(200)]
            assert len(graph.read_nodes(NodeKind.ENTITY, ids)) == len(ids)
            assert len(graph.read_edges(EdgeKind.RELATED, ids)) == 199 * (last + 1)
    assert integrity(path) == "ok"


def test_threads_and_a_second_store_write_and_read_together(tmp_path: Path):
    first, second = SqliteGraph(tmp_path / "graph.db"), SqliteGraph(tmp_path / "graph.db")

    def work(graph: SqliteGraph, name: str) -> None:
        for i in range(20):
            graph.upsert_nodes(NodeKind.ENTITY, [{"id": f"{name}{i}"}, {"id": "shared", "by": name}])
            assert graph.read_nodes(NodeKind.ENTITY, [f"{name}{i}", "shared"])

    threads = [
        threading.Thread(target=work, args=(graph, n))
        for graph in (first, second)
        for n in (f"{id(graph)}a", f"{id(graph)}b")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert second.stats()[NodeKind.ENTITY] == 81
    first.close()
    second.close()
    assert integrity(tmp_path / "graph.db") == "ok"


def test_a_failed_step_leaves_the_store_as_it_was(tmp_path: Path):
    with SqliteGraph(tmp_path / "graph.db") as graph:
        fill(graph, company())

        def rows():
            yield edge("e0", "e3")
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            graph.upsert_edges(EdgeKind.RELATED, rows())
        assert differences(graph, tables(company())) == []


def test_a_small_change_writes_few_bytes(tmp_path: Path):
    graph = random_graph(2_000, 20_000)
    with SqliteGraph(tmp_path / "graph.db") as store:
        fill(store, graph)
    full = (tmp_path / "graph.db").stat().st_size
    edges = graph[EdgeKind.RELATED][5_000:5_020]
    with SqliteGraph(tmp_path / "graph.db") as store:
        store.upsert_edges(EdgeKind.RELATED, [{**row, "weight": 0.5} for row in edges])
        log = (tmp_path / "graph.db-wal").stat().st_size
    assert log < full / 40


def test_closing_leaves_one_file_and_no_log(tmp_path: Path):
    with SqliteGraph(tmp_path / "graph.db") as store:
        fill(store, company())
    assert {path.name for path in tmp_path.iterdir()} == {"graph.db", "graph.db.lock"}


def test_opening_and_reading_writes_nothing(tmp_path: Path):
    with SqliteGraph(tmp_path / "graph.db") as store:
        fill(store, company())
    before = (tmp_path / "graph.db").stat()
    with SqliteGraph(tmp_path / "graph.db") as store:
        assert store.read_nodes(NodeKind.ENTITY, ["e0"])
        assert fill(store, company()) == 0
    after = (tmp_path / "graph.db").stat()
    assert (before.st_size, before.st_mtime_ns) == (after.st_size, after.st_mtime_ns)


def test_a_file_that_was_made_before_rows_were_counted_is_counted(tmp_path: Path):
    path = tmp_path / "graph.db"
    with SqliteGraph(path) as store:
        fill(store, company())
        stats = store.stats()
    with sqlite3.connect(path) as db:
        db.execute("DROP TABLE counted")
        for part in ("node", "edge"):
            db.execute(f"DROP TRIGGER {part}_came")
            db.execute(f"DROP TRIGGER {part}_went")
    db.close()
    with SqliteGraph(path) as store:
        assert store.stats() == stats  # nothing has been written yet
        store.delete_nodes(NodeKind.ENTITY, ["e0"])
        store.upsert_nodes(NodeKind.ENTITY, [{"id": "e0"}, {"id": "new"}])
        assert store.stats()[NodeKind.ENTITY] == stats[NodeKind.ENTITY] + 1
        assert store.stats()[EdgeKind.RELATED] < stats[EdgeKind.RELATED]
    with sqlite3.connect(path) as db:
        kept = dict(db.execute("SELECT kind, rows FROM counted WHERE part = 'edge' AND rows > 0"))
        assert kept == dict(db.execute("SELECT kind, count(*) FROM edge GROUP BY kind"))
    db.close()


def test_a_newer_schema_is_refused(tmp_path: Path):
    SqliteGraph(tmp_path / "graph.db").close()
    with sqlite3.connect(tmp_path / "graph.db") as db:
        db.execute("UPDATE meta SET value = 99")
    db.close()
    with pytest.raises(IndexRefused, match="has the graph schema 99, this release reads 1"):
        SqliteGraph(tmp_path / "graph.db")


@pytest.mark.parametrize("content", [b"this is no database" * 100, b"SQLite format 3\x00" + b"\x00" * 5000])
def test_a_file_that_is_no_graph_store_is_refused_by_name(tmp_path: Path, content: bytes):
    path = tmp_path / "graph.db"
    path.write_bytes(content)
    with pytest.raises(IndexRefused, match=r"graph\.db .* run rag rebuild graph"):
        SqliteGraph(path)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path: Path):
    with sqlite3.connect(tmp_path / "graph.db") as db:
        db.execute("CREATE TABLE theirs (a)")
    db.close()
    with pytest.raises(IndexRefused, match="no graph store of rag-assets"):
        SqliteGraph(tmp_path / "graph.db")


def test_a_closed_store_says_so(tmp_path: Path):
    store = SqliteGraph(tmp_path / "graph.db")
    store.close()
    store.close()
    with pytest.raises(GraphError, match="has been closed"):
        store.stats()
    with pytest.raises(GraphError, match="has been closed"):
        store.upsert_nodes(NodeKind.ENTITY, [{"id": "a"}])


def test_threads_that_have_ended_leave_no_connection_behind(tmp_path: Path):
    path = tmp_path / "graph.db"
    with SqliteGraph(path) as graph:
        graph.upsert_nodes(NodeKind.ENTITY, [{"id": "a"}])
        for _ in range(20):
            thread = threading.Thread(target=graph.read_nodes, args=(NodeKind.ENTITY, ["a"]))
            thread.start()
            thread.join()
        assert 0 < sum(link.readlink() == path for link in open_files()) <= 2  # one writer, one reader


def open_files() -> list[Path]:
    return [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
