"""Partitions of a network into communities: Leiden from nothing, and moves from a partition that is there.

Belongs here: one flat partition of one network. Does not: levels, ids, what is frozen.
"""

from collections import deque
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from knowledge.network import Csr, Floats, Ints

PASSES = 5
ROUNDS = 10
GAIN = 1e-12  # relative to the network's weight: below it two places are equally good, and staying wins


def partition(network: Csr, seed: int) -> Ints:
    """A community number for each node, by the Leiden algorithm (Traag, Waltman, van Eck 2019), maximising modularity.

    A pure function of its arguments: the network must come in canonical order, since the result depends on it.
    Nodes without an edge stand alone. `seed` is any non-negative number below 2**64.
    """
    import graspologic_native

    if not len(network.indices):
        return np.arange(len(network))
    _, found = graspologic_native.leiden_csr(
        network.indptr.astype(np.int64),
        network.indices.astype(np.int32),
        network.data,
        len(network),
        iterations=PASSES,
        seed=seed,
    )
    labels = np.fromiter((found.get(node, -1) for node in range(len(network))), dtype=np.int64, count=len(network))
    alone = labels < 0
    labels[alone] = len(network) + np.flatnonzero(alone)
    return attached(network, connected(network, labels))


def settle(network: Csr, degrees: Floats, total: float, start: Ints) -> Ints:
    """A partition that no move of one node and no merger of two communities would better, reached from `start`.

    The fast local moves and the aggregation of Leiden, without its random choices, so that what is well placed stays.
    `degrees` and `total` (the sum of all weights, both directions) are those of the whole network that this one is
    a part of: then a gain is a gain in the modularity of the whole.
    """
    labels = _move(network, degrees, total, start)
    for _ in range(ROUNDS):
        groups, inverse = np.unique(labels, return_inverse=True)
        merged = _move(
            contracted(network, inverse.ravel(), len(groups)),
            np.bincount(inverse.ravel(), weights=degrees, minlength=len(groups)).astype(np.float64),
            total,
            np.arange(len(groups)),
        )
        if len(np.unique(merged)) == len(groups):
            break
        labels = _move(network, degrees, total, merged[inverse.ravel()])
    return attached(network, connected(network, labels))


def contracted(network: Csr, groups: Ints, count: int) -> Csr:
    """The network of `count` groups of nodes: weights between groups summed, those inside a group dropped."""
    rows, columns = groups[network.rows], groups[network.indices]
    apart = rows != columns
    keys, inverse = np.unique(rows[apart] * count + columns[apart], return_inverse=True)
    data = np.bincount(inverse.ravel(), weights=network.data[apart], minlength=len(keys)).astype(np.float64)
    indptr = np.concatenate(([0], np.cumsum(np.bincount(keys // max(1, count), minlength=count))))
    return Csr(indptr, keys % max(1, count), data)


def connected(network: Csr, labels: NDArray[Any]) -> Ints:
    """The partition with every community that is in several pieces split into them; numbered from 0."""
    rows = network.rows
    inside = labels[rows] == labels[network.indices]
    rows, columns = rows[inside], network.indices[inside]
    roots = np.arange(len(network))
    while True:  # each node takes the least root among its neighbours, then its root's root, until nothing moves
        lower = roots.copy()
        np.minimum.at(lower, rows, roots[columns])
        lower = lower[lower]
        if (lower == roots).all():
            return np.unique(roots, return_inverse=True)[1].ravel()
        roots = lower


def attached(network: Csr, labels: Ints) -> Ints:
    """The partition with each lone node moved to the community its heaviest edges lead to, where it has an edge."""
    sizes = np.bincount(labels)
    labels = labels.copy()
    for node in np.flatnonzero(sizes[labels] == 1).tolist():
        span = slice(network.indptr[node], network.indptr[node + 1])
        if sizes[labels[node]] > 1 or span.start == span.stop:
            continue  # another lone node has joined it, or it has nowhere to go
        homes, inverse = np.unique(labels[network.indices[span]], return_inverse=True)
        home = homes[np.argmax(np.bincount(inverse.ravel(), weights=network.data[span]))]
        sizes[labels[node]] -= 1
        sizes[home] += 1
        labels[node] = home
    return labels


def _move(network: Csr, degrees: Floats, total: float, start: Ints) -> Ints:
    """Let each node move to the neighbouring community (or to an empty one) with the greatest gain, until none does."""
    bounds: Sequence[int] = network.indptr.tolist()
    neighbours: Sequence[int] = network.indices.tolist()
    weights: Sequence[float] = network.data.tolist()
    degree: Sequence[float] = degrees.tolist()
    labels: list[int] = np.unique(start, return_inverse=True)[1].ravel().tolist()
    mass = np.bincount(labels, weights=degrees, minlength=len(labels) + 1).tolist()
    members = np.bincount(labels, minlength=len(labels) + 1).tolist()
    empty = [label for label in range(len(labels), -1, -1) if not members[label]]
    least = GAIN * total
    queue, queued = deque(range(len(labels))), [True] * len(labels)
    left = ROUNDS * len(labels)
    while queue and left:
        left -= 1
        node = queue.popleft()
        queued[node] = False
        home, own = labels[node], degree[node]
        span = range(bounds[node], bounds[node + 1])
        toward: dict[int, float] = {home: 0.0}
        for entry in span:
            label = labels[neighbours[entry]]
            toward[label] = toward.get(label, 0.0) + weights[entry]
        mass[home] -= own
        share = own / total
        best, gain = home, toward[home] - share * mass[home] + least
        if members[home] > 1 and gain < 0.0:
            best, gain = empty[-1], 0.0
        for label in sorted(toward):
            value = toward[label] - share * mass[label]
            if value > gain:
                best, gain = label, value
        mass[best] += own
        if best == home:
            continue
        members[home] -= 1
        members[best] += 1
        if members[best] == 1:
            empty.pop()
        if not members[home]:
            empty.append(home)
        labels[node] = best
        for entry in span:
            other = neighbours[entry]
            if not queued[other] and labels[other] != best:
                queued[other] = True
                queue.append(other)
    return np.asarray(labels, dtype=np.int64)
