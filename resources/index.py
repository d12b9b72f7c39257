"""The index as one object: settings, and every part that a run talks to, opened when it is first used."""

import json
import os
from functools import cached_property
from pathlib import Path

from knowledge.chunking import ChunkLimits
from knowledge.fingerprint import fingerprint
from resources.catalog import Catalog
from resources.embedder import Embedder, best_dtype, embedder_for
from resources.extractor import Extractor, extractor_for
from resources.graph import GraphStore, open_graph, open_neo4j
from resources.graph.settings import neo4j_servers
from resources.ownership import claim
from resources.parser import ParseLimits, Parser
from resources.settings import Settings, load_settings
from resources.sources.base import Source
from resources.sources.registry import open_source
from resources.tables import Table, Tables

_EMBEDDERS: dict[tuple[str, str, int], Embedder] = {}
_EXTRACTORS: dict[str, Extractor] = {}
# Both kept for the life of the process: a run is over in seconds, loading a model takes as long.


class Index:
    """One index. Cheap to make; a part that is not used is neither opened nor imported."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @classmethod
    def load(cls, file: Path | None = None) -> "Index":
        return cls(load_settings(file))

    @cached_property
    def catalog(self) -> Catalog:
        """Opened and bound: raises IndexRefused where the index was made with other shard counts."""
        catalog = Catalog(self.settings.catalog_url)
        facts: dict[str, object] = {"graph.shards": self.settings.graph.shards}
        facts |= {f"sources.{name}.shards": source.shards for name, source in self.settings.sources.items()}
        catalog.bind(facts)
        return catalog

    @cached_property
    def tables(self) -> Tables:
        uri = self.settings.index_uri
        return Tables(uri, self.settings.local / "locks", lambda database: claim(database, uri, self.catalog))

    @cached_property
    def graph(self) -> GraphStore:
        if self.settings.graph.store == "neo4j":
            return open_neo4j(neo4j_servers(self.settings))
        return open_graph(self.settings.local / "graph.db")

    @property
    def graph_place(self) -> str:
        """Names the graph store and what is copied to it; another place is filled from the tables."""
        chosen = self.settings.graph
        place = "sqlite"
        if chosen.store == "neo4j":
            place = "neo4j " + " ".join(f"{s.uri}/{s.database}*{s.capacity:g}" for s in neo4j_servers(self.settings))
        return f"{place} with texts" if chosen.texts else place

    @property
    def report_concurrency(self) -> int:
        """How many batches of communities are read at once: what the servers' pool allows; of our own file one, for
        it is read by Python itself, and threads would only wait for each other."""
        if self.settings.graph.store == "neo4j":
            return neo4j_servers(self.settings)[0].limits.max_concurrency
        return 1

    @cached_property
    def embedder(self) -> Embedder:
        """The model of the settings. `dtype: auto` is resolved once, when the index is made."""
        chosen = self.settings.embeddings
        dtype: str = chosen.dtype
        if dtype == "auto":
            dtype = self.catalog.get("embeddings.dtype") or ""
            if not dtype:
                dtype = best_dtype()
                self.catalog.put("embeddings.dtype", dtype)
        key = (f"{self.settings.folder}:{chosen.model}", dtype, chosen.batch_size)
        if key not in _EMBEDDERS:
            _EMBEDDERS[key] = embedder_for(chosen, self.settings.folder, dtype)
        return _EMBEDDERS[key]

    @cached_property
    def extractor(self) -> Extractor:
        method = self.settings.extraction.method
        if method not in _EXTRACTORS:
            _EXTRACTORS[method] = extractor_for(method)
        return _EXTRACTORS[method]

    def parser(self) -> Parser:
        """A parser of its own for each use: it is closed with its worker processes."""
        limits = self.settings.parsing
        return Parser(
            ParseLimits(max_bytes=limits.max_bytes, wall_seconds=limits.wall_seconds, memory_bytes=limits.memory_bytes)
        )

    @property
    def chunk_limits(self) -> ChunkLimits:
        return ChunkLimits(self.settings.chunks.max_tokens, self.settings.chunks.min_tokens)

    def source(self, name: str) -> Source:
        return open_source(name, self.settings)

    @property
    def model_key(self) -> str:
        """Names the tables that hold vectors of the settings' model."""
        return fingerprint(self.embedder.identity)[:12]

    def embeddings(self) -> Table:
        """The table that the settings' model fills; it serves once it is complete."""
        return self.tables.embeddings(self.model_key, self.embedder.dimension)

    def reports(self) -> Table:
        return self.tables.reports(self.model_key, self.embedder.dimension)

    def unserved_tables(self) -> list[str]:
        """Tables of models that neither serve nor are being filled."""
        live = json.loads(self.catalog.get("live_embeddings") or "{}").get("key", self.model_key)
        kept = {f"{kind}_{key}" for kind in ("embeddings", "community_reports") for key in (live, self.model_key)}
        named = [n for n in self.tables.names() if n.startswith(("embeddings_", "community_reports_"))]
        return [name for name in named if name not in kept]

    def close(self) -> None:
        for part in ("graph", "catalog"):
            if part in self.__dict__:
                self.__dict__.pop(part).close()
        self.__dict__.pop("tables", None)


def prepare_environment() -> None:
    """Offline and silent: no library that we load asks a hub or reports home."""
    for name, value in {
        "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false",
        "GX_ANALYTICS_ENABLED": "false", "DAGSTER_DISABLE_TELEMETRY": "yes", "RUST_LOG": "error",
    }.items():  # fmt: skip
        os.environ.setdefault(name, value)
