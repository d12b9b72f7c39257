"""The text of a PDF from the plain text of its pages, with the headings that the native parser's markdown names.

The parser's markdown of a PDF is only asked for headings: it takes prose for tables and drops what stood around
them, misreads `a*b` and `key:value` as ligatures, and begins lists in the middle of sentences. The plain text of the
pages is complete, in order, and tells where each page starts.
"""

import re
from collections import Counter
from collections.abc import Sequence

FULL_LINE = 0.7
REPEATED = 0.4
MIN_PAGES = 4
FURNITURE_CHARS = 80
_HEADING = re.compile(r"^(#{1,6}) (.+)$", re.M)
_NUMBER = re.compile(r"[0-9]{1,6}")
_BULLET = re.compile(r"[•▪■●◦‣⁃∙·–*o-][ \t]+(?=\S)")
_NUMBERED = re.compile(r"(?:\d{1,3}|[a-zA-Z])[.)][ \t]+\S")
_END = (".", "!", "?", ":", ";", "。", "”", '"')


def assembled(markdown: str, pages: Sequence[str]) -> tuple[str, tuple[int, ...]]:
    """The text of all pages and the offset at which each one starts.

    `markdown` is the native parser's, `pages` the plain text of each page. Lines are joined to paragraphs; lines that
    stand at the top or the bottom of most pages are left out. An empty page starts where the next one does.
    """
    headings = Counter((_key(text), len(marks)) for marks, text in _HEADING.findall(markdown))
    levels = {key: level for key, level in headings if key}
    lines = [[" ".join(line.split()) for line in page.split("\n")] for page in pages]
    lines = _without_furniture([[line for line in page if line] for page in lines], levels)
    text, starts = "", []
    for page in lines:
        written = _written(page, levels)
        if text and written:
            text += " " if _goes_on(text, written) else "\n\n"
        starts.append(len(text))
        text += written
    return text + "\n", tuple(starts)


def _written(lines: Sequence[str], levels: dict[str, int]) -> str:
    """The lines of one page as markdown."""
    width = FULL_LINE * sorted(map(len, lines))[len(lines) * 9 // 10] if lines else 0.0
    out = ""
    before = 0  # length of the line before, 0 where nothing may be joined to it
    for line in lines:
        level = levels.get(_key(line), 0)
        if level:
            out += "\n\n" * bool(out) + "#" * level + " " + line
            before = 0
            continue
        item = _BULLET.match(line)
        if item:
            line = "- " + line[item.end() :]
        if not out:
            out = line
        elif not before:
            out += "\n\n" + line
        elif item or _NUMBERED.match(line) or not (before >= width or line[0].islower()):
            out += ("\n\n" if out.endswith(_END) and not item else "\n") + line
        else:
            out = _joined(out, line)
        before = len(line)
    return out


def _joined(text: str, line: str) -> str:
    """Text and the line that goes on with it; a hyphen at the line's end binds, a soft one goes."""
    if text.endswith("\u00ad"):
        return text[:-1] + line
    return text + line if text.endswith("-") and line[0].islower() else f"{text} {line}"


def _goes_on(text: str, page: str) -> bool:
    """Whether a sentence goes on over the page's end."""
    last = text[text.rfind("\n") + 1 :]
    return page[0].islower() and not text.endswith(_END) and not last.startswith("#")


def _without_furniture(pages: Sequence[Sequence[str]], levels: dict[str, int]) -> list[list[str]]:
    """The pages without running heads, feet and page numbers: at most two lines at either end of each page.

    Such a line stands on many pages, the same or counting with them, and ends no sentence; the first page keeps it.
    """
    left = [list(page) for page in pages]
    rest = [(number, page) for number, page in enumerate(left) if page][1:]
    if len(rest) < MIN_PAGES - 1:
        return left
    for end in (0, 0, -1, -1):
        shapes = [_shapes(page[end], number, levels) if len(page) > 1 else set() for number, page in rest]
        seen = Counter(shape for of_page in shapes for shape in of_page)
        for (_, page), of_page in zip(rest, shapes, strict=True):
            if any(seen[shape] > REPEATED * len(rest) for shape in of_page):
                del page[end]
    return left


def _shapes(line: str, page: int, levels: dict[str, int]) -> set[str]:
    """The forms in which a line may recur: as it stands, or with its first or last number relative to the page's."""
    if line.endswith(_END):
        return set()
    numbers = [] if _key(line) in levels or len(line) > FURNITURE_CHARS else list(_NUMBER.finditer(line))
    return {line} | {
        f"{line[: n.start()]}\0{int(n.group()) - page}{line[n.end() :]}" for n in numbers[:1] + numbers[-1:]
    }


def _key(line: str) -> str:
    return "".join(char for char in line if char.isalnum()).casefold()
