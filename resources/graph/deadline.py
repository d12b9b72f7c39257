"""Work that must be answered in time, whatever it waits for.

Belongs here: a thread that may be left behind. Does not: what is done with a late answer.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from resources.errors import GraphError, GraphUnavailable

T = TypeVar("T")


def within(seconds: float, work: Callable[[], T], what: str) -> T:
    """What `work` returns or raises; GraphUnavailable where it takes longer, and its thread is left to itself."""
    done, failed = together({what: work}, seconds)
    if what in failed:
        raise failed[what]
    return done[what]


def together(
    works: Mapping[str, Callable[[], T]], seconds: float | None = None
) -> tuple[dict[str, T], dict[str, GraphError]]:
    """All works at once: what they returned, and the graph's errors of those that failed or took longer.

    Any other exception is raised again here.
    """
    outcomes: dict[str, Any] = {}
    raised: dict[str, BaseException] = {}
    finished = threading.Semaphore(0)

    def run(name: str, work: Callable[[], T]) -> None:
        try:
            outcomes[name] = work()
        except BaseException as error:  # noqa: BLE001 handed to the caller's thread below
            raised[name] = error
        finally:
            finished.release()

    threads = [threading.Thread(target=run, args=item, name=f"graph {item[0]}", daemon=True) for item in works.items()]
    for thread in threads:
        thread.start()
    deadline = None if seconds is None else time.monotonic() + seconds
    for _ in threads:
        if not finished.acquire(timeout=None if deadline is None else max(0.0, deadline - time.monotonic())):
            break
    done, errors = dict(outcomes), dict(raised)
    for error in errors.values():
        if not isinstance(error, GraphError):
            raise error
    failed = {name: error for name, error in errors.items() if isinstance(error, GraphError)}
    for name in works.keys() - done.keys() - failed.keys():
        failed[name] = GraphUnavailable(f"the graph store {name} did not answer within {seconds:.1f} seconds.")
    return done, failed
