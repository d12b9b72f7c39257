"""LanceDB: how it is imported, and its own event loop, where code that is not asynchronous calls what is."""

import asyncio
from collections.abc import Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from resources.late import put_off

T = TypeVar("T")
REST_CLIENT = "lance_namespace_urllib3_client"


def load() -> Any:
    """The library. It takes some data classes from the package of a REST client, two fifths of the import's time.

    pydantic builds a validator for each of hundreds of calls there, in every process. So what that package's __init__
    imports is put off until somebody asks for it.
    """
    put_off(REST_CLIENT)
    import lancedb

    return lancedb


def run(work: Coroutine[Any, Any, T]) -> T:
    """Wait for work on LanceDB's own loop; a caller may itself stand in a loop."""
    result: T = _loop().run(work)
    return result


def begin(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Start work on that loop and go on; `result()` of what is returned waits for it."""
    return asyncio.run_coroutine_threadsafe(work, _loop().loop)


def _loop() -> Any:
    load()
    from lancedb.background_loop import LOOP

    return LOOP
