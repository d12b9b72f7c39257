"""How one transaction notes what happened to items: their rows, the change log, the permission sets."""

import uuid
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from knowledge.fingerprint import fingerprint, shard_of
from resources.catalog import schema
from resources.catalog.database import Database, slices, storable
from resources.errors import SourceError
from resources.sources.base import Change, Item, Op

SHOWN = ("path", "uri", "acl_id", "content_sha256", "modified_at")
"""What of an item the stages write into rows; the rest is the change signal."""


@dataclass(slots=True)
class Applied:
    """What a discovery changed, in documents."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    held: int = 0
    notes: list[str] = field(default_factory=list)
    """Sentences for whoever watches the source."""
    emptied: bool = False
    """The listing was empty where documents had been."""
    paused: bool = False
    """So much waits that no more was looked for."""

    def add(self, other: "Applied") -> None:
        self.notes += [note for note in other.notes if note not in self.notes]
        self.emptied, self.paused = self.emptied or other.emptied, self.paused or other.paused
        for name in ("new", "changed", "moved", "removed", "held"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class ItemWriter:
    """Collects the rows of one transaction and writes them in a few statements."""

    def __init__(
        self, db: Database, connection: sa.Connection, source: str, at: str, *, scope: str = "", shards: int = 1
    ) -> None:
        self._db, self._connection, self._source, self._at = db, connection, source, at
        self._scope, self._shards = scope, shards
        self._items: list[dict[str, Any]] = []
        self._folders: list[str] = []
        self._log: list[dict[str, Any]] = []
        self._acls: dict[str, list[str]] = {}

    def take(self, change: Change, known: sa.Row[Any] | None, applied: Applied) -> None:
        """Note a change of an item, of which `known` is the row so far."""
        if change.op is Op.DELETE:
            # a tombstone of the scope that an item has left says nothing of the item
            if known is not None and known.scope == self._scope:
                self.remove(known, change.reason or "deleted", applied)
            return
        row = self._row(change.item, known)
        before = known._mapping if known is not None and known.state != "gone" else None
        differs = {name for name, value in row.items() if before is None or before[name] != value}
        if not differs:
            return
        self._items.append(row)
        if row["folder"] or not differs - {"state", "hidden"}:
            return
        if change.op is Op.METADATA and differs.isdisjoint(SHOWN):
            return  # only the change signal moved: nothing below depends on it
        document = row["document_id"]
        self._log.append(log_row(self._source, row["partition"], document, change.op, change.reason, self._at))
        if before is None:
            applied.new += 1
        elif change.op is Op.MOVE:
            applied.moved += 1
        else:
            applied.changed += 1

    def _row(self, item: Item, known: sa.Row[Any] | None) -> dict[str, Any]:
        # an item that comes back before its rows are gone is the document that it was
        document_id = known.document_id if known is not None else uuid.uuid4().hex
        read = sorted(item.read or ())  # unknown or empty: nobody
        acl_id = fingerprint("acl", *read)
        self._acls[acl_id] = read
        return {
            "source": self._source,
            "native_id": item.native_id,
            "scope": self._scope,
            "document_id": document_id,
            "partition": self._partition(document_id),
            "path": item.path,
            "uri": item.uri,
            "version": item.version,
            "size": item.size,
            "modified_at": item.modified_at,
            "content_sha256": item.content_sha256,
            "provider_hash": item.provider_hash,
            "folder": item.folder,
            "parent_id": item.parent_id,
            "acl_id": acl_id,
            "fetch_ref": item.fetch_ref,
            "identity": item.identity,
            "state": "live",
            "hidden": None,
        }

    def remove(self, known: sa.Row[Any], reason: str, applied: Applied) -> None:
        """Note a deletion: a document's row stays until the rows of the stages are gone, a folder has none."""
        if known.state == "gone":
            return
        if known.folder:
            self._folders.append(known.native_id)
            return
        self._items.append({**known._mapping, "state": "gone"})
        self._log.append(log_row(self._source, known.partition, known.document_id, Op.DELETE, reason, self._at))
        applied.removed += 1

    def flush(self) -> None:
        acls = [{"acl_id": acl_id, "principals": read} for acl_id, read in self._acls.items()]
        self._db.write(self._connection, schema.acl_sets, acls)
        table = schema.items
        for part in slices(self._folders):
            gone = sa.delete(table).where(table.c.source == self._source, table.c.native_id.in_(part))
            self._connection.execute(gone)
        self._db.write(self._connection, table, self._items)
        if self._log:
            self._connection.execute(sa.insert(schema.changes), self._log)

    def _partition(self, document_id: str) -> str:
        if self._shards == 1:
            return self._source
        return f"{self._source}/{shard_of(document_id, self._shards):02d}"


def log_row(source: str, partition: str, document_id: str, op: Op, reason: str | None, at: str) -> dict[str, Any]:
    """A row of the change log that waits."""
    return {
        "source": source,
        "partition": partition,
        "document_id": document_id,
        "op": str(op),
        "reason": reason,
        "recorded_at": at,
        "state": "pending",
    }


def refuse_unstorable(source: str, item: Item) -> None:
    """Raise SourceError for an item whose name or ids no database stores."""
    texts = (item.native_id, item.path, item.uri, item.version, item.parent_id or "", item.fetch_ref or "")
    if not storable("".join(texts)):
        raise SourceError(
            f"{source}: {item.path!a} has a name or an id that no database stores (NUL, or not UTF-8); nothing was "
            "changed. Rename it there, or leave it out with `exclude`."
        )
