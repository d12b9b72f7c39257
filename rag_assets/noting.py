"""Noting what changed: one look at a source at a time, in batches, and no more than can be worked off."""

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from resources.catalog.items import Applied
from resources.index import Index
from resources.sources.base import Discovery, Source

BATCH = 10_000
"""Most changes noted in one transaction."""
SHOWN = 3
"""Paths named in a note."""


@contextmanager
def alone(index: Index, source: str, who: str, wait_seconds: float) -> Iterator[None]:
    """Be the one that looks at a source; raises LeaseHeld, naming who does, after some patience.

    Two at once would compare with the same known items, and note one new file as two documents.
    """
    holder = f"{who} ({uuid.uuid4().hex[:8]})"
    with index.catalog.leases.hold([f"look:{source}"], holder, wait_seconds=wait_seconds, doing="looked at"):
        yield


def note_changes(
    index: Index, source: str, reader: Source, scope: str, *, full: bool, deadline: float | None
) -> Applied:
    """Look at a scope until its listing is complete, time is over, or the backlog is full; note what changed."""
    total, items, shards = Applied(), index.catalog.items, index.settings.sources[source].shards
    while True:
        room = index.settings.changes.backlog - waiting(index, source)
        if room <= 0:
            total.paused = True
            total.notes.append(f"{index.settings.changes.backlog - room:,} documents wait, and no more are looked for")
            return total
        known = items.known(source, scope)
        found = reader.changes(scope, known, full=full, deadline=deadline, limit=min(room, BATCH))
        total.add(items.apply(source, shards, found, known))
        total.add(Applied(notes=notes_of(found)))
        index.catalog.access.show(source, scope)  # it answered
        if found.complete or (deadline is not None and time.monotonic() >= deadline):
            return total


def waiting(index: Index, source: str) -> int:
    """Documents of a source whose changes no run has worked off yet."""
    mine = set(index.settings.partitions(source))
    return sum(count for partition, (count, _) in index.catalog.items.waiting().items() if partition in mine)


def notes_of(found: Discovery) -> list[str]:
    """What a discovery has to say besides its changes."""
    notes = list(found.notes)
    if found.unreadable:
        told = [f"{path}: {why}" for path, why in found.unreadable]
        notes.append(f"{_counted(told, 'could not be read')}; what is known of it stays as it was")
    if found.deferred:
        notes.append(f"{_counted(found.deferred, 'changed while it was read')}; the next look reads it again")
    return notes


def _counted(paths: Sequence[str], what: str) -> str:
    more = f" and {len(paths) - SHOWN:,} more" if len(paths) > SHOWN else ""
    return f"{', '.join(paths[:SHOWN])}{more} {what}"
