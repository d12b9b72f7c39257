"""What Dagster loads: the reviewed asset graph, cheap to load, valid for the workspace."""

import json
import os
import subprocess
import sys
from pathlib import Path

from resources.settings import REPOSITORY
from tests.house.asset_graph import REVIEWED, described

HEAVY = {
    "torch", "sentence_transformers", "transformers", "lancedb", "neo4j", "great_expectations", "spacy", "kreuzberg",
    "graspologic_native",
}  # fmt: skip
"""Imported by the stage that needs them, never by loading."""


def test_the_asset_graph_is_the_reviewed_one() -> None:
    """Where it is meant to change: `python -m tests.house.asset_graph`, and read the difference."""
    assert described() == json.loads(REVIEWED.read_text(encoding="utf-8"))


def test_every_asset_says_who_owns_it_what_it_is_and_what_it_is_made_with() -> None:
    for key, asset in described()["assets"].items():
        wanted = ["description", "owners", "group", "kinds"]
        if not key.startswith("sources/"):
            assert "dagster/column_schema" in asset["metadata"], key
            wanted += ["code_version", "one_run_a_backfill"]
        assert [name for name in wanted if not asset[name]] == [], key


def test_nothing_starts_by_itself() -> None:
    graph = described()
    assert {of["status"] for kind in ("sensors", "schedules") for of in graph[kind].values()} == {"STOPPED"}


def test_loading_imports_no_heavy_library_and_opens_nothing(tmp_path: Path) -> None:
    settings = "index: i\ncatalog: c.db\nsources: {docs: {type: filesystem, path: nowhere}}\n"
    (tmp_path / "rag.yaml").write_text(settings, encoding="utf-8")
    program = (
        "import sys, rag_assets.definitions as d; d.load(); print(*sorted({m.partition('.')[0] for m in sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=True,
        env={**os.environ, "RAG_CONFIG": str(tmp_path / "rag.yaml")},
    )  # fmt: skip
    assert {module.partition(".")[0] for module in done.stdout.split()} & HEAVY == set()
    assert [path.name for path in tmp_path.iterdir()] == ["rag.yaml"]


def test_the_workspace_is_valid(tmp_path: Path) -> None:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "dagster"), "definitions", "validate", "-w", "workspace.yaml"],
        cwd=REPOSITORY, capture_output=True, text=True, check=False, env={**os.environ, "DAGSTER_HOME": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
