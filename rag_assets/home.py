"""The Dagster home: where runs are recorded, made at its first use."""

import fcntl
import os
import shutil
from pathlib import Path

import dagster as dg

from resources.settings import REPOSITORY, Settings

OPENED = ".opened"
"""In the home: that its storage was made."""


def ensure_home(settings: Settings) -> Path:
    """The folder, with the embedded default's dagster.yaml unless one is there; DAGSTER_HOME names it from now on."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(home)
    opened = home / OPENED
    if not opened.exists():
        # One process at a time: two that make Dagster's tables at once fail on each other's.
        with (home / f"{OPENED}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _make(home)
            opened.touch()
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    ensure_home(settings)
    return dg.DagsterInstance.get()


def _make(home: Path) -> None:
    config = home / "dagster.yaml"
    if not config.exists():
        shutil.copyfile(REPOSITORY / "dagster.yaml", config)
    dg.DagsterInstance.get().dispose()
