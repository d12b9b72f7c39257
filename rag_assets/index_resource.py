"""The index as a Dagster resource: opened once a run, closed with it."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from resources.index import Index


class IndexResource(dg.ConfigurableResource["IndexResource"]):
    """Everything that a run talks to, by the settings file. Holds configuration only until a run begins."""

    settings_file: str
    _index: Index | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator["IndexResource", None, None]:
        self._index = Index.load(Path(self.settings_file))
        try:
            yield self
        finally:
            self._index.close()
            self._index = None

    @property
    def opened(self) -> Index:
        assert self._index is not None, "a run opens the index before its first step"
        return self._index
