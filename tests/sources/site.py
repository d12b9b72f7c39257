"""A SharePoint library on a fake Graph, with what is known of it: what the tests of the source share."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from resources.catalog import Catalog
from resources.sources.base import Discovery, Item
from resources.sources.known import KnownItems
from resources.sources.sharepoint import SharePointSource
from tests.fakes.graph.server import FakeGraph

_CLOCKS = itertools.count(1)


class Site:
    """One library, one source, one view of what is known; `slept` are the seconds that the source waited."""

    known: Any

    def __init__(self, graph: FakeGraph, **settings: Any) -> None:
        self.graph, self.drive, self.known = graph, graph.tenant.drive(), KnownItems()
        self.slept = list[float]()
        self.time = 1_000_000.0 * next(_CLOCKS)  # later than any pause that an earlier tenant of the port asked for
        how = {"access_token": graph.token(), "graph_url": graph.url, **settings}
        self.source = SharePointSource(
            "contracts", graph.tenant.site, sleep=self._sleep, clock=lambda: self.time, **how
        )

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds

    def look(self, **how: Any) -> Discovery:
        """One call of the source, applied."""
        found = self.source.changes(self.drive.id, self.known, **how)
        self.known.apply(found)
        return found

    def settle(self, **how: Any) -> list[Discovery]:
        """Calls until the listing is finished."""
        found = [self.look(**how)]
        while not found[-1].complete:
            assert len(found) < 500
            found.append(self.look(**how))
        return found

    def documents(self) -> dict[str, Item]:
        """{path below the library: item}."""
        items = self.known.items().values()
        return {item.path.removeprefix("Documents/"): item for item in items if not item.folder}

    def read(self) -> dict[str, tuple[str, ...] | None]:
        """{path below the library: who may read}."""
        return {path: item.read for path, item in self.documents().items()}

    def contents(self, into: Path) -> dict[str, bytes]:
        """{path below the library: bytes as the source fetches them}."""
        return {
            path: self.source.fetch(item, into, 1 << 20).path.read_bytes() for path, item in self.documents().items()
        }

    def same(self, into: Path) -> bool:
        """Whether what is known is what is there."""
        return self.contents(into) == self.drive.tree()


class Catalogued:
    """What the catalog knows of the library; deletions that it holds are let through."""

    def __init__(self, file: Path, scope: str) -> None:
        self.catalog, self._scope = Catalog(f"sqlite:///{file}"), scope

    def __getattr__(self, name: str) -> Any:
        return getattr(self.catalog.items.known("contracts", self._scope), name)

    def apply(self, discovery: Discovery) -> None:
        if self.catalog.items.apply("contracts", 1, discovery).held:
            self.catalog.items.approve_deletes("contracts")


@contextmanager
def open_site(page_size: int = 200, catalog: Path | None = None, **settings: Any) -> Iterator[Site]:
    """A library on a fake Graph; with `catalog`, what is known of it stands there."""
    with FakeGraph(page_size=page_size) as graph:
        site = Site(graph, **settings)
        if catalog is not None:
            site.known = Catalogued(catalog, site.drive.id)
        try:
            yield site
        finally:
            site.source.close()
            if catalog is not None:
                site.known.catalog.close()
