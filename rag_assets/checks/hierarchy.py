"""Whether communities are a nested partition: pure comparisons of their rows and memberships.

Belongs here: what a tree of communities has to be. Does not: reading it (communities).
"""

from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import Any

Row = dict[str, Any]
COLUMNS = ("id", "level", "parent", "members", "size")


class Tree:
    """Communities by id, by their parent, and by their members."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows: dict[str, Row] = {}
        self.copies: Counter[str] = Counter()
        self.children: dict[str, list[Row]] = {}
        self.of: dict[str, set[str]] = {}
        self.add(rows)

    def add(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self.copies[row["id"]] += 1
            self.rows[row["id"]] = row
            if row["parent"] is not None:
                self.children.setdefault(row["parent"], []).append(row)
            for member in row["members"]:
                self.of.setdefault(member, set()).add(row["id"])


def placed(tree: Tree, ids: Sequence[str]) -> dict[str, list[Any]]:
    """For each community: copies, whether it stands one level below its parent, whether its children share it out.

    A community's parent is read too; one that is not there is misplaced, and so are the children of one that is gone.
    """
    return {
        "id": list(ids),
        "copies_too_many": [max(0, tree.copies[c] - 1) for c in ids],
        "misplaced": [_misplaced(tree, c) for c in ids],
        "not_shared_out": [_not_shared_out(tree, c) for c in ids],
    }


def _misplaced(tree: Tree, community: str) -> bool:
    row = tree.rows.get(community)
    if row is None:
        return community in tree.children
    if row["parent"] is None:
        return bool(row["level"] != 0)
    parent = tree.rows.get(row["parent"])
    return parent is None or row["level"] != parent["level"] + 1


def _not_shared_out(tree: Tree, community: str) -> int:
    """Members that stand in no child or in several, and members of children that are none here."""
    row = tree.rows.get(community)
    if row is None or not row["members"]:
        return int(row is not None)
    wrong = len(row["members"]) - len(set(row["members"]))
    if community in tree.children:
        shares = Counter(member for child in tree.children[community] for member in child["members"])
        wrong += sum(shares[member] != 1 for member in row["members"]) + len(shares.keys() - set(row["members"]))
    return wrong


def covered(tree: Tree, entities: Sequence[str], memberships: Iterable[Row], related: Set[str]) -> dict[str, list[Any]]:
    """For each entity: places at level 0 (one if it is related to another, else none), memberships that differ from
    the communities' members, and whether its communities are one path from level 0 down."""
    have: dict[str, list[Row]] = {entity: [] for entity in entities}
    for row in memberships:
        have[row["entity_id"]].append(row)
    wrong = []
    for entity, found in have.items():
        ids = [row["community_id"] for row in found]
        levels = sum(
            row["level"] != tree.rows[row["community_id"]]["level"] for row in found if row["community_id"] in tree.rows
        )
        wrong.append(len(ids) - len(set(ids)) + len(set(ids) ^ tree.of.get(entity, set())) + levels)
    return {
        "id": list(have),
        "places_too_many": [
            sum(row["level"] == 0 for row in found) - (entity in related) for entity, found in have.items()
        ],
        "memberships_wrong": wrong,
        "broken_path": [_broken(tree, found) for found in have.values()],
    }


def _broken(tree: Tree, memberships: Sequence[Row]) -> bool:
    path = sorted(memberships, key=lambda row: (row["level"], row["community_id"]))
    above = None
    for level, row in enumerate(path):
        community = tree.rows.get(row["community_id"])
        if community is None or row["level"] != level or community["parent"] != above:
            return True
        above = row["community_id"]
    return False
