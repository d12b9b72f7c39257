"""The pools of this process as Prometheus gauges `neo4j_pool_*`, one line a store.

Belongs here: the bridge to prometheus-client. Does not: counting (pool.py), serving an endpoint.
"""

import weakref
from collections.abc import Iterator

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from resources.graph.pool import PoolCounts, SessionGate

MEANINGS = {
    "active": "sessions in use",
    "idle": "sessions that could be lent now",
    "waiting": "callers that wait for a session",
    "acquired": "sessions lent since the start",
    "timed_out": "callers that waited in vain since the start",
    "created": "sessions opened since the start",
    "closed": "sessions closed since the start",
    "peak": "the most sessions in use at once",
}


class PoolCollector(Collector):
    """Reads every gate that is alive at the moment of the scrape; gates of one name are added up."""

    def __init__(self) -> None:
        self._gates: weakref.WeakSet[SessionGate] = weakref.WeakSet()

    def watch(self, gate: SessionGate) -> None:
        """Show a gate from now on, for as long as it lives."""
        self._gates.add(gate)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        stores: dict[str, list[PoolCounts]] = {}
        for gate in list(self._gates):
            stores.setdefault(gate.name, []).append(gate.counts())
        for name, meaning in MEANINGS.items():
            gauge = GaugeMetricFamily(f"neo4j_pool_{name}", meaning, labels=["store"])
            for store, counts in sorted(stores.items()):
                gauge.add_metric([store], sum(getattr(count, name) for count in counts))
            yield gauge


def register(registry: CollectorRegistry) -> PoolCollector:
    """A collector in a registry."""
    collector = PoolCollector()
    registry.register(collector)
    return collector


POOLS = register(REGISTRY)
