"""Names that stay: a community keeps the id of the one it grew out of.

Belongs here: which new group of members is which old one. Does not: making the groups.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from knowledge.fingerprint import fingerprint

LEAST_OVERLAP = 0.5


def inherited(groups: Sequence[Sequence[str]], former: Mapping[str, Collection[str]]) -> list[str | None]:
    """For each group of members the id of the former group it shares most with, one to one; None where it is new.

    "Most" is the Jaccard overlap, at least one half; equal overlaps go to the smaller id, then to the first member.
    Groups are disjoint and sorted, and so are the former ones.
    """
    owner = {member: old for old, members in former.items() for member in members}
    matches: list[tuple[float, str, str, int]] = []
    for position, members in enumerate(groups):
        shared: dict[str, int] = {}
        for member in members:
            old = owner.get(member)
            if old is not None:
                shared[old] = shared.get(old, 0) + 1
        for old, common in shared.items():
            overlap = common / (len(members) + len(former[old]) - common)
            if overlap >= LEAST_OVERLAP:
                matches.append((-overlap, old, members[0], position))
    ids: list[str | None] = [None] * len(groups)
    given: set[str] = set()
    for _, old, _, position in sorted(matches):
        if ids[position] is None and old not in given:
            ids[position] = old
            given.add(old)
    return ids


def named(
    level: int,
    groups: Sequence[Sequence[str]],
    former: Mapping[str, Collection[str]],
    existing: Callable[[Collection[str]], Collection[str]],
) -> list[str]:
    """An id for each group: the inherited one, else a fingerprint of its level and members that no community has.

    `existing` tells which of some ids are given, also to a former group that is not among `former`.
    """
    inherit = inherited(groups, former)
    names = [old or _name(level, members, 0) for members, old in zip(groups, inherit, strict=True)]
    new, attempt = [position for position, old in enumerate(inherit) if old is None], 0
    while given := existing([names[position] for position in new]) if new else ():
        # a former community of exactly these members lives on with others
        new, attempt = [position for position in new if names[position] in given], attempt + 1
        for position in new:
            names[position] = _name(level, groups[position], attempt)
    return names


def _name(level: int, members: Sequence[str], attempt: int) -> str:
    return fingerprint("community", str(level), *members, *([f"#{attempt}"] if attempt else ()))
