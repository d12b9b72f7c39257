"""Terms: what full text is searched by. Words folded as in names, without stop words, lightly stemmed.

Belongs here: from text to terms. Does not: scores (ranking.py). A table that keeps `search_text` is searched by BM25
over these terms whatever its own tokenizer would do, and a ranking counts them without reading the text again.
"""

from collections.abc import Sequence

from knowledge.names import words
from knowledge.vocabulary import STOP

_ENDINGS = ("ations", "ation", "ingly", "ings", "ing", "edly", "ies", "ed", "es", "s", "ly")
_SHORTEST = 4


def stem(word: str) -> str:
    """A word without its commonest English ending, if at least four letters stay."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word


def terms(text: str) -> list[str]:
    """The terms of a text in their order, repeated ones included."""
    return [stem(word) for word, _, _ in words(text) if word not in STOP]


def search_text(title: str | None, heading_path: Sequence[str], text: str) -> str:
    """The terms of a passage, joined by blanks: its title twice, each other heading above it once, its text."""
    named = [title, title] if title else []
    named += [heading for heading in heading_path if heading != title]
    return " ".join(term for part in (*named, text) for term in terms(part))
