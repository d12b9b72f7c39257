"""What parsing a file ends in: its text, or the reason why there is none. Plain values, no reading."""

from dataclasses import dataclass, field
from typing import Literal, TypedDict


@dataclass(frozen=True, slots=True)
class Parsed:
    """A document's text and what it says of itself.

    `text` is markdown: NFC, `\\n` line ends, no NUL. `title` is the document's own (its metadata, or its first
    level-1 heading), never the file name. Dates are ISO 8601 as the document says them. `mime` is told by content.
    `language` is ISO 639-1, `und` where it is unknown. `pages` holds the character offset at which each page, slide
    or sheet starts, and is empty where there are none.
    """

    text: str
    title: str | None
    author: str | None
    created_at: str | None
    modified_at: str | None
    mime: str
    language: str
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """Why a file has no text: a short code, and one sentence for a person that quotes nothing of the document.

    Codes: bomb, crashed, damaged, empty, encrypted, memory, mojibake, timeout, too_deep, too_large, truncated,
    unopened, unreadable, unsafe, unsupported.
    """

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class ParseLimits:
    """What one file may cost. Sizes are in bytes, times in seconds; `max_archive_*` bound zip-based formats."""

    max_bytes: int = 100_000_000
    max_chars: int = 20_000_000
    wall_seconds: float = 60.0
    memory_bytes: int = 2 * 1024**3
    recycle_after: int = 200
    max_archive_ratio: int = 100
    max_archive_bytes: int = 1_000_000_000
    max_archive_entries: int = 10_000
    max_archive_depth: int = 3
    workers: int = 1


class Facts(TypedDict, total=False):
    """What a document may say of itself."""

    title: str
    author: str
    created_at: str
    modified_at: str


FactName = Literal["title", "author", "created_at", "modified_at"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader of one format found, before the checks that every text goes through."""

    text: str
    mime: str
    title: str | None = None
    author: str | None = None
    created_at: str | None = None
    modified_at: str | None = None
    pages: tuple[int, ...] = field(default=())


class RefusalError(Exception):
    """A reader says no: caught at the edge of the parser and turned into `Rejected`."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.rejected = Rejected(reason, f"{reason}: {detail}")
