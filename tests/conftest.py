"""What holds for all tests."""

import gc
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

MEMORY = Path("/dev/shm")
ROOM = 12 << 30
"""Free bytes from which the tests write there: far more than they need."""

if "TMPDIR" not in os.environ and MEMORY.is_dir() and shutil.disk_usage(MEMORY).free >= ROOM:
    # a database waits for the disk at each commit, and what a test leaves need not survive a power cut
    os.environ["TMPDIR"], tempfile.tempdir = str(MEMORY), None
settings.register_profile("untimed", deadline=None)  # a loaded machine is no fault of what is tested
settings.load_profile("untimed")


def pytest_sessionstart() -> None:
    """A collector that looks rarely, and a SIGINT that is not ignored."""
    # objects of the libraries are millions, and stay: they would be looked at again and again
    gc.set_threshold(50_000, 20, 100)
    # A shell ignores it for what it starts in the background. Dagster copies that to SIGTERM, servers inherit it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


SPREAD = tuple(
    f"tests/chain/test_chain_{name}.py" for name in ("random", "kill", "beside", "trouble", "backlog", "settings")
)
"""Files of long tests that share nothing."""
NEO4J = "the tests of the Neo4j servers"
FETCHING = 600
"""Seconds for one of these, where others have pyproject's: the first of them may have to fetch the server."""


def _scope(nodeid: str) -> str:
    """What one worker runs: a file, whose fixtures are then made once; all tests of the Neo4j servers; a long test."""
    file = nodeid.split("::")[0]
    if file.startswith("tests/graph/") and "neo4j" in nodeid:
        return NEO4J
    return nodeid if file in SPREAD else file


class Scheduling(LoadScopeScheduling):  # type: ignore[misc]
    """xdist's groups do not reach its scheduler with this pytest: they are appended to an id that is read no more."""

    def _split_scope(self, nodeid: str) -> str:
        return _scope(nodeid)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest scopes first: none of them is begun when all else is done. Neo4j's tests may wait for its jars."""
    for item in items:
        if _scope(item.nodeid) == NEO4J:
            item.add_marker(pytest.mark.timeout(FETCHING))
    ranks = [NEO4J, "tests/day/test_day.py", "tests/day/test_make_ui.py", "tests/house/test_cli.py"]
    items.sort(key=lambda item: ranks.index(s) if (s := _scope(item.nodeid)) in ranks else len(ranks))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    """What is given to which worker, in our order and not by the number of tests."""
    config.option.loadscopereorder = False
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def disk() -> Iterator[Path]:
    """A folder on a disk, gone when all tests are through."""
    with tempfile.TemporaryDirectory(prefix="rag-test-", dir="/var/tmp") as folder:
        yield Path(folder)


@pytest.fixture
def disk_path(disk: Path) -> Path:
    """A folder of the test's own on a disk, where a new file may get the inode of one that was deleted."""
    return Path(tempfile.mkdtemp(dir=disk))
