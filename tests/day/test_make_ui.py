"""`make ui`: code location, webserver and daemon come up, an edit flows by itself, and all stop together."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rag_assets.work import graph_waits
from resources.settings import REPOSITORY
from tests.chain.harness import Project
from tests.day.production import graphql, processes_of, wait_until
from tests.ports import free_port

PLACE = {"repositoryLocationName": "rag_assets", "repositoryName": "__repository__"}
START = "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename } }"
RUNS = """query { runsOrError { ... on Runs { results {
    jobName status tags { key value } } } } }"""
DOCUMENTS = """query { assetOrError(assetKey: {path: ["documents"]}) { ... on Asset {
    assetMaterializations { metadataEntries { label ... on IntMetadataEntry { intValue } } } } } }"""
TICKS = """query($s: SensorSelector!) { sensorOrError(sensorSelector: $s) { ... on Sensor { sensorState {
    ticks { status cursor skipReason } } } } }"""
NAMES = ("Ada Lovelace", "Ingrid Solberg", "Jonas Brandt", "Maria Lindqvist", "Eva Holm")


@pytest.fixture
def ui(tmp_path: Path) -> Iterator[tuple[Project, int, subprocess.Popen[bytes]]]:
    project, port = Project(tmp_path, changes={"tick_seconds": 1, "debounce_seconds": 2}), free_port()
    with (tmp_path / "ui.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "deploy" / "local.py")], cwd=tmp_path, stdout=log, stderr=log,
            env=project.environment(RAG_UI_PORT=str(port)), start_new_session=True,
        )  # fmt: skip
        try:
            yield project, port, process
        finally:
            for pid in processes_of(project):
                os.kill(pid, signal.SIGKILL)
            process.wait()


def ask(port: int, query: str, **variables: Any) -> Any:
    try:
        return graphql(port, query, **variables)
    except OSError:
        return None  # it is not up yet


@pytest.mark.timeout(600)
def test_what_is_written_is_found_and_one_signal_stops_everything(ui: tuple[Project, int, Any]) -> None:
    project, port, process = ui
    wait_until(lambda: ask(port, "query { version }"), "the webserver")
    for sensor in ("docs_changes", "graph_refresh_sensor"):
        started = graphql(port, START, s={**PLACE, "sensorName": sensor})
        assert started["startSensor"]["__typename"] == "Sensor"
    for n, name in enumerate(NAMES):
        project.write(f"../coming/{n}.md", f"# Note {n}\n\n{name} keeps the word zyqx{n} in Bergen.\n")
    (project.home / "coming").rename(project.docs / "together")  # at once, as a person pastes a folder

    def found(n: int) -> bool:
        return any(f"zyqx{n}" in hit["text"] for hit in project.search(f"zyqx{n}", "fulltext")["results"])

    wait_until(lambda: all(found(n) for n in range(5)), "the five documents")
    wait_until(lambda: refreshed(project, port), "the graph")
    (ingest,) = (run for run in runs(port) if run["jobName"] == "ingest")
    assert {"key": "rag/source", "value": "docs"} in ingest["tags"]
    (documents,) = graphql(port, DOCUMENTS)["assetOrError"]["assetMaterializations"]
    numbers = {entry["label"]: entry.get("intValue") for entry in documents["metadataEntries"]}
    assert (numbers["rows_new"], numbers["changes_waiting"]) == (5, 0)
    wait_until(lambda: any(tick["skipReason"] == "docs: nothing changed" for tick in ticks(port)), "an idle tick")
    assert all(len(tick["cursor"] or "") < 500 for tick in ticks(port))
    assert len(processes_of(project)) >= 4
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) == 0
    assert processes_of(project) == set()


def refreshed(project: Project, port: int) -> bool:
    with project.index() as index:
        behind = graph_waits(index)
    return not behind and all(run["status"] == "SUCCESS" for run in runs(port))


def ticks(port: int) -> list[Any]:
    sensor = graphql(port, TICKS, s={**PLACE, "sensorName": "docs_changes"})["sensorOrError"]
    return list(sensor["sensorState"]["ticks"])


def runs(port: int) -> list[Any]:
    return list(graphql(port, RUNS)["runsOrError"]["results"])
