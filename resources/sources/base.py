"""The seam of a source: it reads the outside world and a read-only view of what is known, and returns plain values.

A source never writes: neither to the place it reads nor to the catalog, which applies a `Discovery` (items, change
log, cursor) in one transaction. Every source passes tests/sources/contract.py.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from knowledge.changes import Change, Item, Op
from resources.errors import FetchFailed

__all__ = [
    "DISABLED", "GUESTS", "Change", "Discovery", "DocumentGone", "DocumentRefused", "Fetched", "Group", "Item", "Known",
    "Membership", "Op", "Probe", "Source",
]  # fmt: skip


class DocumentGone(FetchFailed):
    """The document is no longer there; the next discovery says what became of it."""


class DocumentRefused(FetchFailed):
    """The document cannot be had as it is (too large, blocked, protected): set it aside until it changes."""


class Known(Protocol):
    """What the catalog knows of one scope: every item that it has not let go, held ones included."""

    @property
    def cursor(self) -> str | None:
        """The cursor of the last discovery that was applied; None: never listed."""

    def versions(self, after: str = "", limit: int | None = None) -> dict[str, str]:
        """{fetch_ref: version} of the documents (no folders) whose fetch_ref is greater than `after`.

        In the order of the code points of the fetch_refs, at most `limit`; the dict is the caller's.
        """

    def by_ref(self, refs: Collection[str]) -> dict[str, Item]:
        """The items that have these fetch_refs, by fetch_ref."""

    def by_identity(self, identities: Collection[str]) -> Sequence[Item]:
        """The items of these identities."""

    def by_content(self, hashes: Collection[str]) -> Sequence[Item]:
        """The items whose bytes had these sha256 hashes."""

    def items(self, native_ids: Collection[str] | None = None) -> Mapping[str, Item]:
        """The items of these ids, or all; by native id."""

    def page(self, after: str, limit: int) -> Sequence[Item]:
        """The next items by native id, folders too."""

    def count(self) -> int:
        """How many items there are, folders too."""

    def children(self, parent_ids: Collection[str]) -> Sequence[Item]:
        """Documents and folders that lie directly in these folders (by `parent_id`)."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What one look at a scope found. Applied as a whole or not at all; applying it twice changes nothing."""

    scope: str
    changes: tuple[Change, ...]
    """At most one an item. The catalog stores the whole item whatever the op says."""
    missing: tuple[str, ...]
    """Native ids that a finished listing does not show; only if `complete`. The catalog's guard deletes or holds."""
    seen: int
    """Documents that the listing showed, over all its parts. 0 with `missing`: the place is empty, not unreadable."""
    complete: bool
    """The listing was finished. False: call again with the returned cursor to go on."""
    cursor: str | None
    listed: bool = True
    """A full listing (`missing` means something), or a feed of changes (False: only tombstones delete)."""
    unreadable: tuple[tuple[str, str], ...] = ()
    """(path, why): could not be looked at; what is known of it stays as it was."""
    skipped: tuple[tuple[str, str], ...] = ()
    """(path, why): not a document (a link, a device, a package)."""
    deferred: tuple[str, ...] = ()
    """Paths that changed while they were read; the next discovery looks again."""
    notes: tuple[str, ...] = ()
    """Sentences for whoever watches the source: why it waits, what it may not see."""

    @property
    def idle(self) -> bool:
        """Nothing to apply but the cursor."""
        return not (self.changes or self.missing)


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes of one document on local disk."""

    path: Path
    content_sha256: str
    size: int
    item: Item
    """The item as it was when these bytes were read: version, size, time of change and hash are theirs."""


@dataclass(frozen=True, slots=True)
class Group:
    """A group and everyone in it, groups in it resolved.

    `members` are "user:<id>", the same users by name where it is known ("user:<principal name>"), and the "group:<id>"
    that lie in it. Two groups are not a principal of any document: GUESTS, whose members "organization" does not
    cover, and DISABLED, whose members may read nothing.
    """

    principal: str
    members: tuple[str, ...]
    why_empty: str | None = None
    """Why the members could not be read (then there are none)."""


GUESTS, DISABLED = "guests", "disabled"


@dataclass(frozen=True, slots=True)
class Membership:
    """Groups as they are now. A user may stand among them, with the other name that the same person has."""

    groups: tuple[Group, ...]
    cursor: str | None = None
    """From where the next look may follow what changed; None: everything has to be read again."""
    whole: bool = True
    """These are all; False: only those that may have changed, the others are as they were."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What could not be read, in sentences."""
        reasons = dict[str, list[str]]()
        for group in self.groups:
            if group.why_empty is not None:
                reasons.setdefault(group.why_empty, []).append(group.principal)
        return tuple(
            f"nobody is let in by {len(of)} groups ({', '.join(of[:3])}{', …' if len(of) > 3 else ''}): {why}"
            for why, of in sorted(reasons.items())
        )


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that a source needs, and whether it has it."""

    name: str
    ok: bool
    detail: str
    remedy: str | None = None
    vital: bool = True
    """False: what lacks costs some people their view, and loses no document."""


class Source(Protocol):
    """A place with documents."""

    name: str

    def discover(self, deadline: float | None = None) -> Sequence[str]:
        """The scopes that are listed apart (file system: one, ""; SharePoint: one a library).

        Raises SourceError where no answer comes before the deadline.
        """

    def changes(
        self, scope: str, known: Known, *, full: bool = False, deadline: float | None = None, limit: int | None = None
    ) -> Discovery:
        """What differs from `known`.

        `full`: from nothing, trusting no version. `deadline` (of `time.monotonic()`) and `limit` (changes) end the
        look early: the discovery is then not `complete`, and the next call goes on from its cursor.
        Raises SourceMissing, SourceError: nothing was found out, nothing may change. AccessDenied: nothing was found
        out, and the scope's documents must not be shown until it is (raised by `discover`: those of all scopes).
        """

    def fetch(self, item: Item, into: Path, max_bytes: int) -> Fetched:
        """The document's bytes, stable and hashed; `into` is an existing folder of the caller's for copies.

        Raises DocumentGone, DocumentRefused (too large, protected), FetchFailed (try again later).
        """

    def verify(self, fetched: Fetched) -> None:
        """Called after the bytes were used: raises FetchFailed if they changed meanwhile (throw the result away)."""

    def acl(self, items: Collection[Item]) -> Mapping[str, tuple[str, ...] | None]:
        """Who may read these items now, by native id; None: could not be read, so nobody."""

    def groups(
        self,
        principals: Collection[str],
        held: Mapping[str, Collection[str]],
        cursor: str | None = None,
        deadline: float | None = None,
    ) -> Membership:
        """Who is in these groups now (those among the principals that are groups), and who is a guest or disabled.

        `held` are the members as they were read last; with the `cursor` of that time only what changed is read.
        Raises SourceError where the directory does not answer: keep what is known.
        """

    def probe(self) -> Sequence[Probe]:
        """What the source needs to work, each with a remedy; never raises."""
