"""kill -9 at any moment, also twice in a row: the next pass ends where a clean build ends, nothing twice or lost."""

import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.chain.days import Days
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import differences

KILLS = 50 if LONG else 5
MOST_WRITES = 260
"""About the writes of a pass that does everything: one transaction or commit is two, its begin and its end."""
PASS = """
import os, sys
from contextlib import contextmanager
from pathlib import Path
from resources import lance
from resources.catalog.database import Database
from resources.graph.neo4j_connection import Neo4jConnection
from resources.graph.sqlite import SqliteGraph
from resources.tables import Table
from tests.chain.harness import Project

lance.load()
left = int(sys.argv[1])

def point():
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), 9)

def deadly(owner, name):
    whole = getattr(owner, name)
    def write(*given, **named):
        point()
        found = whole(*given, **named)
        point()
        return found
    setattr(owner, name, write)

for verb in ("upsert_nodes", "upsert_edges", "delete_nodes", "delete_edges"):
    deadly(SqliteGraph, verb)
deadly(Neo4jConnection, "write")
for verb in ("_commit", "compact"):
    deadly(Table, verb)
begin = Database.begin

@contextmanager
def deadly_begin(self):
    with begin(self) as connection:
        yield connection
        point()
    point()

Database.begin = deadly_begin
project = Project(Path("."), checks=False)
print("ready", flush=True)
sys.stdin.readline()
project.run(approve=True)
"""
"""One pass that dies at its n-th write, before or after it, or, where n is 0, when it is killed from outside."""


def start_pass(project: Project, writes: int) -> subprocess.Popen[str]:
    settings = project.file.read_text(encoding="utf-8")
    process = project.start("-c", PASS, str(writes), stdin=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    project.file.write_text(settings, encoding="utf-8")
    process.stdin.write("go\n")
    process.stdin.flush()
    return process


def end_of(process: subprocess.Popen[str], seconds: float) -> int:
    """Wait for the end, or kill the process and its workers after so long; its exit code."""
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
    _, err = process.communicate()
    assert process.returncode in (0, -signal.SIGKILL), err
    return process.returncode


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_pass_that_was_killed_is_finished_by_the_next_one(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    project = Project(tmp_path / "lived", checks=False, chunks={"max_tokens": 64, "min_tokens": 16})
    days = Days(project, 1_000 + seed)
    days.morning(10)
    if seed % 2:  # else the first pass of all is the one that dies
        project.good()
        for _ in range(6):
            days.act()
    for _ in range(2 if LONG or seed == 1 else 1):  # the second may die while it mends what the first one left
        at_write = rng.random() < 0.7
        writes, seconds = (rng.randint(1, MOST_WRITES), 200.0) if at_write else (0, rng.uniform(0.0, 2.0))
        code = end_of(start_pass(project, writes), seconds)
        days.done.append(f"killed at write {writes} or after {seconds:.2f} s: {code}")
    if seed % 3 == 0:  # what people do in the meantime
        days.act()
    project.good(approve=True)
    lived = project.snapshot()
    assert differences(lived, project.clean(tmp_path / "clean")) == [], days.done
    assert project.good().runs == [], days.done
