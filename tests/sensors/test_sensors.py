"""Sensors, from a change to the run that it asks for: a real instance, a real folder, no model."""

from contextlib import closing

import dagster as dg

from rag_assets.definitions import build_defs
from resources.index import Index
from resources.settings import load_settings
from sensors import graph_refresh, requests, source_changes
from tests.sensors.steps import SETTINGS, only, run, write


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
    assert source_changes.tick(instance, index, "notes").cursor == str(index.catalog.generations.current())


def test_a_failed_run_is_asked_for_again_by_state(index, instance):
    first = only(source_changes.tick(instance, index, "notes"))
    run(index, instance, first, fail=True)
    again = only(source_changes.tick(instance, index, "notes"))
    assert again.run_key != first.run_key
    assert run(index, instance, again)


def test_a_state_that_fails_again_and_again_is_tried_ever_more_rarely(index, instance, monkeypatch):
    for _ in range(3):
        run(index, instance, only(source_changes.tick(instance, index, "notes")), fail=True)
    resting = source_changes.tick(instance, index, "notes")
    assert not resting.run_requests
    assert "3 runs did not do it" in resting.skip_reason.skip_message
    monkeypatch.setattr(requests, "PAUSES", (0.0,))
    assert run(index, instance, only(source_changes.tick(instance, index, "notes")))


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


def test_a_run_covers_the_shards_with_work_and_those_between_them(home):
    (home / "rag.yaml").write_text(SETTINGS.replace("path: notes", "path: notes, shards: 8"), encoding="utf-8")
    for n in range(6):
        write(home, f"more{n}.md", f"# More {n}\n\nNote {n}.\n")
    with closing(Index(load_settings(home / "rag.yaml"))) as index, dg.DagsterInstance.ephemeral() as instance:
        assert run(index, instance, only(source_changes.tick(instance, index, "notes")))
        for n in range(2):
            write(home, f"more{n}.md", f"# More {n}\n\nNote {n}, edited.\n")
        request = only(source_changes.tick(instance, index, "notes"))
        touched = sorted(index.catalog.items.waiting())
        ends = [request.tags[f"dagster/asset_partition_range_{end}"] for end in ("start", "end")]
        assert ends == [touched[0], touched[-1]]
        assert run(index, instance, request)
        assert index.catalog.items.waiting() == {}


def test_a_source_that_costs_much_to_look_at_is_looked_at_less_often(index, instance):
    cheap, costly = iter((0.0, 0.1)), iter((0.0, 4.0))
    assert only(source_changes.rested_tick(instance, index, "notes", lambda: next(cheap)))
    assert only(source_changes.rested_tick(instance, index, "notes", lambda: next(costly)))
    rests = source_changes.rested_tick(instance, index, "notes")
    assert not rests.run_requests
    assert "next look is in" in rests.skip_reason.skip_message


def test_all_sensors_and_schedules_are_off_until_a_person_switches_them_on(home):
    definitions = build_defs(load_settings(home / "rag.yaml"))
    names = {sensor.name for sensor in definitions.sensors}
    assert names == {"notes_changes", "graph_refresh_sensor", "failed_runs"}
    assert all(sensor.default_status is dg.DefaultSensorStatus.STOPPED for sensor in definitions.sensors)
    assert all(one.default_status is dg.DefaultScheduleStatus.STOPPED for one in definitions.schedules)
