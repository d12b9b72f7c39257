"""Passes of `rag index` over a project with models that cost nothing, each measured: CPU, bytes written, rows read."""

import json
import resource
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import corpus

SETTINGS = """\
index: var/index
catalog: var/catalog.db
sources:
  docs: {type: filesystem, path: docs}
chunks: {max_tokens: 512}
embeddings: {model: hashing}
extraction: {method: patterns}
"""


@dataclass(slots=True)
class Step:
    """One pass: seconds of CPU and wall, bytes handed to the system, bytes of rows by the assets' counters."""

    cpu: float = 0.0
    wall: float = 0.0
    written: int = 0
    compaction: int = 0
    rows: int = 0
    texts: int = 0
    read: dict[str, int] = field(default_factory=dict)
    """Rows that each stage of the graph read, the scan of all relationships that clustering needs apart."""
    by_asset: dict[str, int] = field(default_factory=dict)


class Passes:
    """Passes over one project, made of these documents, each measured."""

    def __init__(self, home: Path, documents: Mapping[str, str]) -> None:
        import dagster as dg

        from resources.index import prepare_environment

        prepare_environment()
        corpus.write(home / "docs", documents)
        self._file, self._instance = home / "rag.yaml", dg.DagsterInstance.ephemeral()
        self._file.write_text(SETTINGS, encoding="utf-8")

    def step(self) -> Step:
        from rag_assets.indexing import index_once
        from rag_assets.work import GRAPH_STAGES
        from resources.index import Index

        step, cpu, wall, written = Step(), _cpu(), time.monotonic(), _written()
        index = Index.load(self._file)
        with _compaction_counted(step):
            outcome = index_once(index, self._instance)
        index.close()
        if not outcome.ok:
            raise SystemExit(f"the pass failed: {json.dumps(outcome.as_dict())[:2000]}")
        step.cpu, step.wall = _cpu() - cpu, time.monotonic() - wall
        step.written = _written() - written - step.compaction
        step.by_asset = {name: counters.bytes_written for name, counters in outcome.assets.items()}
        step.rows = sum(step.by_asset.values())
        step.texts = outcome.assets["embeddings"].texts_embedded
        step.read = {asset: self._read(asset) for asset in GRAPH_STAGES}
        return step

    def rows(self) -> dict[str, int]:
        """Rows of each table."""
        from resources.index import Index

        index = Index.load(self._file)
        try:
            return {table.name: table.count() for table in index.tables.stored()}
        finally:
            index.close()

    def _read(self, asset: str) -> int:
        import dagster as dg

        event = self._instance.get_latest_materialization_event(dg.AssetKey(asset))
        if event is None or event.asset_materialization is None:
            return 0
        said = {name: value.value for name, value in event.asset_materialization.metadata.items()}
        return int(said["rows_read"]) - int(said.get("edges_scanned", 0))


@contextmanager
def _compaction_counted(step: Step) -> Iterator[None]:
    from resources.tables import Table

    whole = Table.compact

    def counted(table: Table) -> None:
        before = _written()
        whole(table)
        step.compaction += _written() - before

    Table.compact = counted  # type: ignore[assignment, method-assign]
    try:
        yield
    finally:
        Table.compact = whole  # type: ignore[method-assign]


def _cpu() -> float:
    """Seconds of this process and of the workers that it started and that ended."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


def _written() -> int:
    """Bytes that this process has handed to the system so far; 0 where the system does not say."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except FileNotFoundError:
        return 0
    return next(int(line.split()[1]) for line in lines if line.startswith("wchar"))
