"""The catalog as one object: a database and its eight books."""

import json
import uuid
from collections.abc import Collection, Mapping

import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.access import Access
from resources.catalog.database import Database
from resources.catalog.generations import Generations
from resources.catalog.items import Items
from resources.catalog.leases import Leases
from resources.catalog.letters import Letters
from resources.catalog.names import Names
from resources.catalog.queues import Queues
from resources.catalog.stages import Stages
from resources.errors import IndexRefused

IDENTITY = "identity"


class Catalog:
    """Opens on first use; every verb is one transaction. SQLite file or Postgres, by URL."""

    def __init__(self, url: str) -> None:
        self.database = Database(url)
        self.items = Items(self.database)
        self.stages = Stages(self.database)
        self.queues = Queues(self.database)
        self.generations = Generations(self.database)
        self.letters = Letters(self.database)
        self.leases = Leases(self.database)
        self.names = Names(self.database)
        self.access = Access(self.database)

    def bind(self, facts: Mapping[str, object]) -> dict[str, object]:
        """Fix what an index is made with (shard counts, …) at its first use; refuse other values afterwards.

        Returns all facts as stored. Raises IndexRefused naming the fact, both values and the way out.
        """
        with self.database.read() as connection:
            known = _facts(connection)
        if any(key not in known or known[key] != value for key, value in facts.items()):
            with self.database.begin() as connection:
                known = _facts(connection)  # another process may have bound some meanwhile
                for key, value in facts.items():
                    if key in known and known[key] != value:
                        raise IndexRefused(
                            f"the index was made with {key} {known[key]}, the settings say {value}; set it back, "
                            "or remove the index and the catalog and run `rag index` to build anew."
                        )
                known |= facts
                self._store(connection, known)
        return known

    def unbind(self, facts: Collection[str]) -> None:
        """Let go of facts that nothing of the index rests on any more (the shards of a forgotten source)."""
        with self.database.begin() as connection:
            known = _facts(connection)
            if known.keys() & set(facts):
                self._store(connection, {key: value for key, value in known.items() if key not in facts})

    def _store(self, connection: sa.Connection, facts: Mapping[str, object]) -> None:
        row = {"key": "index", "value": json.dumps(facts, sort_keys=True)}
        self.database.write(connection, schema.meta, [row])

    def identity(self) -> str:
        """What tells this catalog from every other; made once."""
        known = self.get(IDENTITY)
        if known is None:
            with self.database.begin() as connection:
                known = connection.scalar(schema.meta_value(IDENTITY))  # another process may have made it meanwhile
                if known is None:
                    known = uuid.uuid4().hex
                    self.database.write(connection, schema.meta, [{"key": IDENTITY, "value": known}])
        return known

    def get(self, key: str) -> str | None:
        with self.database.read() as connection:
            return connection.scalar(schema.meta_value(key))

    def put(self, key: str, value: str) -> None:
        with self.database.begin() as connection:
            self.database.write(connection, schema.meta, [{"key": key, "value": value}])

    def close(self) -> None:
        self.database.close()


def _facts(connection: sa.Connection) -> dict[str, object]:
    stored = connection.scalar(schema.meta_value("index"))
    return dict(json.loads(stored)) if stored else {}
