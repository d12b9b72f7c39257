"""A name in very many chunks: an edit counts a part of its mentions anew, and the result is that of a clean build."""

from collections.abc import Iterable
from pathlib import Path
from unittest.mock import patch

import pytest

from knowledge.resolution import MentionRow, Tally
from rag_assets import tallies
from tests.chain.harness import Project
from tests.chain.snapshot import differences

MANY = 60


def text(number: int, verb: str = "met") -> str:
    return f"# Minutes {number}\n\nNordwind AS {verb} Ada Person{number} in the spring.\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Sixty documents that all name Nordwind AS, as if that were very many."""
    monkeypatch.setattr(tallies, "FROM", 20)
    made = Project(tmp_path / "lived", checks=False)
    made.write_all({f"{n}.md": text(n) for n in range(MANY)})
    made.good()
    return made


def counted(project: Project) -> int:
    """Mentions of Nordwind AS that the next pass counts."""
    seen = 0

    def counting(rows: Iterable[MentionRow]) -> dict[str, Tally]:
        nonlocal seen
        listed = list(rows)
        seen += sum(MentionRow(*row).name == "nordwind as" for row in listed)
        return whole(listed)

    whole = tallies.tallied
    with patch.object(tallies, "tallied", counting):
        project.good()
    return seen


def nordwind(project: Project) -> int:
    (row,) = (row for row in project.snapshot().tables["entities"] if row["canonical"] == "nordwind as")
    return int(row["mention_count"])


def test_an_edit_counts_one_bucket_of_a_widespread_name(project: Project, tmp_path: Path) -> None:
    project.write("7.md", text(7, "paid"))
    assert 1 <= counted(project) <= 10
    project.write("8.md", "# Minutes 8\n\nAda Person8 stayed alone.\n")
    assert counted(project) <= 10
    assert nordwind(project) == MANY - 1
    project.delete("9.md")
    assert counted(project) <= 10
    assert nordwind(project) == MANY - 2
    assert differences(project.snapshot(), project.clean(tmp_path / "clean")) == []


def test_a_change_of_most_documents_counts_all_of_them(project: Project, tmp_path: Path) -> None:
    project.write_all({f"{n}.md": text(n, "paid") for n in range(0, MANY, 2)})
    assert counted(project) >= MANY
    assert differences(project.snapshot(), project.clean(tmp_path / "clean")) == []


def test_a_name_that_is_widespread_no_more_leaves_no_tallies(project: Project) -> None:
    assert {row["canonical"] for row in project.snapshot().tables["tallies"]} == {"nordwind as"}
    for number in range(MANY - 20):
        project.delete(f"{number}.md")
    project.good(approve=True)
    assert project.snapshot().tables["tallies"] == []


def test_tallies_that_do_not_add_up_are_counted_anew(project: Project, tmp_path: Path) -> None:
    lost = project.snapshot().tables["tallies"][0]["id"]
    with project.index() as index:
        index.tables.tallies.delete([lost])
    project.write("7.md", text(7, "paid"))
    assert counted(project) >= MANY
    assert differences(project.snapshot(), project.clean(tmp_path / "clean")) == []


def test_a_full_look_writes_no_tally_that_is_right(project: Project) -> None:
    before = project.versions()
    project.good(full=True)
    assert project.versions() == before
