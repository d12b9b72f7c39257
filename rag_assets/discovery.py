"""Discovery: a source is asked what changed, and the catalog notes it. For sensors, `rag index` and runs by hand."""

import time

from resources.catalog.items import Applied
from resources.index import Index

TAG = "rag/discovered"
"""A run with this tag was requested because of a discovery; it does not look at the source again."""


def discover(index: Index, source: str, *, full: bool = False, seconds: float | None = None) -> Applied:
    """Look at every scope of a source until it is complete, or for so many seconds; note what changed.

    Raises SourceError: nothing was noted of the scope that failed.
    """
    total, items = Applied(), index.catalog.items
    reader, shards = index.source(source), index.settings.sources[source].shards
    deadline = None if seconds is None else time.monotonic() + seconds
    for scope in reader.discover():
        complete = False
        while not complete:
            discovery = reader.changes(scope, items.known(source, scope), full=full, deadline=deadline)
            total.add(items.apply(source, shards, discovery))
            complete = discovery.complete or (deadline is not None and time.monotonic() >= deadline)
    return total
