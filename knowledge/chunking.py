"""Chunks: a document cut into passages that the embedding model reads whole, and whose ids outlive edits elsewhere.

Belongs here: which pieces of a document make a chunk. Does not: finding headings (outline), fine cuts (pieces), the
choice among possible cuts (packing), the form that is embedded (passage).

A document that fits is one chunk. Otherwise whole sections are packed, small ones together, and a section that does
not fit is packed by its blocks; a block that does not fit, by its sentences. No cut depends on anything far from it,
see `packing`.
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol
from zlib import crc32

from knowledge import outline
from knowledge.fingerprint import fingerprint
from knowledge.outline import Block, Section
from knowledge.packing import pack
from knowledge.passage import DEFAULT_LIMITS, ChunkLimits, embedded_text, prefix
from knowledge.pieces import Border, Piece, sentences, words

__all__ = ["DEFAULT_LIMITS", "VERSION", "Chunk", "ChunkLimits", "Tokenizer", "embedded_text", "split"]

VERSION = "1"

_CHARACTERS_PER_TOKEN = 16
"""A chunk is also limited in characters: some tokenizers read an endless word as one token."""


class Tokenizer(Protocol):
    """The embedding model's own tokenizer, batched; `identity` goes into fingerprints."""

    @property
    def identity(self) -> str: ...

    @property
    def special_tokens(self) -> int:
        """Tokens that the model adds to each text."""
        ...

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the special ones."""
        ...


@dataclass(frozen=True, slots=True)
class Chunk:
    """A passage: `text == document_text[char_start:char_end]`; `tokens` are those of what is embedded, special tokens
    included; `fingerprint` is over title, headings and text, so it stays when the passage only moves."""

    id: str
    ordinal: int
    heading_path: tuple[str, ...]
    text: str
    char_start: int
    char_end: int
    tokens: int
    fingerprint: str


class Span(NamedTuple):
    """A chunk to be: where it lies, and the headings above it."""

    start: int
    end: int
    path: tuple[str, ...]


def split(document_id: str, title: str | None, text: str, limits: ChunkLimits, tokenizer: Tokenizer) -> list[Chunk]:
    """The chunks of a document in order: not overlapping, every non-blank character in one, none above
    `limits.max_tokens` once embedded. Blank text has none."""
    content = text.strip()
    if not content:
        return []
    cutter = _Cutter(title, text, limits, tokenizer)
    start = text.index(content[0])
    if len(content) <= cutter.most_characters:
        whole = Span(start, start + len(content), _path_of(text))
        tokens = cutter.embedded([whole])[0]
        if tokens <= limits.max_tokens:
            return _chunks(document_id, title, text, [(whole, tokens)])
    return _chunks(document_id, title, text, cutter.fitting(cutter.spans()))


class _Cutter:
    """One document being cut."""

    def __init__(self, title: str | None, text: str, limits: ChunkLimits, tokenizer: Tokenizer) -> None:
        self.title, self.text, self.limits, self.tokenizer = title, text, limits, tokenizer
        self.most_characters = limits.max_tokens * _CHARACTERS_PER_TOKEN

    def embedded(self, spans: Sequence[Span]) -> list[int]:
        """Tokens of each span as the model reads it."""
        texts = [embedded_text(self.title, s.path, self.text[s.start : s.end], self.limits) for s in spans]
        return [tokens + self.tokenizer.special_tokens for tokens in self.tokenizer.count(texts)]

    def spans(self) -> list[Span]:
        """The document as chunks to be: sections packed, those that do not fit packed by their blocks."""
        found = outline.sections(outline.blocks(self.text))
        weights = self._weights([(b.start, b.end) for s in found for b in (*s.headings, *s.body)])
        by_block = dict(zip((b.start for s in found for b in (*s.headings, *s.body)), weights, strict=True))
        rooms = self._rooms([section.path for section in found])
        totals = [sum(by_block[b.start] for b in (*s.headings, *s.body)) for s in found]
        room = min(rooms.values())
        starts = pack(totals, self._section_keys(found), self._least(room), room, join=False)
        spans: list[Span] = []
        for first, last in zip(starts, [*starts[1:], len(found)], strict=True):
            run = found[first:last]
            path = outline.common_path([s.path for s in run])
            if len(run) > 1 or totals[first] <= rooms[path]:
                spans.append(Span(_start(run[0]), _end(run[-1]), path))
            else:
                spans.extend(self._within(run[0], by_block, rooms[path]))
        return spans

    def fitting(self, spans: Sequence[Span]) -> list[tuple[Span, int]]:
        """The spans with their tokens, halved as long as they are too long.

        Tokens of parts need not add up to those of the whole; with most tokenizers nothing is halved here.
        """
        result: list[tuple[Span, int]] = []
        counts = self.embedded(spans)
        for span, tokens in zip(spans, counts, strict=True):
            if tokens <= self.limits.max_tokens or span.end - span.start < 2:
                result.append((span, tokens))
            else:
                result.extend(self.fitting(_halves(self.text, span)))
        return result

    def _within(self, section: Section, by_block: dict[int, int], room: int) -> list[Span]:
        """A section that does not fit: packed by its blocks, those that do not fit by finer pieces."""
        pieces: list[Piece] = []
        weights: list[int] = []
        for block in section.body:
            weight = by_block[block.start]
            if weight <= room:
                pieces.append(Piece(block.start, block.end, Border.BLOCK))
                weights.append(weight)
            else:
                fine = self._fine(block, room)
                pieces.extend(piece for piece, _ in fine)
                weights.extend(weight for _, weight in fine)
        if not pieces:
            return [Span(_start(section), _end(section), section.path)]
        starts = pack(weights, self._piece_keys(pieces), self._least(room), room)
        spans = [
            Span(pieces[first].start, pieces[last - 1].end, section.path)
            for first, last in zip(starts, [*starts[1:], len(pieces)], strict=True)
        ]
        return [spans[0]._replace(start=_start(section)), *spans[1:]]

    def _fine(self, block: Block, room: int) -> list[tuple[Piece, int]]:
        """A block as sentences or lines, those that do not fit as groups of words, with their weights."""
        pieces = sentences(self.text, block.start, block.end, Border.BLOCK, block.fenced)
        result: list[tuple[Piece, int]] = []
        for piece, weight in zip(pieces, self._weights([(p.start, p.end) for p in pieces]), strict=True):
            if weight <= room:
                result.append((piece, weight))
            else:
                groups = words(self.text, *piece)
                result.extend(zip(groups, self._weights([(g.start, g.end) for g in groups]), strict=True))
        return result

    def _weights(self, places: Sequence[tuple[int, int]]) -> list[int]:
        """Tokens of each place, or its share of a chunk's characters, if that is more; what follows up to the next
        place counts for the characters. Places too long for any chunk are not tokenized."""
        texts = [self.text[a:b] if b - a <= self.most_characters else "" for a, b in places]
        counts = self._counts(texts)
        after = [a for a, _ in places[1:]] + [places[-1][1]]
        return [
            max(1, counts[text], max(next_start - a, b - a) // _CHARACTERS_PER_TOKEN)
            for text, (a, b), next_start in zip(texts, places, after, strict=True)
        ]

    def _rooms(self, paths: Sequence[tuple[str, ...]]) -> dict[tuple[str, ...], int]:
        """Tokens left for the text below each path and below all paths that it begins with."""
        every = {path[:depth] for path in set(paths) for depth in range(len(path) + 1)}
        above = {path: prefix(self.title, path, self.limits) for path in every}
        counts = self._counts([line for lines in above.values() for line in lines])
        free = self.limits.max_tokens - self.tokenizer.special_tokens
        return {path: max(1, free - sum(counts[line] for line in lines)) for path, lines in above.items()}

    def _counts(self, texts: Sequence[str]) -> dict[str, int]:
        """Tokens by text: the short lines of a long document are often the same."""
        unique = list(dict.fromkeys(texts))
        return dict(zip(unique, self.tokenizer.count(unique), strict=True))

    def _least(self, room: int) -> int:
        """The least weight between two cuts: with a third of the room, three pieces that just fitted together do not
        become four chunks when one of them grows."""
        return min(max(room // 3 + 1, self.limits.min_tokens), max(1, room // 2))

    def _section_keys(self, found: Sequence[Section]) -> list[int]:
        """Higher headings are stronger; among equals the heading decides, so that an edit below it moves no cut."""
        keys: list[int] = []
        before = 0
        for section in found:
            hashed = _hash(section.headings[0].title) if section.headings else 0
            content = _hash(self.text[_start(section) : _end(section)])
            keys.append((7 - section.level) << 96 | hashed << 64 | content << 32 | before)
            before = content
        return keys

    def _piece_keys(self, pieces: Sequence[Piece]) -> list[int]:
        keys: list[int] = []
        before = 0
        for piece in pieces:
            content = _hash(self.text[piece.start : piece.end])
            keys.append(piece.border << 64 | content << 32 | before)
            before = content
        return keys


def _chunks(document_id: str, title: str | None, text: str, spans: Sequence[tuple[Span, int]]) -> list[Chunk]:
    seen: Counter[str] = Counter()
    chunks: list[Chunk] = []
    for ordinal, (span, tokens) in enumerate(spans):
        content = text[span.start : span.end]
        normal = " ".join(unicodedata.normalize("NFC", content).split())
        chunks.append(
            Chunk(
                id=fingerprint(document_id, normal, str(seen[normal])),
                ordinal=ordinal,
                heading_path=span.path,
                text=content,
                char_start=span.start,
                char_end=span.end,
                tokens=tokens,
                fingerprint=fingerprint(title or "", str(len(span.path)), *span.path, content),
            )
        )
        seen[normal] += 1
    return chunks


def _path_of(text: str) -> tuple[str, ...]:
    """The headings above all of the text, if it is one chunk."""
    headings = outline.headings(text)
    if not headings or text[: headings[0].start].strip():
        return ()
    if len(headings) == 1:
        return (headings[0].title,)
    return outline.common_path([section.path for section in outline.sections(outline.blocks(text))])


def _start(section: Section) -> int:
    return (section.headings or section.body)[0].start


def _end(section: Section) -> int:
    return (section.body or section.headings)[-1].end


def _halves(text: str, span: Span) -> list[Span]:
    """The span cut at the blank nearest to its middle, in the middle of a word only where there is none."""
    middle = (span.start + span.end) // 2
    for distance in range(middle - span.start):
        for at in (middle - distance, middle + distance):
            if text[at].isspace():
                left = len(text[span.start : at].rstrip())
                right = len(text[at : span.end].lstrip())
                return [span._replace(end=span.start + left), span._replace(start=span.end - right)]
    return [span._replace(end=middle), span._replace(start=middle)]


def _hash(text: str) -> int:
    """32 mixed bits: neighbouring numbers in a text must not make neighbouring keys."""
    return crc32(text.encode("utf-8", "surrogatepass")) * 0x9E3779B1 & 0xFFFFFFFF
