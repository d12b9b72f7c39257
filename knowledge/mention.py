"""What extraction finds: mentions of names and statements about pairs of names, in one passage."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Origin = Literal["extractor", "title", "lookup"]

TITLE_WEIGHT = 3.0
"""A name of the title or headings weighs three times a plain mention: measured, and what the walk follows."""
UNTYPED = ("NAME", "TITLE")
"""Types that lose every vote against a real one; the first wins over the second."""

_MARKS = re.compile(r"[*`|\\~]+|(?<!\w)_+|_+(?!\w)")
_POSSESSIVE = re.compile(r"['’]s?$")
_OUTER = " \t\r\n.,;:!?\"'“”‘’()[]{}<>«»-–—/&=_"


@dataclass(frozen=True, slots=True)
class Passage:
    """A chunk as extraction reads it: nothing else may influence what is found."""

    title: str | None
    heading_path: tuple[str, ...]
    text: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Mention:
    """One name in one passage.

    `name` is canonical, `surface` as written; `spans` are [start, end) offsets in the passage's text, none for a
    title that the text does not hold; `description` is a defining sentence of the text ("X is a …") or "".
    """

    name: str
    surface: str
    type: str
    spans: tuple[tuple[int, int], ...]
    origin: Origin
    description: str = ""


def mention_weight(origin: str) -> float:
    """What the edge between a passage and one of its names weighs, by how the name was found there."""
    return TITLE_WEIGHT if origin == "title" else 1.0


@dataclass(frozen=True, slots=True)
class Statement:
    """Two names of one sentence, `source` < `target` (canonical), and how they relate.

    `predicate` is a short verb phrase or "co-occurs"; `description` is the clause it was read from, in the order it
    was written, else ""; `weight` is the sum over sentences: 1 each, less where a sentence lists very many names.
    """

    source: str
    target: str
    predicate: str
    weight: float
    description: str = ""


@dataclass(frozen=True, slots=True)
class Extraction:
    """All that one passage gives: one mention a name, one statement a pair and predicate."""

    mentions: tuple[Mention, ...]
    statements: tuple[Statement, ...]


@lru_cache(maxsize=8192)
def surface_of(text: str) -> str:
    """A span as a name to show: one line, without markup, closing possessive, outer punctuation and small "the"."""
    bare = " ".join(_MARKS.sub("", text).split())
    bare = _POSSESSIVE.sub("", bare.rstrip(" .,;:!?")).lstrip("#" + _OUTER).rstrip(_OUTER)
    return bare.removeprefix("the ")
