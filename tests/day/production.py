"""Code server, daemon and sensors as in production, for a project of a test: started, killed, started again."""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.request import Request, urlopen

import dagster as dg
import yaml

from rag_assets.home import ensure_home
from rag_assets.work import graph_waits
from resources.settings import load_settings
from tests.chain.harness import Project
from tests.ports import HOST, answers, free_port
from tests.processes import lives

SECONDS = 240.0


def wait_until(true: Callable[[], object], what: str, seconds: float = SECONDS) -> None:
    """Ask again and again; what does not come to be in this time is a failure."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"{what} did not come to be"
        time.sleep(0.2)


def graphql(port: int, query: str, **variables: Any) -> Any:
    body = json.dumps({"query": query, "variables": variables}).encode()
    request = Request(f"http://{HOST}:{port}/graphql", body, {"Content-Type": "application/json"})
    with urlopen(request, timeout=60) as answer:
        return json.load(answer)["data"]


def processes_of(project: Project) -> set[int]:
    """Every process that was started with the settings of this project."""
    wanted, found = f"RAG_CONFIG={project.file}".encode(), set()
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if wanted in (folder / "environ").read_bytes().split(b"\0") and lives(int(folder.name)):
                found.add(int(folder.name))
    return found - {os.getpid()}


class Production:
    """The processes of one project, each in a group of its own."""

    def __init__(self, project: Project) -> None:
        self.project, self.port = project, free_port()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        with environment_of(project):
            self.home = ensure_home(load_settings(project.file))
        server = {"host": HOST, "port": self.port, "location_name": "rag_assets"}
        self.workspace = self.home / "workspace.yaml"
        self.workspace.write_text(yaml.safe_dump({"load_from": [{"grpc_server": server}]}), encoding="utf-8")
        self.instance = dg.DagsterInstance.from_config(str(self.home))

    def __enter__(self) -> "Production":
        self.start("code")
        wait_until(lambda: answers(self.port), "the code server")
        self.start("daemon")
        self._call("dagster", "sensor", "start", "--start-all", "--workspace", str(self.workspace))
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for name in list(self.running):
            self.kill(name)
        for pid in processes_of(self.project):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.instance.dispose()

    def start(self, name: str) -> None:
        """`code` or `daemon`."""
        module = ("--module-name", "rag_assets.definitions", "--location-name", "rag_assets")
        command = {
            "code": ("dagster", "api", "grpc", "--host", HOST, "--port", str(self.port), *module),
            "daemon": ("python", "-m", "rag_assets.daemon", "run", "--workspace", str(self.workspace)),
        }[name]
        with (self.home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [str(Path(sys.executable).parent / command[0]), *command[1:]], cwd=self.project.home,
                env=self.project.environment(), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> None:
        """kill -9 of this process alone; what it started lives on."""
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def _call(self, *command: str) -> None:
        code, out, err = self.project.call(*command)
        assert code == 0, f"{command} exited with {code}\n{out}\n{err}"

    # -- runs

    def run_process(self) -> int | None:
        """The process of a run that is at work now; before the first tick there is no catalog."""
        if not self.project.catalog.is_file():
            return None
        with contextlib.closing(sqlite3.connect(self.project.catalog)) as catalog:
            made = catalog.execute("select 1 from sqlite_master where name = 'leases'").fetchone()
            row = made and catalog.execute("select pid from leases where name like 'run:%' limit 1").fetchone()
        return int(row[0]) if row else None

    def at_rest(self) -> bool:
        """Nothing waits, and nobody works."""
        if self.instance.get_runs_count(dg.RunsFilter(statuses=list(UNFINISHED))):
            return False
        with self.project.index() as index:
            return not (index.catalog.items.waiting() or index.catalog.queues.lengths() or graph_waits(index))

    def log(self) -> str:
        """The last words of the processes."""
        return "\n".join(file.read_text(errors="replace")[-3_000:] for file in sorted(self.home.glob("*.log")))


UNFINISHED = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@contextlib.contextmanager
def environment_of(project: Project) -> Iterator[None]:
    """The environment of the project's processes, for a moment."""
    before = dict(os.environ)
    os.environ.update(project.environment())
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
