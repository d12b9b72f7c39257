"""What community reports read from the graph: nodes, edges and degrees of many communities in few requests.

Belongs here: batching across communities, bounded concurrency, order. Does not: writing reports.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from resources.graph.base import EdgeKind, GraphStore, NodeKind
from resources.graph.rows import packed

log = logging.getLogger(__name__)

NODES_AT_ONCE = 5_000


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
    idle: Callable[[], int] | None = None,
    nodes_at_once: int = NODES_AT_ONCE,
    with_degrees: bool = False,
    level: int | None = None,
) -> Iterator[CommunityRows]:
    """The rows of communities `{id: entity ids}` in the order given, at most `max_concurrency` batches under way.

    A batch holds communities of together about `nodes_at_once` entities and costs two requests, or three with degrees,
    however many communities it holds. `idle` says how many sessions the pool has free; the cap then follows the pool.
    """
    waiting: deque[Future[list[CommunityRows]]] = deque()
    log.debug("level %s: %d communities, at most %d batches at once", level, len(members), max_concurrency)
    with ThreadPoolExecutor(max_concurrency, thread_name_prefix="community reads") as threads:
        try:
            for some in packed(members, nodes_at_once):
                cap = max_concurrency if idle is None else max(1, min(max_concurrency, idle()))
                while len(waiting) >= cap:
                    yield from waiting.popleft().result()
                waiting.append(threads.submit(_read, store, some, with_degrees))
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _read(store: GraphStore, members: Mapping[str, Sequence[str]], with_degrees: bool) -> list[CommunityRows]:
    ids = dict.fromkeys(node for nodes in members.values() for node in nodes)
    nodes = {row["id"]: row for row in store.read_nodes(NodeKind.ENTITY, ids)}
    edges = store.read_edges_of_groups(EdgeKind.RELATED, members)
    degrees = store.degrees(EdgeKind.RELATED, ids) if with_degrees else {}
    return [
        CommunityRows(
            community,
            [nodes[node] for node in names if node in nodes],
            edges[community],
            {node: degrees[node] for node in names if node in degrees},
        )
        for community, names in members.items()
    ]
