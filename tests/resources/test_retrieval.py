"""What a person gets from a search: which passages, in which order, with what about them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.errors import SettingsError
from resources.retrieval import MODES, Limits, Mode, Question
from resources.retrieval.filters import Sight
from tests.resources.library import MODEL, Library, Passage

ALPHA = Passage("alpha.md", "Alpha Works", "Alpha Works builds cranes. It was founded by Jane Doe.", ("Jane Doe",))
JANE = Passage("jane.md", "Jane Doe", "She was born in the harbour town of Springfield.", ("Springfield",))
OTHER = Passage("other.md", "John Roe", "He was born in Paris, and founded nothing.", ("Paris",))
CRANES = Passage("cranes.md", "Cranes", "Cranes lift heavy loads on building sites.", ())
ALL = (ALPHA, JANE, OTHER, CRANES)

Open = Callable[..., Library]


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Open]:
    made: list[Library] = []

    def make(*passages: Passage, **given: Any) -> Library:
        made.append(Library(tmp_path / str(len(made)), passages, **given))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The four passages and a report on two of them; nobody writes."""
    of = Library(tmp_path_factory.mktemp("library"), ALL)
    of.report("c1", ["Alpha Works", "Jane Doe"], [ALPHA, JANE])
    yield of
    of.close()


def search(of: Library, question: str, limits: Limits | None = None, **given: Any) -> dict[str, Any]:
    return of.retrieval(limits).search([Question("q", question)], **given)[0]


def paths(answer: dict[str, Any]) -> list[str]:
    return [result["path"] for result in answer["results"]]


def test_a_two_hop_question_finds_both_passages_first(shared: Library):
    found = search(shared, "Where was the founder of Alpha Works born?")
    assert set(paths(found)[:2]) == {"alpha.md", "jane.md"}


def test_a_result_says_all_about_its_passage(library: Open):
    passage = Passage("leave/a.md", "Leave", "Sixteen weeks.", ("Jane Doe",), headings=("Leave", "Parental"), ordinal=3)
    result = search(library(passage), "How long is leave?")["results"][0]
    assert result.pop("score") == pytest.approx(1.5)
    assert result == {
        "rank": 1,
        "chunk_id": passage.chunk_id,
        "document_id": passage.document_id,
        "source": "handbook",
        "title": "Leave",
        "path": "leave/a.md",
        "uri": "file:///leave/a.md",
        "heading_path": ["Leave", "Parental"],
        "char_start": 0,
        "char_end": 14,
        "text": "Sixteen weeks.",
        "entities": ["Leave", "Jane Doe"],
    }


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_answers_in_the_same_shape(shared: Library, mode: Mode):
    found = search(shared, "Where was the founder of Alpha Works born?", mode=mode, k=2)
    assert list(found) == ["id", "question", "mode", "seconds", "results", "reports"]
    assert (found["id"], found["mode"]) == ("q", mode)
    assert [result["rank"] for result in found["results"]] == [1, 2]
    scores = [result["score"] for result in found["results"]]
    assert scores == sorted(scores, reverse=True)
    assert bool(found["reports"]) == (mode in ("local", "global"))


def test_no_more_than_k_results_come_back(shared: Library):
    assert len(search(shared, "born", k=1)["results"]) == 1
    assert len(search(shared, "born", k=1000)["results"]) == len(ALL)


def test_full_text_finds_only_what_holds_the_words(shared: Library):
    assert paths(search(shared, "harbour", mode="fulltext")) == ["jane.md"]
    assert paths(search(shared, "of the", mode="fulltext")) == []


def test_dense_orders_by_similarity_alone(shared: Library):
    found = search(shared, f"{CRANES.title}\n{CRANES.text}", mode="dense")["results"]
    assert found[0]["path"] == "cranes.md"
    assert found[0]["score"] == pytest.approx(1.0, abs=1e-5)


def test_an_empty_index_answers_with_nothing(library: Open):
    of = library()
    for mode in MODES:
        found = search(of, "Where was Jane Doe born?", mode=mode)
        assert found["results"] == found["reports"] == [], mode


@pytest.mark.parametrize("mode", MODES)
def test_odd_questions_are_answered_like_any_other(shared: Library, mode: Mode):
    odd = ["", "   ", "?!", "the of", "\u200b", "'; DROP TABLE chunks; --", '"Jane', "北京", "x" * 10_000]
    answers = shared.retrieval().search([Question(None, text) for text in odd], mode=mode)
    assert [answer["question"] for answer in answers] == odd
    assert answers[0]["results"] == answers[1]["results"] == []


def test_a_very_long_question_is_answered(shared: Library):
    assert search(shared, "Where was Jane Doe born? " * 2_000)["results"]


def test_a_mode_or_number_that_there_is_not_is_refused_by_name(shared: Library):
    with pytest.raises(SettingsError, match="mode 'magic' is not there; allowed: hybrid"):
        search(shared, "x", mode="magic")
    with pytest.raises(SettingsError, match="k is 0; allowed: 1 to 1000"):
        search(shared, "x", k=0)


def test_many_questions_are_embedded_in_one_call_and_answered_in_order(shared: Library):
    calls = MODEL.calls
    questions = [Question(str(n), text) for n, text in enumerate(["Paris?", "", "Jane Doe?", "Cranes?"])]
    answers = shared.retrieval().search(questions)
    assert MODEL.calls == calls + 1
    assert [answer["id"] for answer in answers] == ["0", "1", "2", "3"]
    assert [paths(answer)[:1] for answer in answers] == [["other.md"], [], ["jane.md"], ["cranes.md"]]


def test_together_and_alone_questions_have_the_same_answers(shared: Library):
    texts = ["Where was the founder of Alpha Works born?", "Who lifts loads?", "John Roe"]
    together = shared.retrieval().search([Question(None, text) for text in texts])
    alone = [shared.retrieval().search([Question(None, text)])[0] for text in texts]
    assert [answer["results"] for answer in together] == [answer["results"] for answer in alone]


def test_equal_passages_stand_in_the_order_of_path_and_place(library: Open):
    same = [Passage(path, "", "The very same words.", ordinal=n) for path, n in (("b.md", 0), ("a.md", 1), ("a.md", 0))]
    of = library(*same)
    for mode in ("hybrid", "dense", "fulltext"):
        found = search(of, "same words", mode=mode)["results"]
        assert [(r["path"], int(r["chunk_id"][-1])) for r in found] == [("a.md", 0), ("a.md", 1), ("b.md", 0)], mode


def test_ties_at_the_last_place_are_broken_by_path_too(library: Open):
    same = [Passage(f"{name}.md", "", "The very same words.") for name in "dcba"]
    of = library(*same)
    for mode in ("hybrid", "dense", "fulltext"):
        assert paths(search(of, "same words", mode=mode, k=2)) == ["a.md", "b.md"], mode


def test_a_new_passage_is_found_at_once_and_a_removed_one_is_not(library: Open):
    of = library(ALPHA)
    service = of.retrieval()
    asked = [Question(None, "Where was Jane Doe born?")]
    assert paths(service.search(asked)[0]) == ["alpha.md"]
    of.add([JANE])
    assert paths(service.search(asked)[0])[0] == "jane.md"
    of.rows.delete({JANE.document_id})
    of.tables.documents.delete({JANE.document_id})
    assert paths(service.search(asked)[0]) == ["alpha.md"]


def test_only_a_bounded_neighbourhood_is_read(library: Open):
    crowd = [Passage(f"{n}.md", f"Person {n}", "Works with Jane Doe at Alpha Works.", ("Jane Doe",)) for n in range(60)]
    of = library(*ALL, *crowd)
    limits = Limits(passages=20, nearest=5)
    service = of.retrieval(limits)
    vector = MODEL.encode(["Where was Jane Doe born?"])[0].astype(float)
    found = service.explorer.explore("Where was Jane Doe born?", vector, Sight(), k=2)
    assert len(found.chunks) == 20
    assert found.reads["passages"] <= 2 * 5 + 20
    assert JANE.chunk_id in found.chunks


def test_a_name_in_very_many_passages_leads_to_none_of_them(library: Open):
    crowd = [Passage(f"{n}.md", f"Person {n}", "Nothing of interest.", ("Alpha Works",)) for n in range(10)]
    of = library(JANE, *crowd)
    few = of.retrieval(Limits(nearest=1, uses=3, asked_uses=5))
    vector = MODEL.encode(["springfield harbour"])[0].astype(float)
    assert len(few.explorer.explore("Alpha Works springfield harbour", vector, Sight(), k=1).chunks) < 5
    many = of.retrieval(Limits(nearest=1, uses=3))
    assert len(many.explorer.explore("Alpha Works springfield harbour", vector, Sight(), k=1).chunks) == 11
