"""The columns of the content tables, with what each one means: they are shown in Dagster and drawn in the docs."""

from dataclasses import dataclass
from functools import cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Column:
    """One column: name, type (text, int, float, bool, texts, ints, vector), meaning."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class TableSpec:
    """One table: its key, and the column whose rows are replaced together."""

    name: str
    key: tuple[str, ...]
    group: str
    columns: tuple[Column, ...]
    indexed: tuple[str, ...] = ()
    """Columns with a scalar index, once the table is large."""
    filtered: tuple[str, ...] = ()
    """Columns of few values by which a search is trimmed: with an index of theirs where vectors have one."""
    phrases: str | None = None
    """Column of folded words with a full-text index that answers exact phrases."""
    passages: str | None = None
    """Column with a full-text index for ranking."""
    remade: bool = False
    """A table that lacks a column, an earlier release's, is dropped: its stage, of a new version, makes it again."""


def _columns(text: str) -> tuple[Column, ...]:
    lines = (line.strip().split(" ", 2) for line in text.strip().splitlines())
    return tuple(Column(name, kind, meaning) for name, kind, meaning in lines)


DOCUMENTS = TableSpec(
    "documents",
    ("id",),
    "id",
    _columns("""
        id text opaque id, given at first sight and kept over renames
        source text the source in rag.yaml
        partition text the partition key
        native_id text the source's own id
        path text path below the root of the source
        uri text where a person opens it
        title text as the document itself says
        mime text by content
        author text as the document itself says
        created_at text ISO 8601
        modified_at text ISO 8601, as the source says
        size int bytes
        content_sha256 text of the bytes that were read
        text text markdown
        pages ints character offset at which each page starts
        language text ISO 639-1, und where unknown
        status text ok, failed or quarantined
        reason text why it is not ok
        acl_id text the permission set; the catalog decides
        classification text public, internal, confidential or restricted
        parsed text fingerprint of the bytes and the parser
        fingerprint text of title, language and text: what the stages below depend on
    """),
    ("id",),
)
CHUNKS = TableSpec(
    "chunks",
    ("id",),
    "document_id",
    _columns("""
        id text hash of document, normalised text and occurrence
        document_id text the document
        partition text the partition key
        ordinal int place in the document, from 0
        title text the document's title
        heading_path texts the headings above, top first
        text text document.text[char_start:char_end]
        words text folded words, for the lookup of names
        char_start int offset in the document's text
        char_end int offset in the document's text
        tokens int of what is embedded, at most chunks.max_tokens
        language text the document's
        fingerprint text of title, headings and text
    """),
    ("id", "document_id"),
    phrases="words",
)
EMBEDDINGS = TableSpec(
    "embeddings",
    ("chunk_id",),
    "document_id",
    _columns("""
        chunk_id text the chunk
        document_id text the document
        partition text the partition key
        source text the source in rag.yaml
        ordinal int place in the document, from 0
        title text the document's title
        heading_path texts the headings above
        text text the passage
        search_text text the terms that full text is searched by
        char_start int offset in the document's text
        char_end int offset in the document's text
        vector vector of unit length
        vector_key text hash of model, dtype and embedded text
        acl_id text the permission set at the time of writing
        classification text of the document
    """),
    ("chunk_id", "document_id", "vector_key"),
    filtered=("source", "acl_id"),
    passages="search_text",
)
MENTIONS = TableSpec(
    "mentions",
    ("chunk_id", "name", "origin"),
    "document_id",
    _columns("""
        chunk_id text the chunk
        document_id text the document
        partition text the partition key
        shard int the graph partition of the entity
        entity_id text the entity that the name stands for in this document
        canonical text canonical form of the entity's name
        name text canonical form as extracted
        surface text as written
        type text PERSON, ORG, GPE, … or TITLE
        spans ints pairs of offsets in the chunk's text
        description text a sentence that says what it is
        origin text extractor, title or lookup
    """),
    ("chunk_id", "document_id", "entity_id"),
)
STATEMENTS = TableSpec(
    "statements",
    ("chunk_id", "source", "target", "predicate"),
    "document_id",
    _columns("""
        chunk_id text the chunk
        document_id text the document
        partition text the partition key
        shard int the graph partition of the relationship
        relationship_id text hash of source, target and predicate
        source_id text entity
        target_id text entity
        source text canonical form as extracted
        target text canonical form as extracted
        predicate text words between them, or co-occurs
        weight float sum over the chunk's sentences
        description text the clause it was read from
    """),
    ("chunk_id", "document_id", "relationship_id"),
)
ENTITIES = TableSpec(
    "entities",
    ("id",),
    "id",
    _columns("""
        id text hash of the canonical name
        shard int the graph partition
        name text the commonest way it is written
        canonical text case, diacritics, punctuation and article dropped
        aliases texts other ways it is written
        type text by vote
        description text a sentence that says what it is
        mention_count int chunks that mention it
        document_count int documents that mention it
        fingerprint text of all of it
    """),
    ("id",),
)
TALLIES = TableSpec(
    "tallies",
    ("id",),
    "id",
    _columns("""
        id text entity and bucket
        entity_id text an entity in very many chunks
        bucket int which of the documents: by the first digits of their ids
        canonical text the entity's
        chunks int that mention it
        documents int that mention it
        votes text JSON: how often each surface, type and description stands in them
    """),
    ("id", "entity_id"),
)
RELATIONSHIPS = TableSpec(
    "relationships",
    ("id",),
    "id",
    _columns("""
        id text hash of source, target and predicate
        shard int the graph partition of the source
        source_id text the smaller of both entity ids
        target_id text the larger
        predicate text words between them, or co-occurs
        weight float sum over the statements
        description text in words
        support_count int chunks that state it
        fingerprint text of all of it but the documents
        documents texts ids of the documents that state it
    """),
    ("id", "source_id", "target_id"),
    remade=True,
)
COMMUNITIES = TableSpec(
    "communities",
    ("id",),
    "id",
    _columns("""
        id text stable across runs
        shard int the graph partition of its top-level community
        level int 0 is the coarsest
        parent text the community above
        top text the top-level community above, or itself
        members texts entity ids, sorted
        members_hash text hash of the members
        edges text order-free checksum of every relationship of a member
        size int number of members
    """),
    ("id",),
)
MEMBERSHIPS = TableSpec(
    "memberships",
    ("entity_id", "community_id"),
    "community_id",
    _columns("""
        entity_id text the entity
        community_id text the community
        level int of the community
    """),
    ("entity_id",),
)
REPORTS = TableSpec(
    "community_reports",
    ("community_id",),
    "community_id",
    _columns("""
        community_id text the community
        shard int the graph partition
        level int 0 is the coarsest
        title text its strongest names
        summary text extractive
        findings text JSON: sentences with the chunks they stand in
        citations texts chunk ids, all findings together
        documents texts document ids that the report rests on
        rating float 0 to 10
        tokens int of the whole report
        fingerprint text of members, edges, cited texts and children's reports
        evidence text of the chunks and documents it rests on
        vector vector of title and summary
    """),
    ("community_id",),
)
SPECS = (
    DOCUMENTS, CHUNKS, EMBEDDINGS, MENTIONS, STATEMENTS, ENTITIES, TALLIES, RELATIONSHIPS, COMMUNITIES, MEMBERSHIPS,
    REPORTS,
)  # fmt: skip


@cache
def arrow_schema(spec: TableSpec, dimension: int = 0) -> Any:
    """The Arrow schema of a table; `dimension` is that of its vector column, if it has one."""
    import pyarrow as pa

    types = {
        "text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_(),
        "texts": pa.list_(pa.string()), "ints": pa.list_(pa.int32()), "vector": pa.list_(pa.float32(), dimension),
    }  # fmt: skip
    return pa.schema([pa.field(c.name, types[c.type]) for c in spec.columns])
