"""Tables and catalog belong together: each alone would say that nothing is there, and everything would stand twice.

The catalog has an id; the tables have an empty table named by it.
"""

from typing import Any

from resources.catalog import Catalog
from resources.errors import IndexRefused

PREFIX = "catalog_"


def claim(database: Any, uri: str, catalog: Catalog) -> None:
    """Mark new tables as this catalog's. Raises IndexRefused where they are another's, or lost."""
    own = f"{PREFIX}{catalog.identity()}"
    marked = [name for name in database.list_tables(limit=1000).tables if name.startswith(PREFIX)]
    if own in marked:
        return
    if marked:
        raise IndexRefused(
            f"the tables in {uri} belong to another catalog; correct `index` or `catalog`, or restore both from one "
            "backup, or remove both and run `rag index` to build anew."
        )
    if catalog.stages.ran():
        raise IndexRefused(
            f"there are no tables in {uri}, and the catalog knows of an index; mount or restore it, or remove the "
            "catalog too and run `rag index` to build anew."
        )
    import pyarrow as pa

    database.create_table(own, schema=pa.schema([("id", pa.string())]), exist_ok=True)
