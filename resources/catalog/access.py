"""Who may read, beyond what stands at an item: lost access hides documents, groups are expanded to their members."""

import time
from collections.abc import Collection, Sequence

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database
from resources.sources.base import DISABLED, GUESTS, Group


class Access:
    """Hidden scopes, and the members of the groups that permissions name."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def hide(self, source: str, why: str, scope: str | None = None) -> None:
        """No search shows these documents until `show`; they are kept, and come back at no cost."""
        table = schema.items
        here = sa.and_(table.c.source == source, ~table.c.folder, table.c.state != "gone")
        where = here if scope is None else sa.and_(here, table.c.scope == scope)
        with self._db.begin() as connection:
            connection.execute(sa.update(table).where(where, table.c.hidden.is_distinct_from(why)).values(hidden=why))

    def show(self, source: str, scope: str) -> None:
        """Access is back."""
        table = schema.items
        hidden = sa.and_(schema.of_few(source, scope), schema.HIDDEN)
        with self._db.begin() as connection:
            if connection.scalar(sa.select(sa.func.count()).select_from(table).where(hidden)):
                connection.execute(sa.update(table).where(hidden).values(hidden=None))

    def scopes(self, source: str) -> set[str]:
        """The scopes that a source was ever listed in."""
        with self._db.read() as connection:
            return set(connection.scalars(sa.select(schema.cursors.c.scope).filter_by(source=source)))

    def principals(self) -> set[str]:
        """Every principal that some permission set names."""
        with self._db.read() as connection:
            return {p for row in connection.execute(sa.select(schema.acl_sets)) for p in row.principals}

    def groups_due(self, source: str, minutes: float) -> bool:
        """Whether a source's groups were last read longer ago than this."""
        key = f"groups_read/{source}"
        with self._db.read() as connection:
            at = connection.scalar(sa.select(schema.meta.c.value).where(schema.meta.c.key == key))
        return at is None or time.time() - float(at) >= minutes * 60

    def replace_groups(self, source: str, groups: Sequence[Group]) -> None:
        """The groups of a source, as they are now."""
        table = schema.groups
        with self._db.begin() as connection:
            connection.execute(sa.delete(table).where(table.c.source == source))
            rows = [{"source": source, "principal": g.principal, "members": list(g.members)} for g in groups]
            self._db.write(connection, table, rows)
            at = {"key": f"groups_read/{source}", "value": repr(time.time())}
            self._db.write(connection, schema.meta, [at])

    def asking(self, principals: Collection[str]) -> frozenset[str]:
        """Everything that these principals count as: their groups, `everyone`, and `organization` unless a guest."""
        with self._db.read() as connection:
            rows = list(connection.execute(sa.select(schema.groups)))
        members: dict[str, set[str]] = {}
        for row in rows:
            members.setdefault(row.principal, set()).update(row.members)
        mine = set(principals) - members.get(DISABLED, set())
        if principals and not mine:
            return frozenset()
        named = [principal for principal in members if principal.startswith("group:")]
        grown = True
        while grown:  # nested groups: until nothing is added
            added = {group for group in named if group not in mine and not members[group].isdisjoint(mine)}
            mine |= added
            grown = bool(added)
        guests = members.get(GUESTS, set())
        if any(p.startswith("user:") and p not in guests for p in principals):
            mine.add("organization")
        return frozenset(mine | {"everyone"})
