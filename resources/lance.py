"""LanceDB: how it is imported, and its own event loop, where code that is not asynchronous calls what is."""

import asyncio
import sys
from collections.abc import Coroutine
from concurrent.futures import Future
from importlib.util import find_spec, module_from_spec
from typing import Any, TypeVar

T = TypeVar("T")
REST_CLIENT = "lance_namespace_urllib3_client"


def load() -> Any:
    """The library. It takes some data classes from the package of a REST client, two fifths of the import's time.

    pydantic builds a validator for each of hundreds of calls there, in every process. So what that package's __init__
    imports is put off until somebody asks for it.
    """
    if REST_CLIENT not in sys.modules:
        _put_off(REST_CLIENT)
    import lancedb

    return lancedb


def _put_off(name: str) -> None:
    """Have a package whose submodules can be imported, and whose __init__ runs when something of its own is asked."""
    spec = find_spec(name)
    if spec is None or (loader := spec.loader) is None:
        return
    sys.modules[name] = package = module_from_spec(spec)

    def first(attribute: str) -> Any:
        if attribute.startswith("__"):
            raise AttributeError(attribute)
        del package.__dict__["__getattr__"]
        loader.exec_module(package)
        return getattr(package, attribute)

    package.__dict__["__getattr__"] = first


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
