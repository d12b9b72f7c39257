"""Random days of a library: a script of what people do in it, and of what goes wrong, by seed."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

from resources.sources.graph_permissions import access
from tests.fakes.graph.server import FakeGraph, Fault
from tests.fakes.graph.tenant import Drive, Json, Node, claim, group, link, user

FOLDERS = ("", "a/", "a/b/", "a/b/c/", "d/")
GRANTS: tuple[Json, ...] = (
    user("anna"), user("bert", roles=["sp.limited access"]), group("legal"), link("organization"),
    link("users", "cleo"), claim("c:0-.f|rolemanager|spo-grid-all-users/t"), claim("nonsense"),
)  # fmt: skip


class Place(Protocol):
    """A library on a fake Graph, and whoever follows it."""

    graph: FakeGraph
    drive: Drive

    def settle(self) -> Any:
        """Look until everything is known."""


class Day:
    """A script of changes with a seed."""

    def __init__(self, site: Place, seed: int, text: Callable[[int], bytes] = lambda n: b"%d" % n) -> None:
        self.site, self.drive, self.chance, self.text = site, site.drive, random.Random(seed), text
        self.gone = list[Node]()

    def step(self) -> None:
        """One thing that people do in a library."""
        happen = self.chance.choices(
            (self.write, self.remove, self.rename, self.share, self.restore, self.swap), (8, 3, 5, 3, 1, 1)
        )[0]
        happen()

    def trouble(self) -> None:
        """One thing that goes wrong."""
        kind = self.chance.randrange(4)
        if kind == 0:
            code = self.chance.choice(["resyncChangesApplyDifferences", "resyncChangesUploadDifferences"])
            self.site.graph.expire_links(self.drive, code)
        elif kind == 1:
            self.site.graph.faults.append(Fault("/v1.0/", 429, headers={"Retry-After": "2"}))
        elif kind == 2:
            self.site.graph.faults.append(Fault("/permissions", 503, times=3))
        else:
            self.site.graph.faults.append(Fault("/root/delta", 200, body=b"<html>sorry</html>"))

    def file(self) -> str | None:
        return self.chance.choice(sorted(self.drive.tree())) if self.drive.tree() else None

    def folder(self) -> str | None:
        folders = [self.drive.path(n) for n in self.drive.live() if n.folder and n.parent is not None]
        return self.chance.choice(folders) if folders else None

    def write(self) -> None:
        path = f"{self.chance.choice(FOLDERS)}{self.chance.randrange(5)}.md"
        self.drive.write(path, self.text(self.chance.randrange(4)))

    def remove(self) -> None:
        path = self.file() if self.chance.random() < 0.7 else self.folder()
        if path is not None:
            self.gone.append(self.drive.remove(path))

    def rename(self) -> None:
        old = self.file() if self.chance.random() < 0.5 else self.folder()
        new = f"{self.chance.choice(FOLDERS)}{self.chance.randrange(5)}{self.chance.choice(['.md', ''])}"
        if old is not None and self.drive.find(new) is None and not f"{new}/".startswith(f"{old}/"):
            self.drive.rename(old, new)

    def share(self) -> None:
        path = self.file() if self.chance.random() < 0.5 else self.folder()
        grants = self.chance.sample(GRANTS, self.chance.randrange(3))
        self.drive.grant(path or "", *grants, unique=self.chance.random() < 0.5)

    def restore(self) -> None:
        if self.gone:
            node = self.gone.pop()
            folder = self.drive.nodes[node.parent or ""]
            if not folder.deleted and self.drive.find(f"{self.drive.path(folder)}/{node.name}") is None:
                self.drive.restore(node)

    def take_over(self) -> None:
        """A deletion that the feed does not tell, seen only by the name that another file took."""
        path = self.file()
        if path is not None:
            self.drive.remove(path, silently=True)
            self.drive.write(path, self.text(9))
            self.site.settle()  # the round under way
            self.site.settle()

    def swap(self) -> None:
        first, second = self.file(), self.file()
        if first and second and first != second:
            self.drive.rename(first, "swapping")
            self.drive.rename(second, first)
            self.drive.rename("swapping", second)


def truth(drive: Drive) -> dict[str, tuple[str, ...] | None]:
    """{path: who may read}, as the tenant has it."""
    now = datetime(2026, 5, 4, tzinfo=UTC)
    files = [node for node in drive.live() if not node.folder]
    return {drive.path(node): access(drive.effective(node), now, "site").read for node in files}
