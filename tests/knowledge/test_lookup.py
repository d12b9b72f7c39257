"""Names of titles and headings, looked up in the texts of other documents."""

from hypothesis import given
from hypothesis import strategies as st

from knowledge.lookup import candidates, find
from knowledge.names import canonical_words

KNOWN = {"new york", "new york times", "aurora plan", "oslo", "plan b", "café noir".replace("é", "e")}
TEXT = st.lists(
    st.sampled_from(["New", "York", "Times", "the", "Aurora", "plan", "Plan", "B", "oslo", "Oslo", "Café", "noir"]),
    max_size=30,
).flatmap(
    lambda ws: st.lists(st.sampled_from([" ", "-", ", ", ".\n\n", " | "]), min_size=len(ws), max_size=len(ws)).map(
        lambda gaps: "".join(w + g for w, g in zip(ws, gaps, strict=True))
    )
)


def names(text, already=()):
    return {m.name: [text[s:e] for s, e in m.spans] for m in find(text, KNOWN, already)}


def test_the_longest_name_wins_and_takes_its_words():
    assert names("She read the New York Times in New York.") == {
        "new york times": ["New York Times"],
        "new york": ["New York"],
    }


def test_a_name_that_begins_in_lower_case_is_not_taken():
    assert names("the aurora plan and plan b") == {}


def test_only_the_first_letter_needs_its_capital():
    assert names("Our Aurora plan is ready.") == {"aurora plan": ["Aurora plan"]}


def test_names_already_found_are_left_out_but_keep_their_words():
    assert names("The New York Times wrote.", already={"new york times"}) == {}


def test_no_name_crosses_a_paragraph_or_a_table_cell():
    assert names("Trains to New\n\nYork | Aurora | Plan |") == {}
    assert names("Trains to New\nYork") == {"new york": ["New\nYork"]}


def test_a_looked_up_name_says_where_it_came_from():
    (mention,) = find("A day in *Café  Noir*.", KNOWN)
    assert (mention.origin, mention.surface, mention.type) == ("lookup", "Café Noir", "TITLE")


@given(TEXT)
def test_every_name_that_is_found_is_among_the_candidates(text):
    assert {m.name for m in find(text, KNOWN)} <= candidates(text)


@given(TEXT)
def test_every_name_that_is_found_can_be_found_through_the_full_text_column(text):
    column = f" {canonical_words(text)} "
    assert all(f" {m.name} " in column for m in find(text, KNOWN))


@given(TEXT, st.sampled_from(sorted(KNOWN)))
def test_a_new_name_changes_only_texts_that_hold_it(text, new):
    if f" {new} " not in f" {canonical_words(text)} ":
        assert find(text, KNOWN) == find(text, KNOWN - {new})
