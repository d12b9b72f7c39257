"""Networks of villages, edits of them, and former communities of any depth: for tests of what a change opens."""

import random

import numpy as np

from knowledge.community import Community
from knowledge.freezing import edges_mark
from knowledge.network import Network

Pairs = dict[tuple[str, str], float]


def network(pairs: Pairs) -> Network:
    return Network.of([a for a, _ in pairs], [b for _, b in pairs], list(pairs.values()))


def villages(draw: random.Random, count: int, houses: int = 5) -> Pairs:
    """Houses that are close in a village, some ties between the villages of a county, few between counties."""
    names = [f"v{v:03}h{h}" for v in range(count) for h in range(houses)]
    pairs: Pairs = {}
    for at, name in enumerate(names):
        village, county = at - at % houses, at - at % (4 * houses)
        near = [village + draw.randrange(houses) for _ in range(3)]
        near += [min(len(names) - 1, county + draw.randrange(4 * houses))] if draw.random() < 0.5 else []
        near += [draw.randrange(len(names))] if draw.random() < 0.05 else []
        for other in near:
            if other != at:
                pairs[min(name, names[other]), max(name, names[other])] = float(draw.choice([1, 2]))
    return pairs


def edited(draw: random.Random, pairs: Pairs) -> Pairs:
    """The same with one or a few edges more, fewer or of another weight."""
    pairs = dict(pairs)
    for _ in range(draw.choice([1, 1, 2, 4])):
        (a, b), (_, c) = draw.sample(sorted(pairs), 2)
        match draw.randrange(3):
            case 0:
                del pairs[a, b]
            case 1:
                pairs[a, b] += draw.choice([1, 30])
            case 2 if a != c:
                pairs[min(a, c), max(a, c)] = float(draw.choice([1, 30]))
    return pairs


def nested(draw: random.Random, graph: Network, max_size: int) -> list[Community]:
    """Communities that nobody would find, nested deep: a change has to open many."""
    found: list[Community] = []
    front: list[tuple[list[int], str | None]] = [(list(range(len(graph))), None)]
    level = 0
    while front:
        parts = [(part, parent) for nodes, parent in front for part in _cut(draw, nodes)]
        members = [tuple(graph.ids[node] for node in part) for part, _ in parts]
        made = [
            Community(f"{level:02}/{names[0]}", level, parent, names, edges_mark(graph, np.array(part)))
            for names, (part, parent) in zip(members, parts, strict=True)
        ]
        found += made
        front = [(part, c.id) for c, (part, _) in zip(made, parts, strict=True) if len(part) > max_size]
        level += 1
    return found


def _cut(draw: random.Random, nodes: list[int]) -> list[list[int]]:
    cuts = sorted(draw.sample(range(1, len(nodes)), draw.choice([1, 1, 2])))
    return [nodes[a:b] for a, b in zip([0, *cuts], [*cuts, len(nodes)], strict=True)]
