"""Which known document a new file is: the one of the same inode, or of the same content, whose old name is gone."""

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from knowledge.changes import Found, Item
from resources.sources import names
from resources.sources.base import Known
from resources.sources.reading import identity_of, version_of


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A file that is new, or whose content may not be what is known."""

    folders: tuple[str, ...]
    raw: str
    ref: str
    shown: str
    stat: os.stat_result
    known: bool
    nth: int
    """Of the documents that this tick saw."""


def full_path(root: str, ref: str) -> str:
    """The raw path of a ref."""
    return f"{root}/{names.raw_of(ref)}"


def documents_left(known: Known, root: str, new: Sequence[Doubtful], taken: Collection[str]) -> dict[str, Item]:
    """{ref of a new file: the document that it was until a moment ago}: the same inode, its old name gone.

    `taken`: native ids of documents that another file was found to be.
    """
    if not new:
        return {}
    identities = {file.ref: identity_of(file.stat, full_path(root, file.ref)) for file in new}
    by_identity: dict[str, list[Item]] = {}
    for item in known.by_identity(set(identities.values())):
        by_identity.setdefault(item.identity or "", []).append(item)
    was, others = dict[str, Item](), set(taken)
    for file in new:
        candidates = [i for i in by_identity.get(identities[file.ref], ()) if i.native_id not in others]
        sure = not identities[file.ref].endswith(":")
        same = [item for item in candidates if sure or _is_unwritten(item, file.stat)]
        gone = [item for item in same if _is_gone(full_path(root, item.fetch_ref or ""), file.stat)]
        exact = [item for item in gone if item.version == version_of(file.stat)]
        best = min(exact or gone, key=lambda item: item.fetch_ref or "", default=None)
        if best is not None:
            was[file.ref] = best
            others.add(best.native_id)
    return was


def same_content(known: Known, root: str, new: Sequence[Found]) -> list[Item]:
    """Documents with the content of new files whose own names are gone, wherever in the tree they were."""
    same = known.by_content({found.content_sha256 or "" for found in new})
    return [item for item in same if not os.path.lexists(full_path(root, item.fetch_ref or ""))]


def _is_unwritten(item: Item, s: os.stat_result) -> bool:
    """A rename writes nothing. Where births are unknown, all else may be a new file on the inode of a deleted one."""
    return (item.version or "").startswith(f"{s.st_size}:{s.st_mtime_ns}:")


def _is_gone(path: str, s: os.stat_result) -> bool:
    try:
        there = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    # the old name leads to the very file: the system does not tell upper from lower case
    return there.st_nlink == 1 and (there.st_ino, there.st_dev) == (s.st_ino, s.st_dev)
