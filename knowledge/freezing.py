"""What a changed network leaves untouched: former communities that stay frozen, seen from the present nodes.

Belongs here: which former communities are frozen, and opening one. Does not: arranging the others.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np

from knowledge.network import Bools, Ints, Network


class Former(Protocol):
    """A community of the last time, with the mark of its edges then."""

    @property
    def level(self) -> int: ...
    @property
    def members(self) -> tuple[str, ...]: ...
    @property
    def edges(self) -> str: ...


class Past:
    """The former communities, by their position in `former`, over the nodes of the present network.

    frozen: for each former community, whether all its members have the edges that they had.
    blocks: for each node the coarsest frozen community that holds it, or -1; depths: the level of that, or -1.
    """

    def __init__(self, network: Network, former: Sequence[Former]) -> None:
        self.former = former
        place = {name: position for position, name in enumerate(network.ids)}
        sizes = np.array([len(c.members) for c in former], dtype=np.int64)
        nodes = np.array([place.get(name, -1) for c in former for name in c.members], dtype=np.int64)
        levels = np.array([c.level for c in former], dtype=np.int64)
        owners = np.repeat(np.arange(len(former)), sizes)
        self.frozen: Bools = np.zeros(len(former), dtype=bool)
        if len(former):
            starts = np.cumsum(sizes) - sizes
            marks = np.add.reduceat(np.where(nodes >= 0, network.node_marks[nodes], np.uint64(0)), starts)
            then = np.array([int(c.edges, 16) for c in former], dtype=np.uint64)
            self.frozen = np.logical_and.reduceat(nodes >= 0, starts) & (marks == then)
        self._labels: list[Ints] = []
        for level in range(int(levels.max(initial=-1)) + 1):
            chosen = (nodes >= 0) & (levels[owners] == level)
            column = np.full(len(network), -1)
            column[nodes[chosen]] = owners[chosen]
            self._labels.append(column)
        self.blocks = np.full(len(network), -1)
        self.depths = np.full(len(network), -1)
        for level in range(len(self._labels) - 1, -1, -1):
            held = (self._labels[level] >= 0) & self.frozen[self._labels[level]]
            self.blocks[held], self.depths[held] = self._labels[level][held], level

    def labels(self, level: int) -> Ints:
        """For each node the former community of that level, or -1 where it stood in none."""
        return self._labels[level] if level < len(self._labels) else np.full(len(self.blocks), -1)

    def thaw(self, blocks: Iterable[int]) -> None:
        """Open frozen communities to newcomers; what is below them stays frozen."""
        for block in blocks:
            below = self.former[block].level + 1
            nodes = np.flatnonzero(self.blocks == block)
            self.frozen[block] = False
            self.blocks[nodes] = self.labels(below)[nodes]
            self.depths[nodes] = np.where(self.blocks[nodes] >= 0, below, -1)

    def give_up(self, nodes: Ints) -> None:
        """Open all that is frozen among `nodes`, which are the members of one community of this time."""
        for labels in self._labels:
            inside = labels[nodes]
            self.frozen[inside[inside >= 0]] = False
        self.blocks[nodes] = self.depths[nodes] = -1


def edges_mark(network: Network, nodes: Ints) -> str:
    """A mark over every edge that one of `nodes` has, to whatever node: the same mark, the same edges."""
    return f"{int(np.add.reduce(network.node_marks[nodes], dtype=np.uint64)):016x}"
