"""What the catalog knows of source items, as sources and stages read it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database, slices
from resources.sources.base import Item

Acls = Mapping[str | None, tuple[str, ...] | None]
"""{acl id: principals}; no acl id: unknown."""


@dataclass(frozen=True, slots=True)
class Document:
    """A source item as the stages see it."""

    id: str
    source: str
    partition: str
    item: Item
    acl_id: str
    state: str


class KnownItems:
    """The read-only view of one scope that a source is given: every item that is not gone, held ones included."""

    def __init__(self, database: Database, source: str, scope: str) -> None:
        self._db = database
        table = schema.items
        self._query = sa.select(table).where(table.c.source == source, table.c.scope == scope, table.c.state != "gone")
        self._place = {"source": source, "scope": scope}
        with database.read() as connection:
            self.cursor = self.read_cursor(connection)
            self._acls = principals(connection)

    def read_cursor(self, connection: sa.Connection) -> str | None:
        """The scope's cursor as it is now."""
        cursor: str | None = connection.scalar(sa.select(schema.cursors.c.cursor).filter_by(**self._place))
        return cursor

    def versions(self, after: str = "", limit: int | None = None) -> dict[str, str]:
        table = schema.items
        query = self._query.with_only_columns(table.c.fetch_ref, table.c.version)
        query = query.where(~table.c.folder, table.c.fetch_ref > after).order_by(table.c.fetch_ref).limit(limit)
        with self._db.read() as connection:
            rows = connection.execute(query).cursor
            assert rows is not None
            # straight from the driver: these are as many as the source has documents
            return dict(rows.fetchall())

    def by_ref(self, refs: Collection[str]) -> dict[str, Item]:
        found = self._read(schema.items.c.fetch_ref, refs)
        return {item.fetch_ref: item for item in found if item.fetch_ref is not None}

    def by_identity(self, identities: Collection[str]) -> Sequence[Item]:
        return self._read(schema.items.c.identity, identities)

    def by_content(self, hashes: Collection[str]) -> Sequence[Item]:
        return self._read(schema.items.c.content_sha256, hashes)

    def items(self, native_ids: Collection[str] | None = None) -> Mapping[str, Item]:
        return {item.native_id: item for item in self._read(schema.items.c.native_id, native_ids)}

    def page(self, after: str, limit: int) -> Sequence[Item]:
        table = schema.items
        query = self._query.where(table.c.native_id > after).order_by(table.c.native_id).limit(limit)
        with self._db.read() as connection:
            return [item_of(row, self._acls) for row in connection.execute(query)]

    def count(self) -> int:
        with self._db.read() as connection:
            return connection.scalar(sa.select(sa.func.count()).select_from(self._query.subquery())) or 0

    def children(self, parent_ids: Collection[str]) -> Sequence[Item]:
        return self._read(schema.items.c.parent_id, parent_ids, schema.HAS_PARENT)

    def _read(
        self, column: sa.Column[Any], values: Collection[str] | None, *also: sa.ColumnElement[bool]
    ) -> list[Item]:
        with self._db.read() as connection:
            if values is None:
                return [item_of(row, self._acls) for row in connection.execute(self._query)]
            return [
                item_of(row, self._acls)
                for part in slices(sorted(set(values)))
                for row in connection.execute(self._query.where(column.in_(part), *also))
            ]


def principals(connection: sa.Connection) -> Acls:
    """Who may read, by acl id."""
    rows = connection.execute(sa.select(schema.acl_sets))
    return {None: None, **{row.acl_id: tuple(row.principals) for row in rows}}


def item_of(row: sa.Row[Any], acls: Acls) -> Item:
    """The item that a row of the catalog stands for."""
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
        identity=row.identity,
    )
