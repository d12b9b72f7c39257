"""The delete guard: what a complete listing misses is deleted, or held where that is suspiciously much."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.database import slices
from resources.catalog.writer import Applied, ItemWriter
from resources.sources.base import Discovery

GUARD_SHARE, GUARD_COUNT = 0.2, 1_000
"""More missing documents than this share (and more than one), or than this number, wait for approval."""


def suspicious(missing: int, living: int, seen: int) -> bool:
    """Whether so many missing documents of so many look like an accident; `seen`: what the listing still showed."""
    if not missing:
        return False
    return seen == 0 or missing > GUARD_COUNT or (missing > 1 and missing > GUARD_SHARE * living)


def judge_missing(
    connection: sa.Connection,
    source: str,
    discovery: Discovery,
    known: Mapping[str, sa.Row[Any]],
    writer: ItemWriter,
    applied: Applied,
) -> None:
    """Delete or hold what a complete listing misses; what was held and is listed again is simply there."""
    changed = {change.item.native_id for change in discovery.changes}
    missing = [
        row
        for native_id in discovery.missing
        # an item that another scope has shown since is not this scope's to delete
        if (row := known.get(native_id)) is not None and row.scope == discovery.scope and native_id not in changed
    ]
    missing = [row for row in missing if row.state != "gone"]
    documents = sum(not row.folder for row in missing)
    hold = documents > 0 and suspicious(documents, _living(connection, source), discovery.seen)
    _free(connection, source, discovery, {row.native_id for row in missing})
    if hold:
        _set_state(connection, source, [row.native_id for row in missing if row.state != "held"], "held")
        applied.held, applied.emptied = documents, discovery.seen == 0
    else:
        for row in missing:
            writer.remove(row, "missing", applied)


def _living(connection: sa.Connection, source: str) -> int:
    table = schema.items
    living = sa.select(sa.func.count()).select_from(table).where(table.c.source == source, table.c.state != "gone")
    return connection.scalar(living.where(~table.c.folder)) or 0


def _free(connection: sa.Connection, source: str, discovery: Discovery, missing: set[str]) -> None:
    """Let go of what was held and is not missing any more; below what could not be read, nothing is known."""
    table = schema.items
    query = sa.select(table.c.native_id, table.c.path).where(
        schema.of_few(source, discovery.scope), table.c.state == "held", schema.NOT_LIVE
    )
    unknown = tuple(path for path, _ in discovery.unreadable)
    back = [
        row.native_id
        for row in connection.execute(query)
        if row.native_id not in missing and not any(_below(row.path, path) for path in unknown)
    ]
    _set_state(connection, source, back, "live")


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _set_state(connection: sa.Connection, source: str, native_ids: list[str], state: str) -> None:
    table = schema.items
    for part in slices(native_ids):
        which = sa.update(table).where(table.c.source == source, table.c.native_id.in_(part))
        connection.execute(which.values(state=state))
