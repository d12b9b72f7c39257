"""The rules of identity: which found document is which known item."""

from dataclasses import replace

from knowledge.changes import Change, Found, Item, Op, compare, created, moves


def item(path: str, content: str = "1", **fields: object) -> Item:
    known = Item(f"id of {path}", path, f"file:///{path}", "v1", 1, None, content, read=("everyone",), fetch_ref=path)
    return replace(known, **fields)  # type: ignore[arg-type]


def found(path: str, content: str | None = "1", version: str = "v1", **fields: object) -> Found:
    seen = Found(path, path, f"file:///{path}", version, 1, None, content, ("everyone",))
    return replace(seen, **fields)  # type: ignore[arg-type]


def op(change: Change | None) -> Op | None:
    return None if change is None else change.op


def test_a_change_is_named_by_the_strongest_thing_that_happened() -> None:
    known = item("a")
    assert op(compare(found("a"), known)) is None
    assert op(compare(found("a", read=("user:x",)), known)) is Op.ACL
    assert op(compare(found("a", version="v2", read=("user:x",)), known)) is Op.METADATA
    assert op(compare(found("b", version="v2", read=("user:x",)), known)) is Op.MOVE
    assert op(compare(found("b", "2", version="v2"), known)) is Op.UPSERT


def test_content_that_was_not_read_is_what_it_was() -> None:
    change = compare(found("b", None), item("a", "7"))
    assert change is not None
    assert (change.op, change.item.content_sha256, change.previous_path) == (Op.MOVE, "7", "a")


def test_a_new_document_gets_the_id_that_it_is_given() -> None:
    assert created(found("a"), "new id").item == replace(item("a"), native_id="new id")


def test_one_that_came_and_one_that_went_with_the_same_content_are_one() -> None:
    assert moves([found("b")], [item("a")]) == {"b": item("a")}
    assert moves([found("b", "2")], [item("a")]) == {}


def test_several_of_the_same_content_are_matched_by_name_or_not_at_all() -> None:
    new, gone = [found("y/a"), found("y/b"), found("y/c")], [item("x/a"), item("x/b"), item("x/d")]
    assert moves(new, gone) == {"y/a": item("x/a"), "y/b": item("x/b")}
    assert moves([found("b"), found("c")], [item("a")]) == {}


def test_content_that_nobody_read_matches_nothing() -> None:
    assert moves([found("b", None)], [item("a", content_sha256=None)]) == {}
