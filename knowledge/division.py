"""The division of one community (or of the whole network) into those one level down.

Belongs here: one community at one level, and the choice between rearranging and starting anew.
Does not: the walk over levels, ids.
"""

import numpy as np

from knowledge.fingerprint import fingerprint
from knowledge.freezing import Past
from knowledge.leiden import contracted, partition, settle
from knowledge.network import Bools, Csr, Ints, Network

OPEN_SHARE = 0.25
MARGIN = 0.005


def divide(network: Network, nodes: Ints, level: int, past: Past) -> list[tuple[Ints, int]]:
    """The communities at `level` among `nodes`: (their nodes, the frozen former community that it is or else -1).

    Former communities of this level that are frozen come back as they were, and nobody joins them but a node that
    has neighbours in them alone. Where nothing but the community itself comes out, a division is sought anew.
    """
    parts = _former_parts(network, nodes, level, past)
    if len(parts) < 2 and (level or not parts):
        past.give_up(nodes)
        parts = _parts(nodes, partition(network.csr.induced(nodes), _seed(network, nodes)))
    return parts


def _former_parts(network: Network, nodes: Ints, level: int, past: Past) -> list[tuple[Ints, int]]:
    """The communities that come of the former ones; none where there were none."""
    former = past.ranks(past.labels(level)[nodes])
    if (former < 0).all():
        return []
    inside = network.csr.induced(nodes)
    while True:
        blocks, shut = past.blocks[nodes], past.depths[nodes] == level
        frozen = [(nodes[blocks == block], block) for block in np.unique(blocks[shut]).tolist()]
        if shut.all():
            return frozen
        ranks = past.ranks(blocks)  # of equally good choices one is taken by rank, whatever was loaded first
        labels = _rearranged(inside, former, ranks, shut, network, nodes)
        needed = _needed(inside, labels, ranks, shut)
        if not needed:
            return frozen + _parts(nodes[~shut], labels[~shut])
        past.thaw(np.unique(blocks[np.isin(ranks, needed)]).tolist())


def _rearranged(inside: Csr, former: Ints, blocks: Ints, shut: Bools, network: Network, nodes: Ints) -> Ints:
    """A label for each node that is not shut, -1 for the others.

    A frozen community further down moves as one. Where much is open, a partition made anew is tried too, and
    taken if it is clearly better: many small moves would drift away from it.
    """
    free = np.flatnonzero(~shut)
    labels = np.full(len(inside), -1)
    keys = np.where(blocks >= 0, blocks, len(inside) + blocks.max(initial=0) + np.arange(len(inside)))[free]
    _, first, units = np.unique(keys, return_index=True, return_inverse=True)
    units = units.ravel()
    degrees, count = inside.degrees(), len(first)
    among = contracted(inside.induced(free), units, count)
    masses = np.bincount(units, weights=degrees[free], minlength=count).astype(np.float64)
    start = np.where(former >= 0, former, former.max(initial=0) + 1 + np.arange(len(inside)))
    labels[free] = settle(among, masses, float(degrees.sum()), start[free][first])[units]
    if int((blocks[free] < 0).sum()) < OPEN_SHARE * len(inside):
        return labels
    fresh = labels.copy()
    anew = _majority(units, partition(inside, _seed(network, nodes))[free], count)
    fresh[free] = settle(among, masses, float(degrees.sum()), anew)[units]
    kept, new = (inside.modularity(np.where(shut, len(inside) + blocks, found)) for found in (labels, fresh))
    return fresh if new > kept + MARGIN * abs(kept) else labels


def _majority(units: Ints, labels: Ints, count: int) -> Ints:
    """The most frequent label among the nodes of each unit; of equals the smallest."""
    width = int(labels.max(initial=0)) + 1
    pairs, votes = np.unique(units * width + labels, return_counts=True)
    order = np.lexsort((-(pairs % width), votes, pairs // width))
    winners = np.empty(count, dtype=np.int64)
    winners[(pairs // width)[order]] = (pairs % width)[order]  # the last write of a unit is its winner
    return winners


def _needed(inside: Csr, labels: Ints, blocks: Ints, shut: Bools) -> list[int]:
    """The frozen communities that must take in a node which would otherwise stand alone."""
    found = set()
    free = np.flatnonzero(~shut)
    lone = free[np.bincount(labels[free])[labels[free]] == 1]
    for node in lone.tolist():
        span = slice(inside.indptr[node], inside.indptr[node + 1])
        beside = shut[inside.indices[span]]
        if beside.any():
            around, which = np.unique(blocks[inside.indices[span]][beside], return_inverse=True)
            found.add(int(around[np.argmax(np.bincount(which.ravel(), inside.data[span][beside]))]))
    return sorted(found)


def _parts(nodes: Ints, labels: Ints) -> list[tuple[Ints, int]]:
    """The nodes of each label, in order."""
    order = np.argsort(labels, kind="stable")
    cuts = np.flatnonzero(np.diff(labels[order])) + 1
    return [(nodes[part], -1) for part in np.split(order, cuts) if len(part)]


def _seed(network: Network, nodes: Ints) -> int:
    """A seed from the members' ids alone, so that a division depends on nothing outside the community."""
    return int(fingerprint("seed", *(network.ids[node] for node in nodes.tolist()))[:15], 16)
