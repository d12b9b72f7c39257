"""One content table in LanceDB: read by key, replaced in groups, one writer at a time.

Belongs here: rows in, rows out. Does not: what a row means (schemas.py), what has to be written (the assets).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from functools import cached_property, partial
from math import isqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from resources import schemas
from resources.lance import run
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
VECTORS_FROM = 50_000
"""Rows from which vectors are indexed; below, every vector is measured exactly."""
PARTITION_ROWS = 512
"""Rows in a partition of that index, more in a very large table: a question reads some partitions whole."""


class Table:
    """One table. Every write is one commit under the table's file lock, held by all processes of this machine."""

    def __init__(self, spec: TableSpec, name: str, connect: Callable[[], Any], locks: Path, dimension: int = 0) -> None:
        self.spec, self.name = spec, name
        self._connect, self._locks, self._dimension = connect, locks, dimension
        self._table: Any = None
        self._since_maintained = 0
        self.commits = 0
        self.bytes_written = 0
        self.rows_read = 0

    @property
    def schema(self) -> Any:
        return schemas.arrow_schema(self.spec, self._dimension)

    def exists(self) -> bool:
        if self._table is None:
            self._table = self._found()
        return self._table is not None

    def _found(self) -> Any:
        """The table on disk; None where there is none, or whoever made it was killed before its first version."""
        try:
            table = self._connect().open_table(self.name)
        except ValueError as error:
            if "was not found" in str(error):
                return None
            raise
        if self.spec.remade and set(self.schema.names) - set(table.schema.names):
            with self._lock:
                self._connect().drop_table(self.name, ignore_missing=True)
            return None
        if self._wordless(table):  # killed, or still at work, between its first version and its index
            with self._lock:
                self._index_full_text(table)
        return table

    @property
    def lance(self) -> Any:
        """The LanceDB table; made at its first use."""
        if not self.exists():
            with self._lock:
                table = self._connect().create_table(self.name, schema=self.schema, exist_ok=True)
                self._index_full_text(table)
            self._table = table
        return self._table

    def _wordless(self, table: Any) -> list[str]:
        """Columns for full text without an index."""
        wanted = [column for column in (self.spec.phrases, self.spec.passages) if column]
        return [column for column in wanted if column not in _indexed(table)]

    def _index_full_text(self, table: Any) -> None:
        # On the empty table: rows added later are found at once, and indexed by the next compaction. Without an
        # index of its own rules a phrase would be searched by the default's, which drop "the" and "who".
        from lancedb.index import FTS

        table.checkout_latest()
        for column in self._wordless(table):
            words = FTS(
                base_tokenizer="whitespace",
                with_position=column == self.spec.phrases,
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

    @cached_property
    def _lock(self) -> FileLock:
        """One instance a table: its owner may take it again."""
        self._locks.mkdir(parents=True, exist_ok=True)
        return FileLock(self._locks / f"{self.name}.lock")

    def count(self, where: str | None = None) -> int:
        return int(self.lance.count_rows(where)) if self.exists() else 0

    def read(
        self, where: str | None = None, columns: Sequence[str] | None = None, most: int | None = None
    ) -> "pa.Table":
        """Rows that meet a filter, as an Arrow table; at most so many of them, any."""
        columns = list(columns or self.schema.names)
        if not self.exists():
            return self.schema.empty_table().select(columns)
        # the asynchronous half of the table: the other asks for the schema before each query, which doubles its cost
        query = self.lance._table.query().select(columns)
        query = query if most is None else query.limit(most)
        rows = run((query.where(where) if where else query).to_arrow()).select(columns)
        self.rows_read += rows.num_rows
        return rows

    def top(self, order: Sequence[str], columns: Sequence[str], most: int, where: str | None = None) -> "pa.Table":
        """The first `most` rows by some of the `columns`; a leading minus means the largest first."""
        from lancedb.query import ColumnOrdering

        if not self.exists():
            return self.schema.empty_table().select(list(columns))
        by = [ColumnOrdering(column_name=c.lstrip("-"), ascending=not c.startswith("-")) for c in order]
        query = self.lance.search().select(list(columns)).with_row_id(True).order_by(by).limit(most)
        rows = (query.where(where) if where else query).to_arrow().select(list(columns))
        self.rows_read += rows.num_rows
        return rows

    def by(
        self, column: str, ids: Collection[str], columns: Sequence[str] | None = None, where: str | None = None
    ) -> "pa.Table":
        """Rows whose `column` is one of `ids`, and that meet a filter; few by the index, many by one scan."""
        import pyarrow as pa
        import pyarrow.compute as pc

        wanted = sorted(set(ids))
        if not wanted:
            return self.schema.empty_table().select(list(columns or self.schema.names))
        if len(wanted) <= SCAN:
            parts = [wanted[at : at + IN_LIST] for at in range(0, len(wanted), IN_LIST)]
            also = f" AND ({where})" if where else ""
            return pa.concat_tables([self.read(is_in(column, part) + also, columns) for part in parts])
        names = list(columns or self.schema.names)
        rows = self.read(where, names if column in names else [*names, column])
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
            self.upsert(rows, is_in(self.spec.group, sorted(set(groups))))

    def upsert(self, rows: "pa.Table", gone: str = "") -> None:
        """Insert rows, or overwrite those with their key; others that meet the filter `gone` go in the same commit."""

        def merge(table: Any) -> None:
            found = table.merge_insert(list(self.spec.key)).when_matched_update_all().when_not_matched_insert_all()
            (found.when_not_matched_by_source_delete(gone) if gone else found).execute(rows)

        if rows.num_rows:
            self._commit(merge, rows)
        elif gone:
            self._commit(partial(_delete, where=gone), None)

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
        with self._lock:
            table.checkout_latest()  # another process may have written since this one looked
            write(table)
        self.commits += 1
        self._since_maintained += 1
        self.bytes_written += rows.nbytes if rows is not None else 0

    def arrow(self, rows: Sequence[Mapping[str, Any]]) -> "pa.Table":
        """Rows as an Arrow table in this table's schema; a missing column is an error."""
        import pyarrow as pa

        columns = {name: [row[name] for row in rows] for name in self.schema.names}
        return pa.table({n: pa.array(v, self.schema.field(n).type) for n, v in columns.items()}, schema=self.schema)

    def maintain(self) -> None:
        """Compact and index, when enough has been written since the last time."""
        since, self._since_maintained = self._since_maintained, 0
        if since and self.exists():
            due = self.versions() % OPTIMIZE_EVERY < since
            if due or self._lacking():
                self.compact()

    def compact(self) -> None:
        """Merge small files, bring the indexes up to date, let go of versions older than a day."""
        with self._lock:
            self.lance.checkout_latest()
            for column, config in self._lacking().items():
                self.lance.create_index(column, config=config)
            self.lance.optimize(cleanup_older_than=timedelta(days=1))

    def _lacking(self) -> dict[str, Any]:
        """{column: the index that it should have, at this size, and has not}."""
        from lancedb.index import Bitmap, BTree, IvfFlat

        rows = self.count()
        wanted: dict[str, Any] = {column: BTree() for column in self.spec.indexed if rows >= INDEX_FROM}
        if rows >= VECTORS_FROM:
            # optimize() brings partitions back to the size that was asked for, not to their number
            size = max(PARTITION_ROWS, isqrt(rows))
            config = IvfFlat("cosine", target_partition_size=size, sample_rate=64, max_iterations=20)
            wanted |= {c.name: config for c in self.spec.columns if c.type == "vector"}
            wanted |= {column: Bitmap() for column in self.spec.filtered}
        indexed = _indexed(self.lance) if wanted else set()
        return {column: config for column, config in wanted.items() if column not in indexed}

    def versions(self) -> int:
        """Commits so far, all processes together."""
        return int(self.lance.version)


def _delete(table: Any, where: str) -> None:
    table.delete(where)


def _indexed(table: Any) -> set[str]:
    return {column for index in table.list_indices() for column in index.columns}


def is_in(column: str, ids: Sequence[str]) -> str:
    """A filter `column IN (…)`; quotes in an id are doubled."""
    listed = ", ".join("'" + i.replace("'", "''") + "'" for i in ids)
    return f"{column} IN ({listed})"
