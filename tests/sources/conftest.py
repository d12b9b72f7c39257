"""What every test of the sources needs."""

import pytest

from resources.sources import throttle


@pytest.fixture(autouse=True)
def _no_pause_of_another_tenant(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fake tenant may get the port of an earlier one, and must not wait as that one was told to."""
    monkeypatch.setattr(throttle, "_pauses", {})
