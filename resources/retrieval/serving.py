"""Which tables and which model serve now: those that the catalog names, the settings' own before there are any."""

import json
from typing import NamedTuple

from resources.embedder import Embedder, embedder_for
from resources.errors import IndexRefused
from resources.index import Index


class Serving(NamedTuple):
    """The key that names the serving tables, the dimension of their vectors, and the model for questions."""

    key: str
    dimension: int
    embedder: Embedder


def serving(index: Index) -> Serving:
    """What serves now. While a changed model fills its own table, questions are embedded by the old one.

    Raises IndexRefused where that model is no longer what the served vectors were made with.
    """
    stored = index.catalog.get("live_embeddings")
    own = index.embedder
    if stored is None:
        return Serving(index.model_key, own.dimension, own)
    live = json.loads(stored)
    if live["identity"] == own.identity:
        return Serving(live["key"], live["dimension"], own)
    name, dtype, _ = f"{live['identity']}:float32:".split(":", 2)
    chosen = index.settings.embeddings.model_copy(update={"model": live["model"]})
    embedder = embedder_for(chosen, index.settings.folder, dtype)
    if embedder.identity != live["identity"]:
        raise IndexRefused(
            f"the vectors that serve were made with {live['identity']}, and {name} is now {embedder.identity}; "
            "run `rag index` to finish the change of model."
        )
    return Serving(live["key"], live["dimension"], embedder)
