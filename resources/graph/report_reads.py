"""What community reports read from the graph: nodes, edges and degrees of many communities in few requests.

Belongs here: batching across communities, bounded concurrency, order. Does not: writing reports.
"""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from resources.graph.base import GraphStore
from resources.graph.kinds import EdgeKind, Look, NodeKind
from resources.graph.rows import packed, shared_out

log = logging.getLogger(__name__)

NODES_AT_ONCE = 1_600
"""Nodes, edges among them and degrees are asked for together: thrice as many ids, which a store takes at once."""


@dataclass(frozen=True, slots=True)
class CommunityRows:
    """One community's entities, the relationships among them, and each one's degree if asked for."""

    id: str
    nodes: list[dict[str, Any]]
    edges: list[dict[str, Any]]
    degrees: dict[str, int]


def read_communities(
    store: GraphStore,
    members: Mapping[str, Sequence[str]],
    *,
    max_concurrency: int = 8,
    idle: Callable[[], int | None] | None = None,
    nodes_at_once: int = NODES_AT_ONCE,
    with_degrees: bool = False,
    levels: Mapping[str, int] | None = None,
) -> Iterator[CommunityRows]:
    """The rows of communities `{id: entity ids}` in the order given, at most `max_concurrency` batches under way.

    A batch holds communities of together about `nodes_at_once` entities and costs one request, degrees included,
    however many communities it holds; one that comes after a community that holds it costs nothing more.
    `levels`: {community: level}, for the log. `idle` says how many sessions the pool has free; the cap then follows
    the pool.
    """
    lots = packed(members, nodes_at_once)
    for level, count in sorted(Counter((levels or {}).get(community, 0) for community in members).items()):
        log.debug("level %d: %d communities, at most %d batches at once", level, count, max_concurrency)
    if max_concurrency == 1:
        for some in lots:
            yield from _read(store, some, with_degrees)
        return
    waiting: deque[Future[list[CommunityRows]]] = deque()
    with ThreadPoolExecutor(max_concurrency, thread_name_prefix="community reads") as threads:
        try:
            for some in lots:
                free = None if idle is None else idle()
                cap = max_concurrency if free is None else max(1, min(max_concurrency, free))
                while len(waiting) >= cap:
                    yield from waiting.popleft().result()
                waiting.append(threads.submit(_read, store, some, with_degrees))
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _read(store: GraphStore, members: Mapping[str, Sequence[str]], with_degrees: bool) -> list[CommunityRows]:
    ids = list(dict.fromkeys(node for nodes in members.values() for node in nodes))
    at = Look(
        nodes={NodeKind.ENTITY: ids},
        among={EdgeKind.RELATED: ids},
        degrees={EdgeKind.RELATED: ids} if with_degrees else {},
    )
    seen = store.look(at)
    nodes = {row["id"]: row for row in seen.nodes[NodeKind.ENTITY]}
    edges = shared_out(members, seen.among[EdgeKind.RELATED])
    degrees = seen.degrees.get(EdgeKind.RELATED, {})
    return [
        CommunityRows(
            community,
            [nodes[node] for node in names if node in nodes],
            edges[community],
            {node: degrees[node] for node in names if node in degrees},
        )
        for community, names in members.items()
    ]
