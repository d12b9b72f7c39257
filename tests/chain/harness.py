"""A project of its own for a test: a folder of documents, settings, passes over it, and everything that they left."""

import json
import os
import shutil
import subprocess
import sys
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import yaml
from click.testing import CliRunner

from knowledge.extraction import Passage
from rag_assets import definitions
from rag_assets.cli import main
from rag_assets.indexing import index_once
from rag_assets.outcome import Pass
from resources.embedder import HashingEmbedder
from resources.extractor import PatternExtractor
from resources.index import Index, prepare_environment
from resources.retrieval import Question, Retrieval
from resources.settings import REPOSITORY
from tests.chain.judge import problems
from tests.chain.snapshot import Snapshot, snapshot

LONG = os.environ.get("RAG_TEST_LONG") == "1"
"""`make test-long`: the random and kill tests at full length."""
STUBS: dict[str, Any] = {
    "index": "var/index",
    "catalog": "var/catalog.db",
    "sources": {"docs": {"type": "filesystem", "path": "docs", "settle_seconds": 0}},
    "chunks": {"max_tokens": 512},
    "embeddings": {"model": "hashing"},
    "extraction": {"method": "patterns"},
}
"""Settings without any model: a text of a few hundred words is one chunk."""


FREE: list[dg.DagsterInstance] = []
"""Empty instances in memory: to make one costs as much as some passes' events."""


def _give_back(instance: dg.DagsterInstance) -> None:
    instance.wipe()
    FREE.append(instance)


class Project:
    """A folder `docs`, a rag.yaml beside it, and passes in this process or in one of their own."""

    def __init__(self, home: Path, *, checks: bool = True, **settings: Any) -> None:
        """`checks=False` leaves the asset checks out, where the test judges the rows itself and passes are many."""
        prepare_environment()
        self.checks = checks
        self.home, self.docs = home, home / "docs"
        self.docs.mkdir(parents=True, exist_ok=True)
        self.settings: dict[str, Any] = {}
        self.set(**{**STUBS, **settings})

    @property
    def file(self) -> Path:
        return self.home / "rag.yaml"

    @property
    def catalog(self) -> Path:
        return self.home / "var" / "catalog.db"

    def set(self, **settings: Any) -> None:
        """Change settings; a part is replaced as a whole."""
        self.settings |= settings
        self.file.write_text(yaml.safe_dump(self.settings), encoding="utf-8")

    # -- documents

    def write(self, name: str, content: str | bytes) -> None:
        path = self.docs / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def write_all(self, documents: Mapping[str, str | bytes]) -> None:
        for name, content in documents.items():
            self.write(name, content)

    def delete(self, name: str) -> None:
        (self.docs / name).unlink()

    def rename(self, old: str, new: str) -> None:
        (self.docs / new).parent.mkdir(parents=True, exist_ok=True)
        (self.docs / old).rename(self.docs / new)

    def names(self) -> list[str]:
        return sorted(str(p.relative_to(self.docs)) for p in self.docs.rglob("*") if p.is_file())

    # -- passes

    @cached_property
    def instance(self) -> dg.DagsterInstance:
        """An instance in memory, shared by the passes of this project; the next one's when this project is gone."""
        instance = FREE.pop() if FREE else dg.DagsterInstance.ephemeral()
        weakref.finalize(self, _give_back, instance).atexit = False
        return instance

    @contextmanager
    def index(self) -> Iterator[Index]:
        opened = Index.load(self.file)
        try:
            yield opened
        finally:
            opened.close()

    def run(self, *, approve: bool = False, full: bool = False) -> Pass:
        """One pass in this process; `approve` lets held deletions through, in a second one."""
        unchecked = nullcontext() if self.checks else patch.object(definitions, "quality_checks", list)
        with self.index() as index, unchecked:
            outcome = index_once(index, self.instance, full=full)
            if approve and any(source.applied.held for source in outcome.sources.values()):
                for source in outcome.sources:
                    index.catalog.items.approve_deletes(source)
                return index_once(index, self.instance, full=full)
            return outcome

    def good(self, **how: Any) -> Pass:
        """A pass that must succeed."""
        outcome = self.run(**how)
        assert outcome.ok, json.dumps(outcome.as_dict(), indent=1)
        return outcome

    def materialize(self, job: str) -> dg.ExecuteInProcessResult:
        """All partitions of a job by hand, as from the UI: no hint that anything was discovered."""
        with self.index() as index:
            defs, settings = definitions.build_defs(index.settings), index.settings
        keys = settings.graph_partitions()
        if job != "graph_refresh":
            keys = [key for source in settings.sources for key in settings.partitions(source)]
        ranged = {"dagster/asset_partition_range_start": keys[0], "dagster/asset_partition_range_end": keys[-1]}
        return defs.resolve_job_def(job).execute_in_process(
            instance=self.instance, tags=ranged, raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )  # fmt: skip

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **os.environ, "RAG_CONFIG": str(self.file), "DAGSTER_HOME": str(self.home / "dagster"),
            "PYTHONPATH": str(REPOSITORY), "PYTHONWARNINGS": "ignore", **more,
        }  # fmt: skip

    def start(self, *command: str, **more: Any) -> subprocess.Popen[str]:
        """A process in this project, in a group of its own: a command of the environment, or python's options."""
        (self.home / "dagster").mkdir(exist_ok=True)
        program = Path(sys.executable) if command[0].startswith("-") else Path(sys.executable).parent / command[0]
        rest = command if command[0].startswith("-") else command[1:]
        return subprocess.Popen(
            [str(program), *rest], cwd=self.home, env=self.environment(), text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more,
        )  # fmt: skip

    def call(self, *command: str, **more: Any) -> tuple[int, str, str]:
        """`start`, to its end: (exit code, stdout, stderr)."""
        process = self.start(*command, **more)
        out, err = process.communicate(timeout=240)
        return process.returncode, out, err

    def rag(self, *arguments: str) -> Any:
        """`rag ARGUMENTS --json`, in this process, that must exit with 0; its JSON."""
        (self.home / "dagster").mkdir(exist_ok=True)
        before = dict(os.environ)
        try:
            result = CliRunner().invoke(main, [*arguments, "--json"], env=self.environment(), prog_name="rag")
        finally:
            os.environ.clear()
            os.environ.update(before)
        assert result.exit_code == 0, f"rag {' '.join(arguments)} exited with {result.exit_code}\n{result.output}"
        return json.loads(result.stdout)

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """Texts that the stub models are asked for inside, however often and by whom."""
        asked: Counter[str] = Counter()
        encode, extract = HashingEmbedder.encode, PatternExtractor.extract

        def encoding(model: HashingEmbedder, texts: Sequence[str]) -> Any:
            asked["embedded"] += len(texts)
            return encode(model, texts)

        def extracting(model: PatternExtractor, passages: Sequence[Passage]) -> Any:
            asked["extracted"] += len(passages)
            return extract(model, passages)

        with patch.object(HashingEmbedder, "encode", encoding), patch.object(PatternExtractor, "extract", extracting):
            yield asked

    # -- what they left

    def versions(self) -> dict[str, int]:
        """{table: commits}: none of them grows where nothing is written."""
        with self.index() as index:
            tables = index.tables
            return {name: tables._connect().open_table(name).version for name in tables.names()}

    def snapshot(self, *, sound: bool = True) -> Snapshot:
        """Everything; `sound`: nothing may be wrong with it, and nothing may wait."""
        with self.index() as index:
            found = snapshot(index)
            wrong = problems(index, found) if sound else []
        assert wrong == [], wrong[:12]
        return found

    def clean(self, home: Path) -> Snapshot:
        """What a first pass over the same documents and settings leaves, in another place and an embedded graph."""
        graph = {**self.settings.get("graph", {}), "store": "sqlite"}
        fresh = Project(home, checks=False, **{**self.settings, "graph": graph})
        shutil.rmtree(fresh.docs)
        fresh.docs = self.docs
        fresh.set(sources={"docs": {"type": "filesystem", "path": str(self.docs), "settle_seconds": 0}})
        fresh.run()
        return fresh.snapshot()

    def search(self, question: str, mode: Any = "hybrid", k: int = 8) -> dict[str, Any]:
        with self.index() as index:
            return Retrieval.of(index).search([Question(None, question)], k, mode)[0]
