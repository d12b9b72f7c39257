"""The Neo4j servers that the settings describe; refused here where a value is missing or a limit cannot hold."""

from pathlib import Path

from resources.graph.limits import Limits
from resources.graph.neo4j_driver import Neo4jServerSettings
from resources.settings import Neo4jServer, Neo4jSettings, Settings, value_of


def neo4j_servers(settings: Settings) -> list[Neo4jServerSettings]:
    """One server, or those of `graph.neo4j.servers`. Raises SettingsError."""
    chosen = settings.graph.neo4j
    limits = Limits.of(
        chosen.pool_size,
        chosen.max_sessions,
        settings.reports.max_concurrency if "max_concurrency" in settings.reports.model_fields_set else None,
        acquire_seconds=chosen.acquire_seconds,
        transaction_seconds=chosen.transaction_seconds,
        retry_seconds=chosen.retry_seconds,
        batch_size=chosen.batch_size,
        writers=chosen.writers,
    )
    if not chosen.servers:
        return [_server("neo4j", 1.0, chosen, settings.folder, limits)]
    return [_server(server.name, server.capacity, server, settings.folder, limits) for server in chosen.servers]


def _server(
    name: str, capacity: float, one: Neo4jSettings | Neo4jServer, folder: Path, limits: Limits
) -> Neo4jServerSettings:
    key = "graph.neo4j" if isinstance(one, Neo4jSettings) else f"graph.neo4j.servers.{name}"
    return Neo4jServerSettings(
        uri=value_of(one.uri, f"{key}.uri") or "",
        user=value_of(one.user, f"{key}.user") or "",
        password=value_of(one.password, f"{key}.password"),
        database=one.database,
        ca_file=None if one.ca_file is None else folder / one.ca_file,
        name=name,
        capacity=capacity,
        limits=limits,
    )
