"""A real instance, a real folder, no model."""

from pathlib import Path

import dagster as dg
import pytest

from resources.index import Index
from resources.settings import load_settings
from tests.sensors.steps import SETTINGS, write


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "notes").mkdir()
    (tmp_path / "rag.yaml").write_text(SETTINGS, encoding="utf-8")
    text = "# Harbour Plan\n\nIngrid Solberg leads the Harbour Plan for Nordic Cargo in Bergen.\n"
    write(tmp_path, "harbour.md", text)
    return tmp_path


@pytest.fixture
def index(home):
    index = Index(load_settings(home / "rag.yaml"))
    yield index
    index.close()


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance
