"""Who may read, beyond what stands at an item: lost access hides documents, groups are expanded to their members."""

import re
import time
from collections.abc import Collection

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import Database, slices
from resources.sources.base import DISABLED, GUESTS, Membership

_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
REMEMBERED = ("documents", "embeddings")
"""Stages whose failure leaves a document's old rows, and the rights in them, where they serve."""


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

    def sources(self) -> set[str]:
        """The sources that were ever listed and not forgotten, those that left the settings too."""
        with self._db.read() as connection:
            return set(connection.scalars(sa.select(schema.cursors.c.source.distinct())))

    def closed_sources(self) -> set[str]:
        """The sources of which every document is hidden."""
        table = schema.items
        shown = sa.func.sum(sa.case((sa.and_(table.c.hidden.is_(None), table.c.state != "gone"), 1), else_=0))
        query = sa.select(table.c.source).where(~table.c.folder).group_by(table.c.source).having(shown == 0)
        with self._db.read() as connection:
            return set(connection.scalars(query))

    def rights(self, document_ids: Collection[str]) -> dict[str, tuple[str, str]]:
        """{document id: (source, acl id)} of those that may be shown now, whatever their rows say of them."""
        table, found = schema.items, dict[str, tuple[str, str]]()
        query = sa.select(table.c.document_id, table.c.source, table.c.acl_id).where(
            table.c.hidden.is_(None), table.c.state != "gone"
        )
        with self._db.read() as connection:
            for part in slices(sorted(set(document_ids))):
                rows = connection.execute(query.where(table.c.document_id.in_(part)))
                found |= {row.document_id: (row.source, row.acl_id or "") for row in rows}
        return found

    def unsettled(self) -> dict[str, str]:
        """{document id: acl id} of served documents whose rows may still say who might read them before."""
        table, changes, letters = schema.items, schema.changes, schema.dead_letters
        queue, intents = schema.queue, schema.intents
        marks = schema.marks
        waiting = sa.union(
            sa.select(changes.c.document_id).where(changes.c.state == "pending"),
            sa.select(queue.c.unit).where(queue.c.stage == "embeddings"),
            sa.select(intents.c.unit).where(intents.c.stage == "embeddings"),
            sa.select(letters.c.document_id).where(letters.c.stage.in_(REMEMBERED)),
        )
        served = sa.select(marks.c.unit).where(marks.c.stage == "embeddings", marks.c.unit == table.c.document_id)
        query = sa.select(table.c.document_id, table.c.acl_id).where(
            ~table.c.folder, table.c.document_id.in_(waiting), sa.exists(served)
        )
        with self._db.read() as connection:
            return {row.document_id: row.acl_id or "" for row in connection.execute(query)}

    def principals(self) -> set[str]:
        """Every principal that some permission set names."""
        with self._db.read() as connection:
            return {p for row in connection.execute(sa.select(schema.acl_sets)) for p in row.principals}

    def groups_due(self, source: str, minutes: float) -> bool:
        """Whether a source's groups were last read longer ago than this."""
        key = f"groups_read/{source}"
        with self._db.read() as connection:
            at = connection.scalar(schema.meta_value(key))
        return at is None or time.time() - float(at) >= minutes * 60

    def held_groups(self, source: str) -> tuple[dict[str, list[str]], str | None]:
        """{group: members} of a source as they were read last, and from where its directory can be followed."""
        table = schema.groups
        with self._db.read() as connection:
            rows = list(connection.execute(sa.select(table).where(table.c.source == source)))
            cursor = connection.scalar(schema.meta_value(f"groups_cursor/{source}"))
        return {row.principal: row.members for row in rows}, cursor or None

    def store_groups(self, source: str, found: Membership) -> None:
        """The groups of a source as they are now: all of them, or those that changed."""
        table = schema.groups
        with self._db.begin() as connection:
            if found.whole:
                connection.execute(sa.delete(table).where(table.c.source == source))
                at = {"key": f"groups_read/{source}", "value": repr(time.time())}
                self._db.write(connection, schema.meta, [at])
            members = dict[str, set[str]]()
            for group in found.groups:
                members.setdefault(group.principal, set()).update(group.members)
            rows = [{"source": source, "principal": p, "members": sorted(of)} for p, of in members.items()]
            self._db.write(connection, table, rows)
            place = {"key": f"groups_cursor/{source}", "value": found.cursor or ""}
            self._db.write(connection, schema.meta, [place])

    def forget(self, source: str) -> None:
        """Let go of the groups of a source."""
        with self._db.begin() as connection:
            connection.execute(sa.delete(schema.groups).where(schema.groups.c.source == source))
            keys = [f"groups_read/{source}", f"groups_cursor/{source}"]
            connection.execute(sa.delete(schema.meta).where(schema.meta.c.key.in_(keys)))

    def asking(self, principals: Collection[str]) -> frozenset[str]:
        """Everything that these principals count as: their groups, `everyone`, and `organization` unless a guest."""
        with self._db.read() as connection:
            rows = list(connection.execute(sa.select(schema.groups)))
        members: dict[str, set[str]] = {}
        for row in rows:
            members.setdefault(row.principal, set()).update(row.members)
        asked = {_folded(principal) for principal in principals}
        mine = asked - members.get(DISABLED, set())
        if asked and not mine:
            return frozenset()
        guests = members.get(GUESTS, set())
        if any(p.startswith("user:") and p not in guests for p in mine):
            mine.add("organization")
        mine.add("everyone")  # a group of a site may hold these two
        # a user stands here under the other name of the same person
        named = [principal for principal in members if principal not in (GUESTS, DISABLED)]
        grown = True
        while grown:  # nested groups: until nothing is added
            added = {group for group in named if group not in mine and not members[group].isdisjoint(mine)}
            mine |= added
            grown = bool(added)
        return frozenset(mine)


def _folded(principal: str) -> str:
    """Principal names and ids of the directory are the same in any case."""
    return principal.lower() if "@" in principal or _GUID.fullmatch(principal.partition(":")[2]) else principal
