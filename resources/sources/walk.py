"""A walk over a tree in a fixed order that can stop anywhere and go on later, and that never leaves the tree.

Every folder is opened by its name inside its parent's descriptor, without following links, so a folder that is
replaced by a link while we walk is refused, not followed.
"""

import errno
import os
import stat
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

from resources.sources import names
from resources.sources.reading import open_folder

Position = tuple[tuple[str, ...], str]
"""(refs of the folders, ref of the file): everything up to and including it has been walked. Positions compare in
the order of the walk: a folder's own files first, then its folders by name."""

_KINDS = {
    stat.S_IFLNK: "a symbolic link, not followed",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


@dataclass(slots=True)
class Folder:
    """One folder of the walk, valid until the next one is asked for."""

    descriptor: int
    parts: tuple[str, ...]
    """Refs of the folder names from the root to here."""
    shown: str
    """The path for people, with a closing "/", or "" for the root."""
    odd: bool
    """A name on the way is not the same in all forms: what is shown may depend on its neighbours."""
    files: list[tuple[str, str, str, os.DirEntry[str]]]
    """(ref of the name, raw name, shown name, entry) of the regular files, in order."""
    folders: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def ref(self) -> str:
        return "".join(f"{part}/" for part in self.parts)


@dataclass(slots=True)
class Report:
    """What a walk could not look at, and what it did not want to."""

    unreadable: list[tuple[str, str]] = field(default_factory=list)
    unreadable_refs: list[str] = field(default_factory=list)
    """Refs of folders, each with a closing "/": what lies below them is unknown."""
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def cannot(self, path: str, error: OSError) -> None:
        self.unreadable.append((path, error.strerror or type(error).__name__))


def walk(
    root: int, after: Position | None, enters: Callable[[str, str], bool], report: Report
) -> Generator[Folder, None, None]:
    """The folders of a tree whose root descriptor is given, from a position on; `enters(name, path)` prunes."""
    top = _list(root, (), "", False, report)
    if top is None:
        return
    stack = [(top, iter(top.folders))]
    try:
        yield _rest(top, after)
        while stack:
            folder, remaining = stack[-1]
            step = next(remaining, None)
            if step is None:
                stack.pop()
                if folder.parts:
                    os.close(folder.descriptor)
                continue
            ref, raw, look = step
            parts, shown = (*folder.parts, ref), f"{folder.shown}{look}"
            if _walked(parts, after) or not enters(look, shown):
                continue
            below = _open(folder, parts, raw, shown, folder.odd or ref != raw or look != raw, report)
            if below is not None:
                stack.append((below, iter(below.folders)))
                yield _rest(below, after)
    finally:
        for folder, _ in stack:
            if folder.parts:
                os.close(folder.descriptor)


def _open(above: Folder, parts: tuple[str, ...], raw: str, shown: str, odd: bool, report: Report) -> Folder | None:
    try:
        descriptor = open_folder(raw, above.descriptor)
    except OSError as error:
        # gone, or replaced by a file or a link since it was listed: then nothing lies below it
        if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
            report.cannot(shown, error)
            report.unreadable_refs.append("/".join(parts) + "/")
        return None
    folder = _list(descriptor, parts, shown + "/", odd, report)
    if folder is None:
        os.close(descriptor)
    return folder


def _list(descriptor: int, parts: tuple[str, ...], shown: str, odd: bool, report: Report) -> Folder | None:
    try:
        with os.scandir(descriptor) as scan:
            entries = list(scan)
    except OSError as error:
        if not parts:
            raise
        # a listing that broke off in the middle says nothing about what it did not show
        report.cannot(shown.rstrip("/"), error)
        report.unreadable_refs.append("/".join(parts) + "/")
        return None
    files, folders = [], []
    for entry, look in zip(entries, names.shown([entry.name for entry in entries]), strict=True):
        raw = entry.name
        ref = raw if look == raw and "%" not in raw else names.ref_of(raw)
        try:
            if entry.is_file(follow_symlinks=False):
                files.append((ref, raw, look, entry))
            elif entry.is_dir(follow_symlinks=False):
                folders.append((ref, raw, look))
            else:
                kind = stat.S_IFMT(entry.stat(follow_symlinks=False).st_mode)
                report.skipped.append((shown + look, _KINDS.get(kind, "no regular file")))
        except FileNotFoundError:
            continue
        except OSError as error:
            report.cannot(shown + look, error)
            report.unreadable_refs.append("".join(f"{part}/" for part in parts) + ref + "/")
    files.sort(key=lambda file: file[0])
    folders.sort()
    return Folder(descriptor, parts, shown, odd, files, folders)


def _rest(folder: Folder, after: Position | None) -> Folder:
    if after is not None and folder.parts <= after[0]:
        folder.files = [f for f in folder.files if (folder.parts, f[0]) > after]
    return folder


def _walked(parts: tuple[str, ...], after: Position | None) -> bool:
    """Whether the whole of a folder lies before the position."""
    return after is not None and parts < after[0] and after[0][: len(parts)] != parts
