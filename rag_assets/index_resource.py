"""The index as a Dagster resource: opened once a run, closed with it, with a lease that says that the run is alive."""

import gc
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from resources.index import Index


def run_holder(run_id: str) -> str:
    """Who holds the leases of a run."""
    return f"run {run_id}"


def run_lease(run_id: str) -> str:
    """The lease that a run's process holds for as long as it works: where its holder is dead, so is the run."""
    return f"run:{run_id}"


@contextmanager
def _rare_collections() -> Generator[None, None, None]:
    """A run makes rows by the million, which live long or need no collector: at its usual pace it would look at all
    objects of the libraries again and again, a seventh of the time of a first run."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


class IndexResource(dg.ConfigurableResource["IndexResource"]):
    """Everything that a run talks to, by the settings file. Holds configuration only until a run begins."""

    settings_file: str
    _index: Index | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator["IndexResource", None, None]:
        self._index = Index.load(Path(self.settings_file))
        try:
            with _rare_collections(), self._alive(context.run_id):
                yield self
        finally:
            self._index.close()
            self._index = None

    def _alive(self, run_id: str | None) -> AbstractContextManager[None]:
        if run_id is None or self._index is None:
            return nullcontext()
        return self._index.catalog.leases.hold([run_lease(run_id)], run_holder(run_id))

    @property
    def opened(self) -> Index:
        assert self._index is not None, "a run opens the index before its first step"
        return self._index
