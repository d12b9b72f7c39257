"""What every test of the sources needs."""

from pathlib import Path

import pytest

from resources.sources import throttle


@pytest.fixture(autouse=True)
def _no_pause_of_another_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake tenant may get the port of an earlier one, and must not wait as that one was told to."""
    monkeypatch.setattr(throttle, "_pauses", {})


@pytest.fixture
def tmp_path(disk_path: Path) -> Path:
    """Folders to watch stand on a disk, as they do where people work."""
    return disk_path
