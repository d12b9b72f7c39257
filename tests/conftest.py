"""What holds for all tests."""

import gc
import signal

from hypothesis import settings

settings.register_profile("untimed", deadline=None)  # a loaded machine is no fault of what is tested
settings.load_profile("untimed")


def pytest_sessionstart() -> None:
    """A collector that looks rarely, and a SIGINT that is not ignored."""
    # objects of the libraries are millions, and stay: they would be looked at again and again
    gc.set_threshold(50_000, 20, 100)
    # A shell ignores it for what it starts in the background. Dagster copies that to SIGTERM, servers inherit it.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
