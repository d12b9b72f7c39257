"""The folder tree of one library: what is known of it, and over that what a look has found so far.

Graph speaks of a renamed or deleted folder alone, never of what lies in it; so paths come from this tree.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

from resources.sources.base import Change, Item, Known, Op
from resources.sources.drive_items import same_content

LOST = "…"
"""Stands in a path for folders that nobody has seen."""
PACKAGE = "package"
"""Stands as the hash of folders that are packages, and of those in them."""


class Tree:
    """The items of one scope, by native id."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self._base = dict[str, Item | None]()
        self._now = dict[str, Item | None]()
        self._reasons = dict[str, str]()
        self._below = defaultdict[str, set[str]](set)
        self._repathed = set[str]()

    def __len__(self) -> int:
        return len(self._now)

    def load(self, native_ids: Iterable[str]) -> None:
        """Read what is known of these, and of all folders above them, in as few questions as they are deep."""
        wanted = {i for i in native_ids if i not in self._base}
        while wanted:
            found = self._known.items(wanted)
            self._base.update({i: found.get(i) for i in wanted})
            above = {item.parent_id for item in found.values() if item.parent_id is not None}
            wanted = {i for i in above if i not in self._base}

    def get(self, native_id: str) -> Item | None:
        """The item as it is now; None: gone, or never seen."""
        if native_id in self._now:
            return self._now[native_id]
        if native_id not in self._base:
            self.load([native_id])
        return self._base[native_id]

    def before(self, native_id: str) -> Item | None:
        """The item as it is known."""
        if native_id not in self._base:
            self.load([native_id])
        return self._base[native_id]

    def put(self, item: Item) -> None:
        self.before(item.native_id)
        self._now[item.native_id] = item
        if item.parent_id is not None:
            self._below[item.parent_id].add(item.native_id)

    def drop(self, native_id: str, reason: str) -> None:
        if self.get(native_id) is not None:
            self._now[native_id] = None
            self._reasons[native_id] = reason

    def children(self, native_ids: Collection[str]) -> list[Item]:
        """What lies directly in these folders now."""
        known = self._known.children(native_ids)
        for item in known:
            self._base.setdefault(item.native_id, item)
        found = [item for item in known if item.native_id not in self._now]
        for parent in native_ids:
            for native_id in sorted(self._below.get(parent, ())):
                inside = self._now[native_id]
                if inside is not None and inside.parent_id == parent:
                    found.append(inside)
        return found

    def below(self, native_ids: Collection[str]) -> list[Item]:
        """Everything that lies in these folders now, parents before children."""
        found, level, visited = list[Item](), set(native_ids), set[str]()
        while level:
            visited |= level
            inside = self.children(sorted(level))
            found += inside
            level = {item.native_id for item in inside if item.folder} - visited
        return found

    def drop_below(self, native_id: str, reason: str) -> None:
        """Drop a folder and everything in it."""
        for item in self.below([native_id]):
            self.drop(item.native_id, reason)
        self.drop(native_id, reason)

    def repath(self, native_ids: Iterable[str], root_path: str, address: Callable[[str], str]) -> None:
        """Give these items the paths that their folders say, and everything below a folder whose path changed.

        `address` makes the URI of a path.
        """
        moved, shown = list[str](), dict[str, str]()
        for native_id in native_ids:
            item = self.get(native_id)
            if item is None:
                continue
            path = root_path
            if item.parent_id is not None:
                path = f"{self._path_of(item.parent_id, root_path, shown)}/{name_of(item)}"
            self._place(item, path, address)
            before = self.before(native_id)
            if item.folder and (before is None or before.path != path or native_id in self._repathed):
                moved.append(native_id)  # also back to where it was before this look
                self._repathed.add(native_id)
        paths = {folder: item.path for folder in moved if (item := self.get(folder)) is not None}
        for item in self.below(moved):
            above = paths.get(item.parent_id or "") or self._path_of(item.parent_id, root_path, shown)
            path = f"{above}/{name_of(item)}"
            if item.folder:
                paths[item.native_id] = path
            self._place(item, path, address)

    def _place(self, item: Item, path: str, address: Callable[[str], str]) -> None:
        uri = address(path)
        if path != item.path or uri != item.uri:
            self.put(replace(item, path=path, uri=uri))

    def _path_of(self, native_id: str | None, root_path: str, shown: dict[str, str]) -> str:
        chain, names, visited = native_id, list[str](), set[str]()
        while chain is not None and chain not in shown:
            item = None if chain in visited else self.get(chain)
            visited.add(chain)
            if item is None:  # never seen, or folders that lie in each other until the next page
                names.append(LOST)
                break
            if item.parent_id is None:
                break
            names.append(name_of(item))
            chain = item.parent_id
        start = shown.get(chain or "", root_path)
        path = "/".join([start, *reversed(names)])
        if native_id is not None:
            shown[native_id] = path
        return path

    def leave_out_package(self, item: Item) -> bool:
        """Take what lies in a package out of the documents; whether the item is a package itself.

        A notebook is one thing that we cannot read: its sections are no documents.
        """
        above = self.get(item.parent_id) if item.parent_id is not None else None
        if above is not None and above.folder and above.provider_hash == PACKAGE:
            if item.folder:
                self.put(replace(item, provider_hash=PACKAGE))
            else:
                self.drop(item.native_id, "out_of_scope")
            return False
        return item.folder and item.provider_hash == PACKAGE

    def is_lost(self, item: Item) -> bool:
        """Whether a folder above an item was never seen."""
        return self.lost_folder(item) is not None

    def lost_folder(self, item: Item) -> str | None:
        """The id of the folder above an item that was never seen (or lies in itself)."""
        above, visited = item.parent_id, set[str]()
        while above is not None:
            folder = None if above in visited else self.get(above)
            if folder is None:
                return above
            visited.add(above)
            above = folder.parent_id
        return None

    def changes(self) -> list[Change]:
        """What became of the known items, and the new ones."""
        found = [self._change(native_id, item) for native_id, item in self._now.items()]
        return [change for change in found if change is not None]

    def _change(self, native_id: str, now: Item | None) -> Change | None:
        before = self._base.get(native_id)
        if now is None:
            return None if before is None else Change(Op.DELETE, before, reason=self._reasons[native_id])
        if before is None:
            return Change(Op.UPSERT, now)
        previous = before.path if before.path != now.path else None
        if not now.folder and not same_content(before, now.version, now.size, now.provider_hash):
            return Change(Op.UPSERT, replace(now, content_sha256=None), previous)
        now = replace(now, content_sha256=before.content_sha256)
        if previous is not None or before.parent_id != now.parent_id:
            return Change(Op.MOVE, now, previous)
        if replace(before, read=None) != replace(now, read=None):
            return Change(Op.METADATA, now)
        return Change(Op.ACL, now) if before.read != now.read else None


def name_of(item: Item) -> str:
    """The item's own name."""
    return item.path.rpartition("/")[2]
