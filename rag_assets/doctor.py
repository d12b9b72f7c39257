"""The doctor: each part of the index is looked at, and says whether it is well and what to do where it is not."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from rag_assets.exits import in_one_line
from rag_assets.home import open_instance
from rag_assets.work import graph_waits
from resources.errors import RagError
from resources.index import Index


@dataclass(frozen=True, slots=True)
class Finding:
    """One part's health: healthy, degraded or unhealthy."""

    part: str
    health: str
    seconds: float
    detail: str
    remedy: str | None = None

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


REMEDIES = {
    "catalog": "restore the catalog and the index from one backup",
    "tables": "restore the index and the catalog from one backup, or remove both and run `rag index`",
    "graph store": "move it away and run `rag rebuild graph`",
    "model": "correct `embeddings` in the settings, or install the environment again",
    "Dagster instance": "look at DAGSTER_HOME and the dagster.yaml in it",
}
"""What to do where a part fails in a way that it has no sentence for."""
Look = Callable[[Index], tuple[str, str, str | None]]


def examine(index: Index) -> list[Finding]:
    """Settings are well if this is reached; every other part answers for itself and stops no other."""
    looks: dict[str, Look] = {
        "catalog": _catalog,
        "tables": _tables,
        "graph store": _graph,
        "model": _model,
        **{f"source {name}": _source(name) for name in index.settings.sources},
        "Dagster instance": _instance,
    }
    findings = [Finding("settings", "healthy", 0.0, str(index.settings.file))]
    return findings + [_look(index, part, look) for part, look in looks.items()]


def _look(index: Index, part: str, look: Look) -> Finding:
    start = time.monotonic()
    try:
        health, detail, remedy = look(index)
    except RagError as error:
        health, detail, remedy = "unhealthy", str(error), "see the sentence before"
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this part's finding and is shown
        health, detail, remedy = "unhealthy", in_one_line(error), REMEDIES.get(part)
    return Finding(part, health, round(time.monotonic() - start, 3), detail, remedy)


def _catalog(index: Index) -> tuple[str, str, str | None]:
    held = index.catalog.leases.held()
    letters = index.catalog.letters.count()
    detail = f"generation {index.catalog.generations.current()}, {letters} set aside, {len(held)} leases held"
    if letters:
        return "degraded", detail, "`rag failed` lists what was set aside, `rag retry` puts it back"
    return "healthy", detail, None


def _tables(index: Index) -> tuple[str, str, str | None]:
    tables = {"documents": index.tables.documents, "chunks": index.tables.chunks}
    # read, not only counted: the count stands in the manifest, also of a damaged file
    found = {name: table.read(None, ("id",)).num_rows for name, table in tables.items()}
    detail = ", ".join(f"{count} {name}" for name, count in found.items())
    lost = [name for name, count in found.items() if count != index.catalog.stages.rows(name)]
    if lost:
        return "unhealthy", f"{detail}; the catalog knows other numbers of {', '.join(lost)}", "run `rag index --full`"
    return "healthy", detail, None


def _graph(index: Index) -> tuple[str, str, str | None]:
    answers = index.graph.probe()
    stats = {str(kind): count for kind, count in index.graph.stats().items()}
    detail = f"{answers}: {', '.join(f'{count} {kind}' for kind, count in stats.items())}"
    if stats["entity"] == index.tables.entities.count():
        return "healthy", detail, None
    if graph_waits(index):
        return "degraded", f"{detail}; behind the tables", "run `rag index`"
    return "unhealthy", f"{detail}; the tables hold another number of entities", "run `rag rebuild graph`"


def _model(index: Index) -> tuple[str, str, str | None]:
    vector = index.embedder.encode(["Is the model there?"])[0]
    return "healthy", f"{index.embedder.identity}, {len(vector)} dimensions", None


def _source(name: str) -> Look:
    def look(index: Index) -> tuple[str, str, str | None]:
        probes = list(index.source(name).probe())
        bad = [probe for probe in probes if not probe.ok]
        if bad:
            remedy = "; ".join(probe.remedy for probe in bad if probe.remedy) or None
            health = "unhealthy" if any(probe.vital for probe in bad) else "degraded"
            return health, "; ".join(probe.detail for probe in bad), remedy
        return "healthy", "; ".join(probe.detail for probe in probes), None

    return look


def _instance(index: Index) -> tuple[str, str, str | None]:
    with open_instance(index.settings) as instance:
        return "healthy", f"{instance.get_runs_count()} runs in {instance.root_directory}", None
