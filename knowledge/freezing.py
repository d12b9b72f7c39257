"""What a changed network leaves untouched: former communities that stay frozen, seen from the present nodes.

Belongs here: which former communities are frozen, and opening one. Does not: arranging the others.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from knowledge.community import Community
from knowledge.former import Former, all_below
from knowledge.network import Bools, Ints, Network


class Past:
    """The former communities over the nodes of the present network, each by its position in `communities`.

    What is below a frozen one is loaded when it is opened: until then nothing is asked of it.

    communities: those loaded so far, in the order in which they came, which nothing may depend on.
    frozen: for each of them, whether all its members have the edges that they had.
    blocks: for each node the coarsest frozen community that holds it, or -1; depths: the level of that, or -1.
    """

    def __init__(self, network: Network, former: Former) -> None:
        self._former, self._marks = former, network.node_marks
        self._places = {name: position for position, name in enumerate(network.ids)}
        self.communities: list[Community] = []
        self.frozen: Bools = np.zeros(0, dtype=bool)
        self._labels: list[Ints] = []
        front = former.tops()
        while front:
            frozen = self._load(front).tolist()
            front = former.children([c.id for c, shut in zip(front, frozen, strict=True) if not shut])
        self.blocks = np.full(len(network), -1)
        self.depths = np.full(len(network), -1)
        for level in range(len(self._labels) - 1, -1, -1):
            held = (self._labels[level] >= 0) & self.frozen[self._labels[level]]
            self.blocks[held], self.depths[held] = self._labels[level][held], level

    def labels(self, level: int) -> Ints:
        """For each node the former community of that level, or -1 where it stood in none or in one not loaded."""
        return self._labels[level] if level < len(self._labels) else np.full(len(self.blocks), -1)

    def ranks(self, positions: Ints) -> Ints:
        """Numbers in the order of the communities' levels and ids in place of their positions; -1 stays."""
        there, inverse = np.unique(positions[positions >= 0], return_inverse=True)
        known = [self.communities[position] for position in there.tolist()]
        order = sorted(range(len(known)), key=lambda k: (known[k].level, known[k].id))
        numbers = np.empty(len(known), dtype=np.int64)
        numbers[order] = np.arange(len(known))
        ranks = np.full(len(positions), -1)
        ranks[positions >= 0] = numbers[inverse.ravel()]
        return ranks

    def changed(self, level: int) -> dict[str, tuple[str, ...]]:
        """{id: members} of the communities of a level that are not frozen."""
        return {
            c.id: c.members
            for c, frozen in zip(self.communities, self.frozen.tolist(), strict=True)
            if c.level == level and not frozen
        }

    def thaw(self, blocks: Iterable[int]) -> None:
        """Open frozen communities to newcomers; what is below them stays frozen."""
        opened = list(blocks)
        self._load(self._former.children(self._ids(opened)))
        for block in opened:
            below = self.communities[block].level + 1
            nodes = np.flatnonzero(self.blocks == block)
            self.frozen[block] = False
            self.blocks[nodes] = self.labels(below)[nodes]
            self.depths[nodes] = np.where(self.blocks[nodes] >= 0, below, -1)

    def give_up(self, nodes: Ints) -> None:
        """Open all that is frozen among `nodes`, which are the members of one community of this time."""
        shut = np.unique(self.blocks[nodes])
        self._load(all_below(self._former, self._ids(shut[shut >= 0].tolist())))
        for labels in self._labels:
            inside = labels[nodes]
            self.frozen[inside[inside >= 0]] = False
        self.blocks[nodes] = self.depths[nodes] = -1

    def _ids(self, positions: Sequence[int]) -> list[str]:
        return [self.communities[position].id for position in positions]

    def _load(self, communities: Sequence[Community]) -> Bools:
        """Take these in; returns for each whether it is frozen."""
        if not communities:
            return np.zeros(0, dtype=bool)
        places, first = self._places, len(self.communities)
        sizes = np.array([len(c.members) for c in communities], dtype=np.int64)
        nodes = np.array([places.get(name, -1) for c in communities for name in c.members], dtype=np.int64)
        there = nodes >= 0
        marks = np.zeros(len(nodes), dtype=np.uint64)
        marks[there] = self._marks[nodes[there]]
        starts = np.cumsum(sizes) - sizes
        then = np.array([int(c.edges, 16) for c in communities], dtype=np.uint64)
        frozen: Bools = np.logical_and.reduceat(there, starts) & (np.add.reduceat(marks, starts) == then)
        levels = np.array([c.level for c in communities], dtype=np.int64)
        owners = np.repeat(np.arange(len(communities)), sizes)
        while len(self._labels) <= levels.max():
            self._labels.append(np.full(len(places), -1))
        for level in np.unique(levels).tolist():
            chosen = there & (levels[owners] == level)
            self._labels[level][nodes[chosen]] = first + owners[chosen]
        self.communities += communities
        self.frozen = np.concatenate((self.frozen, frozen))
        return frozen


def edges_mark(network: Network, nodes: Ints) -> str:
    """A mark over every edge that one of `nodes` has, to whatever node: the same mark, the same edges."""
    return f"{int(np.add.reduce(network.node_marks[nodes], dtype=np.uint64)):016x}"
