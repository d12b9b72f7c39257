"""The readable text of a markdown passage, with the way back to its offsets.

Names are read from clean text: a model trained on prose sees "#", "|" and "**" as words. Plain paragraphs pass
through unchanged, so that what was measured on them holds.
"""

import re
from bisect import bisect_right
from collections.abc import Collection
from dataclasses import dataclass, field

from knowledge.names import canonical

_MARKS = re.compile(r"[#*`|\\<>~\[•]")
_LINE_MARKS = re.compile(r"\n[ \t]*(?:[-+][ \t]|\d{1,3}[.)][ \t]|[-=]{3,}[ \t]*(?:\n|$))")
_UNDERSCORED = re.compile(r"(?<!\w)_+[^\W_]")
_ENDLESS = 120  # characters of a word that nobody writes
_STRETCH = _ENDLESS // 2  # such a word covers one of the stretches that a text is cut into
_ONE_BREAK = re.compile(r"(?<!\n)\n(?![\n])")
_FENCE = re.compile(r"[ \t]*(?:```|~~~)")
_HEADING = re.compile(r"[ \t]{0,3}#{1,6}(?:[ \t]+|$)")
_RULE = re.compile(r"[ \t]*(?:[-=*_][ \t]*){3,}$")
_TABLE_RULE = re.compile(r"[ \t]*\|?[ \t:|-]*-[ \t:|-]*$")
_MARKER = re.compile(r"[ \t]*(?:(?:>[ \t]?)+[ \t]*)?(?:(?:[-+*•]|\d{1,3}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?)?")
_INLINE = re.compile(
    r"(?P<image>!\[[^\[\]\n]{0,300}\]\([^()\n]{0,1000}\))"
    r"|\[(?P<link>[^\[\]\n]{1,300})\]\([^()\n]{0,1000}\)"
    r"|(?<!`)`(?P<code>[^`\n]{1,300})`(?!`)"
    r"|(?P<tag></?[A-Za-z][^<>\n]{0,300}>|<!--[^\n<>]{0,300}-->)"
    r"|(?P<mark>(?<!\w)[*_]{1,3}(?=[^\W_]|[\"“‘(])|(?<=[^\s_*])[*_]{1,3}(?!\w)|~~|\\(?=[!-/:-@\[-`{-~]))"
    r"|(?P<endless>(?<!\S)\S{121,})"
)


@dataclass(frozen=True, slots=True)
class Prose:
    """Clean text; blocks (paragraphs, items, rows) end with a line break, cells are joined by a comma.

    `pieces` are (start here, start in the source, length), ascending; empty when both texts have the same offsets.
    """

    text: str
    pieces: tuple[tuple[int, int, int], ...] = ()
    _here: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())
    _there: tuple[int, ...] = field(init=False, repr=False, compare=False, default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "_here", tuple(p[0] for p in self.pieces))
        object.__setattr__(self, "_there", tuple(p[1] for p in self.pieces))

    def source(self, start: int, end: int) -> tuple[int, int]:
        """The span of the source text in which a span of this text was written; start < end."""
        if not self.pieces:
            return start, end
        here, there, length = self.pieces[max(bisect_right(self._here, start) - 1, 0)]
        first = there + min(start - here, length)
        here, there, length = self.pieces[max(bisect_right(self._here, end - 1) - 1, 0)]
        return first, there + min(end - here, length)

    def locate(self, start: int, end: int) -> tuple[int, int]:
        """The span of this text for a span of the source: the inverse of `source`; empty where nothing was kept."""
        if not self.pieces:
            return start, end
        first, last = self._from_source(start), self._from_source(end)
        return first, max(first, last)

    def _from_source(self, position: int) -> int:
        at = bisect_right(self._there, position) - 1
        if at < 0:
            return 0
        here, there, length = self.pieces[at]
        return here + min(position - there, length)


def prose(text: str, headings: Collection[str] = ()) -> Prose:
    """The readable text of a markdown passage.

    Left out: markup, code blocks, table rules, words of more than 120 characters, and the heading lines whose
    canonical form is in `headings` (they are known already).
    """
    if not _marked(text):
        return Prose(_ONE_BREAK.sub(" ", text) if "\n" in text else text)
    return _Writer(text, headings).write()


def _marked(text: str) -> bool:
    """May there be markup? Most passages have none, and several quick looks cost less than one long pattern."""
    return bool(
        _MARKS.search(text)
        or _LINE_MARKS.search("\n" + text)
        or ("_" in text and _UNDERSCORED.search(text))
        or (_unbroken(text) and max(map(len, text.split()), default=0) > _ENDLESS)
    )


def _unbroken(text: str) -> bool:
    """Is there a stretch without a space, as there is in every word of more than _ENDLESS characters?"""
    return any(" " not in text[at : at + _STRETCH] for at in range(0, len(text) - _STRETCH + 1, _STRETCH))


class _Writer:
    """One pass over the lines of a text, writing what is kept and where it stood."""

    def __init__(self, text: str, headings: Collection[str]) -> None:
        self.text, self.headings = text, headings
        self.out: list[str] = []
        self.pieces: list[tuple[int, int, int]] = []
        self.size = 0
        self.open = False  # inside a paragraph that the next line may continue

    def write(self) -> Prose:
        fenced, start = False, 0
        for line in self.text.split("\n"):
            end = start + len(line)
            if _FENCE.match(line):
                fenced = not fenced
                self.close()
            elif not line.strip() or fenced or _RULE.match(line):
                self.close()
            else:
                self.line(line, start)
            start = end + 1
        return Prose("".join(self.out), tuple(self.pieces))

    def line(self, line: str, start: int) -> None:
        end = start + len(line)
        if heading := _HEADING.match(line):
            self.close()
            if canonical(line) not in self.headings:
                self.inline(start + heading.end(), end)
                self.close()
        elif line.count("|") > 1 or line.lstrip().startswith("|"):
            self.close()
            if not _TABLE_RULE.match(line):
                self.row(start, end)
                self.close()
        else:
            marker = _MARKER.match(line)
            begins = start + (marker.end() if marker else 0)
            if marker and marker.group().strip(" \t>"):
                self.close()
            elif self.open:
                self.add(" ")
            self.inline(begins, end)
            self.open = True

    def row(self, start: int, end: int) -> None:
        written = False
        for cell in re.finditer(r"(?:[^|\\]|\\.)+", self.text[start:end]):
            content = cell.group()
            if content.strip():
                if written:
                    self.add(", ")
                lead = len(content) - len(content.lstrip())
                self.inline(start + cell.start() + lead, start + cell.start() + len(content.rstrip()))
                written = True

    def inline(self, start: int, end: int) -> None:
        at = start
        for match in _INLINE.finditer(self.text, start, end):
            self.keep(at, match.start())
            kept = match.lastgroup if match.lastgroup in ("link", "code") else None
            if kept:
                self.keep(match.start(kept), match.end(kept))
            elif match.lastgroup in ("tag", "image", "endless"):
                self.add(" ")
            at = match.end()
        self.keep(at, end)

    def keep(self, start: int, end: int) -> None:
        if start < end:
            self.pieces.append((self.size, start, end - start))
            self.add(self.text[start:end])

    def add(self, text: str) -> None:
        self.out.append(text)
        self.size += len(text)

    def close(self) -> None:
        if self.size and not self.out[-1].endswith("\n"):
            self.add("\n")
        self.open = False
