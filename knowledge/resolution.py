"""From mentions and statements of all passages to entities and relationships: a pure, order-independent reduce.

The result depends on nothing but the multiset of rows; votes are broken by the text itself, never by an id of a
document or chunk, so an index that grew edit by edit equals one built at once.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
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


class Entity(NamedTuple):
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


class Relationship(NamedTuple):
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
class Tally:
    """What mentions of one entity add up to; tallies of different documents add up to that of all of them."""

    canonical: str
    surfaces: Counter[str] = field(default_factory=Counter)
    types: Counter[str] = field(default_factory=Counter)
    descriptions: Counter[tuple[bool, str]] = field(default_factory=Counter)
    """By (whether it stands in the entity's own document, text)."""
    chunks: int = 0
    documents: int = 0

    def add(self, other: "Tally") -> None:
        """Count in the mentions of other documents."""
        self.surfaces.update(other.surfaces)
        self.types.update(other.types)
        self.descriptions.update(other.descriptions)
        self.chunks += other.chunks
        self.documents += other.documents

    def entity(self, entity_id: str) -> Entity:
        """Name and type by vote (a title's type only where nothing better is known), the description from the
        entity's own document first, then the most frequent."""
        name, *others = sorted(self.surfaces, key=lambda s: (-self.surfaces[s], s))
        aliases = tuple(sorted(others[:MOST_ALIASES]))
        label = min(self.types, key=lambda t: (t in UNTYPED, t == UNTYPED[1], -self.types[t], t))
        said = self.descriptions
        best = min(said, key=lambda d: (not d[0], -said[d], -len(d[1]), d[1]), default=(0, ""))
        counts = (self.chunks, self.documents)
        mark = fingerprint("entity", VERSION, entity_id, self.canonical, name, *aliases, label, best[1], repr(counts))
        return Entity(entity_id, name, self.canonical, aliases, label, best[1], *counts, mark)


def tallied(rows: Iterable[MentionRow]) -> dict[str, Tally]:
    """`{entity id: tally}` of all mentions given; rows are `MentionRow`s or plain tuples in that order."""
    found: dict[str, Tally] = {}
    chunks: dict[str, set[str]] = {}
    documents: dict[str, set[str]] = {}
    for chunk_id, document_id, entity_id, name, surface, label, origin, description in rows:
        tally = found.get(entity_id)
        if tally is None:
            tally = found[entity_id] = Tally(name)
            chunks[entity_id], documents[entity_id] = set(), set()
        tally.surfaces[surface] += 1
        tally.types[label] += 1
        if description:
            tally.descriptions[origin == "title", description] += 1
        chunks[entity_id].add(chunk_id)
        documents[entity_id].add(document_id)
    for entity_id, tally in found.items():
        tally.chunks, tally.documents = len(chunks[entity_id]), len(documents[entity_id])
    return found


def reduce_mentions(rows: Iterable[MentionRow]) -> dict[str, Entity]:
    """`{entity id: entity}` of all mentions given; rows are `MentionRow`s or plain tuples in that order."""
    return {entity_id: tally.entity(entity_id) for entity_id, tally in tallied(rows).items()}


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
