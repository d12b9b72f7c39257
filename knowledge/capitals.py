"""Runs of capitalised words: names for texts and languages without a model."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache

from knowledge.names import Word, words_of
from knowledge.sentences import first_letters, sentences
from knowledge.vocabulary import CALENDAR, GENERIC, OPENERS, STOP

_UPPER = "".join(c for c in map(chr, range(0x41, 0x2000)) if c.isupper())
# The first character set stands before everything else: searching for it is several times faster.
_CAPITAL = rf"[{_UPPER}](?<!\w[{_UPPER}])(?:\.(?=[ \t]|[{_UPPER}])|(?:r|t|s|rs|rof)\.(?=[ \t])|[\w'’\-]*)"
_JOINER = r"(?:of|the|de|la|le|du|des|del|della|di|da|do|dos|von|van|der|den|af|av|ibn|bin|al|el|for|&|zu|zur)"
_RUN = re.compile(
    rf"{_CAPITAL}(?:(?:[ \t]+{_JOINER}){{0,2}}(?:[ \t]+|(?<=\.))(?:{_CAPITAL}|\d+(?:st|nd|rd|th)?\b(?![.,:/]\d)))*"
)
_EDGE = STOP | OPENERS
_HONORIFICS = frozenset(("dr", "mr", "mrs", "ms", "prof"))


def capital_spans(text: str, known: Collection[str] = frozenset()) -> list[tuple[int, int]]:
    """Runs of capitalised words [(start, end)] of clean text, without stop words and honorifics at the edges.

    A lone word at a sentence's start counts only where something else shows a name: it is written with a capital
    elsewhere in the text (and never without), is one of the `known` folded words, or holds a second capital.
    Runs of nothing but dates and generic words are left out.
    """
    starts = first_letters(text, sentences(text))
    out = []
    for match in _RUN.finditer(text):
        base = match.start()
        for first, last, lone in _names_of(match.group()):
            start, end = base + first, base + last
            opens = lone and first == 0 and base in starts and text[start + 1 : end].islower()
            if not opens or lone in known or _elsewhere(text, text[start:end], starts):
                out.append((start, end))
    return out


@lru_cache(maxsize=8192)
def _names_of(written: str) -> tuple[tuple[int, int, str], ...]:
    """The name in a run of capitals, if there is one: (start, end, its folded word if it is a single one else "")."""
    run = _trimmed(written)
    if not run or all(w in CALENDAR or w in GENERIC or w.isnumeric() for w, _, _ in run):
        return ()
    start, end = run[0][1], run[-1][2]
    return ((start, end, run[0][0] if len(run) == 1 else ""),) if end - start > 1 else ()


def _trimmed(written: str) -> tuple[Word, ...]:
    """The words of a run between its stop words; one in capitals ("US Army", "Nordwind AS") is part of the name."""
    run = words_of(written)
    first, last = 0, len(run)
    while first < last:
        # "On Monday the Bank of Norway" is a bank, "Black Friday" and "Monday Club" are names.
        dated = run[first][0] in CALENDAR and first + 1 < last and run[first + 1][0] in STOP
        if not dated and (run[first][0] not in _EDGE or _acronym(written, run, first)):
            break
        first += 1
    while first < last and run[last - 1][0] in _EDGE and not _acronym(written, run, last - 1):
        last -= 1
    if last - first > 2 and run[first][0] in _HONORIFICS:
        first += 1
    return run[first:last]


def _acronym(written: str, run: Sequence[Word], at: int) -> bool:
    _, start, end = run[at]
    return end - start > 1 and written[start:end].isupper() and not written.isupper()


def _elsewhere(text: str, word: str, starts: Collection[int]) -> bool:
    """Does a word stand with its capital away from the sentences' starts, and nowhere in lower case?"""
    return not _places(text, word.lower()) and any(at not in starts for at in _places(text, word))


def _places(text: str, word: str) -> list[int]:
    """Where a word stands in a text as a whole word; at most the first hundred places are looked at."""
    out, at = [], text.find(word)
    for _ in range(100):
        if at < 0:
            break
        end = at + len(word)
        if not (text[at - 1 : at].isalnum() or text[end : end + 1].isalnum()):
            out.append(at)
        at = text.find(word, end)
    return out
