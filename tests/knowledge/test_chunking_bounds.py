"""What hostile texts cost: work in proportion to their length, whatever they are made of."""

from random import Random

import pytest

from knowledge.chunking import ChunkLimits, embedded_text, split
from resources.tokenizer import WordTokenizer
from tests.knowledge.manuscripts import run_of_words

LIMITS = ChunkLimits()
SIZE = 100_000
CJK = "".join(chr(Random(1).randrange(0x4E00, 0x9FFF)) for _ in range(SIZE))

HOSTILE = {
    "one word": "ab1" * (SIZE // 3),
    "one letter": "a" * SIZE,
    "one line": run_of_words(SIZE // 5, SIZE // 5)(Random(2)),
    "short lines": "a\n" * (SIZE // 2),
    "newlines around a word": "\n" * SIZE + "x" + "\n" * SIZE,
    "blanks between words": "a" + " " * SIZE + "b",
    "chinese": CJK,
    "chinese sentences": "。".join(CJK[i : i + 25] for i in range(0, SIZE, 25)),
    "headings": "# h\n" * (SIZE // 4),
    "different headings": "\n".join(f"{'#' * (n % 6 + 1)} h{n}\nx" for n in range(SIZE // 10)),
    "underlined headings": "a\n---\n" * (SIZE // 6),
    "one long heading": "# " + "x" * SIZE + "\n\nbody",
    "hashes": "#" * SIZE,
    "nested list": "\n".join(" " * (n % 500) + "- x" for n in range(600)),
    "nested on one line": "- " * (SIZE // 2) + "x",
    "quotes": "> " * (SIZE // 2),
    "a fence without end": "```\n" + "code. more code\n\n" * (SIZE // 16),
    "fences without end": "\n".join("`" * (400 - n) for n in range(390)),
    "fence signs": "`" * SIZE,
    "dots": ". " * (SIZE // 2),
    "dots and quotes": ".'" * (SIZE // 2),
    "nul": "\x00" * SIZE,
    "emoji": "👨‍👩‍👧" * (SIZE // 5),
    "ligatures": "ﷺ" * SIZE,
    "surrogates": "\ud800" * SIZE,
    "carriage returns": "a line of words\r" * (SIZE // 16),
    "rules": "---\n" * (SIZE // 4),
}


class Meter(WordTokenizer):
    """Counts the characters that are tokenized and remembers the longest text."""

    def __init__(self):
        self.characters = 0
        self.longest = 0
        self.calls = 0

    def count(self, texts):
        self.calls += 1
        self.characters += sum(map(len, texts))
        self.longest = max([self.longest, *map(len, texts)])
        return super().count(texts)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_text_is_covered_and_tokenized_a_few_times_at_most(name):
    text, meter = HOSTILE[name], Meter()
    chunks = split("doc", "A title", text, LIMITS, meter)
    at = 0
    for chunk in chunks:
        assert not text[at : chunk.char_start].strip()
        assert chunk.text == text[chunk.char_start : chunk.char_end]
        assert chunk.tokens <= LIMITS.max_tokens
        at = chunk.char_end
    assert not text[at:].strip()
    assert meter.characters <= 5 * len(text) + 10_000
    assert meter.calls <= 20 + len(text) // 200


@pytest.mark.parametrize("name", HOSTILE)
def test_no_text_that_a_model_gets_is_endless(name):
    meter = Meter()
    chunks = split("doc", None, HOSTILE[name], LIMITS, meter)
    assert meter.longest <= 20 * LIMITS.max_tokens
    assert all(len(embedded_text(None, c.heading_path, c.text)) <= 20 * LIMITS.max_tokens for c in chunks)


def test_megabytes_of_lines_are_cut_into_full_chunks():
    line = run_of_words(12, 12)(Random(3)) + "\n"
    chunks = split("doc", None, line * (2_000_000 // len(line)), LIMITS, WordTokenizer())
    assert sum(chunk.tokens for chunk in chunks) / len(chunks) >= LIMITS.max_tokens / 2


def test_an_edit_inside_an_endless_word_changes_few_chunks():
    random = Random(4)
    word = "".join(random.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=SIZE))
    before = {chunk.id for chunk in split("doc", None, word, LIMITS, WordTokenizer())}
    edited = word[: SIZE // 3] + "more" + word[SIZE // 3 :]
    after = {chunk.id for chunk in split("doc", None, edited, LIMITS, WordTokenizer())}
    assert len(after - before) <= 3
