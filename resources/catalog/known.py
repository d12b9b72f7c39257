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
        with database.read() as connection:
            cursors = sa.select(schema.cursors.c.cursor).filter_by(source=source, scope=scope)
            self.cursor: str | None = connection.scalar(cursors)
            self._acls = principals(connection)

    def versions(self) -> dict[str, str]:
        table = schema.items
        query = self._query.with_only_columns(table.c.fetch_ref, table.c.version)
        with self._db.read() as connection:
            rows = connection.execute(query.where(~table.c.folder, table.c.fetch_ref.is_not(None)))
            return {row.fetch_ref: row.version for row in rows}

    def by_ref(self, refs: Collection[str]) -> dict[str, Item]:
        found = self._read(schema.items.c.fetch_ref, refs)
        return {item.fetch_ref: item for item in found if item.fetch_ref is not None}

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
        return self._read(schema.items.c.parent_id, parent_ids)

    def _read(self, column: sa.Column[Any], values: Collection[str] | None) -> list[Item]:
        with self._db.read() as connection:
            if values is None:
                return [item_of(row, self._acls) for row in connection.execute(self._query)]
            return [
                item_of(row, self._acls)
                for part in slices(sorted(set(values)))
                for row in connection.execute(self._query.where(column.in_(part)))
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
    )
