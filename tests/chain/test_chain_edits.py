"""What one edit, one delete and one rename cost, and what they leave."""

import json
from typing import Any

import pytest
import sqlalchemy as sa

from benchmarks import corpus
from resources.catalog import schema
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import Row, Snapshot

SIZE = 200
EDITED = [(number * 37 + 5) % SIZE for number in range(20 if LONG else 6)]
DELETED, RENAMED = 124, 77  # none of those: the tests share an index
TEXT = corpus.Corpus(SIZE)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("edits"), checks=False)
    project.write_all(TEXT.documents())
    project.good()
    return project


def test_an_edit_costs_one_text_one_chunk_its_entities_and_the_reports_that_rest_on_it(indexed: Project) -> None:
    kept: list[float] = []
    before = indexed.snapshot()
    for number in EDITED:
        name = corpus.name_of(number)
        indexed.write(name, TEXT.text(number, version=1))
        with indexed.counted() as asked:
            outcome = indexed.good()
        after = indexed.snapshot()
        assert outcome.assets["embeddings"].texts_embedded == 1
        assert asked["extracted"] == 1
        touched = _only_its_own(name, before, after)
        graph = outcome.assets["entity_graph"]
        written = len(_changed(before, after, "entities")) + len(_changed(before, after, "relationships"))
        assert graph.rows_written == written
        reports = outcome.assets["community_reports"]
        _exactly_the_reports_that_must(before, after, reports.rows_new + reports.rows_changed)
        kept.append(_share_kept(before, after, touched))
        before = after
    assert sum(kept) / len(kept) >= 0.9, kept


def _changed(before: Snapshot, after: Snapshot, table: str, key: str = "id") -> set[str]:
    old, new = before.rows(table, key), after.rows(table, key)
    return {i for i in old.keys() | new.keys() if old.get(i) != new.get(i)}


def _only_its_own(name: str, before: Snapshot, after: Snapshot) -> set[str]:
    """Nothing but what this document's chunk says changed; returns the entities that it says something of."""
    document = after.document(name)["id"]
    for table in ("mentions", "statements", "chunks"):
        rows = {json.dumps(r, sort_keys=True) for r in before.tables[table]}
        now = {json.dumps(r, sort_keys=True) for r in after.tables[table]}
        assert {json.loads(row)["document_id"] for row in rows ^ now} == {document}
    entities = {r["entity_id"] for s in (before, after) for r in s.of_document("mentions", name)}
    assert _changed(before, after, "entities") <= entities
    stated = {r["relationship_id"] for s in (before, after) for r in s.of_document("statements", name)}
    assert _changed(before, after, "relationships") <= stated
    return entities


def _exactly_the_reports_that_must(before: Snapshot, after: Snapshot, written: int) -> None:
    old, new = _rests_on(before), _rests_on(after)
    must = {c for c in new if c not in old or new[c] != old[c]}
    a, b = (_reports(s) for s in (before, after))
    rewritten = {c for c in b if a.get(c) != b[c]}
    assert rewritten == must, (len(rewritten - must), len(must - rewritten))
    shards = [{r["community_id"]: r["shard"] for r in s.tables["community_reports"]} for s in (before, after)]
    moved = {c for c in b if shards[0].get(c) != shards[1][c]}
    assert written == len(must | moved)


def _reports(found: Snapshot) -> dict[str, Row]:
    """{community: its report}; the partition is left out: a report moves with the top of its community, as it is."""
    left_out = ("vector", "shard")
    rows = found.tables["community_reports"]
    return {r["community_id"]: {k: v for k, v in r.items() if k not in left_out} for r in rows}


def _rests_on(found: Snapshot) -> dict[str, Any]:
    """What each community's report is made of, told from the tables: members, edges, cited texts, children's reports.

    Told without the chain's own fingerprints: by the rows of the entities, of the relationships between them, of the
    passages that the report cites, and, deepest first, by what the children's reports rest on.
    """
    entities, chunks = found.rows("entities", "id"), found.rows("chunks", "id")
    reports, communities = _reports(found), found.rows("communities", "id")
    at: dict[str, list[Row]] = {}
    for row in found.tables["relationships"]:
        at.setdefault(row["source_id"], []).append(row)
    made: dict[str, Any] = {}
    for community in sorted(communities.values(), key=lambda c: -c["level"]):
        members = set(community["members"])
        edges = [r for m in sorted(members) for r in at.get(m, ()) if r["target_id"] in members]
        cited = [(chunks[c]["text"], chunks[c]["title"], c) for c in reports[community["id"]]["citations"]]
        children = sorted(c["id"] for c in communities.values() if c["parent"] == community["id"])
        made[community["id"]] = (
            [entities[m] for m in sorted(members)], sorted(edges, key=lambda r: str(r["id"])), cited,
            [(child, made[child]) for child in children],
        )  # fmt: skip
    return made


def _share_kept(before: Snapshot, after: Snapshot, touched: set[str]) -> float:
    """Of the communities without a touched entity, those with the same id, members and report."""
    reports, now = _reports(before), _reports(after)
    communities, there = before.rows("communities", "id"), after.rows("communities", "id")
    untouched = [c for c, row in communities.items() if touched.isdisjoint(row["members"])]
    same = [
        c for c in untouched
        if c in there and there[c]["members"] == communities[c]["members"] and now.get(c) == reports[c]
    ]  # fmt: skip
    return len(same) / len(untouched)


def test_nothing_of_a_deleted_document_is_left(indexed: Project) -> None:
    name, own = corpus.name_of(DELETED), corpus.own_name(DELETED)
    before = indexed.snapshot()
    document = before.document(name)["id"]
    chunks = {row["id"] for row in before.of_document("chunks", name)}
    assert indexed.search(own)["results"][0]["path"] == name
    indexed.delete(name)
    with indexed.counted() as asked:
        outcome = indexed.good()
    assert outcome.sources["docs"].applied.removed == 1
    assert outcome.assets["embeddings"].texts_embedded == asked["extracted"] == 0
    after = indexed.snapshot()
    gone = {document, *chunks, name, own, own.lower()}
    for table, rows in after.tables.items():
        assert not [r for r in rows if _holds(r, gone)], table
    for kind, rows in after.graph.items():
        assert not [r for r in rows if _holds(r, gone)], kind
    for mode in ("hybrid", "local", "global", "dense", "fulltext"):
        answer = indexed.search(own, mode)
        assert not [r for r in answer["results"] if r["document_id"] == document or own in r["text"]]
        assert not [r for r in answer["reports"] if chunks & set(r["citations"]) or own in json.dumps(r)]
    with indexed.index() as index, index.catalog.database.read() as connection:
        for book in schema.metadata.sorted_tables:
            if book is not schema.touched:  # what the last run looked at, by its id
                assert not [r for r in connection.execute(sa.select(book)) if _holds(dict(r._mapping), gone)], book.name


def _holds(row: Row, values: set[str]) -> bool:
    said = json.dumps({k: v for k, v in row.items() if k != "vector"}, default=str)
    return any(value in said for value in values)


def test_a_renamed_document_keeps_its_id_and_vectors_and_shows_its_new_path_everywhere(indexed: Project) -> None:
    old, new, own = corpus.name_of(RENAMED), "archive/of old.txt", corpus.own_name(RENAMED)
    before = indexed.snapshot()
    indexed.rename(old, new)
    with indexed.counted() as asked:
        outcome = indexed.good()
    after = indexed.snapshot()
    assert outcome.sources["docs"].applied.moved == 1
    assert not asked
    for asset in ("chunks", "embeddings", "extractions", "entity_graph", "communities", "community_reports"):
        assert outcome.assets[asset].rows_written == 0, asset
    document = after.document(new)
    assert document["id"] == before.document(old)["id"]
    assert document["uri"].endswith("/archive/of%20old.txt")
    assert old not in after.paths()
    assert after.tables["embeddings"] == before.tables["embeddings"]
    nodes = [r for rows in after.graph.values() for r in rows if r["id"] == document["id"]]
    assert [(n["path"], n["uri"]) for n in nodes] == [(new, document["uri"])]
    with indexed.index() as index:
        assert [d.item.path for d in index.catalog.items.documents({document["id"]})] == [new]
    for mode in ("hybrid", "fulltext", "dense"):
        hits = [r for r in indexed.search(own, mode)["results"] if r["document_id"] == document["id"]]
        assert [(r["path"], r["uri"]) for r in hits] == [(new, document["uri"])]
