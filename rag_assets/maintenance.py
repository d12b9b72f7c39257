"""The job `maintenance`: compaction of the tables, and what nobody needs any more."""

import dagster as dg

from rag_assets.index_resource import IndexResource


def maintenance_asset_job() -> dg.JobDefinition:
    @dg.op(description="Compact every table, index what is not yet, drop the vectors of models that no longer serve.")
    def compact_tables(context: dg.OpExecutionContext, index: IndexResource) -> None:
        parts = index.opened
        for table in parts.tables.stored():
            before = table.versions()
            table.compact()
            context.log.info(f"{table.name}: {before} versions before, {table.versions()} now")
        for name in parts.unserved_tables():
            parts.tables.drop(name)
            context.log.info(f"{name}: dropped, its model serves no more")

    @dg.job(name="maintenance", description="Compact the tables; run it weekly.", executor_def=dg.in_process_executor)
    def maintenance() -> None:
        compact_tables()

    return maintenance
