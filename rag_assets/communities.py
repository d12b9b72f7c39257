"""The asset `communities`: a hierarchy over all relationships that changes only where they changed."""

from collections.abc import Collection, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any

import dagster as dg
import numpy as np

from knowledge import communities as clustering
from knowledge.communities import arrange, hierarchy
from knowledge.community import Community, tops
from knowledge.counters import Counters
from knowledge.fingerprint import fingerprint, shard_of
from knowledge.former import all_below
from knowledge.network import Network
from rag_assets.graph_use import GraphUse
from rag_assets.index_resource import IndexResource, run_holder
from rag_assets.previews import bar_plot
from rag_assets.projection import Projection
from rag_assets.stage import Report, StageRun, definition_metadata, markdown_table, wants_full
from rag_assets.stored_communities import Row, StoredCommunities
from rag_assets.work import GRAPH as LEASE
from resources import schemas
from resources.index import Index
from resources.settings import Settings, graph_partition
from resources.tables import is_in

if TYPE_CHECKING:
    import pyarrow as pa

STAGE = "communities"
CHECKSUM = "communities.edges"
PROJECTION = "communities_projection"
MOST_IN_PART = 250
"""Most communities whose memberships are written in part, each with a filter of its own; of more, all are written."""


def communities_asset(settings: Settings) -> dg.AssetsDefinition:
    @dg.asset(
        name=STAGE,
        # one partition or none makes no difference here, but the command line asks it of every asset of a range
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=["entity_graph"],
        group_name="graph",
        owners=["team:data"],
        kinds={"lancedb", settings.graph.store},
        code_version=clustering.VERSION,
        metadata=definition_metadata(schemas.COMMUNITIES, schemas.MEMBERSHIPS, uri=settings.index_uri),
    )
    def communities(context: dg.AssetExecutionContext, index: IndexResource) -> dg.MaterializeResult[None]:
        """Seeded Leiden communities, level by level; what no change touched keeps its id, members and report."""
        parts = index.opened
        report = Report(context, parts, STAGE)
        with parts.catalog.leases.hold([LEASE], run_holder(context.run_id), wait_seconds=600):
            use = GraphUse(parts)
            work = CommunitiesRun(parts, full=wants_full(context))
            work.run()
            report.add(LEASE, work.stage.counters, parts.tables.communities.count(), work.stage.touched)
            levels = _levels(parts)
            return report.result(
                [parts.tables.communities, parts.tables.memberships],
                **{"dagster/row_count": parts.tables.communities.count()},
                **use.metadata(),
                edges_scanned=work.edges_scanned,
                levels=markdown_table(levels),
                communities=bar_plot([(f"level {row['level']}", row["communities"]) for row in levels]),
            )

    return communities


class CommunitiesRun:
    """Clusters when the relationships' checksum changed, writes the difference, and says which reports to look at."""

    def __init__(self, index: Index, *, full: bool) -> None:
        self.index = index
        self.shards = index.settings.graph.shards
        self.stage = StageRun(index, STAGE, LEASE, full=full)
        self.edges_scanned = 0
        """Rows of the one scan that clustering needs whole: two ends and a weight of every relationship."""

    def run(self) -> None:
        index, queues = self.index, self.index.catalog.queues
        entities = queues.take(STAGE)
        if entities or self.stage.full:
            network = self._network()
            unsure = queues.take(PROJECTION).keys()
            if unsure or self.stage.full or index.catalog.get(CHECKSUM) != network.checksum:
                old, new = self._before_and_after(network)
                self._ask_for_reports(old, new, entities)
                self._write(old, new, unsure)
                index.catalog.put(CHECKSUM, network.checksum)
            else:
                self._ask_for_reports({}, {}, entities)
            queues.done(STAGE, entities)
        waiting = queues.take(PROJECTION)
        if waiting:
            projection = Projection(index)
            projection.communities(waiting)
            self.stage.counters.rows_failed += projection.finish()
        queues.done(PROJECTION, waiting)
        self.stage.counters.rows_same = (
            index.tables.communities.count() - self.stage.counters.rows_new - self.stage.counters.rows_changed
        )
        self.stage.finish()

    def _network(self) -> Network:
        edges = self.index.tables.relationships.read(None, ("source_id", "target_id", "weight"))
        self.edges_scanned = edges.num_rows
        return _network_of(edges)

    def _before_and_after(self, network: Network) -> tuple[dict[str, Row], dict[str, Row]]:
        """Rows of the communities that may differ, as they are and as they should be: all of them in a full look."""
        former = StoredCommunities(self.index.tables.communities)
        if self.stage.full:
            previous = former.everything()
            return former.rows, self._rows(hierarchy(network, () if self.stage.changed else previous))
        found = arrange(network, former)
        above = tops(found.communities)
        # what is below one that came under another top-level community changes its shard with it
        moved = [c for c in found.kept if former.rows[c]["top"] != above[c]]
        return former.rows, self._rows([*found.communities, *all_below(former, moved)])

    def _rows(self, communities: Sequence[Community]) -> dict[str, Row]:
        """Rows of the table; a community belongs to the shard of the top-level community above it."""
        above = tops(communities)
        return {
            c.id: {
                "id": c.id, "shard": shard_of(above[c.id], self.shards), "level": c.level, "parent": c.parent,
                "top": above[c.id], "members": list(c.members), "members_hash": fingerprint(*c.members),
                "edges": c.edges, "size": len(c.members),
            }
            for c in communities
        }  # fmt: skip

    def _ask_for_reports(self, old: Mapping[str, Row], new: Mapping[str, Row], entities: Collection[str]) -> None:
        """Reports to look at: of communities that changed or hold a touched entity, and of all above them."""
        differ = {c for c in old.keys() | new.keys() if old.get(c) != new.get(c)}
        for community in list(differ):
            row = new.get(community)
            while row is not None and row["parent"] is not None:
                differ.add(row["parent"])
                row = new.get(row["parent"])
        shards = self._holding(entities)
        shards |= {c: (new.get(c) or old[c])["shard"] for c in differ | (shards.keys() & new.keys())}
        wanted: dict[str, set[str]] = {}
        for community, shard in shards.items():
            wanted.setdefault(graph_partition(shard), set()).add(community)
        self.index.catalog.queues.touch("community_reports", wanted)
        self.stage.touched.extend(sorted(shards))

    def _holding(self, entities: Collection[str]) -> dict[str, int]:
        """{community: shard} of those that hold one of these entities, at every level, as of the last run."""
        columns = ("entity_id", "community_id", "level")
        rows = self.index.tables.memberships.by("entity_id", entities, columns).to_pylist()
        above: dict[str, str] = {}
        for row in sorted(rows, key=lambda row: int(row["level"])):  # an entity's coarsest community is its top
            above.setdefault(row["entity_id"], row["community_id"])
        return {row["community_id"]: shard_of(above[row["entity_id"]], self.shards) for row in rows}

    def _write(self, old: Mapping[str, Row], new: Mapping[str, Row], unsure: Set[str]) -> None:
        """Write the difference; `unsure`: a killed run may have written their memberships and not the rows of these."""
        tables = self.index.tables
        changed = [c for c in new if old.get(c) != new[c]]
        gone = [c for c in old if c not in new]
        moved = {c for c in changed if c not in old or old[c]["members_hash"] != new[c]["members_hash"]}
        rows = tables.communities.arrow([new[c] for c in changed])
        drawn = [c for c in changed if c not in old or _drawn(old[c]) != _drawn(new[c])]
        # the intent: after a kill the tables are right already, and would no longer say what the graph store misses
        self.index.catalog.queues.touch(PROJECTION, {LEASE: [*drawn, *gone]})
        written = self._write_memberships(old, new, moved, unsure)
        tables.communities.replace([*changed, *gone], rows, fresh=not old)
        self.stage.counters.add(
            Counters(
                rows_new=sum(c not in old for c in changed),
                rows_changed=sum(c in old for c in changed),
                rows_removed=len(gone),
                bytes_written=rows.nbytes + written,
            )
        )

    def _write_memberships(
        self, old: Mapping[str, Row], new: Mapping[str, Row], moved: Set[str], unsure: Set[str]
    ) -> int:
        """Write who came to the communities that differ and who left them, in one commit; returns the bytes.

        All members only where the table may hold others than `old` says, or the level of all of them changed.
        """
        tables = self.index.tables
        known = {c for c in moved - unsure if c in old and old[c]["level"] == new[c]["level"]}
        if len(known) > MOST_IN_PART:
            known = set()
        standing = tables.communities.by("id", unsure - new.keys() - old.keys(), ("id", "level", "members")).to_pylist()
        standing += [new[c] for c in sorted((moved - known) | (unsure & new.keys()))]
        standing += [new[c] | {"members": _beyond(new[c], old[c])} for c in sorted(known)]
        members = tables.memberships.arrow(
            [{"entity_id": e, "community_id": c["id"], "level": c["level"]} for c in standing for e in c["members"]]
        )
        whole = (moved - known) | (old.keys() - new.keys()) | unsure
        if not known:
            tables.memberships.replace(whole, members, fresh=not tables.memberships.count())
            return int(members.nbytes)
        gone = [is_in("community_id", sorted(whole))] if whole else []
        left = {c: _beyond(old[c], new[c]) for c in sorted(known)}
        gone += [f"({is_in('community_id', [c])} AND {is_in('entity_id', some)})" for c, some in left.items() if some]
        tables.memberships.upsert(members, " OR ".join(gone))
        return int(members.nbytes)


def _drawn(row: Row) -> tuple[Any, ...]:
    """What of a community stands in the graph store: its node, who belongs to it, and the one above."""
    return row["level"], row["parent"], row["members_hash"]


def _beyond(one: Row, other: Row) -> list[str]:
    """Members of the one that are none of the other."""
    return sorted(set(one["members"]).difference(other["members"]))


def _levels(index: Index) -> list[dict[str, int]]:
    table = index.tables.communities
    found: list[dict[str, int]] = []
    while count := table.count(where := f"level = {len(found)}"):
        largest = table.top(("-size",), ("size",), 1, where)["size"][0].as_py()
        found.append({"level": len(found), "communities": count, "largest": largest})
    return found


def _network_of(edges: "pa.Table") -> Network:
    """The network of some relationships, without an object an end: there may be millions."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns = [edges[end].cast(pa.large_string()) for end in ("source_id", "target_id")]
    # one chunk: dictionaries of many are joined one by one, each longer than the one before
    coded = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.large_string())
    coded = coded.combine_chunks().dictionary_encode()
    order = pc.array_sort_indices(coded.dictionary).to_numpy()
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    first, second = np.split(place[coded.indices.to_numpy()], 2)
    ids = coded.dictionary.take(pa.array(order)).to_pylist()
    return Network.between(ids, first, second, edges["weight"].to_numpy())
