"""Several that want to work on one source: one works, the others say who does; and runs whose process is gone."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import dagster as dg

from rag_assets import discovery
from rag_assets.definitions import build_defs
from rag_assets.index_resource import run_holder, run_lease
from rag_assets.indexing import index_once
from rag_assets.work import GRAPH
from resources.catalog.processes import Process, boot_id, started
from sensors import graph_refresh, requests, run_failure, source_changes
from tests.sensors.steps import only, run, write


def said(result: dg.SensorResult) -> str:
    assert not result.run_requests
    return result.skip_reason.skip_message


def begun(index, instance, request: dg.RunRequest) -> dg.DagsterRun:
    """A run that the daemon launched, and whose process works."""
    job = build_defs(index.settings).resolve_job_def(request.job_name)
    return instance.create_run_for_job(job, tags=request.tags, status=dg.DagsterRunStatus.STARTED)


@contextmanager
def in_a_process_that_is_killed() -> Iterator[None]:
    """What is taken inside is held by a process that is dead after it."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        other = Process(boot_id(), process.pid, started(process.pid))
        with patch.object(Process, "own", lambda: other):
            yield
        process.kill()


def test_a_second_sensor_of_one_source_says_who_looks_at_it(index, instance):
    with index.catalog.leases.hold(["look:notes"], "the sensor of another daemon"):
        words = said(source_changes.tick(instance, index, "notes"))
    assert "the sensor of another daemon" in words
    assert f"pid {os.getpid()}" in words
    assert index.catalog.items.waiting() == {}
    assert only(source_changes.tick(instance, index, "notes"))


def test_a_sensor_says_that_rag_index_is_at_work_even_where_its_runs_are_recorded_elsewhere(index, instance):
    with index.catalog.leases.hold(["notes"], "run 4711 of rag index"):
        words = said(source_changes.tick(instance, index, "notes"))
    assert words == "notes: 1 new, 1 waiting; run 4711 of rag index is at work"
    assert only(source_changes.tick(instance, index, "notes"))


def test_rag_index_says_whom_it_waits_for(index, instance):
    lines: list[str] = []
    held = index.catalog.leases.hold(["notes"], "run 4711")
    held.__enter__()

    def say(line: str) -> None:
        lines.append(line)
        if "run 4711" in line:
            held.__exit__(None, None, None)  # it is done

    assert index_once(index, instance, say=say).ok
    assert any(line.startswith("waiting: notes is being indexed by run 4711") for line in lines)


def test_the_graph_is_refreshed_by_one_at_a_time(index, instance):
    run(index, instance, only(source_changes.tick(instance, index, "notes")))
    with index.catalog.leases.hold([GRAPH], "rag rebuild graph"):
        assert said(graph_refresh.tick(instance, index)).endswith("rag rebuild graph is at work")
    assert only(graph_refresh.tick(instance, index))


def test_a_run_whose_process_was_killed_stands_in_nobodys_way(index, instance):
    request = only(source_changes.tick(instance, index, "notes"))
    lost = begun(index, instance, request)
    leases = [run_lease(lost.run_id), "notes"]
    with index.catalog.leases.hold(leases, run_holder(lost.run_id)):
        assert lost.run_id[:8] in said(source_changes.tick(instance, index, "notes"))
    with in_a_process_that_is_killed():
        left = index.catalog.leases.hold(leases, run_holder(lost.run_id))
        left.__enter__()
    again = only(source_changes.tick(instance, index, "notes"))
    assert instance.get_run_by_id(lost.run_id).status is dg.DagsterRunStatus.FAILURE
    assert again.run_key != request.run_key
    assert run(index, instance, again)


def test_a_run_of_which_nothing_is_heard_any_more_is_given_up(index, instance, monkeypatch):
    lost = begun(index, instance, only(source_changes.tick(instance, index, "notes")))
    assert lost.run_id[:8] in said(source_changes.tick(instance, index, "notes"))
    monkeypatch.setattr(requests, "SILENT_SECONDS", -1.0)
    assert only(source_changes.tick(instance, index, "notes"))
    assert instance.get_run_by_id(lost.run_id).status is dg.DagsterRunStatus.FAILURE


def test_after_a_failure_the_leases_are_free_and_the_rest_is_asked_for(index, instance):
    request = only(source_changes.tick(instance, index, "notes"))
    failed = begun(index, instance, request)
    with index.catalog.leases.hold(["notes"], run_holder(failed.run_id)):
        instance.report_run_failed(failed)
        again = run_failure.after_failure(instance, index, instance.get_run_by_id(failed.run_id))
        assert index.catalog.leases.held() == {}
    assert isinstance(again, dg.RunRequest)
    assert again.tags["rag/source"] == "notes"
    assert again.run_key != request.run_key
    (seen,) = instance.fetch_observations(dg.AssetKey("documents"), limit=5).records
    assert seen.asset_observation.metadata["failed_run"].value == failed.run_id
    assert seen.asset_observation.metadata["changes_waiting"].value == 1
    assert run(index, instance, again)


def test_a_failure_that_left_nothing_undone_asks_for_nothing(index, instance):
    request = only(source_changes.tick(instance, index, "notes"))
    assert run(index, instance, request)
    failed = begun(index, instance, request)
    instance.report_run_failed(failed)
    words = run_failure.after_failure(instance, index, instance.get_run_by_id(failed.run_id))
    assert words == f"run {failed.run_id[:8]} failed; nothing of its source waits"


def test_a_failed_refresh_of_the_graph_is_asked_for_at_once(index, instance):
    run(index, instance, only(source_changes.tick(instance, index, "notes")))
    request = only(graph_refresh.tick(instance, index))
    failed = begun(index, instance, request)
    instance.report_run_failed(failed)
    again = run_failure.after_failure(instance, index, instance.get_run_by_id(failed.run_id))
    assert run(index, instance, again)
    assert not graph_refresh.tick(instance, index).run_requests


def test_what_a_look_finds_while_a_run_is_at_work_is_worked_off_by_the_next_one(home, index, instance):
    request = only(source_changes.tick(instance, index, "notes"))
    working = begun(index, instance, request)
    write(home, "late.md", "# Late\n\nA late note of Ada Lovelace.\n")
    assert said(source_changes.tick(instance, index, "notes")).startswith("notes: 1 new, 2 waiting; run ")
    assert discovery.discover(index, "notes").new == 0
    instance.report_run_failed(working)
    assert run(index, instance, only(source_changes.tick(instance, index, "notes")))
    assert index.tables.documents.count() == 2
