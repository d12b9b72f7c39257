"""The outline of a markdown text: its blocks, and the sections that its headings make.

Belongs here: finding headings, fences and paragraphs. Does not: tokens, sizes, cutting.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

LONGEST_HEADING = 300
"""Characters above which a line that looks like a heading is a paragraph."""

_ATX = re.compile(r"(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*$")
_ATX_LINE = re.compile(r"^ {0,3}(#{1,6})[ \t].*$", re.MULTILINE)
_NOT_PLAIN = re.compile(r"^[ \t]*(?:`{3}|~{3}|={3}|-{3})", re.MULTILINE)
_SETEXT = re.compile(r"(={3,}|-{3,})$")
_FENCE = re.compile(r"(`{3,}|~{3,})(.*)$")
_NO_HEADING_TEXT = re.compile(r"[-*+|>#`~]|\d+[.)]\s")
_FRONT_MATTER_LINES = 200


class Block(NamedTuple):
    """A heading, a paragraph, a list or table without blank lines, or a fence: `text[start:end]` begins and ends
    with a non-blank character. `level` is 1 to 6 for a heading, else 0; `title` is the heading's text."""

    start: int
    end: int
    level: int = 0
    title: str = ""
    fenced: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its own text up to the next heading, as blocks; `path` are the headings above and at it."""

    path: tuple[str, ...]
    level: int
    headings: tuple[Block, ...]
    body: tuple[Block, ...]


def headings(text: str) -> list[Block]:
    """The headings among the blocks; cheap where there are neither fences nor underlines nor front matter."""
    if _NOT_PLAIN.search(text):
        return [block for block in blocks(text) if block.level]
    found: list[Block] = []
    for match in _ATX_LINE.finditer(text):
        title = heading_text(match[0])
        if title:
            content = match[0].strip()
            start = match.start(1)
            found.append(Block(start, start + len(content), len(match[1]), title))
    return found


def heading_text(line: str) -> str:
    """The text of an ATX heading line without its signs; "" if the line is none."""
    if len(line) > LONGEST_HEADING or len(line) - len(line.lstrip(" ")) > 3:
        return ""
    match = _ATX.match(line.strip())
    return match[2].strip() if match else ""


def is_underline(line: str) -> bool:
    """Whether the line could underline a setext heading."""
    return len(line) <= LONGEST_HEADING and _SETEXT.match(line.strip()) is not None


def blocks(text: str) -> list[Block]:
    """The blocks of a markdown text in order; together they hold every non-blank character."""
    lines = text.split("\n")
    closers = _closers(lines) if "```" in text or "~~~" in text else {}
    found: list[Block] = []
    start, end, height = -1, -1, 0  # of the open paragraph: characters from, to, and its number of lines
    offset, skip, fence = 0, _front_matter(lines), False
    for number, line in enumerate(lines):
        after = offset + len(line) + 1
        content = line.strip()
        if number >= skip and not content:
            if start >= 0:
                found.append(Block(start, end, fenced=fence))
                start, fence = -1, False
        elif content:
            first = offset + len(line) - len(line.lstrip())
            mark = content[0] if number >= skip else ""
            title = heading_text(line) if mark == "#" else ""
            opens = number in closers and number >= skip
            if start >= 0 and (title or opens or number == skip):
                found.append(Block(start, end, fenced=fence))
                start, fence = -1, False
            if title:
                level = len(content) - len(content.lstrip("#"))
                found.append(Block(first, first + len(content), level, title))
            elif start >= 0 and height == 1 and mark in "=-" and mark and _underlines(text[start:end], line):
                found.append(Block(start, first + len(content), 1 if mark == "=" else 2, text[start:end].strip()))
                start = -1
            else:
                if start < 0:
                    start, height = first, 0
                end, height = first + len(content), height + 1
                if opens:
                    skip, fence = closers[number] + 1, True
        offset = after
    if start >= 0:
        found.append(Block(start, end, fenced=fence))
    return found


def sections(found: Sequence[Block]) -> list[Section]:
    """The blocks by section; headings without text of their own stand with the deeper section that follows them."""
    result: list[Section] = []
    above: list[tuple[int, str]] = []
    opening: list[Block] = []
    body: list[Block] = []

    def close() -> None:
        if opening or body:
            path = tuple(title for _, title in above)
            result.append(Section(path, opening[0].level if opening else 0, tuple(opening), tuple(body)))
            opening.clear()
            body.clear()

    for block in found:
        if not block.level:
            body.append(block)
            continue
        if body or (opening and opening[-1].level >= block.level):
            close()
        while above and above[-1][0] >= block.level:
            above.pop()
        above.append((block.level, block.title))
        opening.append(block)
    close()
    return result


def common_path(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The headings that all the paths begin with."""
    low, high = min(paths), max(paths)
    for depth, (one, other) in enumerate(zip(low, high, strict=False)):
        if one != other:
            return low[:depth]
    return low


def _underlines(text: str, line: str) -> bool:
    return len(text) <= LONGEST_HEADING and is_underline(line) and not _NO_HEADING_TEXT.match(text)


def _front_matter(lines: Sequence[str]) -> int:
    """The number of lines of the YAML block that opens the text, else 0."""
    if lines[0].rstrip() != "---":
        return 0
    for number, line in enumerate(lines[1:_FRONT_MATTER_LINES], 1):
        if line.rstrip() in ("---", "..."):
            return number + 1
    return 0


def _closers(lines: Sequence[str]) -> dict[int, int]:
    """The line that closes each code fence, by the line that opens it; a fence that nothing closes is text."""
    fences: list[tuple[int, str, int, bool]] = []
    for number, line in enumerate(lines):
        content = line.strip()
        if content.startswith(("```", "~~~")):
            match = _FENCE.match(content)
            if match:
                fences.append((number, content[0], len(match[1]), not match[2]))
    closers: dict[int, int] = {}
    unclosed: dict[str, int] = {}  # no fence of that many signs closes from here on
    k = 0
    while k < len(fences):
        number, sign, size, _ = fences[k]
        k += 1
        if size >= unclosed.get(sign, size + 1):
            continue
        for later in range(k, len(fences)):
            if fences[later][1] == sign and fences[later][2] >= size and fences[later][3]:
                closers[number] = fences[later][0]
                k = later + 1
                break
        else:
            unclosed[sign] = size
    return closers
