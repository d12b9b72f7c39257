"""What a search may see: one filter, applied before ranking to vectors, full text and walk alike."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from resources.tables import is_in


@dataclass(frozen=True, slots=True)
class Sight:
    """What the caller may see: permission sets and sources (None: all), less what may not be shown now.

    `hidden` are documents, `closed` whole sources.
    """

    acl_ids: frozenset[str] | None = None
    sources: frozenset[str] | None = None
    hidden: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()

    @property
    def whole(self) -> bool:
        return self.acl_ids is None and self.sources is None and not self.hidden and not self.closed

    @property
    def nothing(self) -> bool:
        return (self.acl_ids is not None and not self.acl_ids) or (self.sources is not None and not self.sources)

    def where(self) -> str | None:
        """The filter for rows of the serving table."""
        hidden = f"NOT ({is_in('document_id', sorted(self.hidden))})" if self.hidden else None
        return " AND ".join(part for part in (self.granted(), hidden) if part) or None

    def granted(self) -> str | None:
        """That filter without the single documents, which may be very many and are as well told by their id."""
        parts = []
        if self.acl_ids is not None:
            parts.append(is_in("acl_id", sorted(self.acl_ids)))
        if self.sources is not None:
            parts.append(is_in("source", sorted(self.sources)))
        if self.closed:
            parts.append(f"NOT ({is_in('source', sorted(self.closed))})")
        return " AND ".join(parts) or None

    def sees(self, document_id: str, source: str, acl_id: str) -> bool:
        """May the caller see this document?"""
        return (
            document_id not in self.hidden
            and source not in self.closed
            and (self.acl_ids is None or acl_id in self.acl_ids)
            and (self.sources is None or source in self.sources)
        )


def readable_acl_ids(acl_sets: Mapping[str, tuple[str, ...]], asking: Collection[str]) -> frozenset[str]:
    """The permission sets that admit somebody.

    `asking` is everything that the caller counts as, groups included (`Access.asking`). An unknown or empty permission
    admits nobody.
    """
    counted = set(asking)
    return frozenset(acl for acl, members in acl_sets.items() if not counted.isdisjoint(members))
