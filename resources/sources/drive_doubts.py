"""What a feed leaves open until its round ends: items in folders nobody saw, and names that two items have."""

from collections.abc import Sequence
from dataclasses import replace

from resources.sources.drive_cursor import DriveCursor
from resources.sources.drive_tree import Tree, name_of


def find_lost(tree: Tree, cursor: DriveCursor, native_ids: Sequence[str]) -> None:
    """Note the items whose folder was never seen: they are kept, and nobody may read them until it is."""
    touched = [item for i in native_ids if (item := tree.get(i)) is not None]
    # a folder that is new may be the one that others waited for; one that is lost takes its contents along
    doors = [f.native_id for f in touched if f.folder and (tree.before(f.native_id) is None or tree.is_lost(f))]
    waiting = bool(cursor.orphans) or any(tree.is_lost(item) for item in touched)
    for item in [*touched, *(tree.below(doors) if waiting else ())]:
        if tree.is_lost(item):
            cursor.orphans.add(item.native_id)
            tree.put(replace(item, read=None))
        elif item.native_id in cursor.orphans:
            cursor.orphans.discard(item.native_id)
            if not item.read:  # unknown in this look, nobody as it was stored by an earlier one
                cursor.reread.add(item.native_id)


def find_clashes(tree: Tree, cursor: DriveCursor, native_ids: Sequence[str]) -> None:
    """Note the items whose name in their folder another one has now: one of the two is gone, and nobody told."""
    fresh = dict[tuple[str, str], str]()
    for native_id in native_ids:
        item, before = tree.get(native_id), tree.before(native_id)
        if item is None or item.parent_id is None:
            continue
        place = (item.parent_id, name_of(item).casefold())
        if before is None or place != (before.parent_id, name_of(before).casefold()):
            if place in fresh:
                cursor.clashes.add(fresh[place])
            fresh[place] = native_id
    for item in tree.children(sorted({parent for parent, _ in fresh})):
        if fresh.get((item.parent_id or "", name_of(item).casefold()), item.native_id) != item.native_id:
            cursor.clashes.add(item.native_id)


def still_clashes(tree: Tree, native_id: str) -> bool:
    """Whether another item lives under this one's name."""
    item = tree.get(native_id)
    if item is None or item.parent_id is None:
        return False
    name = name_of(item).casefold()
    beside = tree.children([item.parent_id])
    return any(name_of(other).casefold() == name for other in beside if other.native_id != native_id)
