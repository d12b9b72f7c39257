"""How long an edit takes to be found, with code server, webserver, daemon and sensors as `make ui` starts them.

`python -m benchmarks.edit_to_answer [ROUNDS] [--documents N] [--models real|stub]` writes N (200) documents into a
project of its own, lets the sensors index them, and then, ROUNDS (5) times at random moments, edits five documents at
once. It prints one JSON line a round: seconds from the edit to the tick that saw it, to the run's start, to the moment
when all five are found, to the graph's refresh; CPU seconds that all processes spent; and runs that were started.
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import yaml

from benchmarks.corpus import Corpus, name_of, write
from resources.index import Index, prepare_environment
from resources.retrieval import Question, Retrieval
from resources.settings import REPOSITORY
from tests.ports import free_port

EDITED = 5
POLL = 0.25
SENSORS = ("docs_changes", "graph_refresh_sensor", "failed_runs")
STUBS = {"embeddings": {"model": "hashing"}, "extraction": {"method": "patterns"}}
START = "mutation($s: SensorSelector!) { startSensor(sensorSelector: $s) { __typename } }"
RUNS = """query { runsOrError(limit: 20) { ... on Runs { results {
    jobName status creationTime startTime endTime } } } }"""


class Project:
    """A folder of documents, served."""

    def __init__(self, home: Path, documents: int, settings: dict[str, Any]) -> None:
        self.docs, self.file, self.port = home / "docs", home / "rag.yaml", free_port()
        self.corpus, self.versions = Corpus(documents), dict.fromkeys(range(documents), 0)
        write(self.docs, self.corpus.documents())
        sources = {"docs": {"type": "filesystem", "path": "docs"}}
        self.file.write_text(yaml.safe_dump({"sources": sources, **settings}), encoding="utf-8")
        environment = {
            **os.environ, "RAG_CONFIG": str(self.file), "DAGSTER_HOME": str(home / "dagster"),
            "PYTHONPATH": str(REPOSITORY), "RAG_UI_PORT": str(self.port),
        }  # fmt: skip
        log = (home / "log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, str(REPOSITORY / "deploy" / "local.py")], env=environment, cwd=home, stdout=log, stderr=log
        )

    def ask(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def up(self) -> bool:
        with suppress(OSError):
            return bool(self.ask("query { version }"))
        return False

    def switch_on(self) -> None:
        for sensor in SENSORS:
            place = {"repositoryLocationName": "rag_assets", "repositoryName": "__repository__", "sensorName": sensor}
            assert self.ask(START, s=place)["startSensor"]["__typename"] == "Sensor"

    def runs(self, since: float) -> list[dict[str, Any]]:
        """Runs that were created since then, oldest first."""
        found = self.ask(RUNS)["runsOrError"]["results"]
        return [run for run in reversed(found) if run["creationTime"] >= since]

    def done(self, since: float) -> bool:
        """Whether a refresh of the graph, and everything else since then, has ended."""
        runs = self.runs(since)
        ended = all(run["status"] in ("SUCCESS", "FAILURE", "CANCELED") for run in runs)
        return ended and any(run["jobName"] == "graph_refresh" for run in runs)

    def edit(self, numbers: list[int]) -> list[str]:
        """Write a new version of these documents; a name that stands in each new version alone."""
        names = []
        for number in numbers:
            self.versions[number] += 1
            version = self.versions[number]
            names.append(f"Fresh{number:05d}V{version} Charter")
            text = f"{self.corpus.text(number, version)} The {names[-1]} was signed in Bergen.\n"
            (self.docs / name_of(number)).write_text(text, encoding="utf-8")
        return names

    def found(self, names: list[str]) -> bool:
        """Whether a search finds them all, each in the first eight."""
        index = Index.load(self.file)
        try:
            answers = Retrieval.of(index).search([Question(n, f"When was the {n} signed?") for n in names])
            return all(any(a["id"] in hit["text"] for hit in a["results"]) for a in answers)
        finally:
            index.close()

    def cpu(self) -> float:
        """CPU seconds of all processes that were started for this project, ended ones included."""
        ticks, parents = dict[int, float](), dict[int, int]()
        for folder in Path("/proc").iterdir():
            with suppress(OSError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                ticks[int(folder.name)], parents[int(folder.name)] = sum(map(int, fields[11:15])), int(fields[1])
        family = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in family} - family:
            family |= more
        return sum(ticks.get(pid, 0.0) for pid in family) / os.sysconf("SC_CLK_TCK")


def wait(true: Callable[[], bool], seconds: float = 600) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit("it did not come to be; see the log of the project")
        time.sleep(POLL)


def measure(project: Project, numbers: list[int]) -> dict[str, Any]:
    """One round."""
    spent, edited = project.cpu(), time.time()
    names = project.edit(numbers)
    wait(lambda: bool(project.runs(edited)))  # no search before there is a run: it would take the processor from it
    wait(lambda: project.found(names))
    found = time.time() - edited
    wait(lambda: project.done(edited))
    runs = project.runs(edited)
    first, last = runs[0], runs[-1]
    return {
        "tick": first["creationTime"] - edited, "run": first["startTime"] - edited, "found": found,
        "ingested": first["endTime"] - edited, "graph": last["endTime"] - edited, "cpu": project.cpu() - spent,
        "ingest_runs": sum(run["jobName"] == "ingest" for run in runs), "runs": len(runs),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="From an edit to the answer.")
    parser.add_argument("rounds", nargs="?", type=int, default=5)
    parser.add_argument("--documents", type=int, default=200)
    parser.add_argument("--models", choices=("real", "stub"), default="real")
    asked = parser.parse_args()
    prepare_environment()
    draw, rounds = random.Random(7), []
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), asked.documents, STUBS if asked.models == "stub" else {})
        try:
            wait(project.up)
            start = time.time()
            project.switch_on()
            wait(lambda: project.done(start), 3_600)
            for _ in range(asked.rounds):
                time.sleep(draw.uniform(5, 15))
                rounds.append(measure(project, draw.sample(range(asked.documents), EDITED)))
                print(json.dumps({k: round(v, 2) for k, v in rounds[-1].items()}), flush=True)
        finally:
            project.process.send_signal(signal.SIGINT)
            project.process.wait(60)
    found = sorted(round_["found"] for round_ in rounds)
    load = round(os.getloadavg()[0], 1)
    print(json.dumps({"models": asked.models, "worst_found": round(found[-1], 2), "load": load}))


if __name__ == "__main__":
    main()
