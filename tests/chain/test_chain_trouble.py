"""What must not cost a document: a vanished folder, a file that cannot be read, two passes at once, a full disk."""

import errno
import json
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from benchmarks import corpus
from resources.errors import LeaseHeld
from resources.sources import reading, scan
from tests.chain.harness import Project
from tests.chain.snapshot import Snapshot, differences

TEXT = corpus.Corpus(12)


@pytest.fixture
def indexed(tmp_path: Path) -> Project:
    project = Project(tmp_path, checks=False)
    project.write_all(TEXT.documents())
    project.good()
    return project


def _same(before: Snapshot, after: Snapshot) -> None:
    assert differences(before, after) == []
    assert before.tables["communities"] == after.tables["communities"]


def test_a_missing_root_is_an_error_that_keeps_every_document(indexed: Project) -> None:
    before = indexed.snapshot()
    indexed.docs.rename(indexed.home / "elsewhere")
    outcome = indexed.run()
    assert not outcome.ok
    assert "docs is not there; nothing was changed" in str(outcome.sources["docs"].error)
    assert outcome.runs == []
    _same(before, indexed.snapshot())
    assert indexed.search(corpus.own_name(3))["results"][0]["path"] == corpus.name_of(3)
    (indexed.home / "elsewhere").rename(indexed.docs)
    assert indexed.good().runs == []


def test_an_emptied_root_is_an_error_that_keeps_every_document_until_a_person_approves(indexed: Project) -> None:
    before = indexed.snapshot()
    for name in indexed.names():
        indexed.delete(name)
    outcome = indexed.run()
    assert (outcome.sources["docs"].applied.held, outcome.sources["docs"].applied.removed) == (12, 0)
    assert not outcome.ok
    assert "docs is empty; its 12 documents are kept" in str(outcome.sources["docs"].error)
    _same(before, indexed.snapshot())
    assert indexed.rag("status")["sources"]["docs"]["held_deletes"] == 12
    assert indexed.rag("approve", "deletes", "docs") == {"source": "docs", "approved": 12}
    outcome = indexed.good()
    assert (outcome.sources["docs"].applied.removed, outcome.assets["documents"].rows_removed) == (12, 12)
    after = indexed.snapshot()
    assert {name: len(rows) for name, rows in after.tables.items() if rows} == {}
    assert {kind: rows for kind, rows in after.graph.items() if rows} == {}


def test_more_deletions_than_a_fifth_are_held_and_what_comes_back_is_simply_there(indexed: Project) -> None:
    before = indexed.snapshot()
    texts = {name: (indexed.docs / name).read_bytes() for name in indexed.names()[:3]}
    for name in texts:
        indexed.delete(name)
    indexed.write("new.txt", "Something else happens at Nordwind AS.")
    outcome = indexed.good()
    assert (outcome.sources["docs"].applied.held, outcome.sources["docs"].applied.new) == (3, 1)
    assert set(before.paths()) < set(indexed.snapshot().paths())
    indexed.write_all(texts)
    assert indexed.good().sources["docs"].applied.held == 0
    assert set(indexed.snapshot().paths()) == {*before.paths(), "new.txt"}
    indexed.delete(corpus.name_of(0))  # one of thirteen needs nobody
    assert indexed.good().sources["docs"].applied.removed == 1


def test_a_file_that_cannot_be_read_is_kept_as_it_was_and_reported(
    indexed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = indexed.snapshot()
    name = corpus.name_of(4)
    indexed.write(name, TEXT.text(4, version=1))
    whole = reading.hash_stable

    def refuse(file: str, *rest: Any) -> reading.Hashed:
        if Path(file).name == name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return whole(file, *rest)

    with monkeypatch.context() as locked:
        locked.setattr(scan, "hash_stable", refuse)
        locked.setattr("resources.sources.filesystem.hash_stable", refuse)
        outcome = indexed.run()
        said = json.dumps(outcome.as_dict()) + json.dumps(indexed.rag("failed"))
        assert name in said, "the pass must say which file it could not read"
    _same(before, indexed.snapshot(sound=False))
    assert indexed.search(corpus.own_name(4))["results"][0]["path"] == name
    indexed.good()
    assert "version 1" in indexed.snapshot().document(name)["text"]


def test_a_root_that_moved_shows_its_new_place_everywhere_and_embeds_nothing(indexed: Project, tmp_path: Path) -> None:
    indexed.docs.rename(indexed.home / "moved")
    indexed.docs = indexed.home / "moved"
    indexed.set(sources={"docs": {"type": "filesystem", "path": "moved"}})
    with indexed.counted() as asked:
        indexed.good()
    assert not asked
    hit = indexed.search(corpus.own_name(3), "fulltext")["results"][0]
    assert hit["uri"] == (indexed.docs / corpus.name_of(3)).as_uri()
    assert differences(indexed.snapshot(), indexed.clean(tmp_path / "clean")) == []


HOLD = """
import sys
from pathlib import Path
from resources.index import Index
index = Index.load(Path("rag.yaml"))
with index.catalog.leases.hold(["docs"], "run 2f1c of the test"):
    print("holding", flush=True)
    sys.stdin.readline()
"""


def test_a_second_pass_waits_or_says_who_works_on_the_partition(
    indexed: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    from resources.catalog.leases import Leases

    holder = indexed.start("-c", HOLD, stdin=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "holding\n"
    indexed.write(corpus.name_of(4), TEXT.text(4, version=1))
    hold = Leases.hold
    with monkeypatch.context() as impatient:
        impatient.setattr(Leases, "hold", lambda self, names, who, **_: hold(self, names, who, 0.2))
        outcome = indexed.run()
    assert "docs is being indexed by run 2f1c of the test" in str(outcome.sources["docs"].error)
    with indexed.index() as index, pytest.raises(LeaseHeld), index.catalog.leases.hold(["docs"], "another"):
        pass
    os.kill(holder.pid, 9)
    holder.communicate()
    indexed.good()  # a dead holder blocks nobody
    assert "version 1" in indexed.snapshot().document(corpus.name_of(4))["text"]


def test_two_passes_at_once_end_where_one_ends(indexed: Project, tmp_path: Path) -> None:
    for number in range(6):
        indexed.write(corpus.name_of(number), TEXT.text(number, version=1))
    both = [indexed.start("rag", "index", "--json") for _ in range(2)]
    ends = [process.communicate(timeout=280) for process in both]
    for process, (out, err) in zip(both, ends, strict=True):
        assert process.returncode == 0 or "is being indexed by" in out + err, out + err
    indexed.good()
    assert differences(indexed.snapshot(), indexed.clean(tmp_path / "clean")) == []


FULL = """
import resource, signal, sys
from pathlib import Path
from resources import lance
from tests.chain.harness import Project
lance.load()
project = Project(Path("."), checks=False)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # a write past the limit fails with EFBIG, as ENOSPC would
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), resource.RLIM_INFINITY))
try:
    outcome = project.run()
    print("ok" if outcome.ok else "not ok", flush=True)
except BaseException as error:
    print("not ok", type(error).__name__, flush=True)
print("found", project.search(sys.argv[2])["results"][0]["path"], flush=True)
"""


@pytest.mark.parametrize("limit", [0, 30_000])
def test_a_full_disk_leaves_the_old_state_served(indexed: Project, tmp_path: Path, limit: int) -> None:
    before = indexed.snapshot()
    for number in range(6):
        indexed.write(corpus.name_of(number), TEXT.text(number, version=1) * 3)
    code, out, err = indexed.call("-c", FULL, str(limit), corpus.own_name(8))
    assert code == 0, err
    assert "not ok" in out
    assert f"found {corpus.name_of(8)}" in out
    served = {r["chunk_id"]: r for r in indexed.snapshot(sound=False).tables["embeddings"]}
    for number in range(12):  # every document is there whole, as it was or as it is
        document = before.document(corpus.name_of(number))["id"]
        rows = [r for r in served.values() if r["document_id"] == document]
        old = [r for r in before.tables["embeddings"] if r["document_id"] == document]
        assert rows
        assert rows == old or all("version 1" in r["text"] or r["ordinal"] for r in rows)
    indexed.good()
    assert differences(indexed.snapshot(), indexed.clean(tmp_path / "clean")) == []


def test_a_source_that_left_the_settings_is_kept_until_it_is_forgotten(indexed: Project) -> None:
    shutil.copytree(indexed.docs, indexed.home / "more")
    (indexed.home / "more" / "only here.txt").write_text("Quiet Street Study belongs to Meridian Labs.")
    both = {"docs": indexed.settings["sources"]["docs"], "more": {"type": "filesystem", "path": "more"}}
    indexed.set(sources=both)
    indexed.good()
    indexed.set(sources={"docs": both["docs"]})
    assert indexed.good().runs == []
    assert "only here.txt" in indexed.snapshot().paths()
    assert indexed.rag("forget", "more")["removed"] == 13
    after = indexed.snapshot()
    assert {r["source"] for r in after.tables["documents"]} == {"docs"}
    assert not [e for e in after.tables["entities"] if e["canonical"] == "quiet street study"]
    assert indexed.good().runs == []


def test_a_failing_chunk_is_set_aside_and_comes_right_later(
    indexed: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from resources.embedder import HashingEmbedder
    from resources.errors import ModelError

    before = indexed.snapshot()
    encode = HashingEmbedder.encode
    for number in (4, 5):
        indexed.write(corpus.name_of(number), TEXT.text(number, version=1))

    def refuse(model: HashingEmbedder, texts: Any) -> Any:
        if any(corpus.own_name(4, 1) in text for text in texts):
            raise ModelError("the embedding model gave NaN for 1 text; nothing of it is stored.")
        return encode(model, texts)

    with monkeypatch.context() as ill:
        ill.setattr(HashingEmbedder, "encode", refuse)
        outcome = indexed.run()
    assert outcome.assets["embeddings"].rows_failed == 1
    after = indexed.snapshot(sound=False)
    assert after.of_document("embeddings", corpus.name_of(4)) == before.of_document("embeddings", corpus.name_of(4))
    assert "V1 Charter" in after.of_document("embeddings", corpus.name_of(5))[0]["text"]
    assert [f["stage"] for f in indexed.rag("failed")] == ["embeddings"]
    time.sleep(0.01)
    indexed.good()
    assert indexed.rag("failed") == []
    assert differences(indexed.snapshot(), indexed.clean(tmp_path / "clean")) == []
