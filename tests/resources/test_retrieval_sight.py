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


def test_a_permission_without_members_admits_nobody_but_the_operator():
    sets = {acl: tuple(members) for acl, members in ACLS.items()}
    assert readable_acl_ids(sets, None) is None
    assert readable_acl_ids(sets, ["user:x", "everyone"]) == {"all"}
    assert readable_acl_ids(sets, ["user:mary", "everyone"]) == {"all", "board"}
    assert readable_acl_ids(sets, []) == frozenset()


def test_quotes_in_ids_are_data():
    sight = Sight(frozenset({"it's"}), frozenset({"a"}), frozenset({"d'); --"}))
    assert sight.where() == "acl_id IN ('it''s') AND source IN ('a') AND NOT (document_id IN ('d''); --'))"
    assert Sight().where() is None
