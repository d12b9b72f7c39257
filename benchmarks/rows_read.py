"""How many rows the stages of the graph read when one document of a large index is edited.

`python -m benchmarks.rows_read [DOCUMENTS] [--parts CHUNKS]` builds an index of so many documents (10,000), of so many
chunks each (10), with models that cost nothing, and edits three. It prints the rows of all tables, then a JSON line an
edit: rows read by each stage, and their share of all; the scan of all relationships that clustering needs is left out.
"""

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks import corpus
from benchmarks.passes import Passes


def main(size: int, parts: int) -> None:
    """Rows that the graph's stages read when one of `size` documents, of `parts` chunks each, is edited."""
    with tempfile.TemporaryDirectory(prefix="rag-rows-read-") as folder:
        home, texts = Path(folder), corpus.Corpus(size * parts)

        def document(number: int, version: int) -> str:
            versions = [version, *[0] * (parts - 1)]  # an edit changes the first part
            told = (texts.text(number * parts + n, version) for n, version in enumerate(versions))
            return "\n".join(f"# Part {n}\n\n{text}\n" for n, text in enumerate(told))

        passes = Passes(home, {corpus.name_of(n): document(n, 0) for n in range(size)})
        build = passes.step()
        rows = passes.rows()
        whole = sum(rows.values())
        print(json.dumps({"rows": rows, "build_wall_seconds": round(build.wall, 1)}), flush=True)
        for number in (size // 3, size // 2, size - 1):
            (home / "docs" / corpus.name_of(number)).write_text(document(number, 1), encoding="utf-8")
            edit = passes.step()
            line = {"read": edit.read, "share": round(sum(edit.read.values()) / whole, 5), "texts": edit.texts}
            print(json.dumps({**line, "cpu": round(edit.cpu, 2)}), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("documents", nargs="?", type=int, default=10_000)
    parser.add_argument("--parts", type=int, default=10, help="chunks of a document")
    given = parser.parse_args()
    main(given.documents, given.parts)
