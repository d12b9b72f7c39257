"""Plain text and markdown: the text as it stands, and what its front matter says."""

import re

from resources.parser.charset import decode
from resources.parser.kinds import MIMES
from resources.parser.outcome import Draft, FactName, Facts, RefusalError
from resources.parser.tidy import CONTROLS, clean

_FRONT = re.compile(r"---[ \t]*\n(.{0,20000}?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
_ENTRY = re.compile(r"([A-Za-z_-]{1,40}):[ \t]+(\S.*)")
_KNOWN: dict[str, FactName] = {
    "title": "title",
    "author": "author",
    "date": "created_at",
    "created": "created_at",
    "modified": "modified_at",
    "updated": "modified_at",
}
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?)?\Z")


def read_text(data: bytes, kind: str) -> Draft:
    """The draft of a `txt` or `md` file. Raises RefusalError where the bytes are no text."""
    text = text_of(data)
    return _with_front_matter(text) if kind == "md" and text.startswith("---") else Draft(text, MIMES[kind])


def text_of(data: bytes, declared: str | None = None) -> str:
    """The clean text of a file's bytes. Raises RefusalError (mojibake, unsupported)."""
    text = decode(data, declared)
    cleaned = clean(text)
    # Line ends shrink too, so the exact count is only taken where something was lost.
    if len(cleaned) < len(text) and len(CONTROLS.findall(text)) > 8 + len(text) // 100:
        raise RefusalError("unsupported", "binary data, not text")
    return cleaned


def iso_date(value: str | None) -> str | None:
    """The value where it is an ISO 8601 date or time, else None."""
    return value.strip() if value and _ISO.match(value.strip()) else None


def _with_front_matter(text: str) -> Draft:
    found = _FRONT.match(text)
    if found is None:
        return Draft(text, MIMES["md"])
    facts: Facts = {}
    rest = []
    for line in found.group(1).split("\n"):
        entry = _ENTRY.fullmatch(line)
        key = entry.group(1).lower() if entry else ""
        value = entry.group(2).strip().strip("\"'") if entry else ""
        if value and (key in ("title", "author") or iso_date(value)) and key in _KNOWN:
            facts.setdefault(_KNOWN[key], value)
        elif line.strip():
            rest.append(line)
    body = text[found.end() :].lstrip("\n")
    return Draft("\n".join([*rest, "", body]) if rest else body, MIMES["md"], **facts)
