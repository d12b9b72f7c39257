"""LanceDB's own event loop: where its asynchronous interface is called from code that is not."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work on LanceDB's own loop; a caller may itself stand in a loop."""
    from lancedb.background_loop import LOOP

    result: T = LOOP.run(work)
    return result


def begin(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Start work on that loop and go on; `result()` of what is returned waits for it."""
    from lancedb.background_loop import LOOP

    return asyncio.run_coroutine_threadsafe(work, LOOP.loop)
