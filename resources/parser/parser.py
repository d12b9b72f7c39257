"""Files to text: text in this process, everything else in worker processes that may be killed."""

import os
import selectors
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from stat import S_ISREG
from types import TracebackType
from typing import Self

from resources.parser.extract import finished, inline_kind, read_inline
from resources.parser.kinds import HEAD_BYTES
from resources.parser.outcome import Draft, Parsed, ParseLimits, RefusalError, Rejected
from resources.parser.process import Job, WorkerProcess

VERSION = "1"
Outcome = Parsed | Rejected


@cache
def identity() -> str:
    """What the text of a document depends on beside its bytes; part of fingerprints."""
    return f"parser {VERSION}, kreuzberg {version('kreuzberg')}"


class Parser:
    """Reads files within limits; a context manager, whose end kills its workers.

    Workers start when the first file needs one. A file that hangs, crashes or eats memory is rejected alone: its
    worker is replaced and the next file goes on. Not for use by two threads at once.
    """

    def __init__(self, limits: ParseLimits | None = None) -> None:
        self.limits = limits or ParseLimits()
        self._workers: list[WorkerProcess] = []

    def __repr__(self) -> str:
        return f"Parser({self.limits})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def identity(self) -> str:
        """What the text of a document depends on beside its bytes; part of fingerprints."""
        return identity()

    @property
    def worker_pids(self) -> tuple[int, ...]:
        """The processes that run now."""
        return tuple(worker.pid for worker in self._workers)

    def close(self) -> None:
        """Kill the workers; the parser can be used again and starts new ones."""
        while self._workers:
            self._workers.pop().kill()

    def parse(self, path: Path, name: str) -> Outcome:
        """The text of one file or why there is none. `name` is for show; its ending decides among kinds of text."""
        ((_, outcome),) = self.parse_many([("", path, name)])
        return outcome

    def parse_many(self, files: Iterable[tuple[str, Path, str]]) -> Iterator[tuple[str, Outcome]]:
        """(key, outcome) of each (key, path, name), lazily and in any order; at most `limits.workers` files ahead.

        Raises RagError where no worker starts.
        """
        try:
            for job in map(Job._make, files):
                outcome = self._at_once(job)
                if outcome is not None:
                    yield job.key, outcome
                    continue
                while not (worker := self._free_worker()):
                    yield from self._wait()
                worker.give(job)
            while any(w.busy for w in self._workers):
                yield from self._wait()
        finally:
            for worker in [w for w in self._workers if w.busy]:
                self._drop(worker)

    def _at_once(self, job: Job) -> Outcome | None:
        """The outcome where it needs no worker."""
        try:
            data = self._text_bytes(job)
            draft = data and read_inline(*data)
            return finished(draft, self.limits) if draft else None
        except RefusalError as refusal:
            return refusal.rejected
        except OSError as error:
            return Rejected("unopened", f"unopened: {error.strerror or type(error).__name__}")

    def _text_bytes(self, job: Job) -> tuple[bytes, str] | None:
        """The bytes of a file that is read without a worker, and its kind; None for all others."""
        facts = os.stat(job.path)
        if not S_ISREG(facts.st_mode):
            raise RefusalError("unopened", "it is not a regular file")
        if facts.st_size > self.limits.max_bytes:
            raise RefusalError("too_large", f"the file has {facts.st_size} bytes; {self.limits.max_bytes} are allowed")
        with open(job.path, "rb") as file:
            head = file.read(HEAD_BYTES)
            if not head:
                raise RefusalError("empty", "the file has no bytes")
            kind = inline_kind(head, facts.st_size, job.name)
            return (head + file.read(), kind) if kind else None

    def _free_worker(self) -> WorkerProcess | None:
        """A worker that waits, started if fewer run than may; None while all are busy."""
        for worker in self._workers:
            if worker.busy is None:
                return worker
        if len(self._workers) >= self.limits.workers:
            return None
        self._workers.append(WorkerProcess(self.limits))
        return self._workers[-1]

    def _wait(self) -> Iterator[tuple[str, Outcome]]:
        """Wait until a busy worker has said something, or its time is over; what came of its file, if that is sure."""
        busy = [w for w in self._workers if w.busy]
        with selectors.DefaultSelector() as selector:
            for worker in busy:
                selector.register(worker, selectors.EVENT_READ, worker)
            ready = selector.select(min(w.seconds_left() for w in busy))
        late = Rejected("timeout", f"timeout: reading it takes more than {self.limits.wall_seconds:g} s")
        for worker in [entry.data for entry, _ in ready] or [w for w in busy if not w.seconds_left()]:
            answer = worker.listen() if ready else late
            if answer is not None:
                yield from self._settle(worker, answer)

    def _settle(self, worker: WorkerProcess, answer: Draft | Rejected) -> Iterator[tuple[str, Outcome]]:
        job, worker.busy = worker.busy, None
        assert job is not None
        reason = answer.reason if isinstance(answer, Rejected) else ""
        if worker.worn or reason in ("timeout", "crashed", "memory"):
            self._drop(worker)
        if reason in ("crashed", "memory") and not worker.fresh:
            # what earlier files left behind may be to blame: a new worker decides
            again = WorkerProcess(self.limits)
            self._workers.append(again)
            again.give(job)
        elif isinstance(answer, Rejected):
            yield job.key, answer
        else:
            try:
                yield job.key, finished(answer, self.limits)
            except RefusalError as refusal:
                yield job.key, refusal.rejected

    def _drop(self, worker: WorkerProcess) -> None:
        self._workers.remove(worker)
        worker.kill()
