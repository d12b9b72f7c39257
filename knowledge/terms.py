"""Terms: what full text is searched by. Words folded as in names, without stop words, lightly stemmed.

Belongs here: from text to terms. Does not: scores (ranking.py). A table that keeps `search_text` is searched by BM25
over these terms whatever its own tokenizer would do, and a ranking counts them without reading the text again.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from knowledge.names import words
from knowledge.vocabulary import STOP

_ENDINGS = ("ations", "ation", "ingly", "ings", "ing", "edly", "ies", "ed", "es", "s", "ly")
_SHORTEST = 4
MOST_TERMS = 64
"""Terms of a question that are searched for."""


@lru_cache(65_536)
def stem(word: str) -> str:
    """A word without its commonest English ending, if at least four letters stay."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST:
            return word[: -len(ending)]
    return word


def terms(text: str) -> list[str]:
    """The terms of a text in their order, repeated ones included."""
    return terms_of(word for word, _, _ in words(text))


def terms_of(folded: Iterable[str]) -> list[str]:
    """`terms` of words that are folded already."""
    return [stem(word) for word in folded if word not in STOP]


def question_terms(question: str) -> list[str]:
    """The terms that a question is searched by: each once, of a very long one the first MOST_TERMS, sorted."""
    return sorted(list(dict.fromkeys(terms(question)))[:MOST_TERMS])


def search_text(title: str | None, heading_path: Sequence[str], text: str, folded: str | None = None) -> str:
    """The terms of a passage, joined by blanks: its title twice, each other heading above it once, its text.

    `folded` is `canonical_words(text)` where it is at hand: the text is then not read again.
    """
    named = terms(title) if title else []
    above = [term for heading in heading_path if heading != title for term in terms(heading)]
    return " ".join([*named, *named, *above, *(terms(text) if folded is None else terms_of(folded.split()))])
