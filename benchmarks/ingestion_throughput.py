"""Documents a second from files to searchable chunks, by kind of file, with the packaged models.

`python -m benchmarks.ingestion_throughput [--documents 40]`. For each kind that the example company holds, copies of
its files, each with another name and, where it is text, another first line, are indexed in one pass; Dagster's step
times tell the stages apart. One JSON line a kind.
"""

import argparse
import json
import shutil
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from resources.settings import REPOSITORY

COMPANY = REPOSITORY / "examples" / "company"
SETTINGS = """\
index: var/index
catalog: var/catalog.db
sources:
  docs: {type: filesystem, path: docs}
"""


def kinds() -> dict[str, list[Path]]:
    """{suffix: files}, those that are broken on purpose left out as they fail."""
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(COMPANY.rglob("*")):
        if path.is_file() and path.parent != COMPANY:
            found[path.suffix.lower()].append(path)
    return dict(sorted(found.items()))


def fill(folder: Path, files: list[Path], documents: int) -> int:
    """Copies of the files; returns their bytes."""
    size = 0
    for number in range(documents):
        file = files[number % len(files)]
        copy = folder / f"{number:05d}-{file.name}"
        shutil.copy(file, copy)
        if file.suffix in {".md", ".txt"}:  # its chunks are not those of the copy before
            copy.write_bytes(f"Copy number {number}.\n\n".encode() + file.read_bytes())
        size += copy.stat().st_size
    return size


def measure(suffix: str, files: list[Path], documents: int) -> dict[str, Any]:
    """One pass over copies of the files of one kind."""
    import dagster as dg

    from rag_assets.indexing import index_once
    from resources.index import Index, prepare_environment

    prepare_environment()
    with tempfile.TemporaryDirectory(prefix="rag-ingestion-") as home:
        (Path(home) / "rag.yaml").write_text(SETTINGS, encoding="utf-8")
        docs = Path(home) / "docs"
        docs.mkdir()
        size = fill(docs, files, documents)
        index, instance = Index.load(Path(home) / "rag.yaml"), dg.DagsterInstance.ephemeral()
        cpu, wall = time.process_time(), time.perf_counter()
        outcome = index_once(index, instance)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        chunks = outcome.assets["chunks"].rows_new
        index.close()
        steps: dict[str, float] = defaultdict(float)
        for run in outcome.runs:
            for step in instance.get_run_step_stats(run):
                if step.start_time and step.end_time:
                    steps[step.step_key] += step.end_time - step.start_time
    return {
        "kind": suffix, "documents": documents, "failed": outcome.assets["documents"].rows_failed, "bytes": size,
        "chunks": chunks, "seconds": round(wall, 1), "cpu_seconds": round(cpu, 1),
        "documents_a_second": round(documents / wall, 2),
        "stages": {name: round(seconds, 2) for name, seconds in steps.items()},
    }  # fmt: skip


def main(documents: int = 40) -> None:
    """Print one line a kind; the first pass of all loads the models and is left out."""
    by_kind = kinds()
    measure(".md", by_kind[".md"], 2)
    for suffix, files in by_kind.items():
        print(json.dumps(measure(suffix, files, documents)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=40)
    main(parser.parse_args().documents)
