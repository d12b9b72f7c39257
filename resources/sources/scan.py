"""One tick of a listing: walk the tree, hash what may have changed, and compare with what is known."""

import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote
from uuid import uuid4

from knowledge.changes import Change, Found, Item, Op, compare, created, moves
from resources.sources.arrivals import Doubtful, documents_left, full_path, same_content
from resources.sources.base import Discovery, Known
from resources.sources.patterns import Rules
from resources.sources.reading import Descriptors, Restless, hash_stable, identity_of, modified_of, version_of
from resources.sources.tree_cursor import Listing
from resources.sources.walk import Folder, Report, walk
from resources.sources.window import Window

RACY_NS = 2_000_000_000
"""A file that changed this shortly before it was hashed may have changed after it in the same tick of the clock."""
BATCH = 256
"""Doubtful files that are looked at together."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What a filesystem source is told about its tree."""

    root: str
    rules: Rules
    read: tuple[str, ...]
    settle_seconds: float = 0.0
    rehash_days: int | None = None


@dataclass(slots=True)
class Scan:
    """A tick of one pass; `run` may be called once."""

    tree: Tree
    known: Known
    listing: Listing
    racy_from_ns: int
    compare_all: bool
    deadline: float | None = None
    limit: int | None = None
    report: Report = field(default_factory=Report)
    deferred: list[str] = field(default_factory=list)
    _found: list[Found] = field(default_factory=list)
    _new: list[Found] = field(default_factory=list)
    _doubtful: list[Doubtful] = field(default_factory=list)
    _taken: set[str] = field(default_factory=set)
    """Native ids of known documents that a file of another name was found to be."""
    _last: Doubtful | None = None
    """The last doubtful file that was dealt with."""
    _seen: int = 0

    def run(self, root: int) -> tuple[Discovery, Listing | None]:
        """What this tick found (without its cursor), and the listing to go on with, or None when it is done."""
        window = Window(self.known, self.listing.after)
        end = self._walk(root, window)
        changes, missing = self._compare(self._absent(window.close(end)), cut=end is not None)
        seen = self.listing.seen + self._seen
        going_on = None if end is None else replace(self.listing, after=end, seen=seen, missing=missing)
        discovery = Discovery(
            scope="", changes=changes, missing=missing if end is None else (), seen=seen, complete=end is None,
            cursor=None, unreadable=tuple(self.report.unreadable), skipped=tuple(self.report.skipped),
            deferred=tuple(self.deferred),
        )  # fmt: skip
        return discovery, going_on

    def _walk(self, root: int, window: Window) -> str | None:
        """Look at every file; the ref where time or room ran out, or None at the end."""
        rules = self.tree.rules
        checked = 0
        folders = walk(
            root, self.listing.after, lambda name, path: rules.passes_name(name) and rules.enters(path), self.report
        )
        for folder in folders:
            window.cover(folder.files[0].ref, folder.files[-1].ref)
            for ref in self._look(folder, window.held):
                checked += 1
                full = len(self._doubtful) >= BATCH
                if (full or checked % 64 == 0 or self.limit) and (full or self._over()):
                    unread = self._settle(root)
                    if unread or self._over():
                        folders.close()
                        return self._turn_back() if unread else ref
        return self._turn_back() if self._settle(root) else None

    def _turn_back(self) -> str:
        """To the last file that was dealt with: the next tick goes on behind it."""
        assert self._last is not None
        self._seen = self._last.nth
        return self._last.ref

    def _look(self, folder: Folder, held: dict[str, str]) -> Iterator[str]:
        """The refs of a folder's documents, each after it was compared with what is known of it."""
        rules, racy, full = self.tree.rules, self.racy_from_ns, self.listing.full
        odd, sampling = self.compare_all or full or folder.odd, self.listing.sample is not None
        above = folder.shown
        for ref, raw, look, entry in folder.files:
            assert entry is not None
            if not rules.passes_name(look) or not rules.takes(above + look):
                continue
            try:
                s = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            except OSError as error:
                self.report.cannot(above + look, error)
                held.pop(ref, None)
                continue
            self._seen += 1
            old = held.pop(ref, None)
            if (
                old == f"{s.st_size}:{s.st_mtime_ns}:{s.st_ctime_ns}:{s.st_ino}:{s.st_dev}"
                and s.st_ctime_ns < racy
                and not (sampling and self._sampled(ref))
                and not full
            ):
                if odd or look != raw:
                    self._found.append(self._make(ref, above + look, s, None, None))
            else:
                self._doubtful.append(Doubtful(folder.parts, raw, ref, above + look, s, old is not None, self._seen))
            yield ref

    def _settle(self, root: int) -> bool:
        """Find out what the doubtful files are now; whether there was no time for some, which then stay so."""
        files, self._doubtful = self._doubtful, []
        was = documents_left(self.known, self.tree.root, [file for file in files if not file.known], self._taken)
        unread = [file for file in files if file.ref not in was or was[file.ref].version != version_of(file.stat)]
        self._rest(unread)
        to_read = {file.ref for file in unread}
        with Descriptors(root) as descriptors:
            for file in files:
                if self._last is not None and self.deadline is not None and time.monotonic() >= self.deadline:
                    return True
                old = was.get(file.ref)
                if old is not None:
                    self._taken.add(old.native_id)
                if file.ref in to_read:
                    self._read(descriptors, file, old)
                else:
                    self._found.append(self._make(file.ref, file.shown, file.stat, None, old))
                self._last = file
        return False

    def _rest(self, files: list[Doubtful]) -> None:
        """Wait until the youngest file that someone may still write to has been left alone for a while."""
        quiet, now = self.tree.settle_seconds, time.time()
        newest = max((file.stat.st_mtime for file in files), default=0.0)
        if now - quiet < newest <= now + quiet:
            time.sleep(newest + quiet - now if newest <= now else quiet)

    def _read(self, descriptors: Descriptors, file: Doubtful, was: Item | None) -> None:
        try:
            descriptor = descriptors.of(file.folders)
        except OSError:
            self.deferred.append(file.shown)  # its folder went, or was replaced
            return
        try:
            hashed = hash_stable(file.raw, descriptor)
        except (Restless, FileNotFoundError):
            self.deferred.append(file.shown)
            return
        except OSError as error:
            self.report.cannot(file.shown, error)
            return
        young = time.time() - file.stat.st_mtime < 2 * self.tree.settle_seconds
        now, then = hashed.stat, file.stat
        if now.st_size != then.st_size or (young and version_of(now) != version_of(then)):
            self.deferred.append(file.shown)  # it grew since it was listed: someone is writing
            return
        found = self._make(file.ref, file.shown, now, hashed.sha256, was)
        (self._found if file.known or was else self._new).append(found)

    def _absent(self, refs: list[str]) -> list[str]:
        """Those of the refs that are not there, and not below what could not be looked at."""
        unknown = set(self.report.unreadable_refs)
        return [ref for ref in refs if not unknown or unknown.isdisjoint(_above(ref))]

    def _compare(self, absent: list[str], *, cut: bool) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """The changes, and the ids that are missing so far."""
        items = self.known.by_ref([found.was or found.ref for found in self._found])
        compared = [compare(f, items[f.was or f.ref]) for f in self._found if (f.was or f.ref) in items]
        changes = [change for change in compared if change is not None]
        taken = {change.item.native_id for change in changes} | self._taken
        missing, gone = list[str](), list[Item]()
        for item in self._gone(absent):
            if item.native_id in taken:
                continue
            if self.tree.rules.covers(item.path):
                missing.append(item.native_id)
                if self._new:
                    gone.append(item)
            else:
                changes.append(Change(Op.DELETE, item, reason="out_of_scope"))
                taken.add(item.native_id)
        listed_before = self.racy_from_ns > 0 or self.listing.full
        if self._new and listed_before and (cut or self.listing.after):
            told = {item.native_id for item in gone} | taken
            same = same_content(self.known, self.tree.root, self._new)
            gone += [item for item in same if item.native_id not in told]
        matched = moves(self._new, gone)
        for found in self._new:
            was = matched.get(found.ref)
            change = created(found, uuid4().hex) if was is None else compare(found, was)
            assert change is not None  # a move differs in its path
            changes.append(change)
        moved = {item.native_id for item in matched.values()}
        return tuple(changes), tuple(native_id for native_id in missing if native_id not in moved)

    def _gone(self, absent: list[str]) -> Iterator[Item]:
        """The items of absent refs, and of those that earlier parts of the listing missed and that still are."""
        for at in range(0, len(absent), BATCH):
            yield from self.known.by_ref(absent[at : at + BATCH]).values()
        carried = self.listing.missing
        for at in range(0, len(carried), BATCH):
            items = self.known.items(carried[at : at + BATCH]).values()
            yield from (item for item in items if not os.path.lexists(full_path(self.tree.root, item.fetch_ref or "")))

    def _make(self, ref: str, shown: str, s: os.stat_result, sha: str | None, was: Item | None) -> Found:
        path = full_path(self.tree.root, ref)
        uri = "file://" + quote(os.fsencode(path))
        return Found(
            ref, shown, uri, version_of(s), s.st_size, modified_of(s), sha, self.tree.read,
            identity_of(s, path), was.fetch_ref if was else None,
        )  # fmt: skip

    def _sampled(self, ref: str) -> bool:
        days = self.tree.rehash_days or 1
        return zlib.crc32(ref.encode()) % days == (self.listing.sample or 0) % days

    def _over(self) -> bool:
        if self.limit is not None and len(self._found) + len(self._new) + len(self._doubtful) >= self.limit:
            return True
        return self.deadline is not None and time.monotonic() >= self.deadline


def _above(ref: str) -> set[str]:
    """The ref with every folder above it, each with a closing "/"."""
    parts = ref.split("/")
    return {"/".join(parts[: n + 1]) + "/" for n in range(len(parts))}
