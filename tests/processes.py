"""What the system says of processes that a test started."""

from pathlib import Path


def state(folder: Path) -> str:
    """The letter for what the process or thread of a folder below /proc does: T is stopped, Z and X have ended."""
    try:
        return (folder / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def lives(pid: int) -> bool:
    """Whether the process still runs, stopped or not."""
    return state(Path(f"/proc/{pid}")) not in "ZX"
