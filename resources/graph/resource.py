"""The graph store as a Dagster resource, for assets that ask it themselves.

Belongs here: its life in a run. Does not: what it is (base.py), which one the settings name (resources/index.py).
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from pydantic import PrivateAttr

from resources.graph.base import GraphStore
from resources.index import Index


class GraphResource(dg.ConfigurableResource["GraphResource"]):
    """The graph store of the settings file. Holds configuration only until a run begins.

    The driver of a server is opened in the process that runs the step, shared there with everything else that asks the
    same database, and closed when the last of them ends.
    """

    settings_file: str
    _index: Index | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Generator["GraphResource", None, None]:
        self._index = Index.load(Path(self.settings_file))
        try:
            yield self
        finally:
            self._index.close()
            self._index = None

    @property
    def store(self) -> GraphStore:
        """Connected when it is first asked."""
        assert self._index is not None, "a run opens the graph store before its first step"
        return self._index.graph
