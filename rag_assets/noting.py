"""Noting what changed: one look at a source at a time, in batches, and no more than can be worked off."""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from resources.catalog.items import Applied
from resources.index import Index
from resources.sources.base import Discovery, Source

BATCH = 2_000
"""Most changes noted in one transaction: the time that it takes comes on top of a look's."""
SHOWN = 20
"""Items that could not be read and are named, each look."""


@contextmanager
def alone(index: Index, source: str, who: str, wait_seconds: float) -> Iterator[None]:
    """Be the one that looks at a source; raises LeaseHeld, naming who does, after some patience.

    Two at once would compare with the same known items, and note one new file as two documents.
    """
    holder = f"{who} ({uuid.uuid4().hex[:8]})"
    with index.catalog.leases.hold([f"look:{source}"], holder, wait_seconds=wait_seconds, doing="looked at"):
        yield


def note_changes(
    index: Index, source: str, reader: Source, scope: str, total: Applied, *, full: bool, deadline: float | None
) -> None:
    """Look at a scope until its listing is complete, time is over, or the backlog is full; note what changed.

    Counted into `total`, also where a later part of the look fails.
    """
    items, shards, room = index.catalog.items, index.settings.sources[source].shards, 0
    while True:
        if room <= 0:  # counted anew only then: what was noted since is at most so many documents
            room = index.settings.changes.backlog - waiting(index, source)
        if room <= 0:
            total.paused = True
            waits = index.settings.changes.backlog - room
            total.notes.append(f"{source}: {waits:,} documents wait; no more are looked for until a run is done.")
            return
        known = items.known(source, scope)
        found = reader.changes(scope, known, full=full, deadline=deadline, limit=min(room, BATCH))
        total.add(items.apply(source, shards, found, known))
        room -= len(found.changes) + len(found.missing)
        total.add(Applied(notes=[*found.notes, *_unread(source, found)]))
        index.catalog.access.show(source, scope)  # it answered
        if found.complete or (deadline is not None and time.monotonic() >= deadline):
            return


def waiting(index: Index, source: str) -> int:
    """Documents of a source whose changes no run has worked off yet."""
    mine = set(index.settings.partitions(source))
    return sum(count for partition, (count, _) in index.catalog.items.waiting().items() if partition in mine)


def _unread(source: str, found: Discovery) -> list[str]:
    """What to say of items that could not be looked at, or not to their end."""
    said = [
        f"{source}: {path} cannot be read ({why}); what is known of it is kept."
        for path, why in found.unreadable[:SHOWN]
    ]
    said += [f"{source}: {path} changes while it is read; it is tried again." for path in found.deferred[:SHOWN]]
    more = max(len(found.unreadable) - SHOWN, 0) + max(len(found.deferred) - SHOWN, 0)
    return said + ([f"{source}: {more:,} more cannot be read."] if more else [])
