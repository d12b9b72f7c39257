"""The command `dagster`, called in this process; and the daemon that takes from the queue what it launches."""

import os
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import click
import dagster as dg
from click.testing import CliRunner

from tests.ports import HOST, answers, free_port

BIN = Path(sys.executable).parent
MODULE = ("-m", "rag_assets.definitions")
ENDS = {dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}
PATIENCE = 240


def command() -> click.Group:
    """The click group behind the console script `dagster`."""
    (script,) = entry_points(group="console_scripts", name="dagster")
    group: Any = vars(import_module(script.module))["cli"]
    assert isinstance(group, click.Group)
    return group


def dagster(environment: dict[str, str], *arguments: str) -> str:
    """`dagster ARGUMENTS` in this process; what it printed. It must end with 0."""
    before = dict(os.environ)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Dagster would like its users to have `dg`
            result = CliRunner().invoke(command(), list(arguments), env=environment, prog_name="dagster")
    finally:
        os.environ.clear()
        os.environ.update(before)
    assert result.exit_code == 0, f"dagster {' '.join(arguments)}\n{result.output[-4000:]}\n{result.exception!r}"
    return result.output


@contextmanager
def daemon(home: Path, environment: dict[str, str]) -> Iterator[Path]:
    """Code location and daemon as processes of their own; gives the workspace that names them."""
    port, workspace = free_port(), home / "served.yaml"
    workspace.write_text(
        f"load_from:\n  - grpc_server: {{host: {HOST}, port: {port}, location_name: rag_assets}}\n", encoding="utf-8"
    )
    location = (*MODULE, "--location-name", "rag_assets")
    running: list[subprocess.Popen[bytes]] = []
    try:
        with (home / "code.log").open("wb") as log:
            running.append(_start(environment, log, "dagster", "api", "grpc", "--port", str(port), *location))
        deadline = time.monotonic() + PATIENCE
        while not answers(port):
            assert running[0].poll() is None, (home / "code.log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.2)
        with (home / "daemon.log").open("wb") as log:
            running.append(_start(environment, log, "dagster-daemon", "run", "-w", str(workspace)))
        yield workspace
    finally:
        for process in reversed(running):
            os.killpg(process.pid, signal.SIGTERM)
        for process in running:
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:  # Dagster's own server, with its own ideas of when it has done its work
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _start(environment: dict[str, str], log: Any, *command: str) -> subprocess.Popen[bytes]:
    program = [str(BIN / command[0]), *command[1:]]
    return subprocess.Popen(program, env=environment, stdout=log, stderr=log, start_new_session=True)


def ended(instance: dg.DagsterInstance, job: str, known: Sequence[str] = ()) -> dg.DagsterRun:
    """The newest run of a job that is not among the known ones, when it has ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        runs = [run for run in instance.get_runs(dg.RunsFilter(job_name=job)) if run.run_id not in known]
        if runs and runs[0].status in ENDS:
            return runs[0]
        time.sleep(0.5)
    raise AssertionError(f"no run of {job} ended in {PATIENCE} seconds")
