"""Which names a question is taken to hold."""

from knowledge.questions import MOST_WORDS, names_in, runs

KNOWN = {"new york", "new york times", "jane doe", "alpha", "remote work policy", "berlin", "report", "2024"}


def found(question: str, titles: set[str] | None = None) -> list[str]:
    return names_in(question, KNOWN, titles or set())


def test_the_longest_name_is_taken():
    assert found("Who founded the New York Times?") == ["new york times"]


def test_names_come_in_the_question_s_order_and_once():
    assert found("Did Jane Doe leave Berlin, and when did Jane Doe return?") == ["jane doe", "berlin"]


def test_a_lone_word_in_lower_case_is_no_name():
    assert found("Is the alpha version in Berlin?") == ["berlin"]


def test_two_words_in_lower_case_are_a_name_if_a_title_says_so():
    assert found("What does the remote work policy of Alpha say?", {"remote work policy"}) == [
        "remote work policy",
        "alpha",
    ]
    assert found("What does the remote work policy of Alpha say?") == ["alpha"]


def test_a_question_typed_without_capitals_finds_its_names_too():
    assert found("where was jane doe born") == ["jane doe"]
    assert found("where is berlin", {"berlin"}) == ["berlin"]
    assert found("where is the report", {"report"}) == []


def test_case_diacritics_and_possessives_do_not_matter():
    assert found("What is Jane Doé's role?") == ["jane doe"]


def test_runs_hold_every_name_that_may_be_found():
    asked = "Who founded the New York Times in Berlin?"
    assert set(found(asked)) <= set(runs(asked))
    assert all(len(run.split()) <= 12 for run in runs("word " * 50))


def test_a_very_long_question_costs_no_more_than_a_long_one():
    assert len(runs("Alpha beta " * 10_000)) == len(runs("Alpha beta " * MOST_WORDS))
