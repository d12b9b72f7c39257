"""kill -9 at any moment: the next pass ends where a clean build ends, nothing twice, nothing lost."""

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.chain.days import Days
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import differences

KILLS = 50 if LONG else 5
PASS = """
import sys
from pathlib import Path
from tests.chain.harness import Project
import lancedb, great_expectations  # what loads slowly, before anything is worked on
project = Project(Path("."), checks=False)
project.file.write_text(Path("rag.before.yaml").read_text())
print("ready", flush=True)
sys.stdin.readline()
outcome = project.run(approve=True)
print("done", outcome.ok, flush=True)
"""
"""Warm up, say so, wait for a line, then one pass."""


def _pass(project: Project) -> subprocess.Popen[str]:
    (project.home / "rag.before.yaml").write_text(project.file.read_text(encoding="utf-8"), encoding="utf-8")
    process = project.start("-c", PASS, stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def _kill(process: subprocess.Popen[str], seconds: float) -> bool:
    """Kill the process and its workers after so long; False where it had ended before."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    process.communicate()
    return False


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_pass_is_finished_by_the_next_one(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    project = Project(tmp_path / "lived", checks=False, chunks={"max_tokens": 64, "min_tokens": 16})
    days = Days(project, 1_000 + seed)
    days.morning(10)
    if seed % 2:  # else the first pass of all is the one that dies
        project.good()
        for _ in range(6):
            days.act()
    start = time.monotonic()
    process = _pass(project)
    killed = _kill(process, rng.uniform(0.02, 2.5))
    days.done.append(f"killed {killed} after {time.monotonic() - start:.2f} s")
    if seed % 3 == 0:  # what people do in the meantime
        days.act()
    project.good(approve=True)
    lived = project.snapshot()
    assert differences(lived, project.clean(tmp_path / "clean")) == [], days.done
    assert project.good().runs == [], days.done
