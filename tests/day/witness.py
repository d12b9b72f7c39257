"""A witness of the index while it lives: every document that is whole and was not touched can be found all the time."""

import threading
from dataclasses import dataclass, field

from tests.chain.harness import Project


@dataclass(frozen=True, slots=True)
class Sight:
    """One look: documents that should be searched, that are, and what the change log still holds."""

    whole: frozenset[str]
    served: frozenset[str]
    waiting: bool


@dataclass(slots=True)
class Witness:
    """Looks again and again, from a thread of its own; `complaints` are what it saw and must not be."""

    project: Project
    complaints: list[str] = field(default_factory=list)
    looks: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Witness":
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join()

    def _watch(self) -> None:
        served: set[str] = set()
        gone: set[str] = set()
        broken: set[str] = set()
        while not self._stop.wait(1.0):
            before, after = self._look(), self._look()
            # what holds at both moments held between them, whatever a run wrote meanwhile
            whole, both = before.whole & after.whole, before.served | after.served
            broken |= served - after.whole
            lost = (served & whole) - both - broken
            self.complaints += [f"{document} was served, is whole, and is not served" for document in sorted(lost)]
            if not (before.waiting or after.waiting):
                missing = whole - both
                self.complaints += [f"{document} is whole, nothing waits, and it is not served" for document in missing]
                broken -= after.served
            self.complaints += [f"{document} was gone, and came back" for document in sorted(gone & after.served)]
            gone |= served - before.whole - before.served - after.served - after.whole - self._known()
            served |= after.served
            self.looks += 1

    def _look(self) -> Sight:
        with self.project.index() as index:
            live = {d.id for d in index.catalog.items.documents() if d.state == "live"}
            live -= index.catalog.items.hidden().keys()
            queues = any(stage in ("chunks", "embeddings") for stage, _ in index.catalog.queues.lengths())
            waiting = bool(index.catalog.items.waiting()) or queues
            rows = index.tables.documents.read(None, ("id", "status", "text")).to_pylist()
            whole = {r["id"] for r in rows if r["status"] == "ok" and r["text"].strip()}
            served = set(index.embeddings().read(None, ("document_id",))["document_id"].to_pylist())
        return Sight(frozenset(whole & live), frozenset(served), waiting)

    def _known(self) -> set[str]:
        with self.project.index() as index:
            return {d.id for d in index.catalog.items.documents()}
