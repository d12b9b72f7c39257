"""The cursor of a file tree: when it was last listed, and how far a listing under way has come."""

import json
from dataclasses import asdict, dataclass

from resources.errors import SourceError

VERSION = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """One pass over the tree, finished or not."""

    started_ns: int
    signature: str
    """Of the settings it began with: under others it begins again."""
    full: bool = False
    sample: int | None = None
    """The day (since 1970) whose sample is hashed in this pass; None: no sample."""
    after: str = ""
    """The ref up to which (and with it) it has come."""
    seen: int = 0
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TreeCursor:
    """What the next listing has to know of those before."""

    signature: str = ""
    """Of the settings that stand in every item (root, readers): another one means every item is compared."""
    started_ns: int = 0
    """When the last finished listing began; 0: never."""
    sampled: int = 0
    """The last day whose sample was hashed."""
    listing: Listing | None = None

    def dump(self) -> str:
        return json.dumps({"v": VERSION, **asdict(self)}, separators=(",", ":"))

    @classmethod
    def load(cls, text: str | None, source: str, *, afresh: bool = False) -> "TreeCursor":
        """The cursor that `dump` wrote; raises SourceError if a newer release did, or if it is damaged.

        `afresh`: from nothing, unless such a listing is under way already; a damaged cursor does not matter then.
        """
        if text is None:
            return cls()
        try:
            stored = json.loads(text)
            version = stored.pop("v")
            if version not in (1, VERSION):
                raise SourceError(
                    f"{source}: the stored cursor has version {version}, this release reads {VERSION}; nothing was "
                    "changed. Use the newer release."
                )
            under_way = stored.pop("listing")
            if version == 1:
                under_way = None  # it went in another order: begun again
            cursor = cls(**stored, listing=_listing(under_way) if under_way else None)
            going_on = cursor.listing is not None and cursor.listing.full
            return cls() if afresh and not going_on else cursor
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            if afresh:
                return cls()
            raise SourceError(
                f"{source}: the stored cursor is damaged ({type(error).__name__}); nothing was changed. "
                "List the source from nothing: rag index --full."
            ) from error


def _listing(stored: dict[str, object]) -> Listing:
    after, missing = stored.pop("after"), stored.pop("missing")
    return Listing(**stored, after=str(after), missing=tuple(missing))  # type: ignore[arg-type]
