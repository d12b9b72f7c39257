"""Sentences of clean text, by punctuation alone."""

import re
from collections.abc import Sequence
from functools import lru_cache

from knowledge.vocabulary import ABBREVIATIONS

_END = re.compile(r"[.!?…\n。！？][.!?…\"'”’)\]]*")
_ENDS_ALONE = "\n。！？"
_OPENING = " \"'“‘(["
_LONGEST_ABBREVIATION = 8
_LAST_LETTERS = frozenset(word[-2:].lower() for word in ABBREVIATIONS)


@lru_cache(maxsize=2)  # one passage asks several times in a row
def sentences(text: str) -> tuple[tuple[int, int], ...]:
    """[start, end) of the sentences of clean text, without blanks around them; a line break always ends one.

    A full stop ends a sentence unless it closes an abbreviation or an initial, or a lower-case letter follows.
    """
    out: list[tuple[int, int]] = []
    start = 0
    for match in _END.finditer(text):
        end = match.end()
        mark = text[match.start()]
        if mark not in _ENDS_ALONE:
            following = text[end : end + 2]
            if following and not following[0].isspace():
                continue
            if mark == "." and end == match.start() + 1 and (following[1:].islower() or _abbreviated(text, start, end)):
                continue
        _add(out, text, start, end)
        start = end
    _add(out, text, start, len(text))
    return tuple(out)


def first_letters(text: str, bounds: Sequence[tuple[int, int]]) -> set[int]:
    """Where the sentences' first words begin, opening quotes and brackets passed over."""
    return {start if text[start].isalnum() else end - len(text[start:end].lstrip(_OPENING)) for start, end in bounds}


def _abbreviated(text: str, start: int, end: int) -> bool:
    last = text[end - 3 : end - 1]
    if last.isalpha() and last.lower() not in _LAST_LETTERS:
        return False  # nearly every sentence's last word
    before = text[max(start, end - 1 - _LONGEST_ABBREVIATION) : end - 1]
    word = before[max(before.rfind(" "), before.rfind("\n")) + 1 :].lstrip("(\"'“[")
    # A lone letter is an initial ("J. Smith", "U.S. Army").
    if text[end + 1 : end + 2].isdigit():
        word = word.capitalize()  # "no. 5"
    return word in ABBREVIATIONS or (word[-1:].isalpha() and (len(word) == 1 or word[-2] == "."))


def _add(out: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    piece = text[start:end].rstrip()
    bare = piece.lstrip()
    if bare:
        end = start + len(piece)
        out.append((end - len(bare), end))
