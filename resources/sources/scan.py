"""One tick of a listing: walk the tree, hash what may have changed, and compare with what is known."""

import os
import time
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import uuid4

from knowledge.changes import Change, Found, Op, compare, created, moves
from resources.sources import names
from resources.sources.base import Discovery, Known
from resources.sources.patterns import Rules
from resources.sources.reading import Restless, hash_stable, inode_of, open_beneath, version_of
from resources.sources.tree_cursor import Listing
from resources.sources.walk import Folder, Position, Report, walk

RACY_NS = 2_000_000_000
"""A file that changed this shortly before it was hashed may have changed after it in the same tick of the clock."""


@dataclass(frozen=True, slots=True)
class Tree:
    """What a filesystem source is told about its tree."""

    root: str
    rules: Rules
    read: tuple[str, ...]
    settle_seconds: float = 0.0
    rehash_days: int | None = None


@dataclass(frozen=True, slots=True)
class Young:
    """A file that changed a moment ago: looked at again before it is read."""

    folders: tuple[str, ...]
    raw: str
    ref: str
    shown: str
    stat: os.stat_result
    was: str | None
    known: bool


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
    _young: list[Young] = field(default_factory=list)
    _versions: dict[str, str] = field(default_factory=dict)
    _inodes: dict[str, list[str]] | None = None
    _seen: int = 0

    def run(self, root: int) -> tuple[Discovery, Listing | None]:
        """What this tick found (without its cursor), and the listing to go on with, or None when it is done."""
        self._versions = self.known.versions()
        end = self._walk(root)
        self._settle(root)
        absent = self._absent(end)
        changes, missing = self._compare(absent)
        seen = self.listing.seen + self._seen
        going_on = None if end is None else replace(self.listing, after=end, seen=seen, missing=missing)
        discovery = Discovery(
            scope="", changes=changes, missing=missing if end is None else (), seen=seen, complete=end is None,
            cursor=None, unreadable=tuple(self.report.unreadable), skipped=tuple(self.report.skipped),
            deferred=tuple(self.deferred),
        )  # fmt: skip
        return discovery, going_on

    def _walk(self, root: int) -> Position | None:
        """Look at every file; the position where time or room ran out, or None at the end."""
        rules, racy, every = self.tree.rules, self.racy_from_ns, self.compare_all or self.listing.full
        sampling, checked = self.listing.sample is not None, 0
        folders = walk(
            root, self.listing.after, lambda name, path: rules.passes_name(name) and rules.enters(path), self.report
        )
        for folder in folders:
            prefix, odd = folder.ref, every or folder.odd
            for part, raw, look, entry in folder.files:
                shown = folder.shown + look
                if not rules.passes_name(look) or not rules.takes(shown):
                    continue
                ref = prefix + part
                try:
                    s = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    self.report.cannot(shown, error)
                    self._versions.pop(ref, None)
                    continue
                self._seen += 1
                old = self._versions.pop(ref, None)
                same = old == f"{s.st_size}:{s.st_mtime_ns}:{s.st_ctime_ns}:{s.st_ino}:{s.st_dev}"
                doubted = s.st_ctime_ns >= racy or (sampling and self._sampled(ref))
                if not same or doubted or odd or look != raw:
                    self._look(folder, raw, ref, shown, s, old, not same or doubted or self.listing.full)
                checked += 1
                if (checked % 64 == 0 or not same) and self._over():
                    folders.close()
                    return folder.parts, part
        return None

    def _look(
        self, folder: Folder, raw: str, ref: str, shown: str, s: os.stat_result, old: str | None, read: bool
    ) -> None:
        """Find out what a file is now; `read`: its content may differ from what is known."""
        was = self._left(s) if old is None and self._versions else None
        if was is not None:
            read = self._versions.pop(was) != version_of(s)
        if not read:
            self._found.append(self._make(ref, raw, folder.parts, shown, s, None, was))
        elif self.tree.settle_seconds and time.time() - s.st_mtime < self.tree.settle_seconds:
            self._young.append(Young(folder.parts, raw, ref, shown, s, was, old is not None))
        else:
            self._read(folder.descriptor, Young(folder.parts, raw, ref, shown, s, was, old is not None))

    def _read(self, descriptor: int, file: Young) -> None:
        try:
            hashed = hash_stable(file.raw, descriptor)
        except (Restless, FileNotFoundError):
            self.deferred.append(file.shown)
            return
        except OSError as error:
            self.report.cannot(file.shown, error)
            return
        if hashed.stat.st_size != file.stat.st_size:
            self.deferred.append(file.shown)  # it grew since it was listed: someone is writing
            return
        found = self._make(file.ref, file.raw, file.folders, file.shown, hashed.stat, hashed.sha256, file.was)
        (self._found if file.known or file.was else self._new).append(found)

    def _settle(self, root: int) -> None:
        """Files that changed a moment ago: read those that are the same after a while."""
        if not self._young:
            return
        newest = max(file.stat.st_mtime for file in self._young)
        time.sleep(min(max(newest + self.tree.settle_seconds - time.time(), 0.0), self.tree.settle_seconds))
        for file in self._young:
            try:
                descriptor = open_beneath(root, [names.raw_of(part) for part in file.folders])
            except OSError:
                self.deferred.append(file.shown)
                continue
            try:
                s = os.stat(file.raw, dir_fd=descriptor, follow_symlinks=False)
                if version_of(s) == version_of(file.stat):
                    self._read(descriptor, file)
                else:
                    self.deferred.append(file.shown)
            except FileNotFoundError:
                self.deferred.append(file.shown)
            finally:
                os.close(descriptor)

    def _left(self, s: os.stat_result) -> str | None:
        """The known document that a new file was until a moment ago: the same inode, its old name gone."""
        if self._inodes is None:
            self._inodes = {}
            for ref, version in self._versions.items():
                self._inodes.setdefault(inode_of(version), []).append(ref)
        candidates = self._inodes.get(f"{s.st_ino}:{s.st_dev}", ())
        gone = [ref for ref in candidates if ref in self._versions and self._is_gone(ref, s)]
        exact = [ref for ref in gone if self._versions[ref] == version_of(s)]
        return min(exact or gone, default=None)

    def _is_gone(self, ref: str, s: os.stat_result) -> bool:
        try:
            there = os.lstat(f"{self.tree.root}/{names.raw_of(ref)}")
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        # the old name leads to the very file: the system does not tell upper from lower case
        return there.st_nlink == 1 and (there.st_ino, there.st_dev) == (s.st_ino, s.st_dev)

    def _absent(self, end: Position | None) -> list[str]:
        """Refs of known documents that the part of the tree walked in this tick does not show."""
        start, unknown = self.listing.after, set(self.report.unreadable_refs)
        refs: Iterable[str] = self._versions
        if start is not None or end is not None:
            refs = [
                ref for ref in refs
                if (start is None or _position(ref) > start) and (end is None or _position(ref) <= end)
            ]  # fmt: skip
        return [ref for ref in refs if not unknown or unknown.isdisjoint(_above(ref))]

    def _compare(self, absent: list[str]) -> tuple[tuple[Change, ...], tuple[str, ...]]:
        """The changes, and the ids that are missing so far."""
        items = self.known.by_ref([found.was or found.ref for found in self._found])
        compared = [compare(f, items[f.was or f.ref]) for f in self._found]
        changes = [change for change in compared if change is not None]
        taken = {change.item.native_id for change in changes}
        gone = [item for item in self.known.by_ref(absent).values() if item.native_id not in taken]
        out = [item for item in gone if not self.tree.rules.covers(item.path)]
        changes += [Change(Op.DELETE, item, reason="out_of_scope") for item in out]
        taken.update(item.native_id for item in out)
        carried = self.known.items(self.listing.missing) if self.listing.missing else {}
        gone += [item for item in carried.values() if not os.path.lexists(self._full(item.fetch_ref or ""))]
        gone = [item for item in gone if item.native_id not in taken]
        matched = moves(self._new, gone)
        for found in self._new:
            item = matched.get(found.ref)
            change = created(found, uuid4().hex) if item is None else compare(found, item)
            assert change is not None  # a move differs in its path
            changes.append(change)
        moved = {item.native_id for item in matched.values()}
        return tuple(changes), tuple(item.native_id for item in gone if item.native_id not in moved)

    def _make(
        self, ref: str, raw: str, folders: tuple[str, ...], shown: str, s: os.stat_result, sha: str | None,
        was: str | None,
    ) -> Found:  # fmt: skip
        uri = "file://" + quote(os.fsencode(self._full(ref)))
        return Found(ref, shown, uri, version_of(s), s.st_size, _iso(s.st_mtime), sha, self.tree.read, was)

    def _full(self, ref: str) -> str:
        return f"{self.tree.root}/{names.raw_of(ref)}"

    def _sampled(self, ref: str) -> bool:
        days = self.tree.rehash_days or 1
        return zlib.crc32(ref.encode()) % days == (self.listing.sample or 0) % days

    def _over(self) -> bool:
        if self.limit is not None and len(self._found) + len(self._new) >= self.limit:
            return True
        return self.deadline is not None and time.monotonic() >= self.deadline


def _position(ref: str) -> Position:
    *folders, name = ref.split("/")
    return tuple(folders), name


def _above(ref: str) -> set[str]:
    """The ref with every folder above it, each with a closing "/"."""
    parts = ref.split("/")
    return {"/".join(parts[: n + 1]) + "/" for n in range(len(parts))}


def _iso(seconds: float) -> str | None:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None  # a clock that was never set: 1 January of the year 30828
