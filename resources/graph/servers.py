"""Several servers of one graph: which one a node lives on, and asking those that have a part.

Belongs here: placement, and what is said when a server is away. Does not: the verbs (sharded.py).
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import TypeVar

from resources.errors import GraphError, GraphUnavailable
from resources.graph.base import GraphStore
from resources.graph.deadline import together
from resources.graph.kinds import Row
from resources.graph.rendezvous import placement, server_of

T = TypeVar("T")
P = TypeVar("P")


class ServersAway(GraphUnavailable):
    """Some servers did not take their part; the others did."""

    def __init__(self, failed: Mapping[str, GraphError], others: int) -> None:
        self.servers = sorted(failed)
        name = self.servers[0]
        super().__init__(
            f"server {name} of the graph did not take its part, {others} others did; it is written by the next run: "
            f"{failed[name]}"
        )


class Servers:
    """Stores by name, each with a capacity that says how much of the graph it takes."""

    def __init__(self, stores: Mapping[str, GraphStore], capacities: Mapping[str, float]) -> None:
        self.stores = dict(stores)
        self.places = placement(capacities)

    def home(self, node: str) -> str:
        """The server on which a node lives."""
        return server_of(node, self.places)

    def homes(self, source: str, target: str) -> list[str]:
        """The servers on which an edge stands, first that of its smaller end."""
        return list(dict.fromkeys(self.home(end) for end in sorted((source, target))))

    def homes_of(self, row: Row) -> list[str]:
        return self.homes(row["source"], row["target"])

    def by_home(self, ids: Iterable[str]) -> dict[str, list[str]]:
        """{server: those of the nodes that live there}."""
        parts: dict[str, list[str]] = {}
        for node in ids:
            parts.setdefault(self.home(node), []).append(node)
        return parts

    def each(self, parts: Mapping[str, P], work: Callable[[GraphStore, P], T]) -> dict[str, T]:
        """`work` on every server that has a part, at once; what fails is raised when the others are done."""
        done, failed = together({server: partial(work, self.stores[server], part) for server, part in parts.items()})
        for error in failed.values():
            if not isinstance(error, GraphUnavailable):
                raise error
        if failed:
            raise ServersAway(failed, len(done))
        return {server: done[server] for server in parts}
