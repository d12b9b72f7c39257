"""The Dagster home: where runs are recorded, made at its first use."""

import os
import shutil
from pathlib import Path

import dagster as dg

from resources.settings import REPOSITORY, Settings


def ensure_home(settings: Settings) -> Path:
    """The folder, with the embedded default's dagster.yaml unless one is there; DAGSTER_HOME names it from now on."""
    home = settings.dagster_home.resolve()
    home.mkdir(parents=True, exist_ok=True)
    config = home / "dagster.yaml"
    if not config.exists():
        shutil.copyfile(REPOSITORY / "dagster.yaml", config)
    os.environ["DAGSTER_HOME"] = str(home)
    return home


def open_instance(settings: Settings) -> dg.DagsterInstance:
    ensure_home(settings)
    return dg.DagsterInstance.get()
