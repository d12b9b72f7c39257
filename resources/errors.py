"""
What can go wrong, as one tree. Every message is a sentence that names what, where and how to mend it.

RagError
├── SettingsError        rag.yaml: chunks.max_tokens is 9000; the model all-MiniLM-L6-v2 reads 256.
├── IndexRefused         the index was made with graph.shards 4, rag.yaml says 8; ...
├── CatalogUnavailable   the catalog postgresql://…/rag cannot be used (connection refused); ...
├── SourceError
│   ├── SourceMissing    handbook: /mnt/handbook is not there; nothing was changed. Mount it, or ...
│   ├── AccessDenied     contracts: the app may not read site …; grant it Sites.Selected read on that site.
│   └── FetchFailed      one document could not be read; it is kept as it was and tried again.
├── LeaseHeld            handbook is being indexed by run 2f1c… since 12:03:11; wait, or stop that run.
├── ModelError           the embedding model gave NaN for 3 of 32 texts; ...
└── GraphError
    ├── GraphUnavailable the server does not answer, or refuses us
    └── GraphSaturated   53 communities asked for 2,915 reads through a pool of 50; ...
"""


class RagError(Exception):
    """Anything that rag-assets refuses or could not do; the text is one sentence for a person."""


class SettingsError(RagError):
    """rag.yaml or the environment says something that cannot be."""


class IndexRefused(RagError):
    """The index on disk was made by other settings or by a newer release."""


class CatalogUnavailable(RagError):
    """The catalog's database does not answer, is full, damaged, or held by another writer for too long."""


class SourceError(RagError):
    """A source could not be listed or read; nothing was changed."""


class SourceMissing(SourceError):
    """The root of a source is not there."""


class AccessDenied(SourceError):
    """The source is there, and we may not read it."""


class FetchFailed(SourceError):
    """One document could not be read now; it is kept as it was and tried again."""


class LeaseHeld(RagError):
    """Another run works on the same partition."""


class ModelError(RagError):
    """A model gave an answer that must not be stored."""


class GraphError(RagError):
    """The graph store could not do what was asked."""


class GraphUnavailable(GraphError):
    """The graph store does not answer, or refuses us."""


class GraphSaturated(GraphError):
    """More sessions were asked for than the pool may give."""
