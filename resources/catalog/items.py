"""Source items, the change log and the delete guard: a discovery becomes catalog rows in one transaction."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database, now, slices
from resources.catalog.guard import judge_missing
from resources.catalog.known import Document, KnownItems, item_of, principals
from resources.catalog.writer import Applied, ItemWriter, log_row, refuse_unstorable
from resources.errors import SourceError
from resources.sources.base import Discovery, Item, Op

__all__ = ["Applied", "Document", "Items", "KnownItems"]


class Items:
    """The last seen state of every source item, and the log of what happened to it."""

    def __init__(self, database: Database) -> None:
        self._db = database
        self._acl_sets: dict[str, tuple[str, ...]] = {}

    def known(self, source: str, scope: str) -> KnownItems:
        """What is known of a scope, as a source is given it."""
        return KnownItems(self._db, source, scope)

    def apply(self, source: str, shards: int, discovery: Discovery, known: KnownItems | None = None) -> Applied:
        """Store a discovery: items, change log, cursor and held deletions, in one transaction.

        A second time it changes nothing. Raises SourceError, and nothing is stored, for a name that cannot be, and
        where another discovery was stored since `known` was read: what this one compared with is no longer so.
        """
        for change in discovery.changes:
            refuse_unstorable(source, change.item)
        applied, at = Applied(), now()
        with self._db.begin() as connection:
            if known is not None and known.read_cursor(connection) != known.cursor:
                raise SourceError(
                    f"{source}: another look at it was noted meanwhile; nothing of this one was. Look again."
                )
            named = {c.item.native_id for c in discovery.changes} | set(discovery.missing)
            rows = self._rows(connection, source, named)
            writer = ItemWriter(self._db, connection, source, at, scope=discovery.scope, shards=shards)
            for change in discovery.changes:
                writer.take(change, rows.get(change.item.native_id), applied)
            if discovery.complete and discovery.listed:
                judge_missing(connection, source, discovery, rows, writer, applied)
            writer.flush()
            place = {"source": source, "scope": discovery.scope}
            seen = {"cursor": discovery.cursor, "listed_at": at, "error": None}
            self._db.write(connection, schema.cursors, [place | seen])
        return applied

    def approve_deletes(self, source: str) -> int:
        """Let the held deletions of a source through; returns how many documents."""
        with self._db.begin() as connection:
            return self._remove(connection, source, schema.items.c.state == "held", "approved")

    def approved(self, source: str) -> int:
        """How many approved deletions of a source wait to be carried out."""
        table = schema.changes
        query = sa.select(sa.func.count(table.c.document_id.distinct())).where(table.c.source == source)
        with self._db.read() as connection:
            return connection.scalar(query.where(table.c.reason == "approved", table.c.state == "pending")) or 0

    def forget(self, source: str) -> int:
        """Tombstone every document of a source that left the settings; returns how many."""
        with self._db.begin() as connection:
            connection.execute(sa.delete(schema.cursors).where(schema.cursors.c.source == source))
            return self._remove(connection, source, schema.items.c.state != "gone", "forgotten")

    def _remove(self, connection: sa.Connection, source: str, which: sa.ColumnElement[bool], reason: str) -> int:
        applied, table = Applied(), schema.items
        writer = ItemWriter(self._db, connection, source, now())
        for row in connection.execute(sa.select(table).where(table.c.source == source, which)):
            writer.remove(row, reason, applied)
        writer.flush()
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
        query = sa.select(table).where(~table.c.folder).order_by(table.c.source, table.c.native_id)
        with self._db.read() as connection:
            acls = principals(connection)
            if ids is None:
                query = query if partition is None else query.where(table.c.partition == partition)
                rows = list(connection.execute(query))
            else:
                rows = [
                    row
                    for part in slices(sorted(ids))
                    for row in connection.execute(query.where(table.c.document_id.in_(part)))
                ]
        return [Document(r.document_id, r.source, r.partition, item_of(r, acls), r.acl_id or "", r.state) for r in rows]

    def store_fetched(self, items: Mapping[str, Item]) -> None:
        """{document id: item as it was when its bytes were read}: version, size, time and hash of them."""
        if items:
            with self._db.begin() as connection:
                connection.execute(
                    sa.update(schema.items).where(schema.items.c.document_id == sa.bindparam("document")),
                    [
                        {
                            "document": d,
                            "version": i.version,
                            "size": i.size,
                            "modified_at": i.modified_at,
                            "content_sha256": i.content_sha256,
                            "identity": i.identity,
                        }
                        for d, i in sorted(items.items())
                    ],
                )

    def purge(self, document_ids: Collection[str]) -> None:
        """Forget gone items whose rows are gone too, with what waits of them; one that came back stays."""
        table, log = schema.items, schema.changes
        with self._db.begin() as connection:
            for part in slices(sorted(document_ids)):
                gone = sa.and_(table.c.document_id.in_(part), table.c.state == "gone")
                rows = list(connection.execute(sa.select(table.c.document_id, table.c.partition).where(gone)))
                if rows:
                    partitions = log.c.partition.in_({row.partition for row in rows})
                    ids = log.c.document_id.in_([row.document_id for row in rows])
                    connection.execute(sa.delete(log).where(partitions, ids))
                    connection.execute(sa.delete(table).where(gone))

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

    def waiting_content(self, partition: str) -> set[str]:
        """The documents that wait because their bytes may be new; what else waits only stands beside them."""
        table = schema.changes
        upserts = sa.select(table.c.document_id.distinct()).where(
            table.c.partition == partition, table.c.state == "pending", table.c.op == str(Op.UPSERT)
        )
        with self._db.read() as connection:
            return set(connection.scalars(upserts))

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
            for part in slices(sorted(set(document_ids))):
                rows = connection.execute(sa.select(table).where(table.c.document_id.in_(part)))
                log = [log_row(r.source, r.partition, r.document_id, Op.UPSERT, reason, now()) for r in rows]
                if log:
                    connection.execute(sa.insert(schema.changes), log)

    def hidden(self, leaving_out: Collection[str] = ()) -> dict[str, str]:
        """{document id: why} of the documents that no search may show now, without those of some sources."""
        table = schema.items
        # each half in the words of a small index: the few are found without a look at all
        all_of = sa.select(table.c.document_id, table.c.hidden).where(
            ~table.c.folder, table.c.source.not_in(sorted(leaving_out))
        )
        gone = sa.and_(schema.NOT_LIVE, table.c.state == "gone")
        query = sa.union_all(all_of.where(schema.HIDDEN), all_of.where(gone))
        with self._db.read() as connection:
            return {row.document_id: row.hidden or "deleted" for row in connection.execute(query)}

    def acl_sets(self) -> dict[str, tuple[str, ...]]:
        """{acl id: principals that may read}; an id is the hash of its principals, so what was read once is kept."""
        table, known = schema.acl_sets, self._acl_sets
        with self._db.read() as connection:
            ids = set(connection.scalars(sa.select(table.c.acl_id)))
            for part in slices(sorted(ids - known.keys())):
                rows = connection.execute(sa.select(table).where(table.c.acl_id.in_(part)))
                known = known | {row.acl_id: tuple(row.principals) for row in rows}
        self._acl_sets = {acl_id: known[acl_id] for acl_id in ids & known.keys()}
        return self._acl_sets

    def counts(self) -> dict[str, dict[str, int]]:
        """{source: {state: documents, "hidden": documents}}."""
        table, counts = schema.items, dict[str, dict[str, int]]()
        unseen = table.c.hidden.is_not(None)
        query = sa.select(table.c.source, table.c.state, unseen, sa.func.count()).where(~table.c.folder)
        query = query.group_by(table.c.source, table.c.state, unseen)
        with self._db.read() as connection:
            for source, state, hidden, count in connection.execute(query):
                of = counts.setdefault(source, {"live": 0, "held": 0, "gone": 0, "hidden": 0})
                of[state] += count
                of["hidden"] += count if hidden and state != "gone" else 0
        return counts
