"""Acronyms that a document defines itself: "Global Data Platform (GDP)" or "GDP (Global Data Platform)".

By initials, after the idea of Schwartz and Hearst, "A simple algorithm for identifying abbreviation definitions in
biomedical text" (PSB 2003), but stricter: every word gives its first letter, stop words may be passed over.
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from knowledge.names import canonical, canonical_of, words
from knowledge.vocabulary import STOP

_SHORT = r"[A-Z][A-Za-z&]{1,9}"
_AFTER = re.compile(rf"\(({_SHORT})s?\)")
_BEFORE = re.compile(rf"(?<![\w-])({_SHORT}) \(([^()\n]{{3,120}})\)")
_REACH = 160  # characters before the parenthesis in which the long form must stand


def acronyms(text: str) -> dict[str, str]:
    """`{short form: long form}`, both canonical; a short form that is defined in two ways is left out."""
    if "(" not in text:
        return {}
    return merge(_definitions(text))


def merge(definitions: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """The definitions of several texts of one document as one; contradictions are left out, whatever the order."""
    forms: dict[str, set[str]] = {}
    for one in definitions:
        for short, long in one.items():
            forms.setdefault(short, set()).add(long)
    return {short: next(iter(long)) for short, long in sorted(forms.items()) if len(long) == 1}


def _definitions(text: str) -> Iterable[dict[str, str]]:
    for match in _AFTER.finditer(text):
        letters = _letters(match[1])
        before = text[max(0, match.start() - _REACH) : match.start()].rsplit("\n", 1)[-1]
        # No sentence end or other parenthesis between the long form and its short one.
        clause = re.split(r"[.!?;:()\[\]]\s", before)[-1]
        long = _spelled(letters, [w for w, _, _ in words(clause)], whole=False) if letters else ""
        if long:
            yield {canonical(match[1]): long}
    for match in _BEFORE.finditer(text):
        letters = _letters(match[1])
        long = _spelled(letters, [w for w, _, _ in words(match[2])], whole=True) if letters else ""
        if long:
            yield {canonical(match[1]): long}


def _letters(short: str) -> str:
    """The letters that the long form must spell, "" if this does not look like an acronym."""
    letters = short.replace("&", "")
    capitals = sum(c.isupper() for c in letters)
    return letters.lower() if len(letters) >= 2 and capitals >= 2 and 2 * capitals > len(letters) else ""


def _spelled(letters: str, folded: Sequence[str], *, whole: bool) -> str:
    """The last words of `folded` (all of them with `whole`) whose initials are `letters`, canonical; else ""."""
    at, left = len(folded), len(letters)
    while at and left:
        word = folded[at - 1]
        if word[0] == letters[left - 1]:
            left -= 1
        elif word not in STOP:
            return ""
        at -= 1
    rest = [w for w in folded[:at] if w not in STOP] if whole else []
    if left or rest or folded[at] in STOP:
        return ""
    return canonical_of(list(folded[at:]))
