"""The content tables in LanceDB: read by key, replaced in groups, one writer a table.

Belongs here: rows in, rows out. Does not: what a row means (schemas.py), what has to be written (the assets).
"""

import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from resources import schemas
from resources.schemas import TableSpec

if TYPE_CHECKING:
    import pyarrow as pa

IN_LIST = 1_000
"""Most ids in one filter; above SCAN ids the column is scanned instead."""
SCAN = 4_000
PHRASES = 100
"""Most phrases in one full-text query."""
OPTIMIZE_EVERY = 20
"""Commits between two compactions: each leaves a version and small files behind."""
INDEX_FROM = 20_000
"""Rows from which the key columns are indexed; below, a scan is as fast."""


class Table:
    """One table. Every write is one commit under the table's file lock, held by all processes of this machine."""

    def __init__(self, spec: TableSpec, name: str, connect: Callable[[], Any], locks: Path, dimension: int = 0) -> None:
        self.spec, self.name = spec, name
        self._connect, self._locks, self._dimension = connect, locks, dimension
        self._table: Any = None
        self.commits = 0
        self.bytes_written = 0
        self.rows_read = 0

    @property
    def schema(self) -> Any:
        return schemas.arrow_schema(self.spec, self._dimension)

    def exists(self) -> bool:
        return self._table is not None or self.name in self._connect().list_tables(limit=1000).tables

    @property
    def lance(self) -> Any:
        """The LanceDB table; made at its first use."""
        if self._table is None:
            with self._lock():
                there = self.exists()
                self._table = self._connect().create_table(self.name, schema=self.schema, exist_ok=True)
                if not there:
                    self._index_full_text(self._table)
        return self._table

    def _index_full_text(self, table: Any) -> None:
        # On the empty table: rows added later are found at once, and indexed by the next compaction. Without an
        # index of its own rules a phrase would be searched by the default's, which drop "the" and "who".
        from lancedb.index import FTS

        for column, positions in ((self.spec.phrases, True), (self.spec.passages, False)):
            if column:
                words = FTS(
                    base_tokenizer="whitespace",
                    with_position=positions,
                    stem=False,
                    remove_stop_words=False,
                    lower_case=False,
                    ascii_folding=False,
                    max_token_length=None,
                )
                table.create_index(column, config=words)

    def holding(self, phrases: Collection[str], columns: Sequence[str]) -> "pa.Table":
        """Rows whose folded words hold one of the phrases, word for word; rows not yet indexed are found too."""
        import pyarrow as pa
        from lancedb.query import BooleanQuery, Occur, PhraseQuery

        found = [self.schema.empty_table().select(list(columns))]
        listed = sorted(p for p in phrases if p.strip())
        for at in range(0, len(listed) if self.exists() else 0, PHRASES):
            part = listed[at : at + PHRASES]
            query = BooleanQuery([(Occur.SHOULD, PhraseQuery(phrase, self.spec.phrases)) for phrase in part])
            hits = self.lance.search(query, query_type="fts").select([*columns, "_score"])
            found.append(hits.limit(max(1, self.count())).to_arrow().select(list(columns)))
            self.rows_read += found[-1].num_rows
        return pa.concat_tables(found)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        self._locks.mkdir(parents=True, exist_ok=True)
        with FileLock(self._locks / f"{self.name}.lock"):
            yield

    def count(self, where: str | None = None) -> int:
        return int(self.lance.count_rows(where)) if self.exists() else 0

    def read(self, where: str | None = None, columns: Sequence[str] | None = None) -> "pa.Table":
        """Rows that meet a filter, as an Arrow table."""
        columns = list(columns or self.schema.names)
        if not self.exists():
            return self.schema.empty_table().select(columns)
        query = self.lance.search().select(columns).limit(None)
        rows = (query.where(where) if where else query).to_arrow().select(columns)
        self.rows_read += rows.num_rows
        return rows

    def by(self, column: str, ids: Collection[str], columns: Sequence[str] | None = None) -> "pa.Table":
        """Rows whose `column` is one of `ids`; few by the index, many by one scan."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = sorted(set(ids))
        if not wanted:
            return self.schema.empty_table().select(list(columns or self.schema.names))
        if len(wanted) <= SCAN:
            parts = [wanted[at : at + IN_LIST] for at in range(0, len(wanted), IN_LIST)]
            return pa.concat_tables([self.read(is_in(column, part), columns) for part in parts])
        names = list(columns or self.schema.names)
        rows = self.read(None, names if column in names else [*names, column])
        return rows.filter(pc.is_in(rows[column], pa.array(wanted, pa.string()))).select(names)

    def replace(self, groups: Collection[str], rows: "pa.Table", *, fresh: bool = False) -> None:
        """Make the rows of these groups exactly `rows`, in one atomic commit.

        `fresh`: the caller knows that no group has a row yet, so that nothing is looked up.
        """
        if not groups and not rows.num_rows:
            return
        if not rows.num_rows:
            self.delete(groups)
        elif fresh:
            self._commit(lambda table: table.add(rows), rows)
        else:
            gone = is_in(self.spec.group, sorted(set(groups)))
            self._commit(
                lambda table: (
                    table.merge_insert(list(self.spec.key))
                    .when_matched_update_all()
                    .when_not_matched_insert_all()
                    .when_not_matched_by_source_delete(gone)
                    .execute(rows)
                ),
                rows,
            )

    def upsert(self, rows: "pa.Table") -> None:
        """Insert rows, or overwrite those with their key."""
        if rows.num_rows:
            self._commit(
                lambda table: (
                    table.merge_insert(list(self.spec.key))
                    .when_matched_update_all()
                    .when_not_matched_insert_all()
                    .execute(rows)
                ),
                rows,
            )

    def delete(self, groups: Collection[str], column: str | None = None) -> None:
        """Delete the rows of these groups."""
        wanted = sorted(set(groups))
        for at in range(0, len(wanted) if self.exists() else 0, IN_LIST):
            gone = is_in(column or self.spec.group, wanted[at : at + IN_LIST])
            if self.lance.count_rows(gone):
                self._commit(partial(_delete, where=gone), None)

    def delete_rows(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Delete single rows by their whole key."""
        for at in range(0, len(rows), IN_LIST // 4):
            each = (" AND ".join(is_in(k, [row[k]]) for k in self.spec.key) for row in rows[at : at + IN_LIST // 4])
            self._commit(partial(_delete, where=" OR ".join(f"({one})" for one in each)), None)

    def _commit(self, write: Callable[[Any], Any], rows: "pa.Table | None") -> None:
        table = self.lance
        with self._lock():
            table.checkout_latest()  # another process may have written since this one looked
            write(table)
        self.commits += 1
        self.bytes_written += rows.nbytes if rows is not None else 0

    def arrow(self, rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
        """Rows as an Arrow table in this table's schema; a missing column is an error."""
        import pyarrow as pa

        columns = {name: [row[name] for row in rows] for name in self.schema.names}
        return pa.table({n: pa.array(v, self.schema.field(n).type) for n, v in columns.items()}, schema=self.schema)

    def maintain(self) -> None:
        """Compact and index, when enough has been written since the last time."""
        if self.commits and self.exists():
            due = self.versions() % OPTIMIZE_EVERY < self.commits
            if due or (self.count() >= INDEX_FROM and self._unindexed()):
                self.compact()

    def compact(self) -> None:
        """Merge small files, bring the indexes up to date, let go of versions older than a day."""
        with self._lock():
            self.lance.checkout_latest()
            if self.count() >= INDEX_FROM:
                from lancedb.index import BTree

                for column in self._unindexed():
                    self.lance.create_index(column, config=BTree())
            self.lance.optimize(cleanup_older_than=timedelta(days=1))

    def _unindexed(self) -> list[str]:
        indexed = {c for index in self.lance.list_indices() for c in index.columns}
        return [c for c in self.spec.indexed if c not in indexed]

    def versions(self) -> int:
        """Commits so far, all processes together."""
        return int(self.lance.version)


class Tables:
    """All content tables of one index; nothing is opened before it is used."""

    def __init__(self, uri: str, locks: Path) -> None:
        self.uri, self._locks = uri, locks
        self._db: Any = None
        self._tables: dict[str, Table] = {}

    def _connect(self) -> Any:
        if self._db is None:
            os.environ.setdefault("RUST_LOG", "error")  # Lance warns about its own defaults on every query
            import lancedb

            self._db = lancedb.connect(self.uri, read_consistency_interval=timedelta(0))
        return self._db

    def _of(self, spec: TableSpec, name: str | None = None, dimension: int = 0) -> Table:
        name = name or spec.name
        if name not in self._tables:
            self._tables[name] = Table(spec, name, self._connect, self._locks, dimension)
        return self._tables[name]

    @property
    def documents(self) -> Table:
        return self._of(schemas.DOCUMENTS)

    @property
    def chunks(self) -> Table:
        return self._of(schemas.CHUNKS)

    def embeddings(self, name: str, dimension: int) -> Table:
        """The serving table of one model: `name` tells models apart, the catalog knows the live one."""
        return self._of(schemas.EMBEDDINGS, f"embeddings_{name}", dimension)

    @property
    def mentions(self) -> Table:
        return self._of(schemas.MENTIONS)

    @property
    def statements(self) -> Table:
        return self._of(schemas.STATEMENTS)

    @property
    def entities(self) -> Table:
        return self._of(schemas.ENTITIES)

    @property
    def relationships(self) -> Table:
        return self._of(schemas.RELATIONSHIPS)

    @property
    def communities(self) -> Table:
        return self._of(schemas.COMMUNITIES)

    @property
    def memberships(self) -> Table:
        return self._of(schemas.MEMBERSHIPS)

    def reports(self, name: str, dimension: int) -> Table:
        return self._of(schemas.REPORTS, f"community_reports_{name}", dimension)

    def stored(self) -> list[Table]:
        """Every table that is there, those of models that no longer serve left out."""
        return [table for table in self._tables.values() if table.exists()]

    def names(self) -> list[str]:
        """The names of all tables on disk."""
        return sorted(self._connect().list_tables(limit=1000).tables)

    def drop(self, name: str) -> None:
        self._connect().drop_table(name)
        self._tables.pop(name, None)


def _delete(table: Any, where: str) -> None:
    table.delete(where)


def is_in(column: str, ids: Sequence[str]) -> str:
    """A filter `column IN (…)`; quotes in an id are doubled."""
    listed = ", ".join("'" + i.replace("'", "''") + "'" for i in ids)
    return f"{column} IN ({listed})"
