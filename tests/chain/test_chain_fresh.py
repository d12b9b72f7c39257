"""A search finds what ingest has written, and need not wait for the graph."""

from pathlib import Path

import pytest

from benchmarks.corpus import Corpus, name_of
from tests.chain.harness import Project

EDITED = (3, 11, 20)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project, corpus = Project(tmp_path, checks=False), Corpus(30)
    project.write_all(corpus.documents())
    project.good()
    for number in EDITED:
        text = corpus.text(number, 1)
        project.write(name_of(number), f"{text} The Fresh{number:02d} Charter was signed with Unit0001 Group.\n")
    assert project.materialize("ingest").success
    return project


def place(project: Project, number: int) -> int:
    """Where the answer to a question for the new name stands, 0 is first."""
    hits = project.search(f"When was the Fresh{number:02d} Charter signed?")["results"]
    return next(n for n, hit in enumerate(hits) if f"Fresh{number:02d}" in hit["text"])


def test_new_text_is_found_before_the_graph_knows_it_as_well_as_after(project: Project) -> None:
    before = {number: place(project, number) for number in EDITED}
    assert project.materialize("graph_refresh").success
    assert before == {number: place(project, number) for number in EDITED} == dict.fromkeys(EDITED, 0)


def test_what_the_graph_still_has_of_an_old_text_is_not_shown(project: Project) -> None:
    project.delete(name_of(3))
    assert project.materialize("ingest").success
    hits = project.search("When was the Fresh03 Charter signed?")["results"]
    assert hits
    assert not any(hit["path"] == name_of(3) for hit in hits)
