"""Index and catalog belong together: one without the other is refused with the way out, never filled twice."""

import shutil
from pathlib import Path

import pytest

from benchmarks import corpus
from resources.errors import IndexRefused
from tests.chain.harness import Project
from tests.chain.snapshot import differences

TEXT = corpus.Corpus(3)


@pytest.fixture
def indexed(tmp_path: Path) -> Project:
    project = Project(tmp_path, checks=False)
    project.write_all(TEXT.documents())
    project.good()
    return project


def _drop_tables(var: Path) -> None:
    shutil.rmtree(var / "index")


def _drop_catalog(var: Path) -> None:
    for file in var.glob("catalog.db*"):
        file.unlink()


def test_a_lost_half_is_refused_until_it_is_back(indexed: Project) -> None:
    var, backup = indexed.home / "var", indexed.home / "backup"
    shutil.copytree(var, backup)
    indexed.write("more.txt", "The Otter probe belongs to Meridian Labs.")
    for lose, why in ((_drop_tables, "there are no tables in"), (_drop_catalog, "belong to another catalog")):
        lose(var)
        outcome = indexed.run()
        assert not outcome.ok
        said = str(outcome.sources["docs"].error)
        assert why in said
        assert "remove" in said
        assert "run `rag index` to build anew" in said
        with indexed.index() as index, pytest.raises(IndexRefused, match=why):
            index.tables.documents.count()
        shutil.rmtree(var)
        shutil.copytree(backup, var)
    indexed.good()
    assert indexed.snapshot().paths() == indexed.names()


def test_removing_both_builds_anew_and_leaves_nothing_of_the_old_graph(indexed: Project, tmp_path: Path) -> None:
    _drop_tables(tmp_path / "var")
    _drop_catalog(tmp_path / "var")
    indexed.delete(corpus.name_of(0))
    indexed.good()
    assert differences(indexed.snapshot(), indexed.clean(tmp_path / "clean")) == []
