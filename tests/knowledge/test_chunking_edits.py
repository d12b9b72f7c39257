"""What an edit costs: chunks elsewhere in the document keep their ids, so nothing of them is embedded again."""

from collections import Counter
from random import Random

import pytest

from knowledge.chunking import ChunkLimits, split
from resources.tokenizer import WordTokenizer
from tests.knowledge.manuscripts import EDITS, anything, manuscript, prose, run_of_words

WORDS = WordTokenizer()
LIMITS = ChunkLimits()

SHAPES = {
    "words": (run_of_words(40, 80), 0),
    "prose": (prose(25, 90), 0),
    "long paragraphs": (prose(60, 140), 0),
    "short paragraphs": (prose(5, 30), 0),
    "few headings": (prose(25, 90), 12),
    "some headings": (prose(25, 90), 4),
    "many headings": (prose(5, 60), 1),
    "everything": (anything, 6),
}


def marks(text, title=None, limits=LIMITS):
    return {(chunk.id, chunk.fingerprint) for chunk in split("doc", title, text, limits, WORDS)}


def changes(shape, size, documents, edits):
    """How many chunks were not there before, over random edits: {changed: times}."""
    paragraph, heading_every = SHAPES[shape]
    random = Random(f"{shape} {size}")
    counts = Counter()
    for _ in range(documents):
        title = random.choice([None, "The title of it"])
        paragraphs = size or random.randint(2, 10)
        original = manuscript(random, paragraph, paragraphs, heading_every, title)
        before = marks(original.text, title)
        for _ in range(edits):
            for kind in EDITS:
                after = marks(original.edited(random, kind, paragraph).text, title)
                counts[len(after - before)] += 1
    return counts


@pytest.mark.parametrize("shape", SHAPES)
def test_editing_one_paragraph_of_a_small_document_changes_at_most_three_chunks(shape):
    assert max(changes(shape, 0, documents=15, edits=4)) <= 3


@pytest.mark.parametrize("shape", SHAPES)
def test_editing_one_paragraph_of_a_document_changes_at_most_three_chunks(shape):
    assert max(changes(shape, 40, documents=4, edits=8)) <= 3


@pytest.mark.parametrize("shape", ["words", "prose", "few headings"])
def test_editing_one_paragraph_of_a_book_changes_at_most_three_chunks(shape):
    assert max(changes(shape, 700, documents=1, edits=6)) <= 3


def test_a_word_more_in_an_endless_paragraph_changes_at_most_three_chunks():
    for paragraph in (prose(20_000, 20_000), run_of_words(20_000, 20_000)):
        random = Random(5)
        words = paragraph(random).split(" ")
        before = marks(" ".join(words))
        for _ in range(12):
            at = random.randrange(len(words))
            assert len(marks(" ".join([*words[:at], "more", *words[at:]])) - before) <= 3


def test_a_row_more_in_a_long_table_changes_at_most_three_chunks():
    random = Random(6)
    rows = [f"| {number} | " + run_of_words(4, 9)(random) + " |" for number in range(900)]
    before = marks("\n".join(rows))
    for _ in range(12):
        at = random.randrange(len(rows))
        assert len(marks("\n".join([*rows[:at], "| new | row |", *rows[at:]])) - before) <= 3


def test_paragraphs_between_equal_rules_survive_edits():
    random = Random(7)
    paragraph = run_of_words(20, 60)
    paragraphs = [part for _ in range(200) for part in (paragraph(random), "* * *")]
    before = marks("\n\n".join(paragraphs))
    for _ in range(12):
        at = 2 * random.randrange(200)
        edited = [*paragraphs[:at], paragraph(random), *paragraphs[at + 1 :]]
        assert len(marks("\n\n".join(edited)) - before) <= 3


def test_deleting_one_of_many_equal_paragraphs_removes_one_chunk():
    paragraphs = ["the same words again " * 40] * 50
    before, after = marks("\n\n".join(paragraphs)), marks("\n\n".join(paragraphs[1:]))
    assert after < before
    assert len(before - after) == 1


def test_a_section_moved_elsewhere_keeps_its_chunks():
    random = Random(8)
    sections = [f"## Section {n}\n\n" + manuscript(random, prose(30, 90), 12).text for n in range(12)]
    before = marks("\n\n".join(sections))
    moved = [*sections[:2], *sections[3:], sections[2]]
    assert len(marks("\n\n".join(moved)) - before) <= 3


def test_larger_chunks_survive_edits_as_well():
    limits = ChunkLimits(max_tokens=512)
    random = Random(9)
    original = manuscript(random, prose(25, 90), 120)
    before = marks(original.text, limits=limits)
    for kind in EDITS * 8:
        assert len(marks(original.edited(random, kind, prose(25, 90)).text, limits=limits) - before) <= 3
