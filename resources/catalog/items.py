"""Source items, the change log and the delete guard: a discovery becomes catalog rows in one transaction."""

import json
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from knowledge.fingerprint import fingerprint, shard_of
from resources.catalog import schema
from resources.catalog.database import Database, now, slices
from resources.sources.base import Change, Discovery, Item, Op

GUARD_SHARE, GUARD_COUNT = 0.2, 1_000
"""More missing documents than this share (and more than one), or than this number, wait for approval."""


@dataclass(frozen=True, slots=True)
class Document:
    """A source item as the stages see it."""

    id: str
    source: str
    partition: str
    item: Item
    acl_id: str
    state: str


@dataclass(slots=True)
class Applied:
    """What a discovery changed, in documents."""

    new: int = 0
    changed: int = 0
    moved: int = 0
    removed: int = 0
    held: int = 0

    def add(self, other: "Applied") -> None:
        for name in ("new", "changed", "moved", "removed", "held"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


class KnownItems:
    """The read-only view of one scope that a source is given: every item that is not gone, held ones included."""

    def __init__(self, database: Database, source: str, scope: str) -> None:
        self._db = database
        table = schema.items
        self._query = sa.select(table).where(table.c.source == source, table.c.scope == scope, table.c.state != "gone")
        with database.read() as connection:
            cursors = sa.select(schema.cursors.c.cursor).filter_by(source=source, scope=scope)
            self.cursor: str | None = connection.scalar(cursors)
            self._acls = _principals(connection)

    def versions(self) -> dict[str, str]:
        table = schema.items
        query = self._query.with_only_columns(table.c.fetch_ref, table.c.version).where(~table.c.folder)
        with self._db.read() as connection:
            return {str(ref): str(version) for ref, version in connection.execute(query)}

    def by_ref(self, refs: Collection[str]) -> dict[str, Item]:
        found = self._read(schema.items.c.fetch_ref, refs)
        return {item.fetch_ref: item for item in found if item.fetch_ref is not None}

    def items(self, native_ids: Collection[str] | None = None) -> Mapping[str, Item]:
        return {item.native_id: item for item in self._read(schema.items.c.native_id, native_ids)}

    def children(self, parent_ids: Collection[str]) -> Sequence[Item]:
        return self._read(schema.items.c.parent_id, parent_ids)

    def _read(self, column: sa.Column[Any], values: Collection[str] | None) -> list[Item]:
        with self._db.read() as connection:
            if values is None:
                return [_item(row, self._acls) for row in connection.execute(self._query)]
            return [
                _item(row, self._acls)
                for part in slices(sorted(values))
                for row in connection.execute(self._query.where(column.in_(part)))
            ]


class Items:
    """The last seen state of every source item, and the log of what happened to it."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def known(self, source: str, scope: str) -> KnownItems:
        """What is known of a scope, as a source is given it."""
        return KnownItems(self._db, source, scope)

    def apply(self, source: str, shards: int, discovery: Discovery) -> Applied:
        """Store a discovery: items, change log, cursor and held deletions, in one transaction."""
        applied, at = Applied(), now()
        with self._db.begin() as connection:
            known = self._rows(
                connection, source, {c.item.native_id for c in discovery.changes} | set(discovery.missing)
            )
            writer = _Writer(self._db, connection, source, discovery.scope, shards, at)
            for change in discovery.changes:
                writer.take(change, known.get(change.item.native_id), applied)
            if discovery.complete and discovery.listed:
                self._guard(connection, source, discovery, known, writer, applied)
            writer.flush()
            self._db.write(
                connection,
                schema.cursors,
                [
                    {
                        "source": source,
                        "scope": discovery.scope,
                        "cursor": discovery.cursor,
                        "listed_at": at,
                        "error": None,
                    }
                ],
            )
        return applied

    def _guard(
        self,
        connection: sa.Connection,
        source: str,
        discovery: Discovery,
        known: Mapping[str, sa.Row[Any]],
        writer: "_Writer",
        applied: Applied,
    ) -> None:
        """Delete what a complete listing misses, or hold it where that is suspiciously much."""
        table = schema.items
        missing = [n for n in discovery.missing if n in known and known[n].state in ("live", "held")]
        documents = [n for n in missing if not known[n].folder]
        living = (
            connection.scalar(
                sa.select(sa.func.count())
                .select_from(table)
                .where(table.c.source == source, table.c.state.in_(("live", "held")), ~table.c.folder)
            )
            or 0
        )
        emptied = bool(documents) and discovery.seen == 0
        hold = emptied or len(documents) > GUARD_COUNT or (len(documents) > 1 and len(documents) > GUARD_SHARE * living)
        # what was held and is listed again is simply there
        back = sa.update(table).where(
            table.c.source == source, table.c.scope == discovery.scope, table.c.state == "held"
        )
        connection.execute(back.values(state="live"))
        if hold:
            for part in slices(missing):
                connection.execute(
                    sa.update(table).where(table.c.source == source, table.c.native_id.in_(part)).values(state="held")
                )
            applied.held = len(documents)
        else:
            for native_id in missing:
                writer.remove(known[native_id], "missing", applied)

    def approve_deletes(self, source: str) -> int:
        """Let the held deletions of a source through; returns how many documents."""
        applied, table = Applied(), schema.items
        with self._db.begin() as connection:
            writer = _Writer(self._db, connection, source, "", 1, now())
            for row in connection.execute(sa.select(table).where(table.c.source == source, table.c.state == "held")):
                writer.remove(row, "approved", applied)
            writer.flush()
        return applied.removed

    def forget(self, source: str) -> int:
        """Tombstone every document of a source that left the settings; returns how many."""
        applied, table = Applied(), schema.items
        with self._db.begin() as connection:
            writer = _Writer(self._db, connection, source, "", 1, now())
            for row in connection.execute(sa.select(table).where(table.c.source == source, table.c.state != "gone")):
                writer.remove(row, "forgotten", applied)
            writer.flush()
            connection.execute(sa.delete(schema.cursors).where(schema.cursors.c.source == source))
        return applied.removed

    def _rows(self, connection: sa.Connection, source: str, native_ids: Collection[str]) -> dict[str, sa.Row[Any]]:
        table, found = schema.items, {}
        for part in slices(sorted(native_ids)):
            query = sa.select(table).where(table.c.source == source, table.c.native_id.in_(part))
            found.update({row.native_id: row for row in connection.execute(query)})
        return found

    def documents(self, ids: Collection[str] | None = None, partition: str | None = None) -> list[Document]:
        """Documents (no folders) by id, of a partition, or all; gone ones too, as long as their rows are not."""
        table = schema.items
        query = sa.select(table).where(~table.c.folder)
        with self._db.read() as connection:
            acls = _principals(connection)
            if ids is None:
                query = query if partition is None else query.where(table.c.partition == partition)
                rows = list(connection.execute(query))
            else:
                rows = [
                    row
                    for part in slices(sorted(ids))
                    for row in connection.execute(query.where(table.c.document_id.in_(part)))
                ]
        return [Document(r.document_id, r.source, r.partition, _item(r, acls), r.acl_id or "", r.state) for r in rows]

    def store_fetched(self, items: Mapping[str, Item]) -> None:
        """{document id: item as it was when its bytes were read}: the version, size and hash that are true of them."""
        if items:
            with self._db.begin() as connection:
                connection.execute(
                    sa.update(schema.items).where(schema.items.c.document_id == sa.bindparam("document")),
                    [
                        {"document": d, "version": i.version, "size": i.size, "content_sha256": i.content_sha256}
                        for d, i in sorted(items.items())
                    ],
                )

    def purge(self, document_ids: Collection[str]) -> None:
        """Forget gone items whose rows are gone too."""
        table = schema.items
        with self._db.begin() as connection:
            for part in slices(sorted(document_ids)):
                connection.execute(sa.delete(table).where(table.c.document_id.in_(part), table.c.state == "gone"))

    def pending(self, partition: str) -> dict[str, int]:
        """{document id: last sequence number} of the changes that wait, in their order."""
        table = schema.changes
        query = (
            sa.select(table.c.document_id, sa.func.max(table.c.seq).label("seq"))
            .where(table.c.partition == partition, table.c.state == "pending")
            .group_by(table.c.document_id)
            .order_by("seq")
        )
        with self._db.read() as connection:
            return {row.document_id: row.seq for row in connection.execute(query)}

    def waiting(self) -> dict[str, tuple[int, int]]:
        """{partition: (documents that wait, last sequence number)} for every partition with pending changes."""
        table = schema.changes
        query = (
            sa.select(table.c.partition, sa.func.count(table.c.document_id.distinct()), sa.func.max(table.c.seq))
            .where(table.c.state == "pending")
            .group_by(table.c.partition)
        )
        with self._db.read() as connection:
            return {partition: (count, seq) for partition, count, seq in connection.execute(query)}

    def again(self, document_ids: Iterable[str], reason: str) -> None:
        """Put documents back into the change log."""
        table = schema.items
        with self._db.begin() as connection:
            for part in slices(sorted(document_ids)):
                rows = connection.execute(sa.select(table).where(table.c.document_id.in_(part)))
                log = [_log(r.source, r.partition, r.document_id, Op.UPSERT, reason, now()) for r in rows]
                if log:
                    connection.execute(sa.insert(schema.changes), log)

    def hidden(self) -> dict[str, str]:
        """{document id: why} of the documents that no search may show now."""
        table = schema.items
        query = sa.select(table.c.document_id, table.c.hidden, table.c.state).where(
            sa.or_(table.c.hidden.is_not(None), table.c.state == "gone"), ~table.c.folder
        )
        with self._db.read() as connection:
            return {row.document_id: row.hidden or "deleted" for row in connection.execute(query)}

    def acl_sets(self) -> dict[str, tuple[str, ...]]:
        """{acl id: principals that may read}."""
        with self._db.read() as connection:
            return {k: v for k, v in _principals(connection).items() if k is not None and v is not None}

    def counts(self) -> dict[str, dict[str, int]]:
        """{source: {state: documents, "hidden": documents}}."""
        table, counts = schema.items, dict[str, dict[str, int]]()
        query = (
            sa.select(table.c.source, table.c.state, table.c.hidden.is_not(None).label("hidden"), sa.func.count())
            .where(~table.c.folder)
            .group_by(table.c.source, table.c.state, "hidden")
        )
        with self._db.read() as connection:
            for source, state, hidden, count in connection.execute(query):
                of = counts.setdefault(source, {"live": 0, "held": 0, "gone": 0, "hidden": 0})
                of[state] += count
                of["hidden"] += count if hidden and state != "gone" else 0
        return counts


class _Writer:
    """Collects the rows of one transaction and writes them in three statements."""

    def __init__(
        self,
        db: Database,
        connection: sa.Connection,
        source: str,
        scope: str,
        shards: int,
        at: str,
    ) -> None:
        self._db, self._connection, self._scope = db, connection, scope
        self._source, self._shards, self._at = source, shards, at
        self._items: list[dict[str, Any]] = []
        self._log: list[dict[str, Any]] = []
        self._acls: dict[str, tuple[str, ...]] = {}

    def take(self, change: Change, known: sa.Row[Any] | None, applied: Applied) -> None:
        if change.op is Op.DELETE:
            if known is not None:
                self.remove(known, change.reason or "deleted", applied)
            return
        item = change.item
        living = known is not None and known.state != "gone"
        document_id = known.document_id if known is not None else uuid.uuid4().hex
        partition = self._partition(document_id)
        read = tuple(sorted(item.read or ()))  # unknown or empty: nobody
        acl_id = fingerprint("acl", *read)
        self._acls[acl_id] = read
        self._items.append(
            {
                "source": self._source,
                "native_id": item.native_id,
                "scope": self._scope,
                "document_id": document_id,
                "partition": partition,
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
                "state": "live",
                "hidden": None,
            }
        )
        if item.folder:
            return
        if change.op is Op.METADATA and living and known is not None and known.acl_id == acl_id:
            return  # only the change signal moved: nothing below depends on it
        self._log.append(_log(self._source, partition, document_id, change.op, change.reason, self._at))
        if not living:
            applied.new += 1
        elif change.op is Op.MOVE:
            applied.moved += 1
        else:
            applied.changed += 1

    def remove(self, known: sa.Row[Any], reason: str, applied: Applied) -> None:
        if known.state == "gone":
            return
        self._items.append({**known._mapping, "state": "gone"})
        if not known.folder:
            self._log.append(_log(self._source, known.partition, known.document_id, Op.DELETE, reason, self._at))
            applied.removed += 1

    def flush(self) -> None:
        acls = [{"acl_id": k, "principals": json.loads(json.dumps(v))} for k, v in self._acls.items()]
        self._db.write(self._connection, schema.acl_sets, acls)
        self._db.write(self._connection, schema.items, self._items)
        if self._log:
            self._connection.execute(sa.insert(schema.changes), self._log)

    def _partition(self, document_id: str) -> str:
        if self._shards == 1:
            return self._source
        return f"{self._source}/{shard_of(document_id, self._shards):02d}"


def _log(source: str, partition: str, document_id: str, op: Op, reason: str | None, at: str) -> dict[str, Any]:
    return {
        "source": source,
        "partition": partition,
        "document_id": document_id,
        "op": str(op),
        "reason": reason,
        "recorded_at": at,
        "state": "pending",
    }


def _principals(connection: sa.Connection) -> dict[str | None, tuple[str, ...] | None]:
    rows = connection.execute(sa.select(schema.acl_sets))
    return {None: None, **{row.acl_id: tuple(row.principals) for row in rows}}


def _item(row: sa.Row[Any], acls: Mapping[str | None, tuple[str, ...] | None]) -> Item:
    return Item(
        native_id=row.native_id,
        path=row.path,
        uri=row.uri,
        version=row.version,
        size=row.size,
        modified_at=row.modified_at,
        content_sha256=row.content_sha256,
        provider_hash=row.provider_hash,
        folder=row.folder,
        parent_id=row.parent_id,
        read=acls.get(row.acl_id),
        fetch_ref=row.fetch_ref,
    )
