"""Rows of the table of chunks, in short, and what a folder of tables holds."""

from pathlib import Path
from typing import Any

from resources.tables import Table, Tables


def opened(folder: Path) -> Tables:
    return Tables(str(folder / "index"), folder / "locks")


def rows_of(tables: Tables, *triples: tuple[str, str, str], **given: Any) -> Any:
    """Chunks (id, document, text); every other column has some value."""
    empty = {
        "partition": "notes", "ordinal": 0, "title": "t", "heading_path": [], "char_start": 0, "char_end": 1,
        "tokens": 1, "language": "en", "fingerprint": "f",
    }  # fmt: skip
    return tables.chunks.arrow(
        [empty | {"id": i, "document_id": d, "text": text, "words": text.lower()} | given for i, d, text in triples]
    )


def shown(tables: Tables) -> dict[str, str]:
    """{id: text} of the chunks."""
    return {row["id"]: row["text"] for row in tables.chunks.read(None, ("id", "text")).to_pylist()}


def indexed(table: Table) -> set[str]:
    """The columns that have an index."""
    return {column for index in table.lance.list_indices() for column in index.columns}


def write_some(tables: Tables, name: str) -> None:
    """A few commits, of rows of its own and of one that others write too."""
    for n in range(6):
        own = f"{name}{n}"
        tables.chunks.replace([own], rows_of(tables, (own, own, name), ("both", "both", name)))
    tables.chunks.compact()
