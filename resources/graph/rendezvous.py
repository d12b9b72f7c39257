"""Which server a virtual shard lives on: rendezvous hashing weighted by capacity.

A server's score for a shard is -capacity / ln(u), u uniform in 0 … 1 from the hash of (server, shard); the highest
wins. Adding a server moves to it about its share of the shards and nothing else (weighted rendezvous hashing,
https://www.snia.org/sites/default/files/SDC15_presentations/dist_sys/Jason_Resch_New_Consistent_Hashings_Rev.pdf).
"""

import math
from collections.abc import Mapping

from knowledge.fingerprint import fingerprint, shard_of

VIRTUAL_SHARDS = 64


def placement(capacities: Mapping[str, float], shards: int = VIRTUAL_SHARDS) -> tuple[str, ...]:
    """The server of every shard, from `{server: capacity}`; independent of the order of the servers."""

    def score(server: str, shard: int) -> tuple[float, str]:
        uniform = (int(fingerprint("rendezvous", server, str(shard))[:13], 16) + 1) / (16**13 + 2)
        return (-capacities[server] / math.log(uniform), server)

    return tuple(max(capacities, key=lambda server: score(server, shard)) for shard in range(shards))


def server_of(node: str, servers: tuple[str, ...]) -> str:
    """The server on which a node lives."""
    return servers[shard_of(node, len(servers))]
