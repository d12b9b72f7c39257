"""LanceDB's own event loop: where its asynchronous interface is called from code that is not."""

from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work on LanceDB's own loop; a caller may itself stand in a loop."""
    from lancedb.background_loop import LOOP

    result: T = LOOP.run(work)
    return result
