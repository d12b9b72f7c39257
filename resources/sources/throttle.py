"""When a tenant asks to wait, everything that talks to it waits."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime

LONGEST_WAIT = 600.0
"""Seconds; a longer Retry-After is cut to it, and asked again."""


@dataclass(slots=True)
class Pause:
    """The moment before which nobody may call a tenant, shared by all who do."""

    until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def ask(self, seconds: float, now: float) -> None:
        """Everyone waits at least this long."""
        with self.lock:
            self.until = max(self.until, now + seconds)

    def remaining(self, now: float) -> float:
        return max(self.until - now, 0.0)


_pauses: dict[str, Pause] = {}
_lock = threading.Lock()


def pause_of(tenant: str) -> Pause:
    """The one pause of a tenant in this process."""
    with _lock:
        return _pauses.setdefault(tenant, Pause())


def retry_after(header: str | None, attempt: int, clock: Callable[[], float] = time.time) -> float:
    """Seconds to wait: what the answer says (seconds or a date), else 1, 2, 4, … 60 by attempt."""
    said = (header or "").strip()
    if said.isdecimal():
        return min(float(said), LONGEST_WAIT)
    try:
        return min(max(parsedate_to_datetime(said).timestamp() - clock(), 0.0), LONGEST_WAIT)
    except (ValueError, TypeError, OverflowError):
        return float(min(2**attempt, 60))  # it said nothing that can be understood
