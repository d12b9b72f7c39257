"""Communities: a hierarchy over the entity network that changes only where the network changed.

Belongs here: the walk over levels. Does not: what is frozen (freezing), one division (division), ids (identity).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from knowledge.community import Community
from knowledge.division import divide
from knowledge.former import Former, Known, all_below
from knowledge.freezing import Past, edges_mark
from knowledge.identity import named
from knowledge.network import Network

VERSION = "1"
MAX_SIZE = 10


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The communities that a change may have made or touched, by level and id.

    `kept` are the ids of those that stand as they did (the parent may be another) with all that was below them:
    that was not looked at and is not listed.
    """

    communities: list[Community]
    kept: frozenset[str]


def hierarchy(network: Network, previous: Sequence[Community] = (), max_size: int = MAX_SIZE) -> list[Community]:
    """All communities of a network, by level (0 is the coarsest) and id, keeping of `previous` what did not change."""
    former = Known(previous)
    found = arrange(network, former, max_size)
    return _by_level([*found.communities, *all_below(former, found.kept)])


def arrange(network: Network, former: Former, max_size: int = MAX_SIZE) -> Arrangement:
    """The communities of a network, but for those below a former one that is kept.

    Every node stands in one community of level 0; one with more than `max_size` members has children, as long as a
    division is found. A former community whose members have the edges that they had is frozen: it comes back as it
    was, with all below it (its parent may be another). The others are rearranged from where they were, so that
    modularity stays near that of a clean build. A pure function, whatever the order of the network's rows; of `former`
    no more is asked than that, and its communities of up to `max_size` members must have no children.
    """
    past = Past(network, former)
    found: list[Community] = []
    kept: set[str] = set()
    front: list[tuple[np.ndarray, str | None]] = [(np.arange(len(network)), None)] if len(network) else []
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
                    found.append(replace(past.communities[frozen], parent=parent))
                    kept.add(found[-1].id)
        members = [tuple(network.ids[node] for node in nodes.tolist()) for nodes, _ in made]
        ids = named(level, members, past.changed(level), former.existing)
        found += [
            Community(name, level, parent, names, edges_mark(network, nodes))
            for name, names, (nodes, parent) in zip(ids, members, made, strict=True)
        ]
        front = [(nodes, name) for name, (nodes, _) in zip(ids, made, strict=True) if len(nodes) > max_size]
        level += 1
    return Arrangement(_by_level(found), frozenset(kept))


def _by_level(communities: Iterable[Community]) -> list[Community]:
    return sorted(communities, key=lambda c: (c.level, c.id))
