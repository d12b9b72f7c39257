"""Sensors, from a change to the run that it asks for: a real instance, a real folder, no model."""

from pathlib import Path

import dagster as dg
import pytest

from rag_assets.definitions import build_defs
from resources.index import Index
from resources.settings import load_settings
from sensors import graph_refresh, source_changes

SETTINGS = """\
sources:
  notes: {type: filesystem, path: notes}
embeddings: {model: hashing}
extraction: {method: patterns}
changes: {debounce_seconds: 0}
"""


@pytest.fixture
def home(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "rag.yaml").write_text(SETTINGS, encoding="utf-8")
    write(
        tmp_path, "harbour.md", "# Harbour Plan\n\nIngrid Solberg leads the Harbour Plan for Nordic Cargo in Bergen.\n"
    )
    return tmp_path


@pytest.fixture
def index(home):
    index = Index(load_settings(home / "rag.yaml"))
    yield index
    index.close()


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


def write(home: Path, name: str, text: str) -> None:
    (home / "notes" / name).write_text(text, encoding="utf-8")


def run(index: Index, instance: dg.DagsterInstance, request: dg.RunRequest, *, fail: bool = False) -> bool:
    """What the daemon does with a request."""
    job = build_defs(index.settings).resolve_job_def(request.job_name)
    tags = {**request.tags, "dagster/run_key": request.run_key}
    if fail:
        dag = instance.create_run_for_job(job, tags=tags)
        instance.report_run_failed(dag)
        return False
    return job.execute_in_process(instance=instance, tags=tags).success


def only(result: dg.SensorResult) -> dg.RunRequest:
    assert result.run_requests is not None, result.skip_reason
    (request,) = result.run_requests
    return request


def test_a_new_file_becomes_one_run_and_then_the_sensor_is_quiet(index, instance):
    request = only(source_changes.tick(instance, index, "notes"))
    assert request.tags["rag/source"] == "notes"
    assert request.tags["dagster/asset_partition_range_start"] == "notes"
    assert run(index, instance, request)
    quiet = source_changes.tick(instance, index, "notes")
    assert not quiet.run_requests
    assert quiet.skip_reason.skip_message == "notes: nothing changed"


def test_the_cursor_is_the_generation_and_nothing_else(index, instance):
    before = source_changes.tick(instance, index, "notes")
    assert before.cursor == "0"
    run(index, instance, only(before))
    assert source_changes.tick(instance, index, "notes").cursor == str(index.catalog.stages.generation())


def test_a_failed_run_is_asked_for_again_by_state(index, instance):
    first = only(source_changes.tick(instance, index, "notes"))
    run(index, instance, first, fail=True)
    again = only(source_changes.tick(instance, index, "notes"))
    assert again.run_key != first.run_key
    assert run(index, instance, again)


def test_a_state_that_fails_again_and_again_waits_for_a_person(index, instance):
    for _ in range(5):
        run(index, instance, only(source_changes.tick(instance, index, "notes")), fail=True)
    stopped = source_changes.tick(instance, index, "notes")
    assert not stopped.run_requests
    assert "by hand" in stopped.skip_reason.skip_message


def test_while_a_run_is_at_work_no_second_one_is_asked_for(index, instance):
    request = only(source_changes.tick(instance, index, "notes"))
    job = build_defs(index.settings).resolve_job_def("ingest")
    queued = instance.create_run_for_job(job, tags=request.tags, status=dg.DagsterRunStatus.STARTED)
    waiting = source_changes.tick(instance, index, "notes")
    assert not waiting.run_requests
    assert queued.run_id[:8] in waiting.skip_reason.skip_message


def test_a_deleted_document_is_hidden_by_the_tick_itself(home, index, instance):
    write(home, "second.md", "# Second\n\nAnother note about Nordic Cargo.\n")
    write(home, "third.md", "# Third\n\nA third note.\n")
    for n in range(4):
        write(home, f"more{n}.md", f"# More {n}\n\nNote {n}.\n")
    run(index, instance, only(source_changes.tick(instance, index, "notes")))
    (home / "notes" / "second.md").unlink()
    request = only(source_changes.tick(instance, index, "notes"))
    assert list(index.catalog.items.hidden().values()) == ["deleted"]
    assert run(index, instance, request)
    assert index.catalog.items.hidden() == {}


def test_a_missing_folder_is_said_and_changes_nothing(home, index, instance):
    run(index, instance, only(source_changes.tick(instance, index, "notes")))
    (home / "notes").rename(home / "elsewhere")
    missing = source_changes.tick(instance, index, "notes")
    assert "is not there" in missing.skip_reason.skip_message
    assert index.tables.documents.count() == 1
    (home / "elsewhere").rename(home / "notes")
    assert source_changes.tick(instance, index, "notes").skip_reason.skip_message == "notes: nothing changed"


def test_the_graph_follows_ingest_and_then_is_quiet(index, instance):
    run(index, instance, only(source_changes.tick(instance, index, "notes")))
    request = only(graph_refresh.tick(instance, index))
    assert (request.tags["dagster/asset_partition_range_start"], request.tags["dagster/asset_partition_range_end"]) == (
        "g00",
        "g03",
    )
    assert run(index, instance, request)
    assert not graph_refresh.tick(instance, index).run_requests


def test_the_graph_waits_for_a_quiet_moment_but_not_for_ever(home, instance):
    (home / "rag.yaml").write_text(
        SETTINGS.replace("debounce_seconds: 0", "debounce_seconds: 1000, most_late_seconds: 2000"), encoding="utf-8"
    )
    index = Index(load_settings(home / "rag.yaml"))
    run(index, instance, only(source_changes.tick(instance, index, "notes")))
    waiting = graph_refresh.tick(instance, index)
    assert "quiet seconds" in waiting.skip_reason.skip_message
    late = index.settings.changes.model_copy(update={"most_late_seconds": 0.001})
    patient = Index(index.settings.model_copy(update={"changes": late}))
    assert only(graph_refresh.tick(instance, patient)).job_name == "graph_refresh"
    patient.close()
    index.close()


def test_all_sensors_and_schedules_are_off_until_a_person_switches_them_on(home):
    definitions = build_defs(load_settings(home / "rag.yaml"))
    names = {sensor.name for sensor in definitions.sensors}
    assert names == {"notes_changes", "graph_refresh_sensor", "failed_runs"}
    assert all(sensor.default_status is dg.DefaultSensorStatus.STOPPED for sensor in definitions.sensors)
    assert all(one.default_status is dg.DefaultScheduleStatus.STOPPED for one in definitions.schedules)
