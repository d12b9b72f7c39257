"""What a caller may not see has no part in any answer."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.retrieval import MODES, Mode, Question
from resources.retrieval.filters import Sight, readable_acl_ids
from tests.resources.library import Library, Passage

PUBLIC = Passage("public.md", "Alpha Works", "Alpha Works was founded by Jane Doe.", ("Jane Doe",), acl_id="all")
SECRET = Passage("secret.md", "Jane Doe", "Jane Doe was dismissed in May.", ("Alpha Works",), acl_id="board")
LEGAL = Passage("nda.md", "Alpha Contract", "Alpha Works signed. Jane Doe too.", ("Jane Doe",), "contracts", "all")
ACLS = {"all": ["everyone"], "board": ["group:board", "user:mary"], "nobody": []}
QUESTION = "What happened to Jane Doe of Alpha Works?"

Answer = dict[str, Any]


def made(folder: Path) -> Library:
    of = Library(folder, (PUBLIC, SECRET, LEGAL), acls=ACLS)
    of.report("open", ["Alpha Works", "Jane Doe"], [PUBLIC, LEGAL])
    of.report("closed", ["Jane Doe"], [PUBLIC, SECRET])
    return of


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    of = made(tmp_path_factory.mktemp("library"))
    yield of
    of.close()


def ask(of: Library, **given: Any) -> Answer:
    return of.retrieval().search([Question(None, QUESTION)], **given)[0]


def paths(answer: Answer) -> set[str]:
    return {result["path"] for result in answer["results"]}


@pytest.mark.parametrize("mode", MODES)
def test_the_operator_sees_everything(library: Library, mode: Mode):
    assert paths(ask(library, mode=mode)) == {"public.md", "secret.md", "nda.md"}


@pytest.mark.parametrize("mode", MODES)
def test_a_stranger_sees_what_everyone_may_read(library: Library, mode: Mode):
    assert paths(ask(library, mode=mode, principals=["user:stranger"])) == {"public.md", "nda.md"}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("principals", [["user:mary"], ["group:board"], ["user:stranger", "group:board"]])
def test_whoever_a_permission_names_sees_it_too(library: Library, mode: Mode, principals: list[str]):
    assert "secret.md" in paths(ask(library, mode=mode, principals=principals))


def test_a_hidden_document_is_gone_from_every_mode_before_any_run(tmp_path: Path):
    of = made(tmp_path)
    of.hide(SECRET)
    for mode in MODES:
        found = ask(of, mode=mode)
        assert paths(found) == {"public.md", "nda.md"}, mode
        assert all(SECRET.chunk_id not in report["citations"] for report in found["reports"])
    of.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_right_that_the_catalog_no_longer_grants_is_gone_though_no_row_was_touched(tmp_path: Path, mode: Mode):
    of = made(tmp_path)
    assert "secret.md" in paths(ask(of, mode=mode, principals=["user:mary"]))
    of.change(SECRET, acl_id="nobody")
    found = ask(of, mode=mode, principals=["user:mary"])
    assert paths(found) == {"public.md", "nda.md"}
    assert all(SECRET.chunk_id not in report["citations"] for report in found["reports"])
    assert "secret.md" in paths(ask(of, mode=mode))  # the operator sees what nobody else may
    of.close()


@pytest.mark.parametrize("mode", MODES)
def test_a_source_that_left_the_settings_is_not_shown(tmp_path: Path, mode: Mode):
    of = made(tmp_path)
    of.listed("handbook", "contracts")
    answer = of.retrieval(served=["contracts"]).search([Question(None, QUESTION)], mode=mode)[0]
    assert paths(answer) == ({"nda.md"} if mode != "global" else set())
    assert answer["reports"] == []
    of.close()


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Much that only the board may read fits every question better than the little that mary may."""
    text = "Jane Doe of Alpha Works. " * 3
    closed = [Passage(f"c{n}.md", "Jane Doe", text, ("Alpha Works",), acl_id="board") for n in range(160)]
    some = [
        Passage(f"o{n}.md", f"Note {n}", f"Note {n}: Jane Doe left.", ("Jane Doe",), acl_id="mary") for n in range(3)
    ]
    of = Library(
        tmp_path_factory.mktemp("crowded"), [*closed, *some], acls={"board": ["group:board"], "mary": ["user:m"]}
    )
    for n, passage in enumerate(closed[:120]):
        of.report(f"closed {n}", ["Jane Doe"], [passage], title="Jane Doe of Alpha Works")
    of.report("open", ["Jane Doe"], some, title="Quite another thing")
    yield of
    of.close()


@pytest.mark.parametrize("mode", MODES)
def test_what_may_be_read_is_found_however_much_that_may_not_fits_better(crowded: Library, mode: Mode):
    found = ask(crowded, mode=mode, principals=["user:m"])
    assert paths(found) == {"o0.md", "o1.md", "o2.md"}
    if mode in ("local", "global"):
        assert [report["community_id"] for report in found["reports"]] == ["open"]


def test_a_report_that_rests_on_nothing_is_not_shown(tmp_path: Path):
    of = made(tmp_path)
    of.report("hollow", ["Jane Doe"], [])
    assert "hollow" not in {r["community_id"] for r in ask(of, mode="local")["reports"]}
    of.close()


@pytest.mark.parametrize("mode", MODES)
def test_only_the_named_sources_answer(library: Library, mode: Mode):
    assert paths(ask(library, mode=mode, sources=["contracts"])) <= {"nda.md"}


@pytest.mark.parametrize("mode", ["local", "global"])
def test_a_report_that_rests_on_an_unreadable_document_is_not_shown(library: Library, mode: Mode):
    def communities(answer: Answer) -> set[str]:
        return {report["community_id"] for report in answer["reports"]}

    assert communities(ask(library, mode=mode)) == {"open", "closed"}
    assert communities(ask(library, mode=mode, principals=["user:stranger"])) == {"open"}
    assert communities(ask(library, mode=mode, sources=["handbook"])) == {"closed"}


def test_nobody_and_no_source_see_nothing(library: Library):
    assert ask(library, sources=[])["results"] == []
    assert ask(library, principals=[])["results"] != []


def test_a_permission_without_members_admits_nobody():
    sets = {acl: tuple(members) for acl, members in ACLS.items()}
    assert readable_acl_ids(sets, ["user:x", "everyone"]) == {"all"}
    assert readable_acl_ids(sets, ["user:mary", "everyone"]) == {"all", "board"}
    assert readable_acl_ids(sets, []) == frozenset()


def test_quotes_in_ids_are_data():
    sight = Sight(frozenset({"it's"}), frozenset({"a"}), frozenset({"d'); --"}))
    assert sight.where() == "acl_id IN ('it''s') AND source IN ('a') AND NOT (document_id IN ('d''); --'))"
    assert Sight().where() is None
