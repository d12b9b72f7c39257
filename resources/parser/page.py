"""Web pages before the native parser sees them: character set, head, and how much text they hold."""

import re
from html.parser import HTMLParser

from resources.parser.charset import decode
from resources.parser.outcome import FactName, Facts
from resources.parser.plain import iso_date
from resources.parser.tidy import clean

HEAD_CHARS = 200_000
_CHARSET = re.compile(rb"<meta[^>]{0,300}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_.:-]{1,40})", re.I)
_HEAD = re.compile(r"<head[\s>].*?</head\s*>", re.I | re.S)
_META: dict[str, FactName] = {
    "author": "author",
    "dc.creator": "author",
    "dcterms.creator": "author",
    "article:published_time": "created_at",
    "dcterms.created": "created_at",
    "date": "created_at",
    "article:modified_time": "modified_at",
    "dcterms.modified": "modified_at",
    "last-modified": "modified_at",
}
_UNSEEN = frozenset(
    ["script", "style", "template", "noscript", "title", "nav", "header", "footer", "aside", "form", "select", "svg"]
)
_INLINE = frozenset(["a", "abbr", "b", "code", "em", "i", "mark", "s", "small", "span", "strong", "sub", "sup", "u"])


class _Head(HTMLParser):
    """Collects the title and the meta entries that we know."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.facts: Facts = {}
        self._in_title = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title"
        if tag == "meta":
            entries = {k: v or "" for k, v in attrs}
            key = _META.get((entries.get("name") or entries.get("property") or "").lower())
            value = entries.get("content", "").strip()
            if key and value and (key == "author" or iso_date(value)):
                self.facts.setdefault(key, value)

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False

    def handle_data(self, data: str) -> None:
        if self._in_title and "title" not in self.facts and data.strip():
            self.facts["title"] = " ".join(data.split())


class _Shown(HTMLParser):
    """Collects the text between the tags, but for what a reader of the page would not call its text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN and not self._unseen:
            self._unseen = tag
        elif tag not in _INLINE:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._unseen:
            self._unseen = ""

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(data)


def source_text(data: bytes, declared: str | None = None) -> str:
    """The page's source as text, by its own charset entry where it is not UTF-8."""
    found = _CHARSET.search(data[:4096])
    return clean(decode(data, declared or (found.group(1).decode("ascii") if found else None)))


def facts(source: str) -> Facts:
    """Title, author, created_at and modified_at as the head of the page says them."""
    parser = _Head()
    parser.feed(source[:HEAD_CHARS])
    return parser.facts


def without_head(source: str) -> str:
    """The page without its head, of which the native parser makes broken front matter."""
    return _HEAD.sub("", source, count=1)


def shown(source: str) -> str:
    """The text that the page shows, one block a line, without its markup: for pages too deep for the native parser."""
    parser = _Shown()
    parser.feed(source)
    lines = (" ".join(line.split()) for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line) + "\n"
