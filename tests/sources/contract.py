"""What every source must do. A source passes when these tests do with its own `world` fixture (see `World`)."""

import hashlib
import random
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import pytest

from resources.errors import SourceError
from resources.sources.base import Discovery, DocumentGone, DocumentRefused, Op, Source
from resources.sources.known import KnownItems


class World(Protocol):
    """A place with documents that a test may change, and the source that reads it."""

    known: KnownItems

    @property
    def source(self) -> Source: ...
    def write(self, path: str, content: bytes) -> None: ...
    def remove(self, path: str) -> None: ...
    def rename(self, old: str, new: str) -> None: ...
    def tree(self) -> Mapping[str, bytes]:
        """{path: bytes} of every document, with paths as the source shows them."""

    def close_down(self) -> None:
        """Make the place unreachable."""

    def shown(self, path: str) -> str:
        """How the source shows a path that was given to `write`."""


def look(world: World, *, full: bool = False, limit: int | None = None) -> list[Discovery]:
    """Look until the listing is finished, and apply what was found."""
    found = list[Discovery]()
    for scope in world.source.discover():
        while not found or not found[-1].complete or found[-1].scope != scope:
            found.append(world.source.changes(scope, world.known, full=full, limit=limit))
            world.known.apply(found[-1])
            assert len(found) < 1_000
    return found


def ops(found: list[Discovery]) -> list[tuple[Op, str]]:
    """(op, path) of the documents that changed, and (DELETE, path) of those that went."""
    return sorted((change.op, change.item.path) for d in found for change in d.changes if not change.item.folder)


def ids(world: World) -> dict[str, str]:
    """{path: native id} of the known documents."""
    return {item.path: item.native_id for item in world.known.items().values() if not item.folder}


def contents(world: World, into: Path) -> dict[str, bytes]:
    """{path: bytes} as the source fetches them."""
    found = {}
    for item in list(world.known.items().values()):
        if not item.folder:
            fetched = world.source.fetch(item, into, 1 << 20)
            found[item.path] = fetched.path.read_bytes()
            assert fetched.content_sha256 == hashlib.sha256(found[item.path]).hexdigest()
            assert fetched.size == len(found[item.path])
            world.source.verify(fetched)
    return found


def test_the_first_look_finds_every_document_once(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    world.write("folder/deeper/b.md", b"beta")
    found = look(world)
    assert ops(found) == [(Op.UPSERT, world.shown("a.md")), (Op.UPSERT, world.shown("folder/deeper/b.md"))]
    assert contents(world, tmp_path) == world.tree()
    assert len(set(ids(world).values())) == 2


def test_an_unchanged_place_has_no_changes(world: World) -> None:
    world.write("a.md", b"alpha")
    look(world)
    look(world)
    assert all(discovery.idle for discovery in look(world))


def test_an_edit_keeps_the_id_and_brings_the_new_content(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    world.write("b.md", b"beta")
    look(world)
    before = ids(world)
    world.write("a.md", b"alpha, again")
    assert ops(look(world)) == [(Op.UPSERT, world.shown("a.md"))]
    assert ids(world) == before
    assert contents(world, tmp_path)[world.shown("a.md")] == b"alpha, again"


def test_a_rename_is_a_move_that_keeps_the_id(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    look(world)
    before = ids(world)[world.shown("a.md")]
    world.rename("a.md", "b.md")
    found = look(world)
    assert ops(found) == [(Op.MOVE, world.shown("b.md"))]
    assert [c.previous_path for d in found for c in d.changes if not c.item.folder] == [world.shown("a.md")]
    assert ids(world) == {world.shown("b.md"): before}
    assert contents(world, tmp_path) == world.tree()


def test_renaming_a_folder_moves_everything_below_it(world: World, tmp_path: Path) -> None:
    for n in range(5):
        world.write(f"old/deep/{n}.md", b"content %d" % n)
    world.write("other.md", b"other")
    look(world)
    before = sorted(ids(world).values())
    world.rename("old", "new")
    found = ops(look(world))
    assert found == [(Op.MOVE, world.shown(f"new/deep/{n}.md")) for n in range(5)]
    assert sorted(ids(world).values()) == before
    assert contents(world, tmp_path) == world.tree()


def test_a_rename_and_an_edit_between_two_looks_keep_the_id(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    look(world)
    before = ids(world)[world.shown("a.md")]
    world.rename("a.md", "b.md")
    world.write("b.md", b"beta")
    assert ops(look(world)) == [(Op.UPSERT, world.shown("b.md"))]
    assert ids(world) == {world.shown("b.md"): before}
    assert contents(world, tmp_path) == world.tree()


def test_a_deleted_document_goes(world: World) -> None:
    world.write("a.md", b"alpha")
    world.write("b.md", b"beta")
    look(world)
    gone = ids(world)[world.shown("a.md")]
    world.remove("a.md")
    found = look(world)
    tombstones = [c.item.native_id for d in found for c in d.changes if c.op is Op.DELETE]
    assert tombstones + [native_id for d in found for native_id in d.missing] == [gone]
    assert set(ids(world)) == {world.shown("b.md")}


def test_a_deleted_folder_takes_its_documents_along(world: World) -> None:
    world.write("folder/deep/a.md", b"alpha")
    world.write("folder/b.md", b"beta")
    world.write("c.md", b"gamma")
    look(world)
    world.remove("folder")
    look(world)
    assert set(ids(world)) == {world.shown("c.md")}
    assert not [i for i in world.known.items().values() if i.folder and i.path.endswith(("folder", "deep"))]


def test_a_name_that_is_used_again_is_one_document_with_the_new_content(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    look(world)
    world.remove("a.md")
    world.write("a.md", b"something else")
    look(world)
    assert contents(world, tmp_path) == world.tree() == {world.shown("a.md"): b"something else"}


def test_documents_of_the_same_content_are_two(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"same")
    world.write("b.md", b"same")
    look(world)
    world.remove("a.md")
    look(world)
    assert contents(world, tmp_path) == {world.shown("b.md"): b"same"}


def test_an_empty_document_is_a_document(world: World, tmp_path: Path) -> None:
    world.write("empty.txt", b"")
    look(world)
    assert contents(world, tmp_path) == {world.shown("empty.txt"): b""}


def test_an_unreachable_place_is_an_error_and_not_a_deletion(world: World) -> None:
    world.write("a.md", b"alpha")
    scopes = look(world)[0].scope
    before = dict(world.known.items())
    world.close_down()
    with pytest.raises(SourceError, match=world.source.name):
        world.source.discover()
    with pytest.raises(SourceError, match=world.source.name):
        world.source.changes(scopes, world.known)
    assert world.known.items() == before
    assert not all(probe.ok for probe in world.source.probe())


def test_a_document_that_went_away_is_gone_and_not_broken(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    look(world)
    (item,) = [i for i in world.known.items().values() if not i.folder]
    world.remove("a.md")
    with pytest.raises(DocumentGone, match=r"a\.md"):
        world.source.fetch(item, tmp_path, 1 << 20)


def test_a_document_over_the_limit_is_refused_with_its_size(world: World, tmp_path: Path) -> None:
    world.write("big.txt", b"x" * 2_000)
    look(world)
    (item,) = [i for i in world.known.items().values() if not i.folder]
    with pytest.raises(DocumentRefused, match="2,000"):
        world.source.fetch(item, tmp_path, 1_999)


def test_a_listing_in_small_parts_finds_the_same(world: World, tmp_path: Path) -> None:
    for n in range(12):
        world.write(f"{'abc'[n % 3]}/{n:02d}.md", b"text %d" % n)
    found = look(world, limit=5)
    assert len(found) > 1
    assert [discovery.complete for discovery in found].count(True) == 1
    assert contents(world, tmp_path) == world.tree()
    assert len(ops(found)) == 12


def test_applying_a_discovery_twice_is_applying_it_once(world: World) -> None:
    world.write("a.md", b"alpha")
    world.write("folder/b.md", b"beta")
    first = look(world)
    world.rename("a.md", "c.md")
    world.remove("folder")
    found = first + look(world)
    after = dict(world.known.items())
    for discovery in found:
        world.known.apply(discovery)
    assert world.known.items() == after


def test_a_look_that_was_never_applied_is_simply_taken_again(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    look(world)
    world.write("b.md", b"beta")
    world.rename("a.md", "c.md")
    for scope in world.source.discover():
        world.source.changes(scope, world.known)  # a crash before the commit
    look(world)
    assert contents(world, tmp_path) == world.tree()


def test_a_full_look_keeps_every_id_and_reports_no_content_change(world: World) -> None:
    world.write("a.md", b"alpha")
    world.write("folder/b.md", b"beta")
    look(world)
    look(world)
    before = ids(world)
    assert [op for op, _ in ops(look(world, full=True)) if op in (Op.UPSERT, Op.MOVE, Op.DELETE)] == []
    assert ids(world) == before


def test_a_full_look_repairs_what_is_known_wrongly(world: World, tmp_path: Path) -> None:
    world.write("a.md", b"alpha")
    world.write("b.md", b"beta")
    look(world)
    items = dict(world.known.items())
    lost = next(i for i in items.values() if i.path == world.shown("a.md"))
    ghost = replace(lost, native_id="ghost", path=world.shown("ghost.md"), fetch_ref="ghost.md")
    kept = [i for i in items.values() if i.native_id != lost.native_id]
    world.known = KnownItems([*kept, ghost], world.known.cursor)
    look(world, full=True)
    assert contents(world, tmp_path) == world.tree()


@pytest.mark.parametrize("cursor", ["{", "[]", '{"v": 1, "nonsense": 2}', "null", '{"v": 1}\x00'])
def test_a_damaged_cursor_is_refused_by_name_and_a_full_look_mends_it(world: World, cursor: str) -> None:
    world.write("a.md", b"alpha")
    scope = look(world)[0].scope
    before = ids(world)
    world.known.cursor = cursor
    with pytest.raises(SourceError, match=r"cursor is damaged.*--full"):
        world.source.changes(scope, world.known)
    look(world, full=True)
    assert ids(world) == before
    look(world)


def test_a_cursor_of_a_newer_release_is_refused(world: World) -> None:
    scope = world.source.discover()[0]
    world.known.cursor = '{"v": 99}'
    for full in (False, True):
        with pytest.raises(SourceError, match="version 99"):
            world.source.changes(scope, world.known, full=full)


def test_every_document_has_readers_and_the_place_is_healthy(world: World) -> None:
    world.write("a.md", b"alpha")
    look(world)
    items = [i for i in world.known.items().values() if not i.folder]
    assert [world.source.acl([i])[i.native_id] for i in items] == [i.read for i in items]
    assert all(item.read for item in items)
    assert [probe.detail for probe in world.source.probe() if not probe.ok] == []


@pytest.mark.parametrize("seed", range(15))
def test_any_script_of_changes_ends_with_what_is_there(world: World, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    script(world, chance, steps=30)
    look(world)
    assert contents(world, tmp_path) == world.tree()
    before = ids(world)
    look(world, full=True)
    assert ids(world) == before


def script(world: World, chance: random.Random, steps: int) -> None:
    """Random writes, renames and removals of files and folders, looked at now and then."""
    files = set[str]()
    for step in range(steps):
        kind = chance.random()
        folder = chance.choice(["", "a/", "a/b/", "c/"])
        if kind < 0.45 or not files:
            path = f"{folder}{chance.randrange(6)}.md"
            world.write(path, b"%d of %d" % (step if chance.random() < 0.8 else 0, chance.randrange(3)))
            files.add(path)
        elif kind < 0.6:
            path = chance.choice(sorted(files))
            world.remove(path)
            files.discard(path)
        elif kind < 0.8:
            old, new = chance.choice(sorted(files)), f"{folder}{chance.randrange(6)}.md"
            if new not in files:
                world.rename(old, new)
                files = (files - {old}) | {new}
        elif kind < 0.9:
            old, new = chance.choice(["a/", "c/", "a/b/"]), f"moved-{step}/"
            if any(path.startswith(old) for path in files):
                world.rename(old.rstrip("/"), new.rstrip("/"))
                files = {new + path[len(old) :] if path.startswith(old) else path for path in files}
        if chance.random() < 0.3:
            look(world, limit=chance.choice([None, None, 2]), full=chance.random() < 0.1)
