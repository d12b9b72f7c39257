"""Discovery: a source is asked what changed, and the catalog notes it. For sensors, `rag index` and runs by hand."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from rag_assets.noting import alone, note_changes
from resources.catalog.items import Applied
from resources.errors import AccessDenied, SourceError
from resources.index import Index
from resources.settings import SharePointSettings
from resources.sources.base import Source

TAG = "rag/discovered"
"""A run with this tag was requested because of a discovery; it does not look at the source again."""


class PartlyRead(SourceError):
    """Some of a source could not be read, and the rest was noted: `found`."""

    def __init__(self, message: str, found: Applied) -> None:
        super().__init__(message)
        self.found = found


def discover(
    index: Index,
    source: str,
    *,
    full: bool = False,
    seconds: float | None = None,
    who: str = "a look",
    wait_seconds: float = 15.0,
) -> Applied:
    """Look at every scope of a source until it is complete, or for so many seconds; note what changed.

    Raises SourceError: nothing was noted. PartlyRead: of a scope, or of the groups. A library that may no longer be
    read hides its documents and stops no other. LeaseHeld: somebody else looks at it; `who` are we to them.
    """
    with alone(index, source, who, wait_seconds):
        return _discover(index, source, full=full, deadline=None if seconds is None else time.monotonic() + seconds)


def _discover(index: Index, source: str, *, full: bool, deadline: float | None) -> Applied:
    look = _Look(index, source, full=full, deadline=deadline)
    scopes = look.scopes()
    for scope in scopes:
        look.at(scope)
    if scopes and len(look.failed) == len(scopes):
        raise _together(look.failed)
    look.at_groups()
    if look.failed:
        raise PartlyRead(" ".join(map(str, look.failed)), look.found)
    return look.found


def _together(failed: Sequence[SourceError]) -> SourceError:
    if len(failed) == 1:
        return failed[0]
    denied = all(isinstance(error, AccessDenied) for error in failed)
    return (AccessDenied if denied else SourceError)(" ".join(map(str, failed)))


@dataclass(slots=True)
class _Look:
    """One look at a source."""

    index: Index
    source: str
    full: bool
    deadline: float | None
    found: Applied = field(default_factory=Applied)
    failed: list[SourceError] = field(default_factory=list)

    @property
    def _reader(self) -> Source:
        return self.index.source(self.source)

    def scopes(self) -> list[str]:
        """The scopes to look at; those that are no longer there are hidden."""
        try:
            scopes = list(self._reader.discover(self.deadline))
        except AccessDenied as error:
            self._hide(str(error))
            raise
        for gone in sorted(self.index.catalog.access.scopes(self.source) - set(scopes)):
            why = f"a library ({gone}) is no longer listed; its documents are kept, and hidden until it is."
            if self._hide(why, gone):
                self.found.notes.append(why)
        return scopes

    def at(self, scope: str) -> None:
        """Note what changed in a scope; where it may not be read, its documents are hidden."""
        try:
            self._read(scope)
        except AccessDenied as error:
            self._hide(str(error), scope)
            self.failed.append(error)
        except SourceError as error:
            self.failed.append(error)

    def _read(self, scope: str) -> None:
        found = note_changes(self.index, self.source, self._reader, scope, full=self.full, deadline=self.deadline)
        self.found.add(found)

    def at_groups(self) -> None:
        """Who is in the groups that permissions name: all of them when that is due, else what changed."""
        access = self.index.catalog.access
        due = self.full or access.groups_due(self.source, self.index.settings.sources[self.source].groups_minutes)
        held, cursor = access.held_groups(self.source)
        if not due and cursor is None:
            return
        try:
            groups = self._reader.groups(access.principals(), held, None if due else cursor, self.deadline)
        except SourceError as error:
            self.failed.append(error)
            return
        self.found.add(Applied(notes=list(groups.notes)))
        if groups.whole or groups.groups or groups.cursor != cursor:
            access.store_groups(self.source, groups)

    def _hide(self, why: str, scope: str | None = None) -> bool:
        # A folder that cannot be read is trouble on this machine, and serves on; a site that answers "no" decided.
        remote = isinstance(self.index.settings.sources[self.source], SharePointSettings)
        if remote:
            self.index.catalog.access.hide(self.source, why, scope)
        return remote
