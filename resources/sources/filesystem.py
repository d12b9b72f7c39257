"""Documents in a folder: local disks and mounted shares (POSIX).

What a file is: its id is given at first sight and stays over renames (same inode, else same content where only one
answer is possible) and edits (same path). What a change is: another (size, mtime, ctime, inode, device), then another
hash. What is not a document: links, devices, hidden and temporary files, whatever `include` and `exclude` leave out.
"""

import hashlib
import os
import stat
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from knowledge.fingerprint import fingerprint
from resources.errors import AccessDenied, FetchFailed, SourceError, SourceMissing
from resources.sources import names
from resources.sources.base import Discovery, DocumentGone, DocumentRefused, Fetched, Item, Known, Membership, Probe
from resources.sources.patterns import Rules
from resources.sources.reading import Hashed, Restless, hash_stable, identity_of, modified_of, open_beneath, version_of
from resources.sources.scan import RACY_NS, Scan, Tree
from resources.sources.tree_cursor import Listing, TreeCursor

ITEM_VERSION = "2"
"""Grows with what stands in an item: then all are compared once, and none is read."""
LONGEST_PATH = 4000
"""Bytes; the system refuses longer ones by name, so such files are copied before a parser sees them."""


class FilesystemSource:
    """The documents below one folder.

    `read`: the principals that may read all of them. `settle_seconds`: a file that changed this recently is looked at
    again after that time, in the same tick, and left for the next one if it still changes (0: what is stable while it
    is read is taken). `rehash_days`: one n-th of the files is hashed every day whatever their tuples say, so that
    each is after n days. `batch_seconds`: a listing that takes longer is given in parts.
    """

    def __init__(
        self,
        name: str,
        root: str | os.PathLike[str],
        *,
        include: Sequence[str] = ("**/*",),
        exclude: Sequence[str] = (),
        read: Sequence[str] = ("everyone",),
        hidden: bool = False,
        settle_seconds: float = 0.0,
        rehash_days: int | None = None,
        batch_seconds: float | None = None,
    ) -> None:
        self.name, self._batch_seconds = name, batch_seconds
        self._tree = Tree(
            os.path.abspath(root), Rules(include, exclude, hidden), tuple(sorted(read)), settle_seconds, rehash_days
        )

    def discover(self, deadline: float | None = None) -> Sequence[str]:
        """The one scope, ""; raises SourceMissing, AccessDenied."""
        os.close(self._open())
        return ("",)

    def changes(
        self, scope: str, known: Known, *, full: bool = False, deadline: float | None = None, limit: int | None = None
    ) -> Discovery:
        """One tick of a listing; `full` hashes every file again. See `Source.changes`."""
        cursor = TreeCursor.load(known.cursor, self.name, afresh=full)
        signature = fingerprint(ITEM_VERSION, self._tree.root, *self._tree.read)
        listing = cursor.listing
        if listing is None or listing.signature != signature:
            listing = self._begin(cursor, signature, full)
        if self._batch_seconds is not None:
            soon = time.monotonic() + self._batch_seconds
            deadline = soon if deadline is None else min(soon, deadline)
        root = self._open()
        try:
            scan = Scan(
                self._tree, known, listing, cursor.started_ns - RACY_NS if cursor.started_ns else 0,
                compare_all=cursor.signature != signature, deadline=deadline, limit=limit,
            )  # fmt: skip
            discovery, going_on = scan.run(root)
        except OSError as error:
            raise self._unreadable(error) from error
        finally:
            os.close(root)
        if going_on is None:
            sampled = cursor.sampled if listing.sample is None else listing.sample
            cursor = TreeCursor(signature, listing.started_ns, sampled)
        else:
            cursor = replace(cursor, listing=going_on)
        return replace(discovery, scope=scope, cursor=cursor.dump())

    def _begin(self, cursor: TreeCursor, signature: str, full: bool) -> Listing:
        now = time.time_ns()
        day = now // 86_400_000_000_000
        sampling = self._tree.rehash_days is not None and cursor.sampled != day
        return Listing(started_ns=now, signature=signature, full=full, sample=day if sampling else None)

    def fetch(self, item: Item, into: Path, max_bytes: int) -> Fetched:
        """The file where it lies (no copy), unless its name is one that libraries refuse; see `Source.fetch`.

        An unchanged file is not read again. A file that changed since it was listed is hashed and given as it is now.
        """
        root = self._open()
        try:
            *folders, name = names.raw_of(item.fetch_ref or "").split("/")
            folder = open_beneath(root, folders)
            try:
                return self._fetch(item, folder, name, into, max_bytes)
            finally:
                os.close(folder)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise DocumentGone(f"{self.name}: {item.path} is no longer there; the next scan says why.") from error
        except Restless as error:
            raise FetchFailed(f"{self.name}: {item.path} changes while it is read; it is tried again.") from error
        except OSError as error:
            raise FetchFailed(f"{self.name}: {item.path} could not be read ({error.strerror}).") from error
        finally:
            os.close(root)

    def _fetch(self, item: Item, folder: int, name: str, into: Path, max_bytes: int) -> Fetched:
        s = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISREG(s.st_mode):
            raise DocumentGone(f"{self.name}: {item.path} is no longer a file.")
        if s.st_size > max_bytes:
            raise DocumentRefused(f"{self.name}: {item.path} has {s.st_size:,} bytes; at most {max_bytes:,} are read.")
        path = f"{self._tree.root}/{names.raw_of(item.fetch_ref or '')}"
        if any(0xDC80 <= ord(c) <= 0xDCFF for c in path) or len(os.fsencode(path)) > LONGEST_PATH:
            ending = os.path.splitext(item.path)[1]
            copy = into / f"{hashlib.sha256(os.fsencode(path)).hexdigest()[:32]}{ending if ending.isascii() else ''}"
            with copy.open("wb") as file:
                return self._fetched(item, copy, hash_stable(name, folder, file))
        if item.content_sha256 is not None and version_of(s) == item.version:
            return Fetched(Path(path), item.content_sha256, s.st_size, item)
        return self._fetched(item, Path(path), hash_stable(name, folder))

    def _fetched(self, item: Item, path: Path, hashed: Hashed) -> Fetched:
        size = hashed.stat.st_size
        now = replace(
            item, version=version_of(hashed.stat), size=size, modified_at=modified_of(hashed.stat),
            content_sha256=hashed.sha256,
            identity=identity_of(hashed.stat, f"{self._tree.root}/{names.raw_of(item.fetch_ref or '')}"),
        )  # fmt: skip
        return Fetched(path, hashed.sha256, size, now)

    def verify(self, fetched: Fetched) -> None:
        """Raise FetchFailed unless the file still has the tuple that it had when it was hashed."""
        ref = names.raw_of(fetched.item.fetch_ref or "")
        try:
            if version_of(os.lstat(f"{self._tree.root}/{ref}")) == fetched.item.version:
                return
        except FileNotFoundError as error:
            raise DocumentGone(f"{self.name}: {fetched.item.path} was removed while it was read.") from error
        except OSError as error:
            if fetched.path != Path(self._tree.root, ref):
                return  # a copy of ours, whose original cannot be reached by its path
            raise FetchFailed(f"{self.name}: {fetched.item.path} could not be read ({error.strerror}).") from error
        raise FetchFailed(f"{self.name}: {fetched.item.path} changed while it was read; it is tried again.")

    def acl(self, items: Collection[Item]) -> Mapping[str, tuple[str, ...] | None]:
        """The same readers for every file: those that the settings name."""
        return {item.native_id: self._tree.read for item in items}

    def groups(
        self,
        principals: Collection[str],
        held: Mapping[str, Collection[str]],
        cursor: str | None = None,
        deadline: float | None = None,
    ) -> Membership:
        """None: a folder knows no groups of its own."""
        return Membership(())

    def probe(self) -> Sequence[Probe]:
        """Whether the root is there and can be listed."""
        try:
            descriptor = self._open()
        except SourceError as error:
            return (Probe("root", False, str(error), "Mount or create the folder, or let this user read it."),)
        try:
            number = len(os.listdir(descriptor))
        except OSError as error:
            return (Probe("root", False, str(self._unreadable(error)), "Let this user list the folder."),)
        finally:
            os.close(descriptor)
        return (Probe("root", True, f"{self._tree.root} is there, with {number:,} entries"),)

    def _open(self) -> int:
        try:
            return os.open(self._tree.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: OSError) -> SourceError:
        root = self._tree.root
        if isinstance(error, FileNotFoundError):
            return SourceMissing(
                f"{self.name}: {root} is not there; nothing was changed. Mount it, or remove the source from rag.yaml."
            )
        if isinstance(error, NotADirectoryError):
            return SourceMissing(f"{self.name}: {root} is no folder; nothing was changed. Correct the source's path.")
        if isinstance(error, PermissionError):
            return AccessDenied(
                f"{self.name}: {root} may not be listed by this user; let it read and enter the folder."
            )
        return SourceError(f"{self.name}: {root} cannot be listed ({error.strerror}); nothing was changed.")
