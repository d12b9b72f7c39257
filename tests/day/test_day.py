"""A day in production: code server, daemon and sensors work, people work, and kill -9 comes at any moment."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.chain.days import Days
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import differences
from tests.day.production import Production, wait_until
from tests.day.witness import Witness

CHANGES, KILLS = (300, 50) if LONG else (12, 3)
VICTIMS = ("run", "code", "daemon")
SETTINGS = {
    "chunks": {"max_tokens": 64, "min_tokens": 16},
    "changes": {"tick_seconds": 1, "debounce_seconds": 2, "most_late_seconds": 20},
}


def kill(production: Production, victim: str, rng: random.Random) -> str:
    """kill -9 of a run in its work, of the code server or of the daemon; the last two are started again."""
    if victim == "run":
        deadline = time.monotonic() + 60
        while (pid := production.run_process()) is None and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(rng.uniform(0, 1.0))
        if pid is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return f"killed the run in process {pid}"
    time.sleep(rng.uniform(0, 4.0))
    production.kill(victim)
    time.sleep(rng.uniform(0, 2.0))
    production.start(victim)
    return f"killed the {victim}"


@pytest.mark.timeout(7_200 if LONG else 600)
def test_whatever_is_killed_the_day_ends_with_the_index_of_a_clean_build(tmp_path: Path) -> None:
    rng = random.Random(7)
    project = Project(tmp_path / "lived", checks=False, **SETTINGS)
    days = Days(project, 7)
    days.morning(10)
    with Production(project) as production, Witness(project) as witness:
        for n in range(KILLS):
            for _ in range(CHANGES // KILLS):
                days.act()
                time.sleep(rng.uniform(0, 0.5))
            days.done.append(kill(production, VICTIMS[n % 3] if n < 3 else rng.choice(VICTIMS), rng))

        def done() -> bool:
            with project.index() as index:
                index.catalog.items.approve_deletes("docs")
            return production.at_rest() and sorted(seen(project)) == project.names()

        wait_until(done, "rest", 600)
        days.done.append(production.log())
        lived = project.snapshot()
    assert witness.complaints == [], days.done
    assert witness.looks > 3
    assert differences(lived, project.clean(tmp_path / "clean")) == [], days.done


def seen(project: Project) -> list[str]:
    """The paths that the index holds."""
    with project.index() as index:
        return [row["path"] for row in index.tables.documents.read(None, ("path",)).to_pylist()]
