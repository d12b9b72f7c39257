"""A changed setting: exactly the stages that rest on it work again, and the old rows serve until they have."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from benchmarks.corpus import own_name
from rag_assets.work import GRAPH_STAGES, INGEST_STAGES
from resources.embedder import HashingEmbedder, SentenceTransformerEmbedder
from resources.errors import IndexRefused
from resources.extractor import PatternExtractor, SpacyExtractor
from resources.retrieval import Question, Retrieval
from tests.chain.harness import Project
from tests.chain.snapshot import differences

DOCUMENTS = {
    f"{n}.txt": f"{own_name(n)} cooperates with Unit{n % 2} Group on cargo routing in Bergen. The committee met again "
    f"in the spring. It reviewed the figures with care, and asked Unit{n % 3} Group for a longer trial of the pumps."
    for n in range(3)
}
"""Short enough to be one chunk for every model, long enough to be cut by a small limit."""
FOLDER = {"type": "filesystem", "path": "docs"}
MODELS = ((HashingEmbedder, "encode"), (SentenceTransformerEmbedder, "encode"),
          (PatternExtractor, "extract"), (SpacyExtractor, "extract"))  # fmt: skip


def first_found(project: Project) -> list[str]:
    """The best result for the name that each document alone has."""
    with project.index() as index:
        questions = [Question(None, own_name(number)) for number in range(len(DOCUMENTS))]
        return [answer["results"][0]["path"] for answer in Retrieval.of(index).search(questions)]


@contextmanager
def searching_meanwhile(project: Project) -> Iterator[list[list[str]]]:
    """What a search finds, for every document, whenever a model is asked for something inside."""
    found: list[list[str]] = []
    searching = False

    def watched(original: Any) -> Any:
        def call(model: Any, texts: Any) -> Any:
            nonlocal searching
            if not searching:
                searching = True
                found.append(first_found(project))
                searching = False
            return original(model, texts)

        return call

    with ExitStack() as patches:
        for model, verb in MODELS:
            patches.enter_context(patch.object(model, verb, watched(getattr(model, verb))))
        yield found


def change(project: Project, settings: dict[str, Any], works: set[str], asks: set[str]) -> None:
    """One change and one pass: only `works` write rows, and only `asks` ask a model."""
    project.set(**settings)
    with searching_meanwhile(project) as found:
        outcome = project.good()
    wrote = {name for name, of in outcome.assets.items() if of.rows_written or of.rows_removed}
    asked = {name for name, of in outcome.assets.items() if of.model_calls or of.texts_embedded}
    assert (wrote, asked) == (works, asks), settings
    found.append(first_found(project))
    assert found == [list(DOCUMENTS)] * len(found), settings
    assert (len(found) > 1) == bool(asks or "extractions" in works), settings
    assert bool(outcome.runs) == bool(works), settings


def test_a_changed_setting_does_again_exactly_what_rests_on_it_while_the_old_rows_serve(tmp_path: Path) -> None:
    project = Project(tmp_path / "project", checks=False)
    project.write_all(DOCUMENTS)
    project.good()
    vectors, graph = {"embeddings", "community_reports"}, set(GRAPH_STAGES)
    change(project, {"embeddings": {"model": "hashing", "batch_size": 8}}, set(), set())
    secret = {"docs": {**FOLDER, "classification": "restricted"}}
    change(project, {"sources": secret}, {"documents", "embeddings"}, set())
    change(project, {"sources": {"docs": FOLDER}}, {"documents", "embeddings"}, set())
    change(project, {"extraction": {"method": "rules"}}, {"extractions", *graph}, {"community_reports"})
    minilm = {"model": "all-MiniLM-L6-v2", "dtype": "float32"}
    change(project, {"embeddings": minilm, "chunks": {"max_tokens": 256}}, vectors, vectors)
    with project.index() as index:
        (unserved,) = {name.rpartition("_")[2] for name in index.unserved_tables()}
        assert unserved != index.model_key
    change(project, {"embeddings": {**minilm, "dtype": "bfloat16"}}, vectors, vectors)
    below = {*INGEST_STAGES[1:], "entity_graph", "community_reports"}  # the same relationships: the same communities
    change(project, {"chunks": {"max_tokens": 32, "min_tokens": 8}}, below, {"embeddings"})
    assert differences(project.snapshot(), project.clean(tmp_path / "clean")) == []
    assert project.good().runs == []


@pytest.mark.parametrize(
    ("settings", "fact"),
    [({"graph": {"shards": 8}}, "graph.shards 4"), ({"sources": {"docs": {**FOLDER, "shards": 4}}}, "shards 1")],
    ids=["graph", "source"],
)
def test_other_shard_counts_are_refused_with_the_way_out(tmp_path: Path, settings: dict[str, Any], fact: str) -> None:
    project = Project(tmp_path, checks=False)
    with project.index() as index:
        assert index.catalog.stages.stages() == {}
    project.set(**settings)
    with project.index() as index, pytest.raises(IndexRefused) as refused:
        index.catalog.stages.stages()
    assert fact in str(refused.value)
    assert "set it back, or remove the index and the catalog" in str(refused.value)
