"""What was set aside, with its error, its tries, and when it is tried again."""

import time

import pytest

from resources.catalog.letters import PAUSES


def put(catalog, unit="d1", error="timeout: over 60 s", passing=True, stage="documents"):
    catalog.letters.put(stage, "handbook", {unit: (unit, error, passing)})
    (letter,) = catalog.letters.find(stage, [unit])
    return letter


def test_what_was_set_aside_is_listed_with_all_that_a_person_needs(catalog):
    before = time.time()
    letter = put(catalog)
    assert (letter.stage, letter.unit, letter.document_id, letter.partition) == ("documents", "d1", "d1", "handbook")
    assert (letter.error, letter.tries) == ("timeout: over 60 s", 1)
    assert letter.since.endswith("Z")
    assert letter.due >= before


def test_the_same_error_counts_tries_and_keeps_its_first_moment(catalog):
    first = put(catalog)
    second = put(catalog)
    assert (second.tries, second.since) == (2, first.since)
    assert put(catalog, error="crashed").tries == 1


def test_what_may_mend_itself_is_tried_by_the_next_pass_then_with_growing_pauses(catalog):
    pauses = []
    for _ in range(len(PAUSES) + 2):
        before = time.time()
        pauses.append(put(catalog).due - before)
    for pause, least in zip(pauses, [*PAUSES, PAUSES[-1], PAUSES[-1]], strict=True):
        assert least <= pause < least + 50
    assert list(PAUSES) == sorted(PAUSES)


def test_only_what_is_due_is_tried_and_only_by_its_stage(catalog):
    put(catalog, "now")
    put(catalog, "later")
    put(catalog, "later")
    put(catalog, "never", passing=False)
    put(catalog, "elsewhere", stage="embeddings")
    assert [letter.unit for letter in catalog.letters.due("documents")] == ["now"]


def test_a_person_makes_anything_due(catalog):
    put(catalog, "never", passing=False)
    put(catalog, "later")
    put(catalog, "later")
    put(catalog, "left alone", passing=False)
    catalog.letters.make_due(catalog.letters.find("documents", ["never", "later"]))
    assert {letter.unit for letter in catalog.letters.due("documents")} == {"never", "later"}
    catalog.letters.make_due([])


def test_what_came_right_is_no_more(catalog):
    put(catalog, "d1")
    put(catalog, "d2")
    put(catalog, "d1", stage="embeddings")
    catalog.letters.clear("documents", ["d1", "never"])
    assert [(x.stage, x.unit) for x in catalog.letters.find()] == [("documents", "d2"), ("embeddings", "d1")]
    assert catalog.letters.count() == 2


def test_letters_are_found_by_stage_and_unit(catalog):
    put(catalog, "d1")
    put(catalog, "d2")
    assert catalog.letters.find("embeddings") == []
    assert [x.unit for x in catalog.letters.find(units=["d2", "d9"])] == ["d2"]
    assert catalog.letters.find(units=[]) == []
    catalog.letters.put("documents", "handbook", {})
    assert catalog.letters.count() == 2


@pytest.mark.parametrize("error", ["a 'quoted' \"error\"; -- %s %(x)s :name ?", "Ünïcödé 🚢 漢字", "line\nline\\"])
def test_an_error_is_kept_to_the_letter(catalog, error):
    assert put(catalog, error=error).error == error


def test_an_error_that_no_database_stores_is_kept_with_replacement_characters(catalog):
    assert put(catalog, error="NUL \x00 and half \ud83d a pair").error == "NUL \ufffd and half \ufffd a pair"
    assert put(catalog, error="NUL \x00 and half \ud83d a pair").tries == 2
