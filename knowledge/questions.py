"""The names that a question holds, found among known ones by their longest match; no model reads the question.

Belongs here: which runs of words may be names, and which of the known ones are taken. Does not: knowing names.
"""

from collections.abc import Container

from knowledge.names import LONGEST, words
from knowledge.vocabulary import ARTICLES, GENERIC, STOP

MOST_WORDS = 128
"""Words of a question that are looked at; a longer one is text, not a question."""


def runs(question: str) -> list[str]:
    """Every run of up to LONGEST words that may be a name, in canonical form, each once."""
    found = [word for word, _, _ in words(question)[:MOST_WORDS]]
    out: dict[str, None] = {}
    for first, word in enumerate(found):
        if word in ARTICLES:
            continue
        for last in range(first + 1, min(len(found), first + LONGEST) + 1):
            if not all(w in STOP for w in found[first:last]):
                out[" ".join(found[first:last])] = None
    return list(out)


def names_in(question: str, known: Container[str], titles: Container[str]) -> list[str]:
    """The known names of a question, in its order, not overlapping, the longest first at each place.

    A name counts if it is written with a capital, or has two words and is the name of a title or heading (`titles`).
    In a question without any capital every known name of two words counts, and every lone word that names a title.
    """
    found = words(question)[:MOST_WORDS]
    small = question.islower()
    out: dict[str, None] = {}
    at = 0
    while at < len(found):
        step = 1
        for last in range(min(len(found), at + LONGEST), at, -1):
            folded = [word for word, _, _ in found[at:last]]
            name = " ".join(folded)
            if name not in known or all(w in STOP for w in folded):
                continue
            surface = question[found[at][1] : found[last - 1][2]]
            if not _counts(name, surface, titles, small=small):
                continue
            out[name] = None
            step = last - at
            break
        at += step
    return list(out)


def _counts(name: str, surface: str, titles: Container[str], *, small: bool) -> bool:
    if not surface.islower():
        return True
    if " " in name:
        return small or name in titles
    return small and name not in GENERIC and name in titles
