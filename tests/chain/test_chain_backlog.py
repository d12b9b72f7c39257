"""How waiting changes are worked off: in groups and batches, no more than can be, one bad document at a time."""

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import corpus
from rag_assets import chunks as chunks_asset
from rag_assets.discovery import discover
from rag_assets.poison import MOST_TRIES
from rag_assets.status import retry
from resources.catalog.stages import Stages
from resources.errors import SourceMissing
from resources.parser import Parser
from resources.sources.filesystem import FilesystemSource
from sensors import source_changes
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import differences

TEXT = corpus.Corpus(8)
FOLDER = 10_000 if LONG else 300
"""Documents below the folder that is renamed."""


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "home", checks=False)


def test_a_renamed_folder_costs_no_model_call_and_all_paths_are_right(project: Project) -> None:
    for number in range(FOLDER):
        project.write(f"old name/{number % 17}/{number:05d}.txt", f"Note {number} is by the Only{number:05d} Charter.")
    project.write("beside.txt", "Something beside.")
    project.good()
    before = {row["path"]: row["id"] for row in project.snapshot(sound=not LONG).tables["documents"]}
    project.rename("old name", "new/name")
    with project.counted() as asked:
        outcome = project.good()
    assert (asked["embedded"], asked["extracted"], outcome.sources["docs"].applied.moved) == (0, 0, FOLDER)
    found = project.snapshot(sound=not LONG)
    moved = {path.replace("old name/", "new/name/"): document for path, document in before.items()}
    assert {row["path"]: row["id"] for row in found.tables["documents"]} == moved
    assert all(row["uri"] == (project.docs / row["path"]).as_uri() for row in found.tables["documents"])
    hit = project.search("Only00003 Charter", "fulltext")["results"][0]
    assert (hit["path"], hit["uri"]) == ("new/name/3/00003.txt", (project.docs / "new/name/3/00003.txt").as_uri())
    assert project.good().runs == []


def test_a_document_that_went_before_the_first_run_leaves_nothing_to_do(project: Project) -> None:
    project.write_all(TEXT.documents())
    with project.index() as index:
        discover(index, "docs")
    project.delete(corpus.name_of(3))
    project.good(approve=True)
    assert corpus.name_of(3) not in project.snapshot().paths()
    assert project.good().runs == []


def test_no_more_is_noted_than_can_be_worked_off_and_in_the_end_all_is_there(project: Project) -> None:
    project.set(changes={"backlog": 3})
    project.write_all(TEXT.documents())
    with project.index() as index:
        first = source_changes.tick(project.instance, index, "docs")
        assert first.run_requests
        full = source_changes.tick(project.instance, index, "docs")
        assert sum(count for count, _ in index.catalog.items.waiting().values()) == 3
    assert full.run_requests
    outcome = project.good()
    assert len(outcome.runs) >= 3
    assert outcome.sources["docs"].applied.new == 5
    assert "3 documents wait; no more are looked for" in " ".join(outcome.sources["docs"].applied.notes)
    assert project.snapshot().paths() == sorted(TEXT.documents())


@pytest.mark.parametrize("changes", [{"batch_size": 3}, {"batch_seconds": 0.000_001}], ids=["size", "seconds"])
def test_changes_are_committed_batch_by_batch(
    project: Project, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any]
) -> None:
    project.set(changes=changes)
    project.write_all(TEXT.documents())
    commit, batches = Stages.commit, list[int]()

    def counted(stages: Stages, given: Any) -> None:
        if given.stage == "documents":
            batches.append(len(given.marks))
        commit(stages, given)

    monkeypatch.setattr(Stages, "commit", counted)
    project.good()
    assert batches == ([3, 3, 2] if "batch_size" in changes else [1] * 8)
    assert project.snapshot().paths() == sorted(TEXT.documents())


def test_a_listing_that_is_cut_goes_on_after_a_restart_from_where_it_was(project: Project) -> None:
    project.set(changes={"batch_seconds": 0.000_001})
    project.write_all({f"{number % 3}/{name}": text for number, (name, text) in enumerate(TEXT.documents().items())})
    ticks, noted = 0, 0
    while True:
        with project.index() as index:  # each as after a restart
            noted += discover(index, "docs", seconds=0.0).new
            cursor = json.loads(index.catalog.items.known("docs", "").cursor or "{}")
        ticks += 1
        if cursor["listing"] is None:
            break
    assert noted == 8
    assert ticks >= 8
    project.good()
    assert project.snapshot().paths() == project.names()


def test_what_cannot_be_read_now_holds_up_no_deletion_and_no_rename(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.write_all(TEXT.documents())
    project.good()
    project.delete(corpus.name_of(0))
    project.rename(corpus.name_of(1), "renamed.txt")
    project.write(corpus.name_of(2), TEXT.text(2, version=1))

    def gone(*_given: Any) -> None:
        raise SourceMissing("docs: the folder is not there.")

    with monkeypatch.context() as broken:
        broken.setattr(FilesystemSource, "fetch", gone)
        assert "the folder is not there" in str(project.run().sources["docs"].error)
    found = project.snapshot(sound=False)
    assert corpus.name_of(0) not in found.paths()
    assert "renamed.txt" in found.paths()
    assert "version 0" in found.document(corpus.name_of(2))["text"]
    project.good()
    assert differences(project.snapshot(), project.clean(tmp_path / "clean")) == []


def test_a_document_that_nothing_can_work_on_is_set_aside_in_its_stage_and_stops_no_other(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project.write_all(TEXT.documents())
    split, parse = chunks_asset.chunking.split, Parser.parse_many

    def choke(document: str, title: Any, text: str, *rest: Any) -> Any:
        if corpus.own_name(3) in text:
            raise KeyError(text)
        return split(document, title, text, *rest)

    def choke_on_bytes(parser: Parser, jobs: Any) -> Any:
        for key, path, name in jobs:
            if name == corpus.name_of(5):
                raise ValueError(path.read_text())
            yield from parse(parser, [(key, path, name)])

    with monkeypatch.context() as broken:
        broken.setattr(chunks_asset.chunking, "split", choke)
        broken.setattr(Parser, "parse_many", choke_on_bytes)
        outcome = project.run()
        assert (outcome.assets["documents"].rows_failed, outcome.assets["chunks"].rows_failed) == (1, 1)
        with project.index() as index:
            letters = {letter.stage: letter for letter in index.catalog.letters.find()}
            assert set(letters) == {"documents", "chunks"}
            assert letters["chunks"].error.startswith("poison: KeyError at test_chain_backlog.py:")
            assert not any("Charter" in letter.error for letter in letters.values())
            for _ in range(MOST_TRIES):
                index.catalog.letters.make_due([x for x in index.catalog.letters.find() if x.due is not None])
                project.run()
            dead = index.catalog.letters.find()
            assert {(letter.tries, letter.due) for letter in dead} == {(MOST_TRIES, None)}
        assert project.run().runs == []
    found = project.snapshot(sound=False)
    assert sorted(found.paths()) == sorted(set(TEXT.documents()) - {corpus.name_of(5)})
    assert {row["document_id"] for row in found.tables["embeddings"]} == {
        row["id"] for row in found.tables["documents"] if row["path"] != corpus.name_of(3)
    }
    with project.index() as index:
        assert retry(index, ()) == 2
    project.good()
    assert differences(project.snapshot(), project.clean(tmp_path / "clean")) == []
