"""The partitions: one static key a source (or a source's shard), and the shards of the graph."""

import dagster as dg

from resources.settings import Settings


def ingest_partitions(settings: Settings) -> dg.StaticPartitionsDefinition:
    """`handbook`, or `contracts/00` … in the order of rag.yaml: a source's keys are contiguous."""
    return dg.StaticPartitionsDefinition([key for source in settings.sources for key in settings.partitions(source)])


def graph_partitions(settings: Settings) -> dg.StaticPartitionsDefinition:
    """`g00` …: shared by `entity_graph` and `community_reports`, so that one range run takes the whole chain."""
    return dg.StaticPartitionsDefinition(settings.graph_partitions())
