"""The cursor of one document library: its delta link, or how far a round of pages has come."""

import base64
import json
from dataclasses import asdict, dataclass, field, fields
from hashlib import blake2b
from typing import Any

from resources.errors import SourceError

VERSION = 1
_WIDTH = 8


def _mark(native_id: str) -> bytes:
    return blake2b(native_id.encode(), digest_size=_WIDTH).digest()


@dataclass(slots=True)
class DriveCursor:
    """What the next look has to know of those before."""

    delta: str | None = None
    """Where the next round begins; None: a library that was never listed to its end."""
    next: str | None = None
    """The page to go on with inside a round; None: between rounds."""
    root: str | None = None
    """The item that is the library's top folder."""
    listing: bool = False
    """The round lists everything, from nothing."""
    sweep: bool = False
    """At the end of this listing, what it did not show is missing."""
    full: bool = False
    """The listing was asked for."""
    resynced: bool = False
    """Graph has just sent us to a new listing; a second time in a row is an error."""
    count: int = 0
    """Documents that the listing has shown."""
    tombs: set[str] = field(default_factory=set)
    """Folders deleted in this round: what lies in them at its end goes too."""
    clashes: set[str] = field(default_factory=set)
    """Items whose name in their folder another item took."""
    orphans: set[str] = field(default_factory=set)
    """Items whose folder nobody has seen."""
    reread: set[str] = field(default_factory=set)
    """Items whose permissions have to be read again."""
    expiries: dict[str, str] = field(default_factory=dict)
    """{item: when one of its grants runs out}."""
    checked_to: str = ""
    """The item up to which all permissions were read again, whatever the feed said."""
    checked_at: float | None = None
    """When that was (seconds since 1970)."""
    seen: set[bytes] = field(default_factory=set)
    """Marks of the items that the listing has shown, 8 bytes each; only for a sweep."""

    def begin(self, url: str, *, sweep: bool, full: bool, resynced: bool) -> None:
        """Start a listing from nothing at this address; the delta link of old stays until it is finished."""
        self.next, self.listing, self.sweep, self.full, self.resynced = url, True, sweep, full, resynced
        self.count, self.seen = 0, set()
        self.tombs, self.clashes, self.orphans = set(), set(), set()

    def finish(self, delta: str) -> None:
        """The round is over; the next one begins at this delta link."""
        self.delta, self.next = delta, None
        self.listing = self.sweep = self.full = self.resynced = False
        self.count, self.seen = 0, set()
        self.tombs, self.clashes, self.orphans = set(), set(), set()

    def saw(self, native_id: str) -> None:
        if self.sweep:
            self.seen.add(_mark(native_id))

    def has_seen(self, native_id: str) -> bool:
        return _mark(native_id) in self.seen

    def dump(self) -> str:
        stored: dict[str, Any] = {k: sorted(v) if isinstance(v, set) else v for k, v in asdict(self).items()}
        stored["seen"] = base64.b64encode(b"".join(stored["seen"])).decode()
        return json.dumps({"v": VERSION, **{k: v for k, v in stored.items() if v}}, separators=(",", ":"))

    @classmethod
    def load(cls, text: str | None, source: str, *, afresh: bool = False) -> "DriveCursor":
        """The cursor that `dump` wrote; raises SourceError if a newer release did, or if it is damaged.

        `afresh`: the stored one only matters if such a listing is under way; damage is then no obstacle.
        """
        if text is None:
            return cls()
        try:
            stored = json.loads(text)
            version = stored.pop("v")
            if version != VERSION:
                raise SourceError(
                    f"{source}: the stored cursor has version {version}, this release reads {VERSION}; nothing was "
                    "changed. Use the newer release."
                )
            marks = base64.b64decode(stored.pop("seen", ""), validate=True)
            sets = {f.name for f in fields(cls) if f.name in ("tombs", "clashes", "orphans", "reread")}
            stored = {k: set(v) if k in sets else v for k, v in stored.items()}
            return cls(**stored, seen={marks[n : n + _WIDTH] for n in range(0, len(marks), _WIDTH)})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if afresh:
                return cls()
            raise SourceError(
                f"{source}: the stored cursor is damaged ({type(error).__name__}); nothing was changed. "
                "List the source from nothing: rag index --full."
            ) from error
