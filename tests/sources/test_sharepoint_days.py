"""Random days of a library: whatever happens, and whenever we look, what is known ends as what is there."""

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.sources.graph_permissions import access
from tests.fakes.graph.server import Fault
from tests.fakes.graph.tenant import Drive, Json, Node, claim, group, link, user
from tests.sources.site import Site, open_site

FOLDERS = ("", "a/", "a/b/", "a/b/c/", "d/")
GRANTS: tuple[Json, ...] = (
    user("anna"), user("bert", roles=["sp.limited access"]), group("legal"), link("organization"),
    link("users", "cleo"), claim("c:0-.f|rolemanager|spo-grid-all-users/t"), claim("nonsense"),
)  # fmt: skip


class Day:
    """A script of changes with a seed."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.drive, self.chance = site, site.drive, random.Random(seed)
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
        self.drive.write(path, b"%d" % self.chance.randrange(4))

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
            self.drive.write(path, b"taken over")
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


def live_through(seed: int, into: Path, steps: int = 40) -> None:
    chance = random.Random(seed)
    with open_site(page_size=chance.choice([1, 2, 3, 5, 200])) as site:
        day = Day(site, seed)

        def meanwhile(_: int) -> None:
            if chance.random() < 0.2:
                day.step()

        for _ in range(steps):
            day.step()
            if chance.random() < 0.1:
                day.trouble()
            if chance.random() < 0.05:
                day.take_over()
            if chance.random() < 0.3:
                site.graph.after_page = meanwhile
                how = {"limit": chance.choice([None, 1, 3]), "full": chance.random() < 0.1}
                deadline = site.time + 1 if chance.random() < 0.3 else None
                site.look(deadline=deadline, **how)
                site.graph.after_page = None
        site.graph.faults.clear()
        site.settle()
        site.settle()
        assert site.read() == truth(site.drive)
        assert site.contents(into) == site.drive.tree()
        folders = {i.path for i in site.known.items().values() if i.folder}
        assert folders == {f"Documents/{site.drive.path(n)}".rstrip("/") for n in site.drive.live() if n.folder}


@pytest.mark.parametrize("seed", range(50))
def test_any_day_of_a_library_ends_with_its_tree_its_content_and_its_readers(seed: int, tmp_path: Path) -> None:
    live_through(seed, tmp_path)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(50, 1_000))
def test_any_of_a_thousand_days_ends_with_what_is_there(seed: int, tmp_path: Path) -> None:
    live_through(seed, tmp_path, steps=60)
