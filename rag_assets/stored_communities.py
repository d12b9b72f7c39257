"""The communities of the last run as the table has them, each read when it is asked for.

Belongs here: rows as what clustering asks of the former hierarchy. Does not: what is done with it (communities).
"""

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from knowledge.community import Community
from resources.tables import Table

if TYPE_CHECKING:
    import pyarrow as pa

Row = dict[str, Any]


class StoredCommunities:
    """A former hierarchy (knowledge.former) over its table; `rows` are those read so far, by id."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self.rows: dict[str, Row] = {}

    def everything(self) -> list[Community]:
        return self._taken(self._table.read())

    def tops(self) -> list[Community]:
        return self._taken(self._table.read("level = 0"))

    def children(self, parents: Collection[str]) -> list[Community]:
        return self._taken(self._table.by("parent", parents))

    def existing(self, ids: Collection[str]) -> set[str]:
        unknown = set(ids) - self.rows.keys()
        return (set(ids) - unknown) | set(self._table.by("id", unknown, ("id",))["id"].to_pylist())

    def _taken(self, rows: "pa.Table") -> list[Community]:
        found = {row["id"]: row for row in rows.to_pylist()}
        self.rows |= found
        return [
            Community(c, row["level"], row["parent"], tuple(row["members"]), row["edges"]) for c, row in found.items()
        ]
