"""The search for the best paths from some nodes, hop by hop, over whatever edges it is shown.

Belongs here: scores, order and the node budget. Does not: where edges come from, clocks (resources/graph/traverse.py).
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple


class Path(NamedTuple):
    """A way from a seed to a node: the nodes on it, the edges between them, and the product of their strengths."""

    score: float
    nodes: tuple[str, ...]
    edges: tuple[str, ...]

    @property
    def hops(self) -> int:
        return len(self.edges)


class Step(NamedTuple):
    """An edge that may be walked either way; its strength, 0 … 1, is what a path's score is multiplied by."""

    edge: str
    source: str
    target: str
    strength: float


def best_first(path: Path) -> tuple[float, int, tuple[str, ...], tuple[str, ...]]:
    """The order of paths: by score, then the shorter, then by name, so that no tie depends on arrival."""
    return (-path.score, len(path.edges), path.nodes, path.edges)


class Frontier:
    """The best path to every node reached so far, and the nodes whose path got better in the last hop.

    A layered relaxation (Bellman-Ford bounded by hops): with strengths of at most 1 a node's path is the best among
    all paths of at most as many edges as there were hops, whatever the order in which edges are shown.
    """

    def __init__(self, seeds: Mapping[str, float], max_nodes: int) -> None:
        ordered = sorted((Path(score, (node,), ()) for node, score in seeds.items()), key=best_first)
        self.max_nodes = max_nodes
        self.dropped = max(0, len(ordered) - max_nodes)
        self.best = {path.nodes[0]: path for path in ordered[:max_nodes]}
        self.open = list(self.best)

    def advance(self, steps: Iterable[Step]) -> None:
        """One hop: walk every step from the open nodes, keep what is better, open the nodes that changed."""
        origins = {node: self.best[node] for node in self.open}
        better: dict[str, Path] = {}
        for step in steps:
            for here, there in ((step.source, step.target), (step.target, step.source)):
                path = origins.get(here)
                if path is None or there in path.nodes:
                    continue
                longer = Path(path.score * step.strength, (*path.nodes, there), (*path.edges, step.edge))
                known = better.get(there) or self.best.get(there)
                if known is None or best_first(longer) < best_first(known):
                    better[there] = longer
        self.best |= better
        if len(self.best) > self.max_nodes:
            kept = sorted(self.best.values(), key=best_first)
            self.dropped += len(kept) - self.max_nodes
            self.best = {path.nodes[-1]: path for path in kept[: self.max_nodes]}
        self.open = sorted((node for node in better if node in self.best), key=lambda node: best_first(self.best[node]))

    def paths(self) -> list[Path]:
        """The best path to every node, seeds included, best first."""
        return sorted(self.best.values(), key=best_first)
