"""Units that no code of ours can work on: found among the others, set aside with their error, tried again later."""

import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

Unit = TypeVar("Unit")
POISON = (
    ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError, RecursionError,
)  # fmt: skip
"""Errors of computing with what a unit holds. What fails around it (disk, catalog, model) fails the run."""
MOST_TRIES = 5
"""After so many tries a poisoned unit waits for `rag retry`, or for a change."""


def isolate(
    units: Sequence[Unit], work: Callable[[Sequence[Unit]], None], set_aside: Callable[[Unit, str], None]
) -> None:
    """Do work on units together; where one of them is poison, on the halves, until it stands alone and is set aside.

    `work` may be repeated: it commits at its end or not at all.
    """
    try:
        work(units)
    except POISON as error:
        if len(units) == 1:
            set_aside(units[0], shown(error))
            return
        middle = len(units) // 2
        isolate(units[:middle], work, set_aside)
        isolate(units[middle:], work, set_aside)


def shown(error: Exception) -> str:
    """What is kept of an error: its kind and place. Its message may hold text of the document."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return f"poison: {type(error).__name__}{place}; the document stays as it was indexed last. Report it."
