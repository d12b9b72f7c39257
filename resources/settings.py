"""The settings: one typed object, read from rag.yaml and the environment, refused at load with key, value and place."""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from resources.errors import SettingsError
from resources.settings_file import Misfit, SettingsFile

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
PRINCIPAL = re.compile(r"everyone|organization|(user|group):\S+")
MODEL_TOKENS = {"all-MiniLM-L6-v2": 256, "hashing": 512}
"""Most tokens each packaged embedding model reads; a folder in the form of sentence-transformers says its own."""
CONCURRENCY = "COMMUNITY_REPORT_MAX_CONCURRENCY"
"""The environment variable that wins over reports.max_concurrency."""
CATALOGS = ("sqlite", "sqlite+pysqlite", "postgresql", "postgresql+psycopg2")

Classification = Literal["public", "internal", "confidential", "restricted"]


class Part(BaseModel):
    """A part of the settings: immutable, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class FromEnvironment(Part):
    """A value `{env: NAME}` whose variable is not set; refused when the part that needs it is used."""

    env: str


Value = str | FromEnvironment


class SourceSettings(Part):
    shards: int = Field(1, ge=1, le=1024)
    read: tuple[str, ...] = ("everyone",)
    classification: Classification = "internal"
    groups_minutes: int = Field(60, ge=1)

    @field_validator("read")
    @classmethod
    def principals(cls, read: tuple[str, ...]) -> tuple[str, ...]:
        for principal in read:
            if not PRINCIPAL.fullmatch(principal):
                raise ValueError(
                    f"{principal!r} is no principal; allowed: everyone, organization, user:<id>, group:<id>"
                )
        return read


class FilesystemSettings(SourceSettings):
    type: Literal["filesystem"]
    path: Path
    include: tuple[str, ...] = ("**/*",)
    exclude: tuple[str, ...] = ()
    hidden: bool = False
    settle_seconds: float = Field(0.5, ge=0, le=30)
    rehash_days: int = Field(30, ge=0, le=3_650)


class SharePointSettings(SourceSettings):
    type: Literal["sharepoint"]
    site: Value
    drives: tuple[str, ...] = ()
    tenant_id: Value | None = None
    client_id: Value | None = None
    client_secret: Value | None = None
    certificate_path: Path | None = None
    managed_identity: bool = False
    access_token: Value | None = None
    graph_url: str = "https://graph.microsoft.com/v1.0"
    authority: str = "https://login.microsoftonline.com"
    reconcile_hours: float = Field(24, ge=0)


AnySource = Annotated[FilesystemSettings | SharePointSettings, Field(discriminator="type")]


class ChunkSettings(Part):
    max_tokens: int = Field(256, ge=32, le=8192)
    min_tokens: int = Field(64, ge=1)

    @model_validator(mode="after")
    def ordered(self) -> "ChunkSettings":
        if self.min_tokens > self.max_tokens // 2:
            raise Misfit(
                ("chunks", "min_tokens"),
                f"chunks.min_tokens is {self.min_tokens}; allowed: at most half of chunks.max_tokens, which is "
                f"{self.max_tokens}",
            )
        return self


class ParsingSettings(Part):
    max_bytes: int = Field(100_000_000, ge=1)
    wall_seconds: float = Field(60, gt=0)
    memory_bytes: int = Field(3 << 30, ge=256 << 20)


class EmbeddingSettings(Part):
    model: str = "all-MiniLM-L6-v2"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    batch_size: int = Field(32, ge=1, le=1024)


class ExtractionSettings(Part):
    method: Literal["rules", "patterns"] = "rules"


class Neo4jServer(Part):
    """One server of a sharded graph; `capacity` is its share of the whole."""

    name: str
    uri: Value
    user: Value = "neo4j"
    password: Value | None = None
    database: str = "neo4j"
    ca_file: Path | None = None
    capacity: float = Field(1.0, gt=0)


class Neo4jSettings(Part):
    uri: Value = "bolt://localhost:7687"
    user: Value = "neo4j"
    password: Value | None = None
    database: str = "neo4j"
    ca_file: Path | None = None
    servers: tuple[Neo4jServer, ...] = ()
    pool_size: int = Field(50, ge=4)
    max_sessions: int | None = Field(None, ge=1)
    acquire_seconds: float = Field(10, gt=0)
    transaction_seconds: float = Field(120, gt=0)
    retry_seconds: float = Field(30, gt=0)
    batch_size: int = Field(5000, ge=1)
    writers: int = Field(1, ge=1)


class GraphSettings(Part):
    store: Literal["sqlite", "neo4j"] = "sqlite"
    shards: int = Field(4, ge=1, le=100)
    texts: bool = False
    """Whether chunks stand in the graph store with their text."""
    neo4j: Neo4jSettings = Neo4jSettings()


class ReportSettings(Part):
    method: Literal["extractive"] = "extractive"
    max_concurrency: int = Field(8, ge=1, le=1024)
    adaptive: bool = False
    """Whether no more is read at once than the graph store's pool has sessions idle."""


class ChangeSettings(Part):
    """How fast changes flow: a source is looked at every so often, the graph follows after a quiet moment."""

    tick_seconds: int = Field(5, ge=1, le=86_400)
    tick_budget_seconds: float = Field(8, gt=0, le=50)
    debounce_seconds: float = Field(10, ge=0)
    most_late_seconds: float = Field(120, gt=0)
    batch_size: int = Field(1_000, ge=1, le=100_000)
    batch_seconds: float = Field(5, gt=0, le=600)
    backlog: int = Field(100_000, ge=1)


class Settings(Part):
    """Everything rag-assets can be told, with paths made absolute against the file they stand in."""

    file: Path
    index: str = "var/index"
    catalog: str = "var/catalog.db"
    sources: Mapping[str, AnySource] = {}
    parsing: ParsingSettings = ParsingSettings()
    chunks: ChunkSettings = ChunkSettings()
    embeddings: EmbeddingSettings = EmbeddingSettings()
    extraction: ExtractionSettings = ExtractionSettings()
    graph: GraphSettings = GraphSettings()
    reports: ReportSettings = ReportSettings()
    changes: ChangeSettings = ChangeSettings()

    @field_validator("sources")
    @classmethod
    def names(cls, sources: Mapping[str, AnySource]) -> Mapping[str, AnySource]:
        for name in sources:
            if not SOURCE_NAME.fullmatch(name):
                raise Misfit(("sources", name), f"{name!r} is no name of a source; allowed: {SOURCE_NAME.pattern}")
        return sources

    @field_validator("catalog")
    @classmethod
    def kind_of_catalog(cls, catalog: str) -> str:
        scheme, _, rest = catalog.partition("://")
        if rest and scheme not in CATALOGS:  # the rest may hold a password
            raise ValueError(f"{scheme}:// is no catalog; allowed: a file, or a postgresql+psycopg2:// URL")
        if scheme in CATALOGS[:2] and rest.strip("/") in ("", ":memory:"):
            raise ValueError("a catalog in memory would be lost; allowed: a file, or a postgresql+psycopg2:// URL")
        return catalog

    @model_validator(mode="after")
    def fitting_model(self) -> "Settings":
        reads = model_tokens(self.embeddings.model, self.folder)
        if self.chunks.max_tokens > reads:
            raise Misfit(
                ("chunks", "max_tokens"),
                f"chunks.max_tokens is {self.chunks.max_tokens}; the model {self.embeddings.model} reads {reads}",
            )
        return self

    def __hash__(self) -> int:
        return hash(self.file)  # the sources are a mapping, which has no hash

    @property
    def folder(self) -> Path:
        return self.file.parent

    @property
    def index_uri(self) -> str:
        return self.index if "://" in self.index else str(self.folder / self.index)

    @property
    def catalog_url(self) -> str:
        scheme, _, rest = self.catalog.partition("://")
        if rest and scheme not in CATALOGS[:2]:
            return self.catalog
        return f"sqlite:///{self.folder / (rest.removeprefix('/') if rest else self.catalog)}"

    @property
    def local(self) -> Path:
        """The folder for what is always local: write locks, the SQLite graph store."""
        return self.folder / "var" if "://" in self.index else (self.folder / self.index).parent

    @property
    def dagster_home(self) -> Path:
        return Path(os.environ.get("DAGSTER_HOME") or self.folder / "var" / "dagster")

    def source_path(self, name: str) -> Path:
        source = self.sources[name]
        assert isinstance(source, FilesystemSettings)
        return self.folder / source.path

    def partitions(self, source: str) -> list[str]:
        """The partition keys of a source: its name, or `name/00` … where it has shards."""
        shards = self.sources[source].shards
        return [source] if shards == 1 else [f"{source}/{n:02d}" for n in range(shards)]

    def graph_partitions(self) -> list[str]:
        return [graph_partition(n) for n in range(self.graph.shards)]


def graph_partition(shard: int) -> str:
    """The partition key of a shard of the graph."""
    return f"g{shard:02d}"


def graph_shard(partition: str) -> int:
    """The shard that `graph_partition` made this key of."""
    return int(partition.removeprefix("g"))


def model_tokens(model: str, folder: Path) -> int:
    """Most tokens the model reads at once: from the table above, or from the model folder itself."""
    if model in MODEL_TOKENS:
        return MODEL_TOKENS[model]
    config = folder / model / "sentence_bert_config.json"
    if not config.is_file():
        known = ", ".join(MODEL_TOKENS)
        raise Misfit(
            ("embeddings", "model"),
            f"embeddings.model is {model!r}; allowed: {known}, or a folder in the form of sentence-transformers",
        )
    try:
        return int(json.loads(config.read_text(encoding="utf-8"))["max_seq_length"])
    except (ValueError, TypeError, KeyError) as error:
        raise Misfit(
            ("embeddings", "model"),
            f"embeddings.model is {model!r}, and its sentence_bert_config.json has no number max_seq_length",
        ) from error


def value_of(value: Value | None, key: str) -> str | None:
    """A setting that may stand in the environment, at the moment it is needed."""
    if isinstance(value, FromEnvironment):
        raise SettingsError(
            f"{key} comes from the environment variable {value.env}, which is not set; set it and start again."
        )
    return value


def find_settings() -> Path:
    """RAG_CONFIG, else rag.yaml in the working directory, else the repository's own."""
    named = os.environ.get("RAG_CONFIG")
    if named:
        return Path(named).resolve()
    here = Path.cwd() / "rag.yaml"
    return here.resolve() if here.is_file() else REPOSITORY / "rag.yaml"


def load_settings(file: Path | None = None) -> Settings:
    """Read, resolve `{env: NAME}`, validate. Raises SettingsError with key, value, what is allowed and the line."""
    found = SettingsFile.read((file or find_settings()).resolve())
    if "file" in found.values:
        raise SettingsError(f"{found.where(('file',))}: file is not a setting; remove it.")
    reports = found.values.get("reports") or {}
    if os.environ.get(CONCURRENCY) and isinstance(reports, dict):
        found.values["reports"] = {**reports, "max_concurrency": {"env": CONCURRENCY}}
    try:
        return Settings.model_validate({**found.filled(), "file": found.file})
    except ValidationError as error:
        raise found.refuse(error, Settings) from None
