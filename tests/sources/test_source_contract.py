"""Every source against the one contract."""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from resources.sources.filesystem import FilesystemSource
from resources.sources.known import KnownItems
from resources.sources.sharepoint import SharePointSource
from tests.fakes.graph.server import FakeGraph
from tests.sources.contract import *  # noqa: F403
from tests.sources.contract import World


class FolderWorld:
    """A folder on this machine."""

    def __init__(self, root: Path) -> None:
        self.root, self.known = root, KnownItems()
        root.mkdir()
        self.source = FilesystemSource("handbook", root)

    def write(self, path: str, content: bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    def remove(self, path: str) -> None:
        file = self.root / path
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()

    def rename(self, old: str, new: str) -> None:
        (self.root / new).parent.mkdir(parents=True, exist_ok=True)
        os.rename(self.root / old, self.root / new)

    def tree(self) -> Mapping[str, bytes]:
        return {str(f.relative_to(self.root)): f.read_bytes() for f in self.root.rglob("*") if f.is_file()}

    def close_down(self) -> None:
        shutil.rmtree(self.root)

    def shown(self, path: str) -> str:
        return path


class SiteWorld:
    """A library of a SharePoint site, on a fake Graph."""

    def __init__(self, graph: FakeGraph) -> None:
        self.graph, self.drive, self.known = graph, graph.tenant.drive(), KnownItems()
        self.source = SharePointSource(
            "contracts", graph.tenant.site, access_token=graph.token(), graph_url=graph.url, sleep=lambda _: None
        )

    def write(self, path: str, content: bytes) -> None:
        self.drive.write(path, content)

    def remove(self, path: str) -> None:
        self.drive.remove(path)

    def rename(self, old: str, new: str) -> None:
        self.drive.rename(old, new)

    def tree(self) -> Mapping[str, bytes]:
        return {self.shown(path): content for path, content in self.drive.tree().items()}

    def close_down(self) -> None:
        self.graph.tenant.status = {"site": 423, self.drive.id: 423}

    def shown(self, path: str) -> str:
        return f"Documents/{path}"


@pytest.fixture(params=["filesystem", "sharepoint"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    if request.param == "filesystem":
        yield FolderWorld(tmp_path / "world")
        return
    with FakeGraph(page_size=4) as graph:
        site = SiteWorld(graph)
        yield site
        site.source.close()
