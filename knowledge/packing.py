"""Where to cut a row of weighted pieces so that an edit of one piece moves only the cuts beside it.

Belongs here: arithmetic over weights and keys. Does not: text, tokens, headings.

Filling chunks from left to right moves every later boundary when an early piece grows. Here a boundary is a cut when
its key is the greatest among all boundaries closer than `least` (local maxima, after Bjørner, Blass and Gurevich,
"Content-dependent chunking for differential compression, the local maximum approach", 2010). A key belongs to the
content of its piece, so whether a boundary is a cut is decided by its neighbourhood alone, and cuts lie at least
`least` apart: an edit touches at most three of the stretches between cuts. Stretches are usually below the budget;
the few above it are filled from their left end.
"""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate, pairwise

_HEAVY = 0.75
"""Share of the budget from which a piece stands alone: both its sides are cuts whatever the keys."""
_FULL = 0.7
"""Share of the budget from which a stretch that is too long may be cut."""


def pack(weights: Sequence[int], keys: Sequence[int], least: int, budget: int, *, join: bool = True) -> list[int]:
    """First indices of the groups, ascending, the first of them 0.

    `weights` are positive, `keys[i]` is the strength of the boundary before piece i. A group weighs at most `budget`
    unless it is one piece. A row that fits is one group; with `join` also what lies between two heavy pieces and fits,
    else pieces of `least` or more share a group only where a lighter one stands beside them.
    """
    ends = [0, *accumulate(weights)]
    if ends[-1] <= budget:
        return [0]
    starts: list[int] = []
    for first, last in _stretches(weights, ends, least, budget):
        if last - first == 1 or (join and ends[last] - ends[first] <= budget):
            starts.append(first)
        else:
            cuts = [first, *_local_maxima(ends, keys, first, last, least), last]
            for left, right in pairwise(cuts):
                starts.extend(_fill(ends, keys, left, right, budget))
    return starts


def _stretches(weights: Sequence[int], ends: Sequence[int], least: int, budget: int) -> list[tuple[int, int]]:
    """The row cut on both sides of every heavy piece; what is too light to stand between them joins one of them."""
    heavy = budget * _HEAVY
    borders = sorted({0, len(weights)} | {b for i, w in enumerate(weights) if w > heavy for b in (i, i + 1)})
    stretches = list(pairwise(borders))
    if len(stretches) < 2:
        return stretches
    joined: list[tuple[int, int]] = []
    for first, last in reversed(stretches):  # a light stretch leads in what follows it, where that fits
        if joined and 2 * (ends[last] - ends[first]) < least and ends[joined[-1][1]] - ends[first] <= budget:
            joined[-1] = (first, joined[-1][1])
        else:
            joined.append((first, last))
    joined.reverse()
    result = joined[:1]
    for first, last in joined[1:]:
        if 2 * (ends[last] - ends[first]) < least and ends[last] - ends[result[-1][0]] <= budget:
            result[-1] = (result[-1][0], last)
        else:
            result.append((first, last))
    return result


def _local_maxima(ends: Sequence[int], keys: Sequence[int], first: int, last: int, least: int) -> list[int]:
    """Boundaries stronger than every other one closer than `least`, and not that close to either end."""
    return [i for i in range(first + 1, last) if _is_cut(ends, keys, i, first, last, least)]


def _is_cut(ends: Sequence[int], keys: Sequence[int], i: int, first: int, last: int, least: int) -> bool:
    here, key = ends[i], keys[i]
    if here - ends[first] < least or ends[last] - here < least:
        return False
    j = i - 1
    while here - ends[j] < least:
        if keys[j] >= key:
            return False
        j -= 1
    j = i + 1
    while ends[j] - here < least:
        if keys[j] >= key:
            return False
        j += 1
    return True


def _fill(ends: Sequence[int], keys: Sequence[int], first: int, last: int, budget: int) -> list[int]:
    """Groups of a stretch from its left end: each as full as its strongest boundary beyond `_FULL` lets it be."""
    starts = [first]
    while ends[last] - ends[first] > budget and last - first > 1:
        far = max(first + 1, bisect_right(ends, ends[first] + budget, first + 1, last + 1) - 1)
        near = max(first + 1, bisect_right(ends, ends[first] + int(budget * _FULL), first + 1, far + 1))
        first = max(range(min(near, far), far + 1), key=keys.__getitem__)
        starts.append(first)
    return starts
