"""What an embedding model reads of a chunk: the document's title, the headings above it, its text, each once.

Belongs here: the form of that text. Does not: cutting, tokens.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from knowledge import outline

_EMPHASIS = re.compile(r"[*_`]")


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """Tokens of a chunk as embedded, special tokens included: never more than `max_tokens`; below `min_tokens` only
    where a section or document is shorter or stands between large neighbours."""

    max_tokens: int = 256
    min_tokens: int = 64

    @property
    def prefix_bytes(self) -> int:
        """The most that title and headings may take, in UTF-8 bytes.

        No tokenizer makes more tokens than bytes, so a quarter of the chunk is left for its text whatever the script;
        in English these bytes are a fifth of it.
        """
        return max(0, (self.max_tokens - 8) * 3 // 4)


DEFAULT_LIMITS = ChunkLimits()


def embedded_text(
    title: str | None, heading_path: Sequence[str], text: str, limits: ChunkLimits = DEFAULT_LIMITS
) -> str:
    """Title, headings and text by lines, each once, without the signs of headings.

    A heading that equals the title is given once; heading lines that open the text and were given above are dropped
    from it. Title and headings beyond `limits.prefix_bytes` are shortened: the title is cut to half of that, the
    innermost headings come first. Without title and headings it is the text alone.
    """
    lines = prefix(title, heading_path, limits)
    headings = outline.headings(text)
    body = _body(text, headings, {_same(line) for line in lines}) if headings else text
    return "\n".join([*lines, body] if body else lines)


def prefix(title: str | None, heading_path: Sequence[str], limits: ChunkLimits = DEFAULT_LIMITS) -> list[str]:
    """The lines that stand above the text of a chunk."""
    names: dict[str, str] = {}
    for name in (title or "", *heading_path):
        line = " ".join(name[: 4 * outline.LONGEST_HEADING].split())
        if line:
            names.setdefault(_same(line), line)
    lines = list(names.values())
    if sum(_bytes(line) + 1 for line in lines) <= limits.prefix_bytes:
        return lines
    return _shortened(lines, limits.prefix_bytes)


def _shortened(lines: list[str], room: int) -> list[str]:
    first = _cut(lines[0], room // 2 if len(lines) > 1 else room)
    room -= _bytes(first) + 1
    kept: list[str] = []
    for line in reversed(lines[1:]):
        if not kept:
            line = _cut(line, room)
        if line and _bytes(line) < room:
            kept.append(line)
            room -= _bytes(line) + 1
    return [line for line in (first, *reversed(kept)) if line]


def _cut(line: str, room: int) -> str:
    """The line, or as many of its whole words (of its characters, if the first is longer) as the bytes hold."""
    if _bytes(line) < room:
        return line
    head = line[: max(0, room - 1)]
    while head and _bytes(head) >= room:
        head = head[: -max(1, (_bytes(head) - room) // 4)]
    whole = head.rpartition(" ")[0] if not line[len(head) : len(head) + 1].isspace() else head
    return (whole or head).rstrip()


def _body(text: str, headings: Sequence[outline.Block], given: set[str]) -> str:
    """The text without the signs of its headings, and without the headings that open it and are given."""
    pieces: list[str] = []
    at, opening = 0, True
    for heading in headings:
        between = text[at : heading.start]
        opening = opening and not between.strip() and _same(heading.title) in given
        pieces.append("" if opening else between + heading.title)
        at = heading.end
    return ("".join(pieces) + text[at:]).strip()


def _same(name: str) -> str:
    """What two spellings of one title or heading share: case, spaces and signs of emphasis left out."""
    return " ".join(_EMPHASIS.sub("", name).split()).casefold()


def _bytes(line: str) -> int:
    return len(line.encode("utf-8", "surrogatepass"))
