"""Sentences worth quoting: which passages say how the members of a community are related.

Belongs here: choosing passages to read, and sentences in them. Does not: composing a report.
"""

import heapq
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from knowledge.prose import prose
from knowledge.report import Cited, Finding
from knowledge.resolution import Entity, Relationship
from knowledge.sentences import sentences

RELATIONSHIPS = 8
PASSAGES_EACH = 2
MOST_CHARACTERS = 320
MOST_CITATIONS = 3
MOST_ALIASES = 3

_FEWEST_CHARACTERS, _FEWEST_WORDS, _FEWEST_LETTERS = 16, 4, 0.6
_ENDS = re.compile(r"[.!?…。！？][\"'”’)\]»]*$")
_UNSPACED = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_SAME = 0.6  # share of common words from which two sentences say the same


@dataclass(slots=True)
class Quote:
    """A sentence with the passages it stands in, and the ids of the names in it."""

    text: str
    names: frozenset[str]
    passages: list[Cited] = field(default_factory=list)

    def finding(self, weight: float, order: Mapping[str, int]) -> Finding:
        """As a finding; `order` gives the members their rank."""
        cited = sorted(self.passages, key=lambda p: (p.title or "", p.fingerprint, p.chunk_id))[:MOST_CITATIONS]
        return Finding(
            self.text,
            tuple(dict.fromkeys(p.chunk_id for p in cited)),
            tuple(sorted(self.names, key=lambda name: order[name])),
            round(weight, 3),
        )


def wanted_support(
    members: Sequence[Entity], relationships: Iterable[Relationship], *, parent: bool = False, most: int = RELATIONSHIPS
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(relationship ids, entity ids) whose passages a report needs, strongest first, at most `most` together.

    Entities are asked for only where no relationship is among the members, and never for a `parent`: its children
    speak for them.
    """
    names = {member.id: member.name for member in members}
    inside = [r for r in relationships if r.source_id in names and r.target_id in names]
    if inside:
        least = min(heapq.nlargest(most, (r.weight for r in inside)))
        return tuple(r.id for r in strongest((r for r in inside if r.weight >= least), names)[:most]), ()
    if parent:
        return (), ()
    return (), tuple(m.id for m in sorted(members, key=lambda m: (-m.mention_count, m.name, m.id))[:most])


def strongest(relationships: Iterable[Relationship], names: Mapping[str, str]) -> list[Relationship]:
    """By weight, then by support, then by the names: no id of a document or chunk decides."""
    return sorted(
        relationships,
        key=lambda r: (
            -r.weight,
            -r.support_count,
            *sorted((names[r.source_id], names[r.target_id])),
            r.predicate,
            r.id,
        ),
    )


def pick_passages(
    wanted: Sequence[str], support: Mapping[str, Collection[tuple[str, str]]], each: int = PASSAGES_EACH
) -> list[str]:
    """Chunk ids to read: for each wanted relationship or entity at most `each` of its chunks, few in all.

    `support` has (fingerprint, chunk id) pairs; a chunk that serves several wanted ones is preferred, then the
    smaller fingerprint, so that the choice is the same wherever the same texts are.
    """
    serves: dict[tuple[str, str], int] = {}
    for one in wanted:
        for chunk in support.get(one, ()):
            serves[chunk] = serves.get(chunk, 0) + 1
    chosen: dict[tuple[str, str], None] = {}
    for one in wanted:
        for chunk in sorted(support.get(one, ()), key=lambda c: (-serves[c], c))[:each]:
            chosen[chunk] = None
    return list(dict.fromkeys(chunk_id for _, chunk_id in chosen))


def quotes(passages: Iterable[Cited], members: Iterable[Entity]) -> list[Quote]:
    """Every sentence of the passages that names a member, each text once; headings, tables and lists of words aside."""
    found: dict[str, Quote] = {}
    spoken = {m.id: _spellings(m) for m in members}
    for passage in sorted(passages, key=lambda p: (p.fingerprint, p.chunk_id)):
        clean, bounds = _read(passage.text)
        lowered = _lowered(clean)
        named: dict[int, set[str]] = {}
        for member, spellings in spoken.items():
            for spelling in spellings:
                for start, end in occurrences(lowered, spelling):
                    at = _holding(bounds, start)
                    if at >= 0 and end <= bounds[at][0] + MOST_CHARACTERS:
                        named.setdefault(at, set()).add(member)
        for at, names in sorted(named.items()):
            text = _quotable(clean[slice(*bounds[at])])
            if text:
                quote = found.setdefault(text, Quote(text, frozenset(names)))
                quote.passages.append(passage)
    return list(found.values())


@lru_cache(maxsize=1_024)  # the reports of every level quote the same passages
def _read(text: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The clean text of a passage without its layout, and its sentences."""
    clean = prose(_without_layout(text)).text
    return clean, sentences(clean)


class Said:
    """What was said already: a sentence repeats an earlier one of mostly the same words and at least its names."""

    def __init__(self) -> None:
        self._said: list[tuple[frozenset[str], frozenset[str]]] = []

    def repeats(self, sentence: str, names: Iterable[str]) -> bool:
        words, named = frozenset(sentence.lower().split()), frozenset(names)
        return any(named <= known and len(words & other) > _SAME * len(words | other) for other, known in self._said)

    def add(self, sentence: str, names: Iterable[str]) -> None:
        self._said.append((frozenset(sentence.lower().split()), frozenset(names)))


def occurrences(lowered: str, spelling: str) -> Iterable[tuple[int, int]]:
    """Where a lower-case spelling stands as words of its own."""
    start = lowered.find(spelling)
    while start >= 0:
        end = start + len(spelling)
        if not lowered[start - 1 : start].isalnum() and not lowered[end : end + 1].isalnum():
            yield start, end
        start = lowered.find(spelling, end)


def named_in(passage: Cited, entity: Entity) -> bool:
    """Whether a passage (its tables and title too) names an entity."""
    lowered = _lowered(f"{passage.title or ''}\n{passage.text}")
    return any(True for spelling in _spellings(entity) for _ in occurrences(lowered, spelling))


def _spellings(entity: Entity) -> list[str]:
    return [_lowered(name) for name in dict.fromkeys((entity.name, *entity.aliases[:MOST_ALIASES])) if name.strip()]


def _lowered(text: str) -> str:
    lowered = text.lower()
    return lowered if len(lowered) == len(text) else text  # a few letters grow in lower case; offsets must hold


def _holding(bounds: Sequence[tuple[int, int]], position: int) -> int:
    """The sentence that holds a position, or -1."""
    low, high = 0, len(bounds)
    while low < high:
        middle = (low + high) // 2
        if bounds[middle][1] <= position:
            low = middle + 1
        else:
            high = middle
    return low if low < len(bounds) and bounds[low][0] <= position else -1


def _without_layout(text: str) -> str:
    """The text without heading lines and table rows, which are no sentences."""
    if "|" not in text and "#" not in text:
        return text
    return "\n".join(
        "" if line.count("|") > 1 or line.lstrip().startswith(("|", "#")) else line for line in text.split("\n")
    )


def _quotable(sentence: str) -> str:
    """The sentence on one line, cut where it is too long; "" where it is none."""
    text = " ".join(sentence.split())
    if len(text) < _FEWEST_CHARACTERS and not _UNSPACED.search(text):
        return ""
    if not _ENDS.search(text) or (text.count(" ") < _FEWEST_WORDS - 1 and not _UNSPACED.search(text)):
        return ""
    if sum(map(str.isalpha, text)) < _FEWEST_LETTERS * (len(text) - text.count(" ")):
        return ""
    if len(text) <= MOST_CHARACTERS:
        return text
    return text[: MOST_CHARACTERS - 1].rsplit(" ", 1)[0].rstrip(",;: ") + "…"
