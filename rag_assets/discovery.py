"""Discovery: a source is asked what changed, and the catalog notes it. For sensors, `rag index` and runs by hand."""

import time

from resources.catalog.items import Applied
from resources.errors import AccessDenied
from resources.index import Index
from resources.settings import SharePointSettings
from resources.sources.base import Source

TAG = "rag/discovered"
"""A run with this tag was requested because of a discovery; it does not look at the source again."""


def discover(
    index: Index,
    source: str,
    *,
    full: bool = False,
    seconds: float | None = None,
    holder: str = "rag index",
    wait_seconds: float = 600.0,
) -> Applied:
    """Look at every scope of a source until it is complete, or for so many seconds; note what changed.

    One looks at a time: `holder` waits so long for its turn. Raises LeaseHeld after that, and SourceError: nothing was
    noted of the scope that failed. A library that may no longer be read hides its documents and stops no other.
    """
    with index.catalog.leases.hold([f"{source} (discovery)"], holder, wait_seconds):
        return _discover(index, source, full=full, seconds=seconds)


def _discover(index: Index, source: str, *, full: bool, seconds: float | None) -> Applied:
    total, reader = Applied(), index.source(source)
    deadline = None if seconds is None else time.monotonic() + seconds
    denied: list[str] = []
    for scope in _scopes(index, source, reader):
        try:
            total.add(_look(index, source, reader, scope, full=full, deadline=deadline))
        except AccessDenied as error:
            _hide(index, source, str(error), scope)
            denied.append(str(error))
    if full or index.catalog.access.groups_due(source, index.settings.sources[source].groups_minutes):
        index.catalog.access.replace_groups(source, reader.groups(index.catalog.access.principals()))
    if denied:
        raise AccessDenied(" ".join(denied))
    return total


def _scopes(index: Index, source: str, reader: Source) -> list[str]:
    try:
        scopes = list(reader.discover())
    except AccessDenied as error:
        _hide(index, source, str(error))
        raise
    for gone in sorted(index.catalog.access.scopes(source) - set(scopes)):
        _hide(index, source, "the library is no longer listed", gone)
    return scopes


def _look(index: Index, source: str, reader: Source, scope: str, *, full: bool, deadline: float | None) -> Applied:
    total, items, shards = Applied(), index.catalog.items, index.settings.sources[source].shards
    complete = False
    while not complete:
        discovery = reader.changes(scope, items.known(source, scope), full=full, deadline=deadline)
        total.add(items.apply(source, shards, discovery))
        complete = discovery.complete or (deadline is not None and time.monotonic() >= deadline)
    index.catalog.access.show(source, scope)
    return total


def _hide(index: Index, source: str, why: str, scope: str | None = None) -> None:
    # A folder that cannot be read is trouble on this machine, and goes on serving; a site that answers "no" decided.
    if isinstance(index.settings.sources[source], SharePointSettings):
        index.catalog.access.hide(source, why, scope)
