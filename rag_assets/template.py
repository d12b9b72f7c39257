"""The rag.yaml that `rag init` writes."""

from pathlib import Path

from resources.errors import SettingsError

TEMPLATE = """\
# Settings of rag-assets. Paths are relative to this file. A value {env: NAME} comes from the environment.
index: var/index                    # LanceDB tables: a folder, or an object-store URL
catalog: var/catalog.db             # an SQLite file, or a postgresql+psycopg2:// URL
sources:
  documents:                        # the name is the partition key
    type: filesystem
    path: documents
    include: ["**/*"]               # globs on the path below the folder
    exclude: []
    shards: 1                       # 16: partitions documents/00 … documents/15, fixed with the index
    read: [everyone]                # principals that may read: everyone, organization, user:<id>, group:<id>
    classification: internal        # public < internal < confidential < restricted
# chunks: {max_tokens: 256, min_tokens: 64}
# embeddings: {model: all-MiniLM-L6-v2, dtype: auto, batch_size: 32}
# extraction: {method: rules}       # or patterns: no model at all
# graph: {store: sqlite, shards: 4} # shards: fixed with the index
# reports: {method: extractive, max_concurrency: 8}
"""


def write_settings(folder: Path) -> Path:
    """Write rag.yaml and the folder it names; raises SettingsError where one is there already."""
    file = folder / "rag.yaml"
    if file.exists():
        raise SettingsError(f"{file} is there already and stays as it is; edit it, or name another folder.")
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    file.write_text(TEMPLATE, encoding="utf-8")
    return file.resolve()
