"""Reads of a LanceDB table through the asynchronous interface.

A question's reads run side by side, each in a third of the synchronous time. Writing is resources/tables.py.
"""

from collections.abc import Collection, Sequence
from datetime import timedelta
from math import ceil
from typing import TYPE_CHECKING, Any

from knowledge.bm25 import Floats
from resources import lance
from resources.tables import is_in

if TYPE_CHECKING:
    import pyarrow as pa

PROBES = 48
"""Partitions of a vector index (resources/table.py) that are read: as many times more as a filter leaves fewer rows, of
which the nearest lie farther. Without an index every row is measured."""
MOST_PROBES = 2_000
FILTERS = 100
"""Filters of which it is remembered how much they let through."""


def within(column: str, ids: Collection[str], where: str | None = None) -> str:
    """The filter for rows by id, of those that another filter lets through."""
    wanted = is_in(column, sorted(ids)) if ids else "false"
    return f"{wanted} AND {where}" if where else wanted


class Reader:
    """One table, opened at its first use; every read sees the newest version."""

    def __init__(self, uri: str, name: str) -> None:
        self.uri, self.name = uri, name
        self._table: Any = None
        self._version = -1
        self._shares: dict[str, float] = {}

    async def there(self) -> bool:
        """Is there a table? Before the first run there is none."""
        if self._table is None:
            connection = await lance.load().connect_async(self.uri, read_consistency_interval=timedelta(0))
            try:
                self._table = await connection.open_table(self.name)
            except ValueError as error:
                if "was not found" not in str(error):
                    raise
        return self._table is not None

    async def opened(self) -> Any:
        """The table; only if it is there."""
        await self.there()
        return self._table

    async def version(self) -> int:
        """A number that is another one after every change."""
        return int(await (await self.opened()).version())

    async def count(self, where: str | None = None) -> int:
        """The rows that a filter lets through, or all, whoever may see them."""
        return int(await (await self.opened()).count_rows(where))

    async def by(
        self, column: str, ids: Collection[str], columns: Sequence[str], where: str | None = None
    ) -> "pa.Table":
        """Rows whose `column`, a key, is one of `ids`, those that the filter lets through."""
        query = (await self.opened()).query().where(within(column, ids, where))
        return await query.select(list(columns)).limit(max(1, len(ids))).to_arrow()

    async def of(self, column: str, ids: Collection[str], columns: Sequence[str]) -> "pa.Table":
        """All rows whose `column`, of which many rows may have the same value, is one of `ids`."""
        query = (await self.opened()).query().where(within(column, ids))
        return await query.select(list(columns)).to_arrow()

    async def nearest(self, vector: Floats, limit: int, where: str | None, columns: Sequence[str]) -> "pa.Table":
        """The rows of the smallest angle to a vector, by `_distance` = 1 - cosine."""
        share = await self._share(where) if where else 1.0
        probes = ceil(PROBES / max(share, PROBES / MOST_PROBES))
        query = (await self.opened()).query().nearest_to(vector).distance_type("cosine").nprobes(probes)
        # where a filter leaves too few rows in these, in more
        query = query.maximum_nprobes(0).where(where) if where else query
        return await query.select([*columns, "_distance"]).limit(limit).to_arrow()

    async def _share(self, where: str) -> float:
        """Which part of the rows a filter lets through; counted once a version."""
        version = await self.version()
        if version != self._version or len(self._shares) >= FILTERS:
            self._version, self._shares = version, {}
        if where not in self._shares:
            self._shares[where] = await self.count(where) / max(1, await self.count())
        return self._shares[where]
