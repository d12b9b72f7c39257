"""Processes of this machine: told apart over restarts of the machine and over pids that are given again."""

import os
from dataclasses import dataclass
from pathlib import Path

_BOOT = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it is recorded: `started` in clock ticks since boot, "" where the system does not say."""

    boot_id: str
    pid: int
    started: str

    @classmethod
    def own(cls) -> "Process":
        return cls(boot_id(), os.getpid(), started(os.getpid()))

    @property
    def lives(self) -> bool:
        """Whether this very process still runs on this machine; one that waits to be reaped does not."""
        if self.boot_id != boot_id():
            return False
        if self.started:
            return self.started == started(self.pid)
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            return True
        return True


def boot_id() -> str:
    """Changes with every start of the machine."""
    return _BOOT.read_text(encoding="ascii").strip() if _BOOT.exists() else "unknown"


def started(pid: int) -> str:
    """When a process started (proc(5), field 22 of stat); "" where none of this pid runs, or there is no /proc."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
    state, *rest = stat.rpartition(")")[2].split()
    return "" if state in "ZX" else rest[18]
