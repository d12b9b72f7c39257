"""The hierarchy of the last time, of which no more is loaded than is asked for.

Belongs here: what is asked of it, and its form in memory. Does not: its rows in a table (rag_assets), what of it is
frozen (freezing).
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

from knowledge.community import Community


class Former(Protocol):
    """Former communities: all of the coarsest level, and any below those that are known."""

    def tops(self) -> Sequence[Community]:
        """Those of level 0."""

    def children(self, parents: Collection[str]) -> Sequence[Community]:
        """Those one level below these."""

    def existing(self, ids: Collection[str]) -> set[str]:
        """Which of these ids a former community has, whether it is known or not."""


class Known:
    """Former communities that are all in memory."""

    def __init__(self, communities: Iterable[Community] = ()) -> None:
        self._ids: set[str] = set()
        self._below: dict[str | None, list[Community]] = {}
        for community in communities:
            self._ids.add(community.id)
            self._below.setdefault(community.parent, []).append(community)

    def tops(self) -> Sequence[Community]:
        return self._below.get(None, ())

    def children(self, parents: Collection[str]) -> Sequence[Community]:
        return [child for parent in parents for child in self._below.get(parent, ())]

    def existing(self, ids: Collection[str]) -> set[str]:
        return self._ids.intersection(ids)


def all_below(former: Former, parents: Collection[str]) -> list[Community]:
    """All former communities below these, level by level."""
    found: list[Community] = []
    while parents:
        front = former.children(parents)
        found += front
        parents = [community.id for community in front]
    return found
