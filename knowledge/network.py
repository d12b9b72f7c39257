"""The network that communities are found in: undirected, its weights summed, in one canonical order.

Belongs here: the canonical form of edge columns, marks that tell what changed, induced networks, modularity.
Does not: finding communities.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.fingerprint import fingerprint

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Marks = NDArray[np.uint64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Csr:
    """A symmetric adjacency matrix without a diagonal: row `i` is `indices[indptr[i]:indptr[i + 1]]`."""

    indptr: Ints
    indices: Ints
    data: Floats

    def __len__(self) -> int:
        return len(self.indptr) - 1

    @property
    def rows(self) -> Ints:
        """The row of each entry of `indices`."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))

    def degrees(self) -> Floats:
        """The summed weight of each node's edges."""
        return np.bincount(self.rows, weights=self.data, minlength=len(self)).astype(np.float64)

    def modularity(self, labels: NDArray[Any]) -> float:
        """Newman's modularity of a partition, one label a node, at resolution 1; 0 without an edge."""
        total = float(self.data.sum())
        if not total:
            return 0.0
        groups = np.unique(labels, return_inverse=True)[1].ravel()
        inside = float(self.data[groups[self.rows] == groups[self.indices]].sum())
        return inside / total - float(np.square(np.bincount(groups, weights=self.degrees()) / total).sum())

    def induced(self, nodes: Ints) -> "Csr":
        """The network among `nodes` (sorted) alone, renumbered in their order."""
        starts, lengths = self.indptr[nodes], self.indptr[nodes + 1] - self.indptr[nodes]
        rows = np.repeat(np.arange(len(nodes)), lengths)
        entries = np.arange(len(rows)) + np.repeat(starts - np.cumsum(lengths) + lengths, lengths)
        columns = np.searchsorted(nodes, self.indices[entries])
        inside = nodes[np.minimum(columns, len(nodes) - 1)] == self.indices[entries] if len(nodes) else columns < 0
        indptr = np.concatenate(([0], np.cumsum(np.bincount(rows[inside], minlength=len(nodes)))))
        return Csr(indptr, columns[inside], self.data[entries[inside]])


@dataclass(frozen=True)
class Network:
    """Nodes in the order of their ids, each edge once with `low < high` (positions in `ids`), in that order."""

    ids: tuple[str, ...]
    low: Ints
    high: Ints
    weight: Floats

    @classmethod
    def of(cls, source: Sequence[str], target: Sequence[str], weight: Sequence[float] | Floats) -> "Network":
        """The network of edge columns, as `between` makes it of positions."""
        ids = sorted({*source, *target})
        place = {name: position for position, name in enumerate(ids)}
        first, second = (np.array([place[end] for end in ends], np.int64) for ends in (source, target))
        return cls.between(ids, first, second, weight)

    @classmethod
    def between(cls, ids: Sequence[str], first: Ints, second: Ints, weight: Sequence[float] | Floats) -> "Network":
        """The network of edges, in any order and direction, any number of them a pair; ends are positions in `ids`.

        `ids` are sorted. An edge from a node to itself is left out, and so is a node that has no other edge.
        Raises ValueError where the columns differ in length or a weight is not a positive number.
        """
        weights = np.asarray(weight, dtype=np.float64)
        if not len(first) == len(second) == len(weights):
            raise ValueError(
                f"The edge columns have {len(first)}, {len(second)} and {len(weights)} rows; they must agree."
            )
        if not bool(np.all(np.isfinite(weights) & (weights > 0))):
            raise ValueError("An edge's weight is not a positive number; leave such edges out.")
        apart = first != second
        first, second, weights = first[apart], second[apart], weights[apart]
        used = np.bincount(np.concatenate((first, second)), minlength=len(ids)) > 0
        names, place = [ids[i] for i in np.flatnonzero(used).tolist()], np.cumsum(used) - 1
        first, second = place[first], place[second]
        keys = np.minimum(first, second) * len(names) + np.maximum(first, second)
        order = np.lexsort((weights, keys))  # sorted by weight too: a sum of floats depends on its order
        keys, weights = keys[order], weights[order]
        starts = np.flatnonzero(np.diff(keys, prepend=-1))
        keys, summed = keys[starts], np.add.reduceat(weights, starts) if len(keys) else weights
        return cls(tuple(names), keys // max(1, len(names)), keys % max(1, len(names)), summed)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def csr(self) -> Csr:
        """The adjacency in both directions."""
        rows, columns = np.concatenate((self.low, self.high)), np.concatenate((self.high, self.low))
        order = np.argsort(rows * len(self) + columns)
        indptr = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(self)))))
        return Csr(indptr, columns[order], np.concatenate((self.weight, self.weight))[order])

    @cached_property
    def edge_marks(self) -> Marks:
        """A 64-bit hash an edge, over both ids and the weight."""
        joined = b"".join(blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest() for name in self.ids)
        nodes: Marks = np.frombuffer(joined, dtype="<u8").astype(np.uint64)
        return _mix(_mix(_mix(nodes[self.low]) + nodes[self.high]) + self.weight.view(np.uint64))

    @cached_property
    def node_marks(self) -> Marks:
        """A 64-bit hash a node, over all its edges: another mark, and one of its edges came, went or changed."""
        marks: Marks = np.zeros(len(self), dtype=np.uint64)
        np.add.at(marks, self.low, self.edge_marks)
        np.add.at(marks, self.high, self.edge_marks)
        return marks

    @property
    def checksum(self) -> str:
        """One hash over all edges: the same edges, the same checksum, in whatever order the rows came."""
        total = int(np.add.reduce(self.edge_marks, dtype=np.uint64)) if len(self.low) else 0
        return fingerprint("edges", str(len(self.low)), f"{total:016x}")

    def modularity(self, labels: NDArray[Any]) -> float:
        """Newman's modularity of a partition, one label a node, at resolution 1."""
        return self.csr.modularity(labels)


def _mix(values: Marks) -> Marks:
    """The finaliser of splitmix64 (Steele, Lea, Flood 2014): each bit of the input moves half of the output's."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
