"""What holds for all tests."""

import gc


def pytest_sessionstart() -> None:
    """Objects of the libraries are millions, and stay: the collector would look at them again and again."""
    gc.set_threshold(50_000, 20, 100)
