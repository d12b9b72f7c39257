"""Batches of edges that several writers may send at once without ever waiting for each other's locks.

Belongs here: the schedule. Does not: sending. The technique is the "monopartite" schedule of
https://github.com/neo4j-field/neo4j-parallel-spark-loader: nodes fall into 2·W groups, a batch holds the edges between
two groups, and a round-robin tournament plays all pairs in rounds in which no group stands twice.
"""

from collections.abc import Iterator, Sequence
from zlib import crc32

from resources.graph.rows import EdgeRecord, batches


def tournament(groups: int) -> Iterator[list[tuple[int, int]]]:
    """Rounds of pairs (the circle method), each pair of an even number of groups once, then each group with itself."""
    circle = list(range(groups))
    for _ in range(groups - 1):
        pairs = (tuple(sorted((circle[i], circle[-1 - i]))) for i in range(groups // 2))
        yield sorted((first, second) for first, second in pairs)
        circle = [circle[0], circle[-1], *circle[1:-1]]
    yield [(group, group) for group in range(groups)]


def rounds(records: Sequence[EdgeRecord], writers: int, size: int) -> Iterator[list[list[EdgeRecord]]]:
    """Edges in rounds: the lists of a round share no node and hold at most `size` rows each, sorted by smaller end."""
    groups = 2 * writers
    cells: dict[tuple[int, int], list[EdgeRecord]] = {}
    for record in sorted(records, key=smaller_end_first):
        ends = sorted((crc32(record.source.encode()) % groups, crc32(record.target.encode()) % groups))
        cells.setdefault((ends[0], ends[1]), []).append(record)
    for pairs in tournament(groups):
        queues = [list(batches(cells[pair], size)) for pair in pairs if pair in cells]
        while queues:
            # At most one list of each pair, for lists of one pair do share nodes.
            yield [queue.pop(0) for queue in queues]
            queues = [queue for queue in queues if queue]


def smaller_end_first(record: EdgeRecord) -> tuple[str, str, str]:
    """The order of rows in a batch: two writers must take the locks of their ends in the same order."""
    ends = (record.source, record.target)
    return (min(ends), max(ends), record.id)
