"""A project whose documents lie in a SharePoint library of a fake tenant: passes, ticks of its sensor, searches."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from resources.retrieval import Question, Retrieval
from sensors import source_changes
from tests.chain.harness import Project
from tests.fakes.graph.server import FakeGraph

NAME = "contracts"


class Tenancy(Project):
    """One library, indexed; `docs` of the project stays empty."""

    def __init__(self, home: Path, graph: FakeGraph, **how: Any) -> None:
        self.graph, self.drive = graph, graph.tenant.drive()
        self.signed_in = {"access_token": graph.token()}
        super().__init__(home, checks=how.pop("checks", False), sources={NAME: self.source()}, **how)

    def source(self, **more: Any) -> dict[str, Any]:
        """The settings of the source."""
        return {
            "type": "sharepoint", "site": self.graph.tenant.site, "graph_url": self.graph.url, **self.signed_in, **more,
        }  # fmt: skip

    def settle(self) -> None:
        """A pass; deletions that are held are let through."""
        self.good(approve=True)

    def tick(self) -> dg.SensorResult:
        """What the sensor does in one look; no run is started."""
        with self.index() as index:
            return source_changes.tick(self.instance, index, NAME)

    def said(self) -> str:
        """What a tick says that asks for no run."""
        result = self.tick()
        assert not result.run_requests
        return str(result.skip_reason.skip_message) if result.skip_reason else ""

    def answer(self, question: str, mode: Any = "hybrid", who: Collection[str] | None = None, k: int = 20) -> Any:
        with self.index() as index:
            return Retrieval.of(index).search([Question(None, question)], k, mode, who)[0]

    def paths(self, question: str, mode: Any = "hybrid", who: Collection[str] | None = None) -> set[str]:
        """Paths below the library of what is found."""
        results = self.answer(question, mode, who)["results"]
        return {result["path"].removeprefix(f"{self.drive.name}/") for result in results}

    def served(self) -> dict[str, tuple[str, ...]]:
        """{path below the library: who may read, as it stands at the rows that serve}."""
        with self.index() as index:
            acls = index.catalog.items.acl_sets()
            documents = index.tables.documents.read(None, ("id", "path", "acl_id")).to_pylist()
            rows = index.embeddings().read(None, ("document_id", "acl_id")).to_pylist()
        paths = {row["id"]: row["path"].removeprefix(f"{self.drive.name}/") for row in documents}
        assert {(r["document_id"], r["acl_id"]) for r in rows} <= {(r["id"], r["acl_id"]) for r in documents}
        return {paths[row["id"]]: acls[row["acl_id"]] for row in documents}

    def close(self) -> None:
        with self.index() as index:
            index.source(NAME).close()  # type: ignore[attr-defined]


@contextmanager
def tenancy(home: Path, **how: Any) -> Iterator[Tenancy]:
    with FakeGraph(page_size=how.pop("page_size", 200)) as graph:
        made = Tenancy(home, graph, **how)
        try:
            yield made
        finally:
            made.close()
