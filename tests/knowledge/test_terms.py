"""Which terms full text is searched by."""

from knowledge.names import canonical_words
from knowledge.terms import MOST_TERMS, question_terms, search_text, stem, terms


def test_stop_words_are_dropped_and_words_are_folded_and_stemmed():
    assert terms("The Café's founders were travelling to Zürich") == ["cafe", "founder", "travell", "zurich"]


def test_short_words_keep_their_ending():
    assert [stem(w) for w in ("is", "bus", "king", "cities", "operations")] == ["is", "bus", "king", "citi", "oper"]


def test_question_and_passage_share_their_terms():
    assert set(terms("Who founded Alpha?")) <= set(terms("Alpha was founded by Jane."))


def test_a_passage_is_found_by_its_title_twice_and_by_its_headings_once():
    text = search_text("Handbook", ("Handbook", "Parental leave"), "Sixteen weeks.")
    assert text == "handbook handbook parental leave sixteen week"


def test_text_without_a_title_has_its_own_terms_only():
    assert search_text(None, (), "北京大学 B-52") == "北 京 大 学 b 52"


def test_no_term_holds_a_blank():
    assert search_text("A\u00a0b\u2003c", (), "x\ty\u200bz").split(" ") == search_text("A b c", (), "x y z").split()


def test_words_that_are_folded_already_give_the_same_terms():
    text = "The Café's founders were travelling to Zürich in 10² days"
    assert search_text("A", ("B",), text, canonical_words(text)) == search_text("A", ("B",), text)


def test_a_question_is_searched_by_each_term_once_and_not_by_thousands():
    assert question_terms("Loads and loads: who lifts?") == ["lift", "load"]
    assert len(question_terms(" ".join(f"word{n}" for n in range(10_000)))) == MOST_TERMS
