"""The faults that the chain decides, by their number in the list of faults; those of a source stand with its tests."""

import os
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import corpus
from rag_assets.discovery import discover
from rag_assets.noting import alone
from resources.catalog.catalog import Catalog
from resources.catalog.stages import Stages
from resources.embedder import HashingEmbedder
from resources.errors import GraphUnavailable, IndexRefused, LeaseHeld, ModelError, SourceError
from resources.graph.sqlite import SqliteGraph
from resources.retrieval import Question, Retrieval
from resources.sources import filesystem
from resources.sources.reading import modified_of
from sensors import source_changes
from tests.chain.harness import Project
from tests.chain.snapshot import differences

TEXT = corpus.Corpus(8)
SECRET = "The Quiet Street Study belongs to Meridian Labs, and Meridian Labs belongs to Nordic Cargo."


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """One index for all: every fault is mended in the end."""
    project = Project(tmp_path_factory.mktemp("faults"), checks=False)
    project.write_all(TEXT.documents())
    project.good()
    return project


def tick(project: Project) -> str:
    """What the sensor of the source says, if it asks for no run."""
    with project.index() as index:
        found = source_changes.tick(project.instance, index, "docs")
    return "" if found.run_requests else str(found.skip_reason.skip_message)  # type: ignore[union-attr]


def texts(project: Project, question: str, *, principals: tuple[str, ...] | None = None) -> list[tuple[str, str]]:
    """(source, path) of what a search by full text finds."""
    with project.index() as index:
        (answer,) = Retrieval.of(index).search([Question(None, question)], 8, "fulltext", principals)
    return [(found["source"], found["path"]) for found in answer["results"]]


def test_fault_9_a_folder_that_lost_most_of_its_files_keeps_every_document_and_the_sensor_says_so(
    indexed: Project,
) -> None:
    before, files = indexed.snapshot(), {name: (indexed.docs / name).read_bytes() for name in indexed.names()[:5]}
    for name in files:
        indexed.delete(name)
    assert "5 deletions held until `rag approve deletes`" in tick(indexed)
    assert "5 deletions held" in tick(indexed)
    assert differences(before, indexed.snapshot()) == []
    assert indexed.search(corpus.own_name(0))["results"][0]["path"] == corpus.name_of(0)
    indexed.write_all(files)
    assert indexed.good().sources["docs"].applied.held == 0


def test_fault_13_a_pass_that_dies_between_two_writes_is_finished_by_the_next(
    indexed: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commit = Stages.commit
    for number, stage in enumerate(("documents", "chunks", "embeddings", "extractions", "graph store")):

        def dying(stages: Stages, given: Any, stage: str = stage) -> None:
            if given.stage == stage:  # its rows are written, its marks are not
                raise OSError("the machine is gone")
            commit(stages, given)

        def silent(*_given: Any, **_named: Any) -> None:
            raise GraphUnavailable("the graph store is gone")

        indexed.write(corpus.name_of(number), TEXT.text(number, version=1))
        indexed.rename(corpus.name_of(7) if not number else f"moved-{number - 1}.txt", f"moved-{number}.txt")
        with monkeypatch.context() as broken:
            broken.setattr(Stages, "commit", dying)
            if stage == "graph store":
                broken.setattr(SqliteGraph, "upsert_nodes", silent)
            assert not indexed.run().ok, stage
    indexed.good()
    assert differences(indexed.snapshot(), indexed.clean(tmp_path / "clean")) == []
    assert indexed.good().runs == []


def test_fault_14_while_the_model_is_down_the_old_version_is_served(
    indexed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_given: Any) -> None:
        raise ModelError("the embedding model does not answer.")

    indexed.write(corpus.name_of(6), TEXT.text(6, version=1))
    indexed.write("new.txt", SECRET)
    for _ in range(2):
        with monkeypatch.context() as broken:
            broken.setattr(HashingEmbedder, "encode", down)
            indexed.run()
        assert texts(indexed, corpus.own_name(6))[0] == ("docs", corpus.name_of(6))
        assert ("docs", "new.txt") not in texts(indexed, "Quiet Street Study")
    with indexed.index() as index:
        assert {letter.stage for letter in index.catalog.letters.find()} == {"embeddings"}
        index.catalog.letters.make_due(index.catalog.letters.find())
    indexed.good()
    assert texts(indexed, "Quiet Street Study")[0] == ("docs", "new.txt")
    assert "version 1" in indexed.snapshot().document(corpus.name_of(6))["text"]


def test_fault_15_of_two_looks_at_one_source_one_works_and_the_other_says_who_does(indexed: Project) -> None:
    indexed.write("new.txt", SECRET)
    with indexed.index() as index:
        before = index.catalog.items.known("docs", "").cursor
        with alone(index, "docs", "the sensor docs_changes", 0.0):
            assert "docs is being looked at by the sensor docs_changes" in tick(indexed)
            with pytest.raises(LeaseHeld, match="docs is being looked at by the sensor docs_changes"):
                discover(index, "docs", who="rag index", wait_seconds=0.0)
        assert index.catalog.items.known("docs", "").cursor == before
    assert tick(indexed) == ""


def test_fault_15_looks_at_the_same_moment_note_a_new_file_once(indexed: Project) -> None:
    for number in range(20):
        indexed.write(f"new/{number}.txt", f"{SECRET} {number}")
    start, found, errors = threading.Barrier(4), list[int](), list[Exception]()

    def look() -> None:
        with indexed.index() as index:
            start.wait()
            try:
                found.append(discover(index, "docs", who="a look", wait_seconds=30.0).new)
            except (LeaseHeld, SourceError) as error:
                errors.append(error)

    lookers = [threading.Thread(target=look) for _ in range(4)]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert (sorted(found), errors) == ([0, 0, 0, 20], [])
    with indexed.index() as index:
        paths = [document.item.path for document in index.catalog.items.documents()]
    assert len(paths) == len(set(paths)) == len(indexed.names())


def test_fault_16_a_change_that_no_attribute_shows_is_found_by_the_sample_of_a_day(
    indexed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, later = corpus.name_of(5), filesystem.time.time_ns() + 3 * 86_400_000_000_000
    indexed.good()
    indexed.set(sources={"docs": {**indexed.settings["sources"]["docs"], "rehash_days": 2}})
    indexed.write(name, TEXT.text(5, version=1))
    with indexed.index() as index:  # as if the file looked as it did before
        (document,) = [d for d in index.catalog.items.documents() if d.item.path == name]
        found = indexed.docs.joinpath(name).stat()
        version = f"{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}:{found.st_ino}:{found.st_dev}"
        settled = f'"started_ns":{filesystem.time.time_ns() + 60_000_000_000}'
        known = index.catalog.items.known("docs", "").cursor or ""
        started = f'"started_ns":{known.split(chr(34) + "started_ns" + chr(34) + ":")[1].split(",")[0]}'
        index.catalog.items.store_fetched({document.id: replace(document.item, version=version)})
        put_cursor(index.catalog, known.replace(started, settled, 1))
    assert indexed.good().runs == []
    changed = 0
    for day in range(2):  # every file within two days
        monkeypatch.setattr(filesystem.time, "time_ns", lambda day=day: later + day * 86_400_000_000_000)
        changed += indexed.good().sources["docs"].applied.changed
    assert changed == 1
    assert "version 1" in indexed.snapshot().document(name)["text"]


def put_cursor(catalog: Catalog, cursor: str) -> None:
    with catalog.database.begin() as connection:
        connection.exec_driver_sql("UPDATE cursors SET cursor = ?", (cursor,))


def test_fault_17_what_changes_between_the_look_and_the_run_is_never_half_indexed(indexed: Project) -> None:
    for number in (3, 4, 5, 6):
        indexed.write(corpus.name_of(number), TEXT.text(number, version=3))
    with indexed.index() as index:
        discover(index, "docs")
    indexed.write(corpus.name_of(3), TEXT.text(3, version=4))
    os.utime(indexed.docs / corpus.name_of(6), (2_000_000_000, 2_000_000_000))
    indexed.delete(corpus.name_of(4))
    indexed.rename(corpus.name_of(5), "renamed.txt")
    assert indexed.materialize("ingest").success
    indexed.good()
    found = indexed.snapshot()
    assert set(found.paths()) == set(indexed.names())
    assert "version 4" in found.document(corpus.name_of(3))["text"]
    assert "version 3" in found.document("renamed.txt")["text"]
    times = {path: found.document(path)["modified_at"] for path in found.paths()}
    assert times == {name: modified_of(os.stat(indexed.docs / name)) for name in indexed.names()}
    assert times[corpus.name_of(6)] == "2033-05-18T03:33:20Z"


NAMES = (
    "o'brien's \"quoted\" note.md", "'; DROP TABLE items; --.md", "x' OR '1'='1.md", "line\nbreak.md", "$(rm -rf).md",
    "tab\there.md", "a..%2f..%2fetc.md", "back\\slash.md", "{n: 1}) RETURN n.md", "naïve.md", "nai\u0308ve.md",
    "Case.md", "case.md", "😀 名前.md", "a" * 250 + ".md",
)  # fmt: skip


def test_fault_19_every_name_is_one_document_through_the_chain_and_goes_alone(indexed: Project) -> None:
    for number, name in enumerate(NAMES):
        indexed.write(name, f"Number {number} is about the Odd{number:03d} Charter, which Meridian Labs signed.")
    raw = indexed.docs / b"undecodable-\xff.md".decode("utf-8", "surrogateescape")
    raw.write_text(f"Number {len(NAMES)} is about the Odd{len(NAMES):03d} Charter, which Meridian Labs signed.")
    indexed.good()
    paths = {texts(indexed, f"Odd{number:03d} Charter")[0][1] for number in range(len(NAMES) + 1)}
    assert len(paths) == len(NAMES) + 1
    assert "'; DROP TABLE items; --.md" in paths
    indexed.delete("x' OR '1'='1.md")
    assert indexed.good().assets["documents"].rows_removed == 1
    left = {row["path"] for row in indexed.snapshot().tables["documents"]}
    assert paths - left == {"x' OR '1'='1.md"}


def test_fault_26_of_two_documents_of_one_content_each_is_found_by_whom_may_read_it_and_goes_alone(
    tmp_path: Path,
) -> None:
    project = Project(tmp_path, checks=False)
    own = project.settings["sources"]["docs"]
    board = {**own, "path": "board", "read": ["group:board"]}
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "study.txt").write_text(SECRET)
    project.write("study.txt", SECRET)
    project.write("copy.txt", SECRET)
    project.set(sources={"docs": own, "board": board})
    project.good()
    asked, everyone, member = "Quiet Street Study", ("user:guest",), ("group:board",)
    assert set(texts(project, asked, principals=everyone)) == {("docs", "study.txt"), ("docs", "copy.txt")}
    assert ("board", "study.txt") in texts(project, asked, principals=member)
    project.delete("study.txt")
    project.good()
    assert texts(project, asked, principals=everyone) == [("docs", "copy.txt")]
    (tmp_path / "board" / "study.txt").unlink()
    project.good(approve=True)
    assert texts(project, asked) == [("docs", "copy.txt")]
    project.set(sources={"docs": {**own, "read": ["group:board"]}, "board": board})
    project.run()
    assert texts(project, asked, principals=everyone) == []
    assert texts(project, asked, principals=member) == [("docs", "copy.txt")]


def test_fault_30_a_catalog_of_a_newer_release_is_refused_by_name_and_nothing_is_lost(indexed: Project) -> None:
    before = indexed.snapshot()
    with indexed.index() as index:
        ours = index.catalog.get("schema") or ""
        index.catalog.put("schema", "99")
    assert "the catalog was written by a newer release (schema 99" in tick(indexed)
    with pytest.raises(IndexRefused, match="schema 99"):
        indexed.run()
    with closing(sqlite3.connect(indexed.home / "var" / "catalog.db")) as connection, connection:
        connection.execute("UPDATE meta SET value = ? WHERE key = 'schema'", (ours,))
    assert differences(before, indexed.snapshot()) == []
    assert indexed.good().runs == []


def test_fault_30_a_catalog_that_is_damaged_is_named_and_nothing_is_written_over(indexed: Project) -> None:
    before, file = indexed.snapshot(), indexed.home / "var" / "catalog.db"
    kept = {path: path.read_bytes() for path in file.parent.glob("catalog.db*")}
    for path in kept:
        path.unlink()
    file.write_bytes(b"no database" * 500)
    assert "cannot be used" in tick(indexed)
    assert file.read_bytes() == b"no database" * 500
    for path, content in kept.items():
        path.write_bytes(content)
    assert differences(before, indexed.snapshot()) == []
    assert indexed.good().runs == []


@pytest.mark.parametrize(("cursor", "said"), [('{"v": 99}', "version 99"), ("{", "damaged")])
def test_fault_30_a_cursor_that_cannot_be_read_is_refused_by_name_and_deletes_nothing(
    indexed: Project, cursor: str, said: str
) -> None:
    before = indexed.snapshot()
    with indexed.index() as index:
        good = index.catalog.items.known("docs", "").cursor or ""
        put_cursor(index.catalog, cursor)
    assert said in tick(indexed)
    assert said in str(indexed.run().sources["docs"].error)
    with indexed.index() as index:
        assert index.catalog.items.known("docs", "").cursor == cursor
        put_cursor(index.catalog, good)
    assert differences(before, indexed.snapshot()) == []
    assert indexed.good().runs == []
