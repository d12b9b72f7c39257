"""A run beside another, at any moment of it: an ingest run beside a graph refresh and the other way round."""

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import dagster as dg
import pytest

from rag_assets.discovery import discover
from resources.catalog.queues import Queues
from resources.graph.sqlite import SqliteGraph
from resources.table import Table
from tests.chain.days import Days
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import differences

MOMENTS = 100 if LONG else 2
READS = ((Table, "read"), (Table, "_commit"), (Queues, "take"), (Queues, "done"), (SqliteGraph, "write"))
"""Whatever happens in the other run, happens before or after one of these."""


@contextmanager
def at_moment(number: int, then: Callable[[], None]) -> Iterator[list[int]]:
    """Call `then` once, before the moment of this number; the moments that there were."""
    seen = [0]

    def watched(whole: Any) -> Any:
        def moment(*given: Any, **named: Any) -> Any:
            seen[0] += 1
            if seen[0] == number:
                then()
            return whole(*given, **named)

        return moment

    patches = [patch.object(owner, name, watched(getattr(owner, name))) for owner, name in READS]
    for one in patches:
        one.start()
    try:
        yield seen
    finally:
        for one in patches:
            one.stop()


def succeeded(result: dg.ExecuteInProcessResult) -> None:
    """All steps and checks, but for the one that counts broken files."""
    failed = [event.message for event in result.all_events if event.is_failure]
    checks = [check for check in result.get_asset_check_evaluations() if check.asset_key.path != ["documents"]]
    failed += [f"{check.check_name}: {check.metadata}" for check in checks if not check.passed]
    assert result.success, failed
    assert failed == []


@pytest.mark.parametrize("outer", ["graph_refresh", "ingest"])
@pytest.mark.parametrize("seed", range(MOMENTS))
def test_a_run_beside_another_loses_nothing(tmp_path: Path, seed: int, outer: str) -> None:
    rng = random.Random(f"{seed} {outer}")
    small = {"max_tokens": 64, "min_tokens": 16} if seed % 2 else {"max_tokens": 512}
    project = Project(tmp_path / "lived", chunks=small, graph={"shards": 2})
    days = Days(project, 3_000 + seed)
    days.morning(8)
    project.good()

    def ingest() -> dg.ExecuteInProcessResult:
        for _ in range(5):
            days.act()
        with project.index() as index:
            discover(index, "docs", who="a test")
            index.catalog.items.approve_deletes("docs")
            discover(index, "docs", who="a test")
        return project.materialize("ingest")

    def refresh() -> dg.ExecuteInProcessResult:
        return project.materialize("graph_refresh")

    runs = {"ingest": ingest, "graph_refresh": refresh}
    inner = runs["ingest" if outer == "graph_refresh" else "graph_refresh"]
    succeeded(ingest())  # so that either has work
    number = rng.randint(1, 120)
    days.done.append(f"before moment {number} of {outer}")
    with at_moment(number, lambda: succeeded(inner())) as seen:
        succeeded(runs[outer]())
    days.done.append(f"of {seen[0]} moments")
    succeeded(refresh())
    project.good(approve=True)
    assert differences(project.snapshot(), project.clean(tmp_path / "clean")) == [], days.done
