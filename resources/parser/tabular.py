"""Comma- and tab-separated values as a markdown table."""

import csv
from collections.abc import Sequence
from io import StringIO

from resources.parser.kinds import MIMES
from resources.parser.outcome import Draft
from resources.parser.plain import text_of

_DELIMITERS = ",;\t|"
_MAX_COLUMNS = 1000


def read_table(data: bytes) -> Draft:
    """The draft of a `csv` file; what no table can be made of (one column, broken quotes) is kept as text."""
    text = text_of(data)
    rows = _rows(text)
    width = max(map(len, rows), default=0)
    if width < 2 or width > _MAX_COLUMNS:
        return Draft(text, MIMES["csv"])
    return Draft(markdown_table(rows, width), MIMES["csv"])


def markdown_table(rows: Sequence[Sequence[str]], width: int) -> str:
    """A markdown table of `width` columns whose header is the first row; short rows are filled with empty cells."""
    lines = [_line([*row, *[""] * (width - len(row))]) for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * width, *lines[1:]]) + "\n"


def _rows(text: str) -> list[list[str]]:
    delimiter = _delimiter(text)
    if delimiter is None:
        return []
    try:
        rows = list(csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error:
        return []
    return [row for row in rows if any(cell.strip() for cell in row)]


def _delimiter(text: str) -> str | None:
    """The character that parts the first lines into most cells, equally many in each; None where none does."""
    lines = text[:20_000].split("\n")[:20]
    lines = [line for line in (lines if len(lines) < 2 else lines[:-1]) if line.strip()]
    counts = {d: [line.count(d) for line in lines] for d in _DELIMITERS}
    best = max(_DELIMITERS, key=lambda d: (min(counts[d], default=0), sum(counts[d])))
    return best if sum(counts[best]) else None


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(" ".join(cell.split()).replace("|", r"\|") for cell in cells) + " |"
