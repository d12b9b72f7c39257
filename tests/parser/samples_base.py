"""What the sample builders share: blocks, what a document says of itself, reproducible zips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

Row = Sequence[str]
Block = str | Sequence[Row]
WHEN = "2025-03-01T09:00:00Z"
XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'


@dataclass(frozen=True, slots=True)
class About:
    """What a document says of itself."""

    title: str | None = None
    author: str | None = None
    created: str = WHEN
    modified: str = WHEN


def heading_of(block: str) -> tuple[int, str]:
    """(level, text) of a block; level 0 is a paragraph."""
    marks = len(block) - len(block.lstrip("#"))
    return (marks, block[marks + 1 :]) if 0 < marks <= 3 and block[marks : marks + 1] == " " else (0, block)


def write_zip(path: Path, members: Mapping[str, str | bytes], stored: Sequence[str] = ()) -> None:
    """A zip whose bytes depend on its members alone; members named in `stored` are not compressed."""
    with ZipFile(path, "w") as archive:
        for name, content in members.items():
            info = ZipInfo(name, (2025, 3, 1, 9, 0, 0))
            info.compress_type = ZIP_STORED if name in stored else ZIP_DEFLATED
            archive.writestr(info, content)
