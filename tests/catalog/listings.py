"""What sources say, in short: items, changes and discoveries."""

from collections.abc import Callable, Iterable
from typing import Any

import sqlalchemy as sa

from resources.catalog import Catalog
from resources.catalog.items import Applied
from resources.catalog.stages import Commit
from resources.sources.base import Change, Discovery, Item, Op

SOURCE = "handbook"


def item(name: str, **given: Any) -> Item:
    """A document; its native id, path and fetch_ref are its name."""
    described: dict[str, Any] = {
        "native_id": name, "path": name, "uri": f"file:///docs/{name}", "version": "1", "size": 10,
        "modified_at": "2026-05-04T10:00:00Z", "content_sha256": f"sha of {name}", "read": ("everyone",),
        "fetch_ref": name,
    }  # fmt: skip
    return Item(**(described | given))


def folder(name: str, **given: Any) -> Item:
    return item(name, folder=True, content_sha256=None, fetch_ref=None, **given)


def upsert(name: str, **given: Any) -> Change:
    return Change(Op.UPSERT, item(name, **given))


def delete(name: str, reason: str | None = None) -> Change:
    return Change(Op.DELETE, item(name), reason=reason)


def discovery(*changes: Change, **given: Any) -> Discovery:
    """A complete listing that misses nothing."""
    described: dict[str, Any] = {
        "scope": "", "changes": changes, "missing": (), "seen": 100, "complete": True, "cursor": "c1",
    }  # fmt: skip
    return Discovery(**(described | given))


def apply(catalog: Catalog, *changes: Change, source: str = SOURCE, shards: int = 1, **given: Any) -> Applied:
    return catalog.items.apply(source, shards, discovery(*changes, **given))


def fill(catalog: Catalog, names: Iterable[str], source: str = SOURCE, **given: Any) -> dict[str, str]:
    """Documents as a source shows them first; {name: document id}, with nothing of them waiting."""
    apply(catalog, *(upsert(name) for name in names), source=source, **given)
    settle(catalog)
    return ids(catalog, source)


def settle(catalog: Catalog) -> None:
    """Take everything out of the change log, as the stages do when they have written their rows."""
    for partition in catalog.items.waiting():
        catalog.stages.commit(Commit("documents", partition, changes=catalog.items.pending(partition)))


def ids(catalog: Catalog, source: str = SOURCE) -> dict[str, str]:
    """{native id: document id} of all documents that the catalog holds."""
    return {d.item.native_id: d.id for d in catalog.items.documents() if d.source == source}


def states(catalog: Catalog, source: str = SOURCE) -> dict[str, str]:
    return {d.item.native_id: d.state for d in catalog.items.documents() if d.source == source}


def names(count: int, prefix: str = "d") -> list[str]:
    return [f"{prefix}{n:05d}.md" for n in range(count)]


class BrokenOff(Exception):
    """Something went wrong after the first writes of a transaction."""


def break_off(catalog: Catalog, write: Callable[[sa.Connection], object]) -> None:
    """A transaction that writes and then fails."""
    with catalog.database.begin() as connection:
        write(connection)
        raise BrokenOff
