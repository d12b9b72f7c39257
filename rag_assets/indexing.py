"""One pass of the whole chain in this process: discover, then a run for each part that has work, none where not."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import cache
from typing import TYPE_CHECKING

from rag_assets import discovery
from rag_assets.outcome import Pass, Say, SourceOutcome, silent
from rag_assets.work import graph_waits, partitions_with_work
from resources.catalog.items import Applied
from resources.errors import RagError
from resources.index import Index
from resources.settings import FilesystemSettings

if TYPE_CHECKING:
    import dagster as dg

    from rag_assets.runner import Runner


def index_once(
    index: Index,
    instance: "dg.DagsterInstance | None" = None,
    sources: Sequence[str] = (),
    *,
    full: bool = False,
    say: Say = silent,
) -> Pass:
    """Discover and bring up to date; one source's trouble never stops the others.

    Without an instance, that of the Dagster home is opened for the first run.
    """
    outcome, start = Pass(), time.monotonic()
    with ExitStack() as opened:

        @cache
        def runner() -> "Runner":
            # Late: a pass that finds nothing to do needs no Dagster, which takes longer to import than the look.
            from rag_assets.home import open_instance
            from rag_assets.runner import Runner

            place = instance or opened.enter_context(open_instance(index.settings))
            return Runner(index, place, outcome, full=full, say=say)

        names = list(sources or index.settings.sources)
        while names:
            for name in names:
                say(f"looking at {name}")
                _look(index, name, outcome.sources.setdefault(name, SourceOutcome()), full=full)
            for name in names:
                source = outcome.sources[name]
                if source.error is None and (keys := partitions_with_work(index, name, full=full)):
                    source.applied.removed += index.catalog.items.approved(name)
                    source.error = runner().ingest(name, keys)
                source.error = source.error or _emptied(index, name, source.applied)
            # so much waited that the look was not finished: it goes on now that it is worked off
            names = [name for name in names if outcome.sources[name].applied.paused and not outcome.sources[name].error]
        for source in outcome.sources.values():
            source.error = source.error or source.partly
        if graph_waits(index, full=full):
            runner().refresh_graph()
    _count_the_rest(index, outcome)
    outcome.seconds = time.monotonic() - start
    return outcome


def _look(index: Index, name: str, source: SourceOutcome, *, full: bool) -> None:
    source.applied.paused = False
    try:
        source.applied.add(discovery.discover(index, name, full=full, who="rag index"))
    except discovery.PartlyRead as error:
        source.applied.add(error.found)
        source.partly = str(error)
    except RagError as error:
        source.error = str(error)


def _emptied(index: Index, name: str, applied: Applied) -> str | None:
    """A library may rightly become empty, a root hardly ever does: most often its disk is not mounted."""
    if not applied.emptied or not isinstance(index.settings.sources[name], FilesystemSettings):
        return None
    return (
        f"{name}: {index.settings.source_path(name)} is empty; its {applied.held} documents are kept. "
        f"Mount it, or let them go with `rag approve deletes {name}`."
    )


def _count_the_rest(index: Index, outcome: Pass) -> None:
    """Rows of the partitions that no run looked at are the same, and say so."""
    for asset, counters in outcome.assets.items():
        total = index.catalog.stages.rows(asset)
        counters.rows_same = max(0, total - counters.rows_new - counters.rows_changed)
