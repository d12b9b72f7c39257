"""What is known of a scope, kept in memory: for trying a source out, and the meaning of `Known` and `Discovery`."""

from collections.abc import Collection, Mapping, Sequence

from resources.sources.base import Discovery, Item, Op


class KnownItems:
    """A `Known` that takes discoveries, without a catalog's guard: what is missing is let go."""

    def __init__(self, items: Collection[Item] = (), cursor: str | None = None) -> None:
        self._items = {item.native_id: item for item in items}
        self._refs = {item.fetch_ref: item.native_id for item in items if item.fetch_ref is not None}
        self.cursor = cursor

    def versions(self, after: str = "", limit: int | None = None) -> dict[str, str]:
        found = {i.fetch_ref: i.version for i in self._items.values() if i.fetch_ref is not None and not i.folder}
        return {ref: found[ref] for ref in sorted(ref for ref in found if ref > after)[:limit]}

    def by_ref(self, refs: Collection[str]) -> dict[str, Item]:
        return {ref: self._items[self._refs[ref]] for ref in refs if ref in self._refs}

    def by_identity(self, identities: Collection[str]) -> Sequence[Item]:
        return [item for item in self._items.values() if item.identity is not None and item.identity in identities]

    def by_content(self, hashes: Collection[str]) -> Sequence[Item]:
        return [
            item for item in self._items.values() if item.content_sha256 is not None and item.content_sha256 in hashes
        ]

    def items(self, native_ids: Collection[str] | None = None) -> Mapping[str, Item]:
        if native_ids is None:
            return self._items
        return {native_id: self._items[native_id] for native_id in native_ids if native_id in self._items}

    def page(self, after: str, limit: int) -> Sequence[Item]:
        return [self._items[native_id] for native_id in sorted(self._items) if native_id > after][:limit]

    def count(self) -> int:
        return len(self._items)

    def children(self, parent_ids: Collection[str]) -> Sequence[Item]:
        parents = set(parent_ids)
        return [item for item in self._items.values() if item.parent_id in parents]

    def apply(self, discovery: Discovery) -> None:
        """Store what a discovery says, its cursor included."""
        for change in discovery.changes:
            if change.op is Op.DELETE:
                self._items.pop(change.item.native_id, None)
            else:
                self._items[change.item.native_id] = change.item
        for native_id in discovery.missing:
            self._items.pop(native_id, None)
        self._refs = {item.fetch_ref: item.native_id for item in self._items.values() if item.fetch_ref is not None}
        self.cursor = discovery.cursor
