"""Who may read the items of one library: read in batches, taken away at once, given back when it is certain."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from resources.sources.base import Item, Known
from resources.sources.drive_cursor import DriveCursor
from resources.sources.drive_items import Drive
from resources.sources.drive_tree import Tree
from resources.sources.graph_http import Graph, Json
from resources.sources.graph_permissions import Access, access, expired

REREAD = 200
"""Permissions that are read again between two looks at the clock."""
SLICE = 20
"""Permissions that are checked between two looks at the clock: one batch."""


@dataclass(slots=True)
class Readers:
    """The permissions of one library's items, and what follows from them in the tree.

    They are read for every item that the feed names: Graph does not say reliably which of them changed, and what a
    folder hands down is not told at all.
    """

    graph: Graph
    drive: Drive
    tree: Tree
    cursor: DriveCursor
    now: Callable[[], datetime]
    over: Callable[[], bool]
    notes: list[str]
    _passed: set[str] = field(default_factory=set)

    def of(self, raw_ids: Sequence[str]) -> dict[str, Access | None]:
        """{native id: who may read}, None where that could not be found out."""
        parts = self.graph.batch([f"{self.drive.item(i)}/permissions" for i in raw_ids])
        found, now, refused = dict[str, Access | None](), self.now(), dict[int, int]()
        for raw, part in zip(raw_ids, parts, strict=True):
            if part.status == 200:
                found[self.drive.native(raw)] = access(all_values(self.graph, part.body), now, self.drive.site)
            else:
                found[self.drive.native(raw)] = None
                refused[part.status] = refused.get(part.status, 0) + 1
        for status, number in refused.items():
            if status != 404:
                note = f"{self.drive.name}: the permissions of {number} items answer {status}; nobody may read these."
                self.notes.append(note + (" Grant the app Sites.FullControl.All." if status == 403 else ""))
        return found

    def note_expiry(self, native_id: str, allowed: Access | None) -> None:
        """Remember when a grant of an item runs out: no event will tell."""
        if allowed is not None and allowed.expires is not None:
            self.cursor.expiries[native_id] = allowed.expires
        else:
            self.cursor.expiries.pop(native_id, None)

    def expire(self) -> None:
        """Read again what has run out since the last look."""
        now = self.now()
        self.cursor.reread |= {i for i, moment in self.cursor.expiries.items() if expired(moment, now)}
        if self.cursor.next is None and self.cursor.delta is not None:
            self.read_again()

    def read_again(self) -> bool:
        """Read the permissions that are in doubt; False when time ran out first."""
        while self.cursor.reread:
            some = sorted(self.cursor.reread)[:REREAD]
            self.tree.load(some)
            items = [item for i in some if (item := self.tree.get(i)) is not None]
            allowed = self.of([self.drive.raw(item.native_id) for item in items])
            for item in items:
                found = allowed[item.native_id]
                self.note_expiry(item.native_id, found)
                lost = self.tree.is_lost(item)
                self.tree.put(replace(item, read=None if found is None or lost else found.read))
            self.cursor.reread -= set(some)
            self.pass_on([item for item in items if item.folder])
            if self.cursor.reread and self.over():
                return False
        return True

    def check_some(self, known: Known, hours: float, *, fresh: bool) -> None:
        """Read the next permissions again: as many as the time since the last such look is of `hours`.

        The feed does not tell every change of a permission; so each is read once in this time. `fresh`: all have just
        been read.
        """
        cursor, now, period = self.cursor, self.now().timestamp(), hours * 3600
        last = cursor.checked_at
        if last is None or fresh or period <= 0:
            cursor.checked_at, cursor.checked_to = now, ""
            return
        total = known.count()
        due = int(total * min((now - last) / period, 1.0))
        done = 0
        while done < due and not self.over():
            items = known.page(cursor.checked_to, min(due - done, SLICE))
            if not items and not cursor.checked_to:
                break
            if not items:
                cursor.checked_to = ""  # around again
                continue
            cursor.reread |= {item.native_id for item in items}
            cursor.checked_to = items[-1].native_id
            done += len(items)
            if not self.read_again():
                break
        if done:
            cursor.checked_at = now if done == due else last + period * done / total

    def pass_on(self, folders: Collection[Item]) -> None:
        """Where a folder's readers changed, what lies in it may have inherited them: take away now, read again."""
        for folder in folders:
            before, now = self.tree.before(folder.native_id), self.tree.get(folder.native_id)
            if before is None or now is None or before.read == now.read or folder.native_id in self._passed:
                continue
            self._passed.add(folder.native_id)
            lost = set(before.read or ()) - set(now.read or ())
            for item in self.tree.below([folder.native_id]):
                self.cursor.reread.add(item.native_id)
                if item.read and lost.intersection(item.read):
                    self.tree.put(replace(item, read=tuple(p for p in item.read if p not in lost)))


def all_values(graph: Graph, body: Json) -> list[Any]:
    """The values of a collection whose first page came in a batch."""
    values, following = list(body.get("value", ())), body.get("@odata.nextLink")
    return values + (list(graph.pages(following)) if following else [])
