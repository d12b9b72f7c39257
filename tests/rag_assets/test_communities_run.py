"""The stage of communities, over tables of its own: what it leaves, whom it asks for a report, what it reads."""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from knowledge.communities import MAX_SIZE, hierarchy
from knowledge.community import Community, tops
from knowledge.fingerprint import fingerprint, shard_of
from rag_assets.communities import STAGE, CommunitiesRun
from rag_assets.projection import Projection
from rag_assets.work import GRAPH
from resources.index import Index
from resources.settings import graph_partition
from tests.chain.harness import Project
from tests.knowledge.villages import Pairs, edited, nested, network, villages

Row = dict[str, Any]


class County:
    """An index that has nothing but entities, relationships, and the communities that runs leave."""

    def __init__(self, index: Index, pairs: Pairs) -> None:
        self.index, self.tables, self.pairs = index, index.tables, Pairs()
        names = sorted({end for pair in pairs for end in pair})
        empty = {"shard": 0, "aliases": [], "mention_count": 1, "document_count": 1}
        texts = dict.fromkeys(("name", "canonical", "type", "description", "fingerprint"), "")
        self.tables.entities.upsert(self.tables.entities.arrow([{**empty, **texts, "id": name} for name in names]))
        projection = Projection(index)
        projection.entities(names)
        projection.finish()
        self.relate(pairs)
        self.run()

    def relate(self, pairs: Pairs) -> None:
        """Make the relationships these, and touch the ends of those that differ."""
        differ = {pair for pair in pairs.keys() | self.pairs.keys() if pairs.get(pair) != self.pairs.get(pair)}
        empty = {"shard": 0, "predicate": "", "description": "", "support_count": 1, "fingerprint": "", "documents": []}
        rows = [
            {**empty, "id": f"{a} {b}", "source_id": a, "target_id": b, "weight": pairs[a, b]}
            for a, b in sorted(differ & pairs.keys())
        ]
        table = self.tables.relationships
        table.replace([f"{a} {b}" for a, b in differ], table.arrow(rows))
        self.pairs = dict(pairs)
        self.touch(end for pair in differ for end in pair)

    def touch(self, entities: Iterable[str]) -> None:
        self.index.catalog.queues.touch(STAGE, {GRAPH: entities})

    def stand(self, communities: list[Community]) -> None:
        """Make the communities of the last run these."""
        rows = list(self.wanted(communities).values())
        members = [{"entity_id": m, "community_id": r["id"], "level": r["level"]} for r in rows for m in r["members"]]
        for table, new in ((self.tables.communities, rows), (self.tables.memberships, members)):
            old = table.read(None, (table.spec.group,))[table.spec.group].to_pylist()
            table.replace(old, table.arrow(new))

    def run(self, *, full: bool = False) -> CommunitiesRun:
        done = CommunitiesRun(self.index, full=full)
        done.run()
        return done

    def wanted(self, communities: list[Community]) -> dict[str, Row]:
        above, shards = tops(communities), self.index.settings.graph.shards
        return {
            c.id: {
                "id": c.id, "shard": shard_of(above[c.id], shards), "level": c.level, "parent": c.parent,
                "top": above[c.id], "members": list(c.members), "members_hash": fingerprint(*c.members),
                "edges": c.edges, "size": len(c.members),
            }
            for c in communities
        }  # fmt: skip

    def rows(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.tables.communities.read().to_pylist()}

    def communities(self) -> list[Community]:
        rows = self.rows().values()
        return [Community(r["id"], r["level"], r["parent"], tuple(r["members"]), r["edges"]) for r in rows]

    def memberships(self) -> list[tuple[str, str, int]]:
        return sorted(
            (r["entity_id"], r["community_id"], r["level"]) for r in self.tables.memberships.read().to_pylist()
        )

    def asked(self) -> dict[str, set[str]]:
        """{partition: communities} whose reports were asked for since the last time."""
        queues = self.index.catalog.queues
        found = {key: queues.take("community_reports", key) for key in self.index.settings.graph_partitions()}
        for taken in found.values():
            queues.done("community_reports", taken)
        return {key: set(taken) for key, taken in found.items() if taken}

    @contextmanager
    def read(self) -> Iterator[dict[str, int]]:
        """The rows of each table that are read inside."""
        tables = {table.name: table for table in (self.tables.communities, self.tables.memberships)}
        before, found = {name: table.rows_read for name, table in tables.items()}, dict[str, int]()
        yield found
        found |= {name: table.rows_read - before[name] for name, table in tables.items()}


@pytest.fixture
def county(tmp_path: Path) -> Iterator[County]:
    with Project(tmp_path, checks=False).index() as index:
        yield County(index, villages(random.Random(1), 60))


def reports_to_ask_for(old: dict[str, Row], new: dict[str, Row], entities: set[str]) -> dict[str, set[str]]:
    """Of communities that differ or hold one of these entities, and of all above them, by partition."""
    found = {c for c in old.keys() | new.keys() if old.get(c) != new.get(c)}
    found |= {c for c, row in new.items() if not entities.isdisjoint(row["members"])}
    for c in list(found):
        while (row := new.get(c)) is not None and row["parent"] is not None:
            found.add(c := row["parent"])
    asked: dict[str, set[str]] = {}
    for c in found:
        asked.setdefault(graph_partition((new.get(c) or old[c])["shard"]), set()).add(c)
    return asked


@pytest.mark.parametrize("seed", range(3))
def test_edits_leave_and_ask_for_what_a_look_at_everything_does(county: County, seed: int) -> None:
    draw, turned = random.Random(seed), 0
    county.stand(nested(draw, network(county.pairs), MAX_SIZE))
    county.asked()
    for _ in range(4):
        old, pairs = county.rows(), edited(draw, county.pairs)
        differ = {pair for pair in pairs.keys() | county.pairs.keys() if pairs.get(pair) != county.pairs.get(pair)}
        new = county.wanted(hierarchy(network(pairs), county.communities()))
        county.relate(pairs)
        county.run()
        assert county.rows() == new
        assert county.memberships() == sorted((m, c, row["level"]) for c, row in new.items() for m in row["members"])
        assert county.asked() == reports_to_ask_for(old, new, {end for pair in differ for end in pair})
        kept = [c for c in old.keys() & new.keys() if old[c]["parent"] == new[c]["parent"]]
        turned += sum(old[c]["top"] != new[c]["top"] for c in kept)
    assert turned, "nothing stood below a community that came under another top"


def test_one_edge_reads_the_coarsest_level_and_what_stands_around_it(county: County) -> None:
    pair = sorted(county.pairs)[100]
    county.relate({**county.pairs, pair: county.pairs[pair] + 1.0})
    with county.read() as read:
        county.run()
    coarsest = county.tables.communities.count("level = 0")
    assert coarsest < read["communities"] < county.tables.communities.count() / 2
    assert read["memberships"] < 10


def test_an_entity_whose_relationships_stay_reads_no_community_and_asks_for_those_that_hold_it(county: County) -> None:
    county.asked()
    county.touch(["v007h3"])
    with county.read() as read:
        done = county.run()
    rows = county.rows()
    assert county.asked() == reports_to_ask_for(rows, rows, {"v007h3"})
    assert read == {"communities": 0, "memberships": len(done.stage.touched)}


def test_of_a_community_that_changed_those_are_written_who_came(county: County) -> None:
    old, before = county.rows(), county.memberships()
    county.relate({pair: weight for pair, weight in county.pairs.items() if "v007h3" not in pair})
    with patch.object(county.tables.memberships, "upsert", wraps=county.tables.memberships.upsert) as upsert:
        county.run()
    new, after = county.rows(), county.memberships()
    assert any(old[c]["members_hash"] != new[c]["members_hash"] for c in old.keys() & new.keys())
    assert "v007h3" in {entity for entity, _, _ in before} - {entity for entity, _, _ in after}
    written = upsert.call_args.args[0].to_pylist()
    assert sorted((r["entity_id"], r["community_id"], r["level"]) for r in written) == sorted({*after} - {*before})


def test_a_full_look_reads_everything_and_changes_nothing(county: County) -> None:
    before, members = county.rows(), county.memberships()
    county.asked()
    with county.read() as read:
        done = county.run(full=True)
    assert read["communities"] == len(before)
    assert (county.rows(), county.memberships(), county.asked()) == (before, members, {})
    assert done.stage.counters.rows_written == 0


def test_the_last_relationship_takes_all_communities_with_it(county: County) -> None:
    county.asked()
    old = county.rows()
    county.relate({})
    county.run()
    assert (county.rows(), county.memberships()) == ({}, [])
    assert county.asked() == reports_to_ask_for(old, {}, set())


@pytest.mark.parametrize("back", [True, False])
def test_a_run_killed_between_memberships_and_rows_leaves_no_membership_behind(county: County, back: bool) -> None:
    before, draw = county.pairs, random.Random(7)
    after = edited(draw, edited(draw, edited(draw, before)))
    county.relate(after)
    with (
        patch.object(county.tables.communities, "replace", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        county.run()
    county.relate(before if back else edited(draw, after))
    county.run()
    rows = county.rows()
    assert county.memberships() == sorted((m, c, row["level"]) for c, row in rows.items() for m in row["members"])
