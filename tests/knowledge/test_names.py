"""Names as strings: what counts as the same name, and which names are worth looking up."""

import pytest

from knowledge.names import (
    LONGEST,
    canonical,
    canonical_words,
    eligible,
    entity_id,
    nameable,
    title_names,
    words,
)


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("The Nordwind Group", "nordwind group"),
        ("Müller’s Café", "Muller Cafe"),
        ("Łódź Straße", "lodz strasse"),
        ("O'Neil & Sons, Ltd.", "oneil sons ltd"),
        ("INV-2024-0113", "inv 2024 0113"),
    ],
)
def test_case_diacritics_punctuation_possessive_and_article_do_not_part_a_name(written, same):
    assert canonical(written) == canonical(same)
    assert entity_id(canonical(written)) == entity_id(canonical(same))


@pytest.mark.parametrize(
    ("one", "other"),
    [("HX-200", "HX-201"), ("Version 1.2", "Version 12"), ("10²", "102"), ("INV-2024-0113", "INV-2024-01-13")],
)
def test_two_numbers_never_become_one_name(one, other):
    assert canonical(one) != canonical(other)


def test_words_keep_the_offsets_of_the_text():
    text = "Zoë’s plan — the Łódź site (№ 7)."
    assert [(w, text[s:e]) for w, s, e in words(text)] == [
        ("zoe", "Zoë’s"),
        ("plan", "plan"),
        ("the", "the"),
        ("łodz".replace("ł", "l"), "Łódź"),
        ("site", "site"),
        ("7", "7"),
    ]


def test_chinese_and_japanese_names_are_found_inside_a_sentence():
    assert canonical("東京支社") in canonical_words("契約は東京支社が管理する。")


def test_every_name_in_a_text_stands_in_its_full_text_column():
    text = "**The Solar-Storage** _Act_: O'Neil’s Łódź office."
    for name in ("Solar Storage Act", "ONeil Lodz Office"):
        assert canonical(name) in canonical_words(text)


def test_a_title_names_its_subject_with_and_without_parenthesis_and_place():
    assert title_names("Aurora (project)") == ["aurora", "aurora project"]
    assert title_names("New Haven, Connecticut") == ["new haven connecticut", "new haven"]
    assert title_names("Springfield, Illinois") == ["springfield illinois"]
    assert title_names("((") == []


@pytest.mark.parametrize("title", ["Introduction", "Table of Contents", "Section 3", "2024", "The", "A", "Next steps"])
def test_generic_titles_and_numbers_name_nothing(title):
    assert title_names(title) == []


@pytest.mark.parametrize("name", ["aurora plan", "parental leave", "iso 9001", "oslo", "12 angry men"])
def test_names_of_things_are_looked_up(name):
    assert eligible(name)


@pytest.mark.parametrize(
    "name", ["", "it", "2024", "overview", "hr", "this is us", "notes 2", "x" * 300, " ".join(["word"] * (LONGEST + 1))]
)
def test_what_would_match_everywhere_or_nowhere_is_not_looked_up(name):
    assert not eligible(name)


def test_short_lone_names_are_entities_but_are_not_looked_up():
    assert nameable("hr")
    assert not eligible("hr")
