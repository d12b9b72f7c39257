"""Statements without a model: which names stand in one sentence, and the verb phrase between them."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

from knowledge.mention import Statement
from knowledge.predicates import CO_OCCURS, predicate

ENGLISH = ("en", "und", "")
"""Languages whose passages are read by the English patterns."""

REACH = 2
"""Every name is paired with this many following ones, and the first of the sentence with all."""
FULL_WEIGHT = 8
"""Names of a sentence up to which a pair weighs 1; beyond, the weight falls with their number (lists say little)."""


class Occurrence(NamedTuple):
    """A canonical name at [start, end) of the clean text."""

    start: int
    end: int
    name: str
    type: str


def statements_of(
    text: str, starts: Sequence[int], occurrences: Sequence[Occurrence], *, english: bool
) -> tuple[Statement, ...]:
    """One statement a pair and predicate over all sentences, which begin at `starts`.

    `occurrences` ascend by (start, -end). A sentence of n names gives at most 3 n pairs; the weights of equal
    statements are summed.
    """
    weights: dict[tuple[str, str, str], int] = {}
    clauses: dict[tuple[str, str, str], str] = {}
    by_sentence: dict[int, list[Occurrence]] = {}
    for one in occurrences:
        row = by_sentence.setdefault(bisect_right(starts, one.start) - 1, [])
        if not row or row[-1].end <= one.start:
            row.append(one)
    for row in by_sentence.values():
        first_seen = {one.name: one for one in reversed(row)}
        names = sorted(first_seen.values())
        weight = 1000 if len(names) <= FULL_WEIGHT else 1000 * FULL_WEIGHT // len(names)
        for i, a in enumerate(names):
            # The first name of a sentence is most often its subject.
            for b in names[1:] if i == 0 else names[i + 1 : i + 1 + REACH]:
                between = text[a.end : b.start]
                verb = predicate(between) if english and b is names[i + 1] else CO_OCCURS
                key = (a.name, b.name, verb) if a.name < b.name else (b.name, a.name, verb)
                weights[key] = weights.get(key, 0) + max(weight, 1)
                if verb != CO_OCCURS:
                    clauses.setdefault(key, " ".join(text[a.start : b.end].split()))
    return tuple(Statement(*key, total / 1000, clauses.get(key, "")) for key, total in weights.items())
