"""What a Neo4j database must have before rows are written: constraints, an index on names, and their version.

Belongs here: the idempotent steps and the least version of the server. Does not: connections (neo4j.py).
"""

import re
from collections.abc import Callable
from typing import Any

from resources.errors import GraphUnavailable, IndexRefused
from resources.graph.cypher import quoted
from resources.graph.kinds import EdgeKind, NodeKind
from resources.graph.neo4j_rows import LABELS, TYPES

VERSION = 1
OLDEST = (5, 26)
NEEDED = f"the graph store needs Neo4j {OLDEST[0]}.{OLDEST[1]} or newer: upgrade the server."

Run = Callable[[str, dict[str, Any]], list[Any]]

READ_VERSION = "MATCH (v:`__RagAssets__` {id: 'schema'}) RETURN v.version"
WRITE_VERSION = "MERGE (v:`__RagAssets__` {id: 'schema'}) SET v.version = $version"
PROBE = "MERGE (p:`__RagAssets__` {id: 'probe'}) SET p.at = timestamp()"
"""A write that only its own node shows: a server that is read-only or out of disk refuses it."""


def steps() -> list[str]:
    """The statements that make the schema; each may be run again."""
    made = [
        f"CREATE CONSTRAINT rag_{kind.value}_id IF NOT EXISTS FOR (n:{quoted(LABELS[kind])}) REQUIRE n.id IS UNIQUE"
        for kind in NodeKind
    ]
    made += [
        f"CREATE CONSTRAINT rag_{kind.value}_id IF NOT EXISTS FOR ()-[r:{type_}]-() REQUIRE r.id IS UNIQUE"
        for kind, type_ in ((kind, quoted(TYPES[kind])) for kind in EdgeKind)
    ]
    made.append("CREATE CONSTRAINT rag_schema_id IF NOT EXISTS FOR (v:`__RagAssets__`) REQUIRE v.id IS UNIQUE")
    made.append(
        "CREATE FULLTEXT INDEX rag_names IF NOT EXISTS FOR (n:`__Entity__`|Document|`__Community__`) "
        "ON EACH [n.name, n.title]"
    )
    made.append("CALL db.awaitIndexes(120)")
    return made


def ensure(run: Run, database: str) -> bool:
    """Bring a database to this release's schema; says whether anything had to be done. One request where it is so."""
    found = [row[0] for row in run(READ_VERSION, {})]
    if found and found[0] == VERSION:
        return False
    if found and found[0] > VERSION:
        raise IndexRefused(
            f"the Neo4j database {database} has the graph schema {found[0]}, this release reads {VERSION}; "
            "use the release that wrote it, or name another database in graph.neo4j.database."
        )
    for statement in steps():
        run(statement, {})
    run(WRITE_VERSION, {"version": VERSION})
    return True


def check_server(agent: str, uri: str) -> str:
    """The version in a server's agent string ("Neo4j/5.26.30"); raises GraphUnavailable for one that is too old."""
    found = re.search(r"/(\d+)\.(\d+)([.\d]*)", agent)
    if not found or (int(found[1]), int(found[2])) < OLDEST:
        raise GraphUnavailable(f"{uri} is {agent}; {NEEDED}")
    return found[0][1:]
