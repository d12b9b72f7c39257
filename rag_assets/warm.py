"""Run processes as their launcher sees them: started, given a run, listened to; one is always kept ready."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing import Pipe
from typing import Any

from resources.catalog.processes import Process, boot_id, started
from resources.settings import REPOSITORY, find_settings

PACKAGES = ("knowledge", "resources", "rag_assets", "sensors")
MOST_BYTES = 4 << 30
"""A process that has ever held more is not given another run."""
MOST_STARTS = 3
"""Processes in a row that end before they are ready; after so many, none is started any more."""
Lost = Callable[[int], None]
"""Called with the exit code when a process is gone and the run that it was given has not ended."""
_log = logging.getLogger("dagster.rag_assets")


def loaded_state() -> tuple[Any, ...]:
    """Differs when a file changed that a process reads once: our code, the settings."""
    files = [f for package in PACKAGES for f in (REPOSITORY / package).rglob("*.py")]
    settings = find_settings().stat()
    return len(files), max(f.stat().st_mtime_ns for f in files), settings.st_ino, settings.st_mtime_ns, settings.st_size


class WarmProcess:
    """One process; `ended` is called once, when it is gone."""

    def __init__(self, ended: Callable[["WarmProcess"], None]) -> None:
        self.state, self.taken, self.idle, self.was_ready = loaded_state(), 0, False, False
        self._ended, self._lock = ended, threading.Lock()
        self._lost: Lost | None = None
        self._gone = False
        self._pipe, theirs = Pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "rag_assets.run_process", str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
        )
        theirs.close()
        self.identity = asdict(Process(boot_id(), self._process.pid, started(self._process.pid)))
        threading.Thread(target=self._listen, name="run-process", daemon=True).start()

    def execute(self, run: Any, lost: Lost) -> bool:
        """Give it a run, in the form of `dagster api execute_run`; False where it is gone."""
        from dagster_shared.serdes import serialize_value

        origin = json.loads(serialize_value(run.job_code_origin))
        named = {"pipeline_origin": origin, "pipeline_run_id": run.run_id, "instance_ref": None}
        self.taken += 1
        return self._send(json.dumps({"__class__": "ExecuteRunArgs", **named}), lost)

    def release(self) -> None:
        """No more runs: it ends when it has nothing to do."""
        self.idle = False
        self._send(None)

    def _send(self, what: str | None, lost: Lost | None = None) -> bool:
        with self._lock:
            if self._gone:
                return False
            try:
                self._pipe.send(what)
            except OSError:
                return False
            self._lost = lost or self._lost
            return True

    def _listen(self) -> None:
        while True:
            try:
                held: int = self._pipe.recv()
            except (EOFError, OSError):
                break
            with self._lock:
                self._lost = None
            self.was_ready = True
            if held > MOST_BYTES:
                self.release()
            else:
                self.idle = True
        with self._lock:
            self._gone, self.idle = True, False
            self._pipe.close()
        code = self._process.wait()
        self._ended(self)
        if self._lost is not None:
            self._lost(code)


class WarmPool:
    """At most so many processes, each for so many runs; one more than is needed now waits, where it may."""

    def __init__(self, most: int = 2, runs: int = 200) -> None:
        self.most, self.runs = most, runs
        self._all: list[WarmProcess] = []
        self._failed, self._closed, self._lock = 0, False, threading.RLock()

    def open(self) -> None:
        """Have one from now on."""
        self._closed = False
        self.fill()

    def fill(self) -> None:
        """Start a process where none waits or is about to."""
        with self._lock:
            waits = any(p.idle or not p.was_ready for p in self._all)
            if not waits and not self._closed and len(self._all) < self.most and self._failed < MOST_STARTS:
                self._all.append(WarmProcess(self._ended))

    def take(self) -> WarmProcess | None:
        """One that waits for a run and holds what a new one would load."""
        with self._lock:
            for process in [p for p in self._all if p.idle]:
                if process.taken >= self.runs or process.state != loaded_state():
                    self._all.remove(process)
                    process.release()
                else:
                    process.idle = False
                    return process
        return None

    def close(self) -> None:
        """Let all go: an idle one ends at once, a busy one after its run."""
        with self._lock:
            self._closed = True
            for process in self._all:
                process.release()

    def _ended(self, process: WarmProcess) -> None:
        with self._lock:
            if process in self._all:
                self._all.remove(process)
            self._failed = 0 if process.was_ready else self._failed + 1
        if self._failed == MOST_STARTS:
            _log.warning("Run processes end before they are ready; the code location starts the runs instead.")
        self.fill()


POOL = WarmPool()
"""Of this process: the daemon's, or nobody's."""
