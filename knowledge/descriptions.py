"""Descriptions without a model: the sentence of the text that says what a name is."""

import re
from collections.abc import Iterable, Mapping, Sequence

MOST_CHARACTERS = 240

_DEFINES = re.compile(
    r"[\"'”’]?(?:\s*\([^()\n]{0,160}\))?(?:,[^,.;\n]{1,100},)?\s+(?:is|was|are|were)\s+(?:(?:also|now|still)\s+)?"
    r"(?:an?|the|one)\s"
)
_OPENING = " \"'“‘"


def openings(text: str, sentences: Sequence[tuple[int, int]]) -> dict[int, tuple[int, int]]:
    """`{where the first name of a sentence would begin: the sentence}`: at its start, behind a quote or "The"."""
    out = {}
    for start, end in sentences:
        first = start
        while first < end and text[first] in _OPENING:
            first += 1
        out[first] = (start, end)
        if text.startswith("The ", first):
            out[first + 4] = (start, end)
    return out


def defining_sentence(text: str, spans: Iterable[tuple[int, int]], opened: Mapping[int, tuple[int, int]]) -> str:
    """The first sentence that opens with a name and says "… is a", cut at MOST_CHARACTERS; "" if there is none.

    `spans` are the name's occurrences in `text`, `opened` its `openings`.
    """
    for start, end in spans:
        if (sentence := opened.get(start)) and _DEFINES.match(text, end, sentence[1]):
            return _cut(" ".join(text[sentence[0] : sentence[1]].split()))
    return ""


def _cut(sentence: str) -> str:
    if len(sentence) <= MOST_CHARACTERS:
        return sentence
    return sentence[: MOST_CHARACTERS - 1].rsplit(" ", 1)[0].rstrip(",;: ") + "…"
