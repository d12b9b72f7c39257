"""From mentions and statements of all passages to entities and relationships: a pure, order-independent reduce.

The result depends on nothing but the multiset of rows; votes are broken by the text itself, never by an id of a
document or chunk, so an index that grew edit by edit equals one built at once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from knowledge.fingerprint import fingerprint
from knowledge.mention import UNTYPED, Extraction, Mention, Statement

VERSION = "2"
MOST_ALIASES = 12
_UNIT = 1000  # statements weigh whole thousandths: their sum is the same in any order


class MentionRow(NamedTuple):
    """One entity in one chunk, as stored; `name` is the canonical name that `entity_id` is made from."""

    chunk_id: str
    document_id: str
    entity_id: str
    name: str
    surface: str
    type: str
    origin: str
    description: str


class StatementRow(NamedTuple):
    """One pair and predicate in one chunk, as stored; the order of the two ids does not matter."""

    chunk_id: str
    document_id: str
    source_id: str
    target_id: str
    predicate: str
    weight: float
    description: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A name over all chunks; `mention_count` and `document_count` are the chunks and documents that hold it."""

    id: str
    name: str
    canonical: str
    aliases: tuple[str, ...]
    type: str
    description: str
    mention_count: int
    document_count: int
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Relationship:
    """A pair and predicate over all chunks, `source_id` < `target_id`; `support_count` is in chunks.

    `documents`, sorted, state it: who may not read all of them may not read what rests on it. Their ids are no part
    of the fingerprint, which is the same wherever the same texts are.
    """

    id: str
    source_id: str
    target_id: str
    predicate: str
    weight: float
    description: str
    support_count: int
    fingerprint: str
    documents: tuple[str, ...] = ()


def resolve_document(names: Iterable[str], acronyms: Mapping[str, str]) -> dict[str, str]:
    """`{canonical name: the one it stands for}` for all names of one document.

    `acronyms` are the definitions of the same document (`acronyms.merge`); a long form that is itself such an
    acronym is followed once more. Nothing else is joined: surnames and similar names gained nothing when measured.
    """
    out = {}
    for name in names:
        long = acronyms.get(name, name)
        out[name] = acronyms.get(long, long)
    return out


def resolve(extraction: Extraction, resolved: Mapping[str, str]) -> Extraction:
    """The extraction under its document's names: one mention a name, no statement of a name with itself."""
    if all(resolved.get(m.name, m.name) == m.name for m in extraction.mentions):
        return extraction
    mentions: dict[str, Mention] = {}
    for raw in extraction.mentions:
        one = replace(raw, name=resolved.get(raw.name, raw.name))
        other = mentions.get(one.name)
        mentions[one.name] = one if other is None else _joined(other, one)
    weights: dict[tuple[str, str, str], int] = {}
    clauses: dict[tuple[str, str, str], str] = {}
    for s in extraction.statements:
        a, b = sorted((resolved.get(s.source, s.source), resolved.get(s.target, s.target)))
        if a != b:
            key = (a, b, s.predicate)
            weights[key] = weights.get(key, 0) + round(s.weight * _UNIT)
            clauses[key] = clauses.get(key) or s.description
    statements = tuple(Statement(*key, total / _UNIT, clauses[key]) for key, total in weights.items())
    return Extraction(tuple(mentions.values()), statements)


def _joined(a: Mention, b: Mention) -> Mention:
    long = a if (len(a.surface), a.surface) >= (len(b.surface), b.surface) else b
    return Mention(
        a.name,
        long.surface,
        a.type if a.type not in UNTYPED else b.type,
        tuple(sorted({*a.spans, *b.spans})),
        "title" if "title" in (a.origin, b.origin) else a.origin,
        a.description or b.description,
    )


@dataclass(slots=True)
class _Votes:
    canonical: str
    surfaces: Counter[str]
    types: Counter[str]
    descriptions: Counter[tuple[bool, str]]
    chunks: set[str]
    documents: set[str]


def reduce_mentions(rows: Iterable[MentionRow]) -> dict[str, Entity]:
    """`{entity id: entity}` of all mentions given; rows are `MentionRow`s or plain tuples in that order.

    Name and type by vote (a title's type only where nothing better is known), the description from the entity's own
    document first, then the most frequent.
    """
    found: dict[str, _Votes] = {}
    for chunk_id, document_id, entity_id, name, surface, label, origin, description in rows:
        votes = found.get(entity_id)
        if votes is None:
            votes = found[entity_id] = _Votes(name, Counter(), Counter(), Counter(), set(), set())
        votes.surfaces[surface] += 1
        votes.types[label] += 1
        if description:
            votes.descriptions[origin == "title", description] += 1
        votes.chunks.add(chunk_id)
        votes.documents.add(document_id)
    return {entity_id: _entity(entity_id, votes) for entity_id, votes in found.items()}


def _entity(entity_id: str, votes: _Votes) -> Entity:
    name, *others = sorted(votes.surfaces, key=lambda s: (-votes.surfaces[s], s))
    aliases = tuple(sorted(others[:MOST_ALIASES]))
    label = min(votes.types, key=lambda t: (t in UNTYPED, t == UNTYPED[1], -votes.types[t], t))
    best = min(votes.descriptions, key=lambda d: (not d[0], -votes.descriptions[d], -len(d[1]), d[1]), default=(0, ""))
    counts = (len(votes.chunks), len(votes.documents))
    mark = fingerprint("entity", VERSION, entity_id, votes.canonical, name, *aliases, label, best[1], repr(counts))
    return Entity(entity_id, name, votes.canonical, aliases, label, best[1], *counts, mark)


def relationship_id(source_id: str, target_id: str, predicate: str) -> str:
    """The id of a relationship; the order of the two entities does not matter."""
    return fingerprint("relationship", *sorted((source_id, target_id)), predicate)


def reduce_statements(rows: Iterable[StatementRow]) -> dict[str, Relationship]:
    """`{relationship id: relationship}` of all statements given; rows are `StatementRow`s or tuples in that order."""
    weights: Counter[tuple[str, str, str]] = Counter()
    clauses: dict[tuple[str, str, str], Counter[str]] = {}
    chunks: dict[tuple[str, str, str], set[str]] = {}
    documents: dict[tuple[str, str, str], set[str]] = {}
    for chunk_id, document_id, source_id, target_id, predicate, weight, description in rows:
        if source_id == target_id:
            continue
        key = (source_id, target_id, predicate) if source_id < target_id else (target_id, source_id, predicate)
        weights[key] += round(weight * _UNIT)
        chunks.setdefault(key, set()).add(chunk_id)
        documents.setdefault(key, set()).add(document_id)
        if description:
            clauses.setdefault(key, Counter())[description] += 1
    out = {}
    for key, total in weights.items():
        said = clauses.get(key, Counter())
        clause = min(said, key=lambda d: (-said[d], len(d), d), default="")
        one, weight, support = relationship_id(*key), total / _UNIT, len(chunks[key])
        mark = fingerprint("relationship", VERSION, *key, repr(weight), clause, repr(support))
        out[one] = Relationship(one, *key, weight, clause, support, mark, tuple(sorted(documents[key])))
    return out
