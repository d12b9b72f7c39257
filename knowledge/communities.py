"""Communities: a hierarchy over the entity network that changes only where the network changed.

Belongs here: the walk over levels. Does not: what is frozen (freezing), one division (division), ids (identity).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from knowledge.division import divide
from knowledge.freezing import Past, edges_mark
from knowledge.identity import named
from knowledge.network import Network

VERSION = "1"
MAX_SIZE = 10


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


def hierarchy(network: Network, previous: Sequence[Community] = (), max_size: int = MAX_SIZE) -> list[Community]:
    """The communities of a network, by level (0 is the coarsest) and id, keeping of `previous` what did not change.

    Every node stands in one community of level 0; one with more than `max_size` members has children, as long as a
    division is found. A former community whose members have the edges that they had is frozen: it comes back as it
    was, with all below it (its parent may be another). The others are rearranged from where they were, so that
    modularity stays near that of a clean build. A pure function, whatever the order of the network's rows.
    """
    if not len(network):
        return []
    past = Past(network, previous)
    below = _children(previous)
    taken = {c.id for c, frozen in zip(previous, past.frozen.tolist(), strict=True) if frozen}
    found: list[Community] = []
    front: list[tuple[np.ndarray, str | None]] = [(np.arange(len(network)), None)]
    level = 0
    while front:
        made: list[tuple[np.ndarray, str | None]] = []
        for nodes, parent in front:
            parts = divide(network, nodes, level, past)
            if parent is not None and len(parts) < 2:
                continue
            for part, frozen in parts:
                if frozen < 0:
                    made.append((part, parent))
                else:
                    found += _as_it_was(replace(previous[frozen], parent=parent), below)
        members = [tuple(network.ids[node] for node in nodes.tolist()) for nodes, _ in made]
        changed = {
            c.id: c.members
            for c, frozen in zip(previous, past.frozen.tolist(), strict=True)
            if c.level == level and not frozen
        }
        ids = named(level, members, changed, taken)
        taken.update(ids)
        found += [
            Community(name, level, parent, names, edges_mark(network, nodes))
            for name, names, (nodes, parent) in zip(ids, members, made, strict=True)
        ]
        front = [(nodes, name) for name, (nodes, _) in zip(ids, made, strict=True) if len(nodes) > max_size]
        level += 1
    return sorted(found, key=lambda c: (c.level, c.id))


def _children(communities: Sequence[Community]) -> dict[str, list[Community]]:
    below: dict[str, list[Community]] = {}
    for community in communities:
        if community.parent is not None:
            below.setdefault(community.parent, []).append(community)
    return below


def _as_it_was(top: Community, below: dict[str, list[Community]]) -> list[Community]:
    """A frozen community and all below it."""
    found, front = [], [top]
    while front:
        found += front
        front = [child for community in front for child in below.get(community.id, ())]
    return found
