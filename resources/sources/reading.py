"""Reading one file of a folder that others write to: its stat tuple, and a hash that belongs to it."""

import hashlib
import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import BinaryIO

from resources.sources import names
from resources.sources.birth import born

BLOCK = 1 << 20
_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC  # a FIFO that took the name must not hang us
_FOLDER = os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY | os.O_CLOEXEC


class Restless(Exception):
    """The file changed while it was read."""


@dataclass(frozen=True, slots=True)
class Hashed:
    """The sha256 of a file's bytes, and the stat result that held before and after they were read."""

    sha256: str
    stat: os.stat_result


def version_of(s: os.stat_result) -> str:
    """The change signal of a file: every one of these changes before content can differ unseen.

    ctime is the one that no program can set back: it catches a changed file with its old mtime (`touch -r`, rsync).
    """
    return f"{s.st_size}:{s.st_mtime_ns}:{s.st_ctime_ns}:{s.st_ino}:{s.st_dev}"


def modified_of(s: os.stat_result) -> str | None:
    """When a file was changed last, by its own account: ISO 8601, UTC; None for a clock that was never set."""
    try:
        return datetime.fromtimestamp(s.st_mtime, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return None  # 1 January of the year 30828


def identity_of(s: os.stat_result, path: str) -> str:
    """What a rename leaves alone, and no two files of a machine share: inode, device and, where known, birth."""
    return f"{s.st_ino}:{s.st_dev}:{born(path, s.st_ino) or ''}"


def open_folder(name: str, parent: int | None = None) -> int:
    """A descriptor of a folder that is no link; OSError where it cannot be opened."""
    return os.open(name, _FOLDER, dir_fd=parent)


def open_beneath(root: int, folders: Sequence[str]) -> int:
    """A descriptor of the folder that these raw names lead to from `root`, following no link on the way."""
    descriptor = os.dup(root)
    for name in folders:
        above = descriptor
        try:
            descriptor = open_folder(name, above)
        finally:
            os.close(above)
    return descriptor


class Descriptors:
    """Descriptors of folders beneath a root, the last one kept open: files come folder by folder."""

    def __init__(self, root: int) -> None:
        self._root, self._open = root, dict[tuple[str, ...], int]()

    def __enter__(self) -> "Descriptors":
        return self

    def __exit__(self, *_: object) -> None:
        for descriptor in self._open.values():
            os.close(descriptor)
        self._open = {}

    def of(self, folders: tuple[str, ...]) -> int:
        """The folder that these refs of names lead to; OSError where there is none."""
        if folders not in self._open:
            self.__exit__()
            self._open[folders] = open_beneath(self._root, [names.raw_of(name) for name in folders])
        return self._open[folders]


def hash_stable(name: str, folder: int, copy: BinaryIO | None = None) -> Hashed:
    """Hash a regular file, twice if it changes under the first read; raises Restless, OSError.

    `copy` takes the bytes as well.
    """
    try:
        return _hash(name, folder, copy)
    except Restless:
        if copy is not None:
            copy.seek(0)
            copy.truncate()
        return _hash(name, folder, copy)


def _hash(name: str, folder: int, copy: BinaryIO | None) -> Hashed:
    descriptor = os.open(name, _FLAGS, dir_fd=folder)
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise Restless
        digest, length = hashlib.sha256(), 0
        # one byte more than there should be: a file that grew shows itself, a small one needs no large buffer
        while block := os.read(descriptor, min(BLOCK, before.st_size - length + 1)):
            digest.update(block)
            length += len(block)
            if copy is not None:
                copy.write(block)
            if length >= before.st_size:
                break
        after = os.fstat(descriptor)
        if length != before.st_size or version_of(before) != version_of(after):
            raise Restless
        return Hashed(digest.hexdigest(), after)
    finally:
        os.close(descriptor)
