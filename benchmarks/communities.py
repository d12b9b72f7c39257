"""What communities and their reports cost, and how little of them a change touches.

`python -m benchmarks.communities [DOCUMENTS ...]` prints one JSON line a size: CPU seconds of the first build and of
an update, the share of untouched communities that stay, modularity against a clean build, milliseconds a report.
"""

import json
import random
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from knowledge.communities import hierarchy
from knowledge.community import Community
from knowledge.fingerprint import fingerprint
from knowledge.network import Network
from knowledge.quotes import pick_passages, wanted_support
from knowledge.report import Cited, Report
from knowledge.reports import owners, write
from knowledge.resolution import (
    Entity,
    MentionRow,
    Relationship,
    StatementRow,
    reduce_mentions,
    reduce_statements,
    relationship_id,
)

TOPICS = ("solar storage", "cargo routing", "patient intake", "crop insurance", "port safety", "fraud screening")
SMALL_TALK = "The committee met again in the spring and reviewed the figures with care. "
Facts = list[tuple[str, str, str]]
"""(one name, another, what they do together) of one document."""


def corpus(documents: int, versions: Mapping[int, int] | None = None, seed: int = 7) -> list[Facts]:
    """The facts of each document: one name of its own, some from a shared pool in which a few names are everywhere.

    `versions={i: v}` writes document i anew.
    """
    pool = [f"Unit{j:04d} Group" for j in range(max(20, int(documents * 0.6)))]
    weights = [1 / (j + 3) for j in range(len(pool))]
    found = []
    for i in range(documents):
        version = (versions or {}).get(i, 0)
        draw = random.Random(f"{seed}/{i}/{version}")
        names = [f"Charter{i:05d}v{version} Office", *draw.choices(pool, weights=weights, k=7)]
        found.append([(a, b, draw.choice(TOPICS)) for a, b in pairwise(names) if a != b])
    return found


@dataclass(frozen=True, slots=True)
class World:
    """Everything that reports are made from."""

    entities: dict[str, Entity]
    relationships: dict[str, Relationship]
    support: dict[str, set[tuple[str, str]]]
    passages: dict[str, Cited]

    @classmethod
    def of(cls, documents: Sequence[Facts]) -> "World":
        mentions: list[MentionRow] = []
        statements: list[StatementRow] = []
        support: dict[str, set[tuple[str, str]]] = {}
        passages: dict[str, Cited] = {}
        for i, facts in enumerate(documents):
            chunk, text = f"chunk-{i}", SMALL_TALK.join(f"{a} cooperates with {b} on {t}. " for a, b, t in facts)
            passages[chunk] = Cited(chunk, text, f"Report {i}", fingerprint(f"Report {i}", text))
            mentions += [
                MentionRow(chunk, chunk, entity_id(name), name.lower(), name, "ORG", "extractor", "")
                for name in sorted({end for a, b, _ in facts for end in (a, b)})
            ]
            for a, b, _ in facts:
                row = StatementRow(chunk, chunk, entity_id(a), entity_id(b), "cooperates with", 1.0, "")
                statements.append(row)
                key = relationship_id(row.source_id, row.target_id, row.predicate)
                support.setdefault(key, set()).add((passages[chunk].fingerprint, chunk))
        return cls(reduce_mentions(mentions), reduce_statements(statements), support, passages)

    def network(self) -> Network:
        rows = list(self.relationships.values())
        return Network.of([r.source_id for r in rows], [r.target_id for r in rows], [r.weight for r in rows])


def entity_id(name: str) -> str:
    """The id of a name in this corpus."""
    return fingerprint("entity", name.lower())


def reports(communities: Sequence[Community], world: World) -> dict[str, Report]:
    """`{community id: report}`, the deepest first."""
    owned: dict[str | None, list[Relationship]] = {}
    rows = list(world.relationships.values())
    for row, owner in zip(rows, owners(communities, [(r.source_id, r.target_id) for r in rows]), strict=True):
        owned.setdefault(owner, []).append(row)
    below: dict[str | None, list[str]] = {}
    for community in communities:
        below.setdefault(community.parent, []).append(community.id)
    done: dict[str, Report] = {}
    for community in sorted(communities, key=lambda c: -c.level):
        members, edges = [world.entities[m] for m in community.members], owned.get(community.id, [])
        children = [done[child] for child in below.get(community.id, ())]
        wanted, _ = wanted_support(members, edges, parent=bool(children))
        passages = [world.passages[chunk] for chunk in pick_passages(wanted, world.support)]
        done[community.id] = write(community, members, edges, passages, children)
    return done


def touched(before: World, after: World) -> set[str]:
    """The entities with a relationship that came, went or changed."""
    old, new = before.relationships, after.relationships
    rows = [r for r in (*old.values(), *new.values()) if old.get(r.id) != new.get(r.id)]
    return {end for row in rows for end in (row.source_id, row.target_id)}


def kept(before: Iterable[Community], after: Iterable[Community], entities: set[str]) -> float:
    """Of the communities that hold none of `entities`, the share that has its id, level and members still."""
    still = {(c.id, c.level, c.members) for c in after}
    untouched = [c for c in before if entities.isdisjoint(c.members)]
    return sum((c.id, c.level, c.members) in still for c in untouched) / len(untouched) if untouched else 1.0


def modularity(network: Network, communities: Iterable[Community]) -> float:
    """Of the coarsest level."""
    label = {m: number for number, c in enumerate(communities) if c.level == 0 for m in c.members}
    return network.modularity(np.array([label[name] for name in network.ids]))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One size, measured; CPU in seconds."""

    documents: int
    communities: int
    build_cpu: float
    update_cpu: float
    report_ms: float
    kept: float
    modularity_ratio: float


def measure(documents: int, edits: int = 20) -> Outcome:
    """A first build and `edits` edits of one document each."""
    draw, versions = random.Random(1), dict[int, int]()
    world = World.of(corpus(documents))
    start = time.process_time()
    now = hierarchy(world.network())
    built = time.process_time()
    reports(now, world)
    reported = time.process_time()
    shares, updates = [], []
    for _ in range(edits):
        i = draw.randrange(documents)
        versions[i] = versions.get(i, 0) + 1
        after = World.of(corpus(documents, versions))
        begin = time.process_time()
        then, now = now, hierarchy(after.network(), now)
        updates.append(time.process_time() - begin)
        shares.append(kept(then, now, touched(world, after)))
        world = after
    network = world.network()
    return Outcome(
        documents,
        len(now),
        round(built - start, 4),
        round(sum(updates) / edits, 4),
        round(1000 * (reported - built) / len(now), 3),
        round(sum(shares) / edits, 4),
        round(modularity(network, now) / modularity(network, hierarchy(network)), 4),
    )


if __name__ == "__main__":
    for size in map(int, sys.argv[1:] or ("20", "200", "1000")):
        print(json.dumps(asdict(measure(size))), flush=True)
