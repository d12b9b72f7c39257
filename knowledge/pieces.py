"""The fine cuts of a block that no chunk can hold: its lines, sentences, groups of words, and parts of endless words.

Belongs here: where such a block may be cut, by its content alone. Does not: tokens, packing.

The cutting is our own and not a splitting library's: libraries fill their pieces from the left, so that one word more
at the beginning of a long block moves all the cuts behind it. Here every cut is decided by the characters around it.
"""

import re
from enum import IntEnum
from typing import NamedTuple
from zlib import crc32

import numpy as np


class Border(IntEnum):
    """What stands before a piece; the greater, the better a place to cut."""

    CHARACTER = 0
    WORD = 1
    WRAP = 2  # a line end within a sentence
    SENTENCE = 3
    LINE = 4
    BLOCK = 5


class Piece(NamedTuple):
    """`text[start:end]` begins and ends with a non-blank character; `border` is what stands before it."""

    start: int
    end: int
    border: Border


_BORDERS = re.compile(
    r"\n\s*"
    r"|(?<=[.!?…])[\"'”’)\]»]*[^\S\n]+"
    r"|(?<=[。！？；])(?=\S)"
)
_WORD = re.compile(r"\S+")
_WRAPPED = 40  # characters of a line from which the line end may be a wrap
_SHORTEST, _LONGEST = 24, 160  # characters of a group of words
_LEAST_PART, _LONGEST_PART = 32, 128  # characters of a part of an endless word
_ODD = np.uint32(0x9E3779B1)


def sentences(text: str, start: int, end: int, border: Border, fenced: bool) -> list[Piece]:
    """`text[start:end]` cut at its line ends and sentence ends; in a fence at its line ends only."""
    found: list[Piece] = []
    line = start
    for match in _BORDERS.finditer(text, start, end):
        at, after = match.span()
        kind = Border.SENTENCE
        if at < after and text[at] == "\n":
            wrapped = at - line >= _WRAPPED and after < end and text[after].islower()
            kind, line = Border.WRAP if wrapped and not fenced else Border.LINE, after
        elif fenced:
            continue
        if after >= end:
            break
        _append(found, text, start, after, border)
        start, border = after, kind
    _append(found, text, start, end, border)
    return found


def words(text: str, start: int, end: int, border: Border) -> list[Piece]:
    """`text[start:end]` cut after the words whose hash says so, 24 to 160 characters apart."""
    found: list[Piece] = []
    for match in _WORD.finditer(text, start, end):
        first, last = match.span()
        if first - start >= _LONGEST:  # mostly blanks
            _append(found, text, start, first, border)
            border = Border.WORD if found else border
            start = first
        if last - first > _LONGEST:
            _append(found, text, start, first, border)
            border = border if start == first else Border.WORD
            found.extend(_parts(text, first, last, border))
            start, border = last, Border.WORD
        elif last - start >= _LONGEST or (last - start >= _SHORTEST and _chosen(match[0])):
            _append(found, text, start, last, border)
            start, border = last, Border.WORD
    _append(found, text, start, end, border)
    return found


def _chosen(word: str) -> bool:
    return (crc32(word.encode("utf-8", "surrogatepass")) * 0x9E3779B1 >> 16) & 7 == 0


def _parts(text: str, start: int, end: int, border: Border) -> list[Piece]:
    """An endless word cut where the hash of four characters says so, 32 to 128 characters apart."""
    codes = np.frombuffer(text[start:end].encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    mixed = codes * _ODD
    for back in (1, 2, 3):
        mixed[back:] = (mixed[back:] ^ codes[:-back]) * _ODD
    found: list[Piece] = []
    first = start
    for hit in [*(np.flatnonzero(mixed >> np.uint32(27) == 0) + start + 1).tolist(), end]:
        while hit - first > _LONGEST_PART:
            found.append(Piece(first, first + _LONGEST_PART, border))
            first, border = first + _LONGEST_PART, Border.CHARACTER
        if hit - first >= _LEAST_PART or hit == end > first:
            found.append(Piece(first, hit, border))
            first, border = hit, Border.CHARACTER
    return found


def _append(found: list[Piece], text: str, start: int, end: int, border: Border) -> None:
    content = text[start:end].strip()
    if content:
        first = text.index(content[0], start)
        found.append(Piece(first, first + len(content), border))
