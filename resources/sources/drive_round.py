"""One look at a library: pages of its delta feed, the permissions of what they name, and the tree made true.

Source of the rules: learn.microsoft.com/graph/api/driveitem-delta. A page counts only when all that it needs has been
read, so a look can end, or die, between any two requests.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from urllib.parse import quote

from resources.errors import AccessDenied, SourceError
from resources.sources.base import Change, Discovery, Item, Known
from resources.sources.drive_cursor import DriveCursor
from resources.sources.drive_doubts import find_clashes, find_lost, still_clashes
from resources.sources.drive_items import Drive, Kind, Seen, read_page
from resources.sources.drive_readers import Readers
from resources.sources.drive_tree import PACKAGE, Tree, name_of
from resources.sources.graph_http import Busy, Graph, Refused
from resources.sources.graph_permissions import Access

PREFER = (
    "deltashowremovedasdeleted, deltatraversepermissiongaps, deltashowsharingchanges, hierarchicalsharing, "
    "deltaExcludeParent"
)
RESYNC = frozenset(
    {
        "resyncrequired", "resyncchangesapplydifferences", "resyncchangesuploaddifferences", "syncstatenotfound",
        "resyncapplydifferences", "resyncuploaddifferences",
    }
)  # fmt: skip
CLOSED = {
    403: "the app may not read it; grant it Sites.Selected on the site (role fullcontrol, to see permissions too)",
    404: "it is not there for us; check the name, or grant the app the site again",
    423: "it is locked; ask the tenant's administrator",
}
SEARCHED = 200
"""Most folders that nobody saw which are asked for by themselves in one look."""
_FOLDERS = (Kind.ROOT, Kind.FOLDER, Kind.PACKAGE)
_ALIVE = (*_FOLDERS, Kind.DOCUMENT)


class Round:
    """A look at one library; `run` may be called once."""

    def __init__(
        self,
        graph: Graph,
        drive: Drive,
        known: Known,
        cursor: DriveCursor,
        *,
        deadline: float | None = None,
        limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        reconcile_hours: float = 0,
    ) -> None:
        self._reconcile_hours = reconcile_hours
        self._graph, self._drive, self._known, self._cursor = graph, drive, known, cursor
        self._deadline, self._limit, self._clock = deadline, limit, clock
        self._tree = Tree(known)
        self._notes = list[str]()
        self._skipped, self._unreadable = dict[str, str](), dict[str, str]()
        self._readers = Readers(graph, drive, self._tree, cursor, now, self._over, self._notes)
        self._root_path = drive.name.replace("/", "_")
        self._missing: tuple[str, ...] = ()
        self._delta, self._asked = "", 0

    def run(self) -> Discovery:
        """What this look found; raises AccessDenied, SourceError (then nothing may be stored)."""
        cursor, finished = self._cursor, False
        listed = cursor.listing
        try:
            with self._graph.until(self._deadline):
                self._readers.expire()
                self._rename_root()
                while True:
                    finished = self._page()
                    listed = listed or cursor.listing
                    if finished or self._over():
                        break
                if finished:
                    self._readers.check_some(self._known, self._reconcile_hours, fresh=listed)
        except Busy as busy:
            if self._deadline is None:
                raise
            self._notes.append(str(busy))
        except Refused as refused:
            raise self._closed(refused) from refused
        seen = cursor.count
        if finished:
            cursor.finish(self._delta)
        return Discovery(
            scope=self._drive.id, changes=self._changes(), missing=self._missing if finished else (),
            seen=seen, complete=finished, cursor=cursor.dump(), listed=listed,
            unreadable=tuple(sorted(self._unreadable.items())), skipped=tuple(sorted(self._skipped.items())),
            notes=tuple(self._notes),
        )  # fmt: skip

    def _changes(self) -> tuple[Change, ...]:
        """What became of the items; of one that is missing nothing but that, though its folder is another now."""
        missing = set(self._missing)
        return tuple(change for change in self._tree.changes() if change.item.native_id not in missing)

    def _page(self) -> bool:
        """Take one page; True when it was the last of its round and everything that hangs on it is done."""
        cursor = self._cursor
        url = cursor.next or cursor.delta
        if url is None:
            self._begin(f"{self._drive.path}/root/delta", resynced=False)
            url = cursor.next or ""
        try:
            page = self._graph.get(url, {"Prefer": PREFER})
        except Refused as refused:
            self._resync(refused, url)
            return False
        following, delta = page.get("@odata.nextLink"), page.get("@odata.deltaLink")
        link = delta or following
        if not isinstance(link, str) or not self._graph.trusts(link) or following == url:
            where = f"{self._graph.source}: Graph ended a page of {self._drive.name}"
            raise SourceError(f"{where} without a usable link to the next one; nothing was changed.")
        self._take(read_page(page.get("value", ())))
        cursor.resynced = False
        if delta is None:
            cursor.next = following
            return False
        self._end_of_round()
        if not self._readers.read_again():
            cursor.next = url  # this page again: what hangs on it is not done
            return False
        if cursor.sweep:
            self._missing = tuple(
                i for i in self._known.items() if not cursor.has_seen(i) and self._tree.get(i) is not None
            )
        self._delta = delta
        return True

    def _begin(self, url: str, *, resynced: bool) -> None:
        self._cursor.begin(url, sweep=bool(self._known.items()), full=self._cursor.full, resynced=resynced)

    def _resync(self, refused: Refused, url: str) -> None:
        """Begin a listing from nothing where Graph has forgotten our place; raise everything else."""
        source, name = self._graph.source, self._drive.name
        if refused.status == 400 and url.startswith(self._graph.base):  # a link that Graph gave us once
            raise SourceError(
                f"{source}: Graph calls the stored delta link of {name} malformed; nothing was changed. "
                "List the source from nothing: rag index --full."
            ) from refused
        if refused.status != 410 and refused.code.lower() not in RESYNC:
            raise refused
        if self._cursor.resynced:
            raise SourceError(
                f"{source}: Graph asks for a new listing of {name} twice in a row ({refused.code}); nothing was "
                "changed, it is tried again later."
            ) from refused
        location = refused.location or ""
        self._begin(location if self._graph.trusts(location) else f"{self._drive.path}/root/delta", resynced=True)
        self._notes.append(f"{name} is listed from nothing, because Graph asked for it ({refused.code}).")

    def _take(self, seen: Sequence[Seen]) -> None:
        """Bring the items of a page into the tree, with their permissions; all or nothing."""
        tree, cursor, native = self._tree, self._cursor, self._drive.native
        alive = [s for s in seen if s.kind in _ALIVE]
        tree.load([native(s.id) for s in seen] + [native(s.parent) for s in alive if s.parent])
        allowed = self._readers.of([s.id for s in alive])
        for s in seen:
            if s.kind not in _ALIVE:
                self._gone(s)
        for s in alive:
            tree.put(self._item(s, allowed[native(s.id)]))
        ids = [native(s.id) for s in alive]
        tree.repath(ids, self._root_path, self._address)
        self._leave_out_packages(ids)
        living = [item for i in ids if (item := tree.get(i)) is not None]
        for item in living:
            cursor.tombs.discard(item.native_id)
            cursor.saw(item.native_id)
            cursor.count += not item.folder and cursor.listing
        find_lost(tree, cursor, ids)
        find_clashes(tree, cursor, ids)
        self._readers.pass_on([item for item in living if item.folder])

    def _item(self, s: Seen, allowed: Access | None) -> Item:
        native_id, folder, above = self._drive.native(s.id), s.kind in _FOLDERS, self._above(s)
        before = self._tree.get(native_id)
        self._readers.note_expiry(native_id, allowed)
        if above is None:
            self._cursor.root = native_id
        return Item(
            native_id=native_id,
            path=s.name.replace("/", "_") or (name_of(before) if before else s.id),
            uri="",
            version="" if folder else s.version,
            size=0 if folder else s.size,
            modified_at=None if folder else s.modified_at,
            content_sha256=before.content_sha256 if before else None,
            provider_hash=PACKAGE if s.kind is Kind.PACKAGE else s.provider_hash,
            folder=folder,
            parent_id=above,
            read=None if allowed is None else allowed.read,
            fetch_ref=f"{self._drive.id}/{s.id}",
        )

    def _above(self, s: Seen) -> str | None:
        if s.kind is Kind.ROOT or (s.parent is None and s.kind is Kind.FOLDER):
            return None
        return self._drive.native(s.parent) if s.parent else self._cursor.root or self._drive.native("root")

    def _gone(self, s: Seen) -> None:
        native_id = self._drive.native(s.id)
        item = self._tree.get(native_id)
        self._cursor.expiries.pop(native_id, None)
        if s.kind is not Kind.DELETED:
            why = "malware, as the provider says" if s.kind is Kind.MALWARE else "neither a file nor a folder"
            self._skipped[s.name or s.id] = why
        if s.kind is Kind.DELETED and (item is None or item.folder):
            # until the round has shown what moved out of it; one never seen may be the folder of items that were
            self._cursor.tombs.add(native_id)
        elif item is not None:
            self._tree.drop(native_id, "out_of_scope" if s.kind is Kind.OTHER else str(s.kind))

    def _leave_out_packages(self, native_ids: Sequence[str]) -> None:
        for native_id in native_ids:
            item = self._tree.get(native_id)
            if item is not None and self._tree.leave_out_package(item):
                self._skipped[item.path] = "a package (a notebook), not a document"

    def _end_of_round(self) -> None:
        """Folders deleted with all that lies in them, folders that nobody saw, names taken twice."""
        cursor, tree = self._cursor, self._tree
        for folder in sorted(cursor.tombs):
            tree.drop_below(folder, "deleted")
        cursor.tombs.clear()
        if cursor.root is None:
            self._take(read_page([self._graph.get(f"{self._drive.path}/root")]))
        searched = set[str]()
        while self._asked < SEARCHED:
            lost = [item for i in sorted(cursor.orphans) if (item := tree.get(i)) is not None]
            wanted = {above for item in lost if (above := tree.lost_folder(item)) is not None} - searched
            if not wanted:
                break
            searched |= wanted
            for missing in sorted(wanted):
                self._ask(missing)
        for native_id in sorted(cursor.orphans)[: max(SEARCHED - self._asked, 0)]:
            self._ask(native_id, gone="deleted")
        for item in [item for i in sorted(cursor.orphans) if (item := tree.get(i)) is not None]:
            self._unreadable[item.path] = "its folder cannot be seen, so nobody may read it"
        for native_id in sorted(cursor.clashes):
            if still_clashes(tree, native_id):
                self._ask(native_id, gone="replaced")
        cursor.clashes.clear()

    def _ask(self, native_id: str, gone: str | None = None) -> None:
        """Look at one item by itself; where it is not there, drop it for the reason `gone`."""
        self._asked += 1
        try:
            value = self._graph.get(self._drive.item(self._drive.raw(native_id)))
        except Refused as refused:
            if refused.status not in (403, 404, 410):
                raise
            if gone is not None and refused.status != 403:
                self._tree.drop_below(native_id, gone)
            return
        self._take(read_page([value]))

    def _rename_root(self) -> None:
        """The library's own name stands in every path."""
        root = self._tree.get(self._cursor.root) if self._cursor.root is not None else None
        if root is not None and root.path != self._root_path:
            self._tree.repath([root.native_id], self._root_path, self._address)

    def _address(self, path: str) -> str:
        return self._drive.web_url + quote(path.removeprefix(self._root_path))

    def _over(self) -> bool:
        if self._limit is not None and len(self._tree) >= self._limit:
            return True
        return self._deadline is not None and self._clock() >= self._deadline

    def _closed(self, refused: Refused) -> SourceError:
        why = CLOSED.get(refused.status)
        if why is None:
            return refused
        return AccessDenied(
            f"{self._graph.source}: the library {self._drive.name} answers {refused.status}: {why}. "
            "Its documents are kept, and hidden until then."
        )
