"""What a source says of its documents, and the pure comparison of what it found with what is known.

Belongs here: items, changes, and the rules of identity (edit, rename, copy). Does not: reading any source.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Op(StrEnum):
    """What happened to an item, the strongest first: an upsert may also be a move, a move may also change the ACL."""

    UPSERT = "upsert"
    MOVE = "move"
    METADATA = "metadata"
    ACL = "acl"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Item:
    """One document or folder as its source last showed it: the catalog's row."""

    native_id: str
    """Stable within the source, never the path, never given twice."""
    path: str
    """For people: below the root, "/" between parts, NFC, storable as UTF-8; unique among the live items."""
    uri: str
    version: str
    """Opaque change signal: equal means "nothing to look at"."""
    size: int
    modified_at: str | None
    """ISO 8601, UTC."""
    content_sha256: str | None
    """Of the bytes, where they have been read; None: not yet."""
    provider_hash: str | None = None
    """The provider's own hash: tells whether bytes changed, never which bytes they are."""
    folder: bool = False
    parent_id: str | None = None
    read: tuple[str, ...] | None = None
    """Who may read: "everyone", "organization", "user:<id>", "group:<id>". None or empty: nobody."""
    fetch_ref: str | None = None
    """Opaque, for the source's own use; storable as UTF-8, unique among the live items of a scope."""
    identity: str | None = None
    """What the place itself keeps of a document over a rename (inode, device); given again after a deletion."""


@dataclass(frozen=True, slots=True)
class Change:
    """The whole item as it is now, and the strongest thing that happened to it."""

    op: Op
    item: Item
    previous_path: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """One document as a listing shows it, before it is known which item it is."""

    ref: str
    path: str
    uri: str
    version: str
    size: int
    modified_at: str | None
    content_sha256: str | None
    """None: not read, because nothing says that the content differs from what is known."""
    read: tuple[str, ...] | None
    identity: str | None = None
    was: str | None = None
    """The `ref` of the known item that this document was a moment ago, where the source is sure of it."""


def compare(found: Found, item: Item) -> Change | None:
    """The change that makes `item` what was found, or None where nothing differs."""
    content = found.content_sha256 or item.content_sha256
    now = replace(
        item, path=found.path, uri=found.uri, version=found.version, size=found.size, modified_at=found.modified_at,
        content_sha256=content, read=found.read, fetch_ref=found.ref, identity=found.identity,
    )  # fmt: skip
    previous = item.path if item.path != now.path else None
    if content != item.content_sha256:
        same_signal = item.version == now.version and previous is None
        return Change(Op.UPSERT, now, previous, "content changed under the same version" if same_signal else None)
    if previous is not None or item.fetch_ref != now.fetch_ref:
        return Change(Op.MOVE, now, previous)
    if (item.version, item.uri, item.identity) != (now.version, now.uri, now.identity):
        return Change(Op.METADATA, now)
    return Change(Op.ACL, now) if item.read != now.read else None


def created(found: Found, native_id: str) -> Change:
    """The change that makes a new item of what was found."""
    item = Item(
        native_id=native_id, path=found.path, uri=found.uri, version=found.version, size=found.size,
        modified_at=found.modified_at, content_sha256=found.content_sha256, read=found.read, fetch_ref=found.ref,
        identity=found.identity,
    )  # fmt: skip
    return Change(Op.UPSERT, item)


def moves(new: Collection[Found], gone: Collection[Item]) -> dict[str, Item]:
    """{ref of a new document: the gone item that it is}, by content: only where one answer is possible.

    One new and one gone document of the same content are a move; of several, those whose file name is the same
    and alone on both sides. The rest are copies and deletions.
    """
    by_content: Mapping[str, tuple[list[Found], list[Item]]] = defaultdict(lambda: ([], []))
    for item in gone:
        if item.content_sha256 is not None:
            by_content[item.content_sha256][1].append(item)
    for found in new:
        if found.content_sha256 is not None and found.content_sha256 in by_content:
            by_content[found.content_sha256][0].append(found)
    matched = dict[str, Item]()
    for arrived, left in by_content.values():
        if len(arrived) == 1 and len(left) == 1:
            matched[arrived[0].ref] = left[0]
            continue
        names = defaultdict[str, tuple[list[Found], list[Item]]](lambda: ([], []))
        for found in arrived:
            names[found.path.rpartition("/")[2]][0].append(found)
        for item in left:
            names[item.path.rpartition("/")[2]][1].append(item)
        matched.update({a[0].ref: b[0] for a, b in names.values() if len(a) == 1 and len(b) == 1})
    return matched
