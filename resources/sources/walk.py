"""A walk over a tree in a fixed order that can stop anywhere and go on later, and that never leaves the tree.

Every folder is opened by its name inside its parent's descriptor, without following links, so a folder that is
replaced by a link while we walk is refused, not followed.

The order is that of the refs of the files ("a-b.md" before "a/b.md"), compared by code points: so what is known can be
read beside the walk, a page at a time, and one ref says how far a walk has come.
"""

import errno
import os
import stat
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from operator import itemgetter
from typing import NamedTuple

from resources.sources import names
from resources.sources.reading import open_folder

_KINDS = {
    stat.S_IFLNK: "a symbolic link, not followed",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


class Entry(NamedTuple):
    """A regular file in its folder, or a folder."""

    ref: str
    """From the root; a folder's closes with "/"."""
    raw: str
    shown: str
    """Its name, as it is shown."""
    file: os.DirEntry[str] | None
    """None: a folder."""


@dataclass(slots=True)
class Folder:
    """A folder and a run of its files, valid until the next one is asked for: folders between its files part them."""

    descriptor: int
    parts: tuple[str, ...]
    """Refs of the folder names from the root to here."""
    shown: str
    """The path for people, with a closing "/", or "" for the root."""
    odd: bool
    """A name on the way is not the same in all forms: what is shown may depend on its neighbours."""
    files: list[Entry] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    """What is to come, the last in order first."""

    @property
    def ref(self) -> str:
        return "".join(f"{part}/" for part in self.parts)

    def advance(self, after: str) -> Entry | None:
        """Take the files up to the next folder that is not wholly walked; that folder, or None at the end."""
        self.files = []
        while self.entries:
            entry = self.entries.pop()
            if entry.file is None:
                if entry.ref >= after[: len(entry.ref)]:
                    return entry
            elif entry.ref > after:
                self.files.append(entry)
        return None


@dataclass(slots=True)
class Report:
    """What a walk could not look at, and what it did not want to."""

    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_refs: list[str] = field(default_factory=list)
    """Refs of folders, each with a closing "/": what lies below them is unknown."""
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def cannot(self, path: str, error: OSError) -> None:
        self.unreadable.append((path, error.strerror or type(error).__name__))


def walk(root: int, after: str, enters: Callable[[str, str], bool], report: Report) -> Generator[Folder, None, None]:
    """The folders of a tree whose root descriptor is given, with the files whose ref is greater than `after`.

    A folder comes once for each run of its files; `enters(name, path)` prunes.
    """
    top = Folder(root, (), "", False)
    if not _list(top, report):
        return
    stack = [top]
    try:
        while stack:
            folder = stack[-1]
            step = folder.advance(after)
            if folder.files:
                yield folder
            if step is None:
                stack.pop()
                if folder.parts:
                    os.close(folder.descriptor)
                continue
            if enters(step.shown, f"{folder.shown}{step.shown}"):
                below = _open(folder, step, report)
                if below is not None:
                    stack.append(below)
    finally:
        for folder in stack:
            if folder.parts:
                os.close(folder.descriptor)


def _open(above: Folder, entry: Entry, report: Report) -> Folder | None:
    shown = f"{above.shown}{entry.shown}"
    try:
        descriptor = open_folder(entry.raw, above.descriptor)
    except OSError as error:
        # gone, or replaced by a file or a link since it was listed: then nothing lies below it
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            report.cannot(shown, error)
            report.unreadable_refs.append(entry.ref)
        return None
    name = entry.ref[len(above.ref) : -1]
    odd = above.odd or name != entry.raw or entry.shown != entry.raw
    folder = Folder(descriptor, (*above.parts, name), shown + "/", odd)
    if not _list(folder, report):
        os.close(descriptor)
        return None
    return folder


def _list(folder: Folder, report: Report) -> bool:
    """Fill in a folder's entries; whether that could be done."""
    try:
        with os.scandir(folder.descriptor) as scan:
            found = list(scan)
    except OSError as error:
        if not folder.parts:
            raise
        # a listing that broke off in the middle says nothing about what it did not show
        report.cannot(folder.shown.rstrip("/"), error)
        report.unreadable_refs.append(folder.ref)
        return False
    prefix, entries = folder.ref, folder.entries
    for entry, look in zip(found, names.shown([entry.name for entry in found]), strict=True):
        raw = entry.name
        ref = prefix + (raw if look == raw and "%" not in raw else names.ref_of(raw))
        try:
            if entry.is_file(follow_symlinks=False):
                entries.append(Entry(ref, raw, look, entry))
            elif entry.is_dir(follow_symlinks=False):
                entries.append(Entry(ref + "/", raw, look, None))
            else:
                kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
                report.skipped.append((folder.shown + look, _KINDS.get(kind, "no regular file")))
        except FileNotFoundError:
            continue
        except OSError as error:
            report.cannot(folder.shown + look, error)
            report.unreadable_refs.append(ref + "/")
    entries.sort(key=itemgetter(0), reverse=True)
    return True
