"""A discovery becomes items, a change log and a cursor, all of it or nothing."""

from dataclasses import replace

import pytest
import sqlalchemy as sa

from resources.catalog import schema
from resources.catalog.items import Applied
from resources.catalog.stages import Commit
from resources.errors import CatalogUnavailable, SourceError
from resources.sources.base import Change, Op
from tests.catalog.listings import (
    SOURCE,
    apply,
    delete,
    discovery,
    fill,
    folder,
    ids,
    item,
    names,
    settle,
    states,
    upsert,
)


def test_new_documents_wait_in_the_order_they_were_found(catalog):
    applied = apply(catalog, upsert("b.md"), upsert("a.md"), cursor="first")
    found = ids(catalog)
    assert applied == Applied(new=2)
    assert list(catalog.items.pending(SOURCE)) == [found["b.md"], found["a.md"]]
    assert catalog.items.waiting() == {SOURCE: (2, max(catalog.items.pending(SOURCE).values()))}
    assert catalog.items.known(SOURCE, "").cursor == "first"


def test_an_item_comes_back_as_it_was_told(catalog):
    told = item("a.md", size=7_000_000_000, provider_hash="quickXor", parent_id="root", read=("group:1", "user:2"))
    apply(catalog, Change(Op.UPSERT, told))
    assert catalog.items.known(SOURCE, "").items() == {"a.md": told}
    assert catalog.items.documents()[0].item == told


def test_applying_a_discovery_twice_changes_nothing(catalog):
    fill(catalog, ["kept.md", "edited.md", "moved.md", "gone.md", "missing.md", *names(20)])
    found = discovery(
        upsert("new.md"), upsert("edited.md", version="2", content_sha256="other"),
        Change(Op.MOVE, item("moved.md", path="else/moved.md")), delete("gone.md"), Change(Op.UPSERT, folder("f")),
        missing=("missing.md",), cursor="c2",
    )  # fmt: skip
    first = catalog.items.apply(SOURCE, 1, found)
    before = everything(catalog)
    assert first == Applied(new=1, changed=1, moved=1, removed=2)
    assert catalog.items.apply(SOURCE, 1, found) == Applied()
    assert everything(catalog) == before


def test_a_look_that_another_one_overtook_is_refused_and_nothing_of_it_is_noted(catalog):
    fill(catalog, ["a.md"])
    slow = catalog.items.known(SOURCE, "")
    apply(catalog, upsert("b.md"), cursor="c2")
    with pytest.raises(SourceError, match="another look at it was noted meanwhile"):
        catalog.items.apply(SOURCE, 1, discovery(upsert("c.md"), cursor="c1 and on"), slow)
    assert set(ids(catalog)) == {"a.md", "b.md"}
    assert catalog.items.known(SOURCE, "").cursor == "c2"


def test_an_edit_waits_and_keeps_the_id(catalog):
    before = fill(catalog, ["a.md"])
    applied = apply(catalog, upsert("a.md", version="2", content_sha256="other"))
    assert applied == Applied(changed=1)
    assert ids(catalog) == before
    assert list(catalog.items.pending(SOURCE)) == [before["a.md"]]


def test_a_move_waits_and_keeps_the_id(catalog):
    before = fill(catalog, ["a.md"])
    applied = apply(catalog, Change(Op.MOVE, item("a.md", path="b/a.md", fetch_ref="b/a.md"), previous_path="a.md"))
    assert applied == Applied(moved=1)
    assert ids(catalog) == before
    assert catalog.items.documents()[0].item.path == "b/a.md"


def test_a_new_change_signal_alone_asks_for_no_work(catalog):
    fill(catalog, ["a.md"])
    applied = apply(catalog, Change(Op.METADATA, item("a.md", version="2", size=11)))
    assert applied == Applied()
    assert catalog.items.waiting() == {}
    assert catalog.items.known(SOURCE, "").versions() == {"a.md": "2"}


@pytest.mark.parametrize(
    ("op", "given"),
    [(Op.METADATA, {"uri": "file:///elsewhere/a.md"}), (Op.METADATA, {"read": ("user:1",)}), (Op.ACL, {"read": None})],
)
def test_a_new_address_or_permission_asks_for_work(catalog, op, given):
    before = fill(catalog, ["a.md"])
    assert apply(catalog, Change(op, item("a.md", **given))) == Applied(changed=1)
    assert list(catalog.items.pending(SOURCE)) == [before["a.md"]]


def test_a_deleted_document_is_hidden_at_once_and_stays_until_its_rows_are_gone(catalog):
    before = fill(catalog, ["a.md", "b.md"])
    assert apply(catalog, delete("a.md", "deleted")) == Applied(removed=1)
    assert states(catalog) == {"a.md": "gone", "b.md": "live"}
    assert catalog.items.hidden() == {before["a.md"]: "deleted"}
    assert list(catalog.items.pending(SOURCE)) == [before["a.md"]]
    assert set(catalog.items.known(SOURCE, "").items()) == {"b.md"}
    settle(catalog)
    catalog.items.purge([before["a.md"], before["b.md"]])
    assert states(catalog) == {"b.md": "live"}


def test_a_tombstone_of_an_unknown_item_is_nothing(catalog):
    assert apply(catalog, delete("never-seen.md")) == Applied()
    assert catalog.items.waiting() == {}


def test_an_item_that_comes_back_before_its_rows_are_gone_is_the_document_that_it_was(catalog):
    before = fill(catalog, ["a.md"])
    apply(catalog, delete("a.md"))
    assert apply(catalog, upsert("a.md")) == Applied(new=1)
    assert states(catalog) == {"a.md": "live"}
    assert ids(catalog) == before
    assert catalog.items.hidden() == {}
    assert list(catalog.items.pending(SOURCE)) == [before["a.md"]]
    catalog.items.purge([before["a.md"]])
    assert ids(catalog) == before


def test_an_item_that_comes_back_after_its_rows_are_gone_is_a_new_document(catalog):
    before = fill(catalog, ["a.md"])
    apply(catalog, delete("a.md"))
    settle(catalog)
    catalog.items.purge(before.values())
    assert apply(catalog, upsert("a.md")) == Applied(new=1)
    assert ids(catalog)["a.md"] != before["a.md"]


def test_nothing_waits_of_a_document_that_was_purged(catalog):
    before = fill(catalog, ["a.md"])
    apply(catalog, delete("a.md"))
    catalog.items.purge(before.values())
    assert catalog.items.waiting() == {}


def test_folders_are_known_and_are_no_documents(catalog):
    inside = item("f/a.md", parent_id="f")
    applied = apply(catalog, Change(Op.UPSERT, folder("f")), Change(Op.UPSERT, inside))
    known = catalog.items.known(SOURCE, "")
    assert applied == Applied(new=1)
    assert set(known.items()) == {"f", "f/a.md"}
    assert known.children(["f"]) == [inside]
    assert known.versions() == {"f/a.md": "1"}
    assert list(ids(catalog)) == ["f/a.md"]
    apply(catalog, Change(Op.DELETE, folder("f")))
    assert set(catalog.items.known(SOURCE, "").items()) == {"f/a.md"}


def test_an_item_that_went_to_another_scope_is_not_the_old_scopes_to_delete(catalog):
    before = fill(catalog, ["a.md"], scope="one")
    apply(catalog, Change(Op.MOVE, item("a.md", path="two/a.md")), scope="two")
    assert apply(catalog, delete("a.md"), scope="one") == Applied()
    assert apply(catalog, scope="one", missing=("a.md",)) == Applied()
    assert states(catalog) == {"a.md": "live"}
    assert ids(catalog) == before
    assert set(catalog.items.known(SOURCE, "two").items()) == {"a.md"}
    assert catalog.items.known(SOURCE, "one").items() == {}


def test_documents_spread_over_the_shards_of_their_source(catalog):
    apply(catalog, *(upsert(name) for name in names(200)), shards=4)
    waiting = {partition: count for partition, (count, _) in catalog.items.waiting().items()}
    assert set(waiting) == {f"{SOURCE}/{n:02d}" for n in range(4)}
    assert sum(waiting.values()) == 200
    assert min(waiting.values()) > 20
    for partition, count in waiting.items():
        mine = catalog.items.documents(partition=partition)
        assert {d.id for d in mine} == set(catalog.items.pending(partition))
        assert len(mine) == count


def test_a_failure_in_the_middle_leaves_items_and_log_as_they_were(fresh_catalog):
    fill(fresh_catalog, ["a.md", "b.md"])
    with fresh_catalog.database.begin() as connection:
        schema.cursors.drop(connection)  # written last
    before = everything(fresh_catalog, schema.items, schema.changes, schema.acl_sets)
    with pytest.raises((CatalogUnavailable, sa.exc.DatabaseError)):
        apply(fresh_catalog, upsert("a.md", version="2", read=("user:1",)), upsert("c.md"), delete("b.md"))
    assert everything(fresh_catalog, schema.items, schema.changes, schema.acl_sets) == before


def test_what_is_applied_leaves_the_log_and_what_came_meanwhile_stays(catalog):
    apply(catalog, upsert("a.md"), upsert("b.md"))
    taken = catalog.items.pending(SOURCE)
    apply(catalog, upsert("a.md", version="2", content_sha256="other"))
    catalog.stages.commit(Commit("documents", SOURCE, changes=taken))
    assert list(catalog.items.pending(SOURCE)) == [ids(catalog)["a.md"]]


def test_no_number_of_the_change_log_is_given_twice(catalog):
    apply(catalog, upsert("a.md"))
    first = catalog.items.waiting()[SOURCE][1]
    settle(catalog)
    catalog.items.again(ids(catalog).values(), "retry")
    assert catalog.items.waiting()[SOURCE][1] > first


def test_a_document_can_be_put_back_into_the_log(catalog):
    before = fill(catalog, ["a.md", "b.md"])
    catalog.items.again([before["b.md"], before["b.md"], "no document"], "retry")
    assert list(catalog.items.pending(SOURCE)) == [before["b.md"]]


def test_what_was_read_is_what_is_known(catalog):
    before = fill(catalog, ["a.md"])
    read = item("a.md", version="3", size=99, content_sha256="as read")
    catalog.items.store_fetched({before["a.md"]: read})
    assert catalog.items.known(SOURCE, "").items() == {"a.md": replace(read, modified_at=item("a.md").modified_at)}
    assert catalog.items.waiting() == {}


def everything(catalog, *tables):
    """All that a discovery writes, as rows."""
    with catalog.database.read() as connection:
        return {
            table.name: sorted(
                [str(v) for k, v in row._mapping.items() if k != "listed_at"]
                for row in connection.execute(sa.select(table))
            )
            for table in tables or (schema.items, schema.changes, schema.cursors, schema.acl_sets)
        }
