"""One community, and what follows from where it stands."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Community:
    """A group of entities; its children, one level down, share its members out among them.

    `members` are entity ids, sorted. `edges` is a mark over every edge that a member has, to whatever entity:
    while it stays, nothing about the members' relationships changed.
    """

    id: str
    level: int
    parent: str | None
    members: tuple[str, ...]
    edges: str


def tops(communities: Iterable[Community]) -> dict[str, str]:
    """{community: the top-level one above it, or itself}; with each the ones above it must be among them."""
    found: dict[str, str] = {}
    for community in sorted(communities, key=lambda c: c.level):
        found[community.id] = community.id if community.parent is None else found[community.parent]
    return found
