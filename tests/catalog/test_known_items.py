"""What a source and a search are told of the items: the known view, hidden documents, permission sets, counts."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from resources.catalog import Catalog, schema
from resources.catalog.known import KnownItems
from resources.sources.base import Change, Op
from tests.catalog.listings import SOURCE, apply, delete, fill, folder, ids, names, upsert


def test_a_source_is_shown_its_own_scope_only(catalog):
    fill(catalog, ["a.md"], scope="one", cursor="1")
    fill(catalog, ["b.md"], scope="two", cursor="2")
    fill(catalog, ["c.md"], source="contracts", scope="one", cursor="3")
    known = catalog.items.known(SOURCE, "one")
    assert (known.cursor, list(known.items())) == ("1", ["a.md"])
    assert catalog.items.known(SOURCE, "never listed").cursor is None


def test_items_are_found_by_what_they_are_fetched_with(catalog):
    apply(
        catalog,
        upsert("a.md", fetch_ref="drive/1"),
        upsert("b.md", fetch_ref="drive/2"),
        upsert("c.md", fetch_ref=None),
    )
    known = catalog.items.known(SOURCE, "")
    assert {ref: found.path for ref, found in known.by_ref(["drive/2", "drive/9"]).items()} == {"drive/2": "b.md"}
    assert known.versions() == {"drive/1": "1", "drive/2": "1"}
    assert set(known.items(["a.md", "c.md", "nothing"])) == {"a.md", "c.md"}


def test_the_versions_are_the_callers_to_consume(catalog):
    fill(catalog, ["a.md"])
    known = catalog.items.known(SOURCE, "")
    known.versions().clear()
    assert known.versions() == {"a.md": "1"}


def test_versions_come_in_pages_in_the_order_of_code_points(catalog):
    given = ["Z.md", "a-b.md", "a/b.md", "a b.md", "é.md", "z.md", "😀.md", "a.md"]
    fill(catalog, given)
    fill(catalog, ["m.md"], scope="another", cursor="2")
    known = catalog.items.known(SOURCE, "")
    assert list(known.versions()) == sorted(given)
    pages, after = [], ""
    while page := list(known.versions(after, 3)):
        pages, after = pages + page, page[-1]
    assert pages == sorted(given)


def test_items_are_found_by_identity_and_by_content(catalog):
    apply(
        catalog, upsert("a.md", identity="7:1", content_sha256="x"), upsert("b.md", content_sha256="x"), upsert("c.md")
    )
    known = catalog.items.known(SOURCE, "")
    assert [found.path for found in known.by_identity({"7:1", "8:1"})] == ["a.md"]
    assert sorted(found.path for found in known.by_content({"x", "y"})) == ["a.md", "b.md"]


def test_children_are_what_lies_directly_in_a_folder(catalog):
    apply(
        catalog, Change(Op.UPSERT, folder("f")), Change(Op.UPSERT, folder("f/g", parent_id="f")),
        upsert("f/a.md", parent_id="f"), upsert("f/g/b.md", parent_id="f/g"),
    )  # fmt: skip
    known = catalog.items.known(SOURCE, "")
    assert {child.path for child in known.children(["f"])} == {"f/g", "f/a.md"}
    assert {child.path for child in known.children(["f", "f/g"])} == {"f/g", "f/a.md", "f/g/b.md"}


def test_documents_are_found_by_id_and_by_partition(catalog):
    found = fill(catalog, ["a.md", "b.md"])
    fill(catalog, ["c.md"], source="contracts")
    assert [d.item.path for d in catalog.items.documents([found["b.md"], "no document"])] == ["b.md"]
    assert [d.item.path for d in catalog.items.documents(partition=SOURCE)] == ["a.md", "b.md"]
    assert len(catalog.items.documents()) == 3
    assert catalog.items.documents([]) == []


def test_equal_readers_are_one_permission_set_whatever_their_order(catalog):
    apply(catalog, upsert("a.md", read=("user:2", "group:1")), upsert("b.md", read=("group:1", "user:2")))
    one, two = catalog.items.documents()
    assert one.acl_id == two.acl_id
    assert catalog.items.acl_sets() == {one.acl_id: ("group:1", "user:2")}


def test_permission_sets_are_those_that_there_are_now_whoever_wrote_them(catalog):
    apply(catalog, upsert("a.md", read=("user:1",)))
    first = catalog.items.acl_sets()
    other = Catalog(catalog.database.url)
    apply(other, upsert("b.md", read=("user:2",)))
    other.close()
    assert set(catalog.items.acl_sets().values()) == {("user:1",), ("user:2",)}
    with catalog.database.begin() as connection:
        connection.execute(sa.delete(schema.acl_sets).where(schema.acl_sets.c.acl_id.in_(list(first))))
    assert set(catalog.items.acl_sets().values()) == {("user:2",)}


def test_unknown_and_empty_permissions_admit_nobody(catalog):
    apply(catalog, upsert("a.md", read=None), upsert("b.md", read=()))
    one, two = catalog.items.documents()
    assert one.acl_id == two.acl_id
    assert catalog.items.acl_sets() == {one.acl_id: ()}


def test_a_scope_without_access_is_hidden_and_comes_back_at_no_cost(catalog):
    found = fill(catalog, ["a.md", "b.md"], scope="one")
    fill(catalog, ["c.md"], scope="two")
    apply(catalog, delete("b.md"), scope="one", listed=False)
    waiting = catalog.items.waiting()
    catalog.access.hide(SOURCE, "no access", "one")
    assert catalog.items.hidden() == {found["a.md"]: "no access", found["b.md"]: "deleted"}
    assert catalog.items.counts()[SOURCE] == {"live": 2, "held": 0, "gone": 1, "hidden": 1}
    catalog.access.show(SOURCE, "one")
    assert catalog.items.hidden() == {found["b.md"]: "deleted"}
    assert catalog.items.waiting() == waiting


def test_a_source_without_access_is_hidden_in_all_its_scopes(catalog):
    fill(catalog, ["a.md"], scope="one")
    fill(catalog, ["c.md"], scope="two")
    fill(catalog, ["d.md"], source="contracts")
    catalog.access.hide(SOURCE, "no access")
    assert set(catalog.items.hidden()) == set(ids(catalog).values())


def test_a_hidden_document_that_is_shown_unchanged_is_visible_without_work(catalog):
    fill(catalog, ["a.md"])
    catalog.access.hide(SOURCE, "no access")
    apply(catalog, upsert("a.md"), complete=False)
    assert catalog.items.hidden() == {}
    assert catalog.items.waiting() == {}


def test_counts_are_by_source_and_leave_folders_out(catalog):
    fill(catalog, names(6))
    apply(catalog, Change(Op.UPSERT, folder("f")), delete(names(1)[0]), upsert("x.md"))
    assert catalog.items.counts() == {SOURCE: {"live": 6, "held": 0, "gone": 1, "hidden": 0}}


LOOKS: dict[str, Callable[[KnownItems], object]] = {
    "ref": lambda known: known.by_ref(["a.md", "b.md"]),
    "identity": lambda known: known.by_identity({"7:1", "8:1"}),
    "content": lambda known: known.by_content({"x", "y"}),
    "native id": lambda known: known.items(["a.md", "b.md"]),
    "parent": lambda known: known.children(["a", "b"]),
    "versions": lambda known: known.versions("a.md", 10),
    "page": lambda known: known.page("a.md", 10),
}


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("older", [False, True], ids=["new catalog", "of an older release"])
def test_a_few_items_of_a_large_source_are_found_without_reading_all_of_it(tmp_path, look, older):
    catalog = Catalog(f"sqlite:///{tmp_path / 'catalog.db'}")
    fill(catalog, ["a.md", "b/a.md"])
    if older:
        with catalog.database.begin() as connection:
            connection.exec_driver_sql("DELETE FROM sqlite_stat1")
            connection.exec_driver_sql("DROP INDEX items_by_content")
            connection.exec_driver_sql("UPDATE meta SET value = '3' WHERE key = 'schema'")
        catalog.close()
    asked = list[tuple[str, Any]]()
    known = catalog.items.known(SOURCE, "")
    sa.event.listen(catalog.database.engine, "before_cursor_execute", lambda *event: asked.append(event[2:4]))
    LOOKS[look](known)
    (statement, values) = asked[-1]
    with catalog.database.read() as connection:
        plan = [row.detail for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)]
    catalog.close()
    assert len(plan) == 1, plan
    assert re.search(r"(native_id|fetch_ref|identity|content_sha256|parent_id)[=>]\?", plan[0]), plan
