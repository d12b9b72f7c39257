"""One worker process as its parent sees it: started, given a file, listened to, killed."""

import json
import os
import re
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from resources.errors import RagError
from resources.parser.outcome import Draft, ParseLimits, Rejected

START_SECONDS = 120.0
_OUT_OF_MEMORY = re.compile(rb"memory allocation of \d+ bytes failed|MemoryError|std::bad_alloc|out of memory", re.I)
_SERVE = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from resources.parser.worker import serve; serve(sys.argv[2])"
)
# One thread and one arena each: the worker parses one file at a time, and address space is what is limited.
_ENVIRONMENT = {"MALLOC_ARENA_MAX": "2", "RAYON_NUM_THREADS": "1", "TOKIO_WORKER_THREADS": "1", "RUST_BACKTRACE": "0"}


class Job(NamedTuple):
    """A file to read: the caller's key for it, where it lies, and its name."""

    key: str
    path: Path
    name: str


class WorkerProcess:
    """A running worker. `busy` is the file it works on, None while it waits."""

    def __init__(self, limits: ParseLimits) -> None:
        """Start the process and wait until it can parse. Raises RagError where it does not start."""
        self._limits = limits
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed by kill()
        command = [sys.executable, "-c", _SERVE, json.dumps(sys.path), json.dumps(asdict(limits))]
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            bufsize=0,
            env={**os.environ, **_ENVIRONMENT},
        )
        self._received = bytearray()
        self._deadline = time.monotonic() + START_SECONDS
        self._taken = 0
        self._worn = False
        self.busy: Job | None = None
        ready = self._wait_until_ready()
        if not ready:
            code = self._process.poll()
            self.kill()
            raise RagError(
                f"the parser process does not start (exit code {code}); check that kreuzberg can be imported."
            )

    @property
    def worn(self) -> bool:
        """Whether it has read so many files, or keeps so much memory, that a fresh one should take over."""
        return self._worn or self._taken >= self._limits.recycle_after

    @property
    def fresh(self) -> bool:
        """Whether it has been given no more than one file."""
        return self._taken <= 1

    @property
    def pid(self) -> int:
        return self._process.pid

    def fileno(self) -> int:
        """The descriptor to select on: readable when a part of an answer, or the end, is there."""
        assert self._process.stdout is not None
        return self._process.stdout.fileno()

    def seconds_left(self) -> float:
        """Until the file it works on has had its time; never negative."""
        return max(0.0, self._deadline - time.monotonic())

    def give(self, job: Job) -> None:
        """Let it read a file; the clock starts."""
        assert self._process.stdin is not None
        body = json.dumps({"path": str(job.path), "name": job.name}).encode("ascii")
        self.busy = job
        self._taken += 1
        self._deadline = time.monotonic() + self._limits.wall_seconds
        try:
            self._process.stdin.write(len(body).to_bytes(8, "big") + body)
        except BrokenPipeError:
            return  # it died while it waited: listening to it will tell

    def listen(self) -> Draft | Rejected | None:
        """What it has said so far: an answer, or None while there is more to come. A dead one is a Rejected."""
        message = self._next_message()
        if message is None:
            return None
        if "dead" in message:
            return self._cause_of_death()
        self._worn = message["size"] > self._limits.memory_bytes // 2
        if "draft" in message:
            draft = message["draft"]
            return Draft(**{**draft, "pages": tuple(draft["pages"])})
        rejected = Rejected(**message["rejected"])
        return self._too_much_memory() if rejected.reason == "memory" else rejected

    def kill(self) -> None:
        """End it at once and free what it held."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._stderr):
            if pipe is not None:
                pipe.close()

    def _wait_until_ready(self) -> bool:
        with selectors.DefaultSelector() as selector:
            selector.register(self, selectors.EVENT_READ)
            while selector.select(self.seconds_left()):
                message = self._next_message()
                if message is not None:
                    return "ready" in message
        return False

    def _next_message(self) -> dict[str, Any] | None:
        piece = os.read(self.fileno(), 1 << 20)
        self._received += piece
        if len(self._received) >= 8:
            end = 8 + int.from_bytes(self._received[:8], "big")
            if len(self._received) >= end:
                message: dict[str, Any] = json.loads(self._received[8:end])
                del self._received[:end]
                return message
        return None if piece else {"dead": True}

    def _cause_of_death(self) -> Rejected:
        _, status, usage = os.wait4(self._process.pid, 0)
        code = self._process.returncode = os.waitstatus_to_exitcode(status)
        # pdfium aborts without a word when it gets no more memory
        starved = code == -signal.SIGABRT and usage.ru_maxrss * 1024 > self._limits.memory_bytes // 2
        if starved or _OUT_OF_MEMORY.search(self._last_words()):
            return self._too_much_memory()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return Rejected("crashed", f"crashed: the parser ended while it read this file ({how})")

    def _last_words(self) -> bytes:
        self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, self._stderr.tell() - 65_536))
        return self._stderr.read()

    def _too_much_memory(self) -> Rejected:
        mega = self._limits.memory_bytes // 1024**2
        return Rejected("memory", f"memory: reading it takes more than the {mega} MiB that one file may take")
