"""The order of passages for one question: a walk over passages and names, vectors, full text, and a second hop.

Belongs here: numbers in, numbers out, for the passages and names that were read around a question. Does not: reading
them (resources/retrieval). The walk is personalised PageRank (Page et al. 1999) on the graph of passages and names,
as HippoRAG (Gutiérrez et al. 2024) uses it; `link` and `cover` reward passages that complete a strong first one.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from knowledge.bm25 import Floats, saturation
from knowledge.mention import TITLE_WEIGHT

Integers = np.ndarray[Any, np.dtype[np.int64]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]

FIRST_HOP = 8
"""Passages whose names count as a second hop."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each signal counts in the sum."""

    cosine: float = 4.5
    bm25: float = 1.5
    walk: float = 1.5
    link: float = 2.5
    cover: float = 6.0


@dataclass(frozen=True, slots=True)
class WalkSettings:
    """Damping, steps, and where the walk restarts: at the question's names and at the nearest passages."""

    damping: float = 0.85
    steps: int = 20
    names: float = 1.0
    passages: float = 0.3
    nearest: int = 5


@dataclass(frozen=True, slots=True)
class Passages:
    """The candidates, one position each; the question's terms are the columns of `frequency`.

    `cosine` (passages), `frequency` (passages, terms) how often each term stands in each passage, `length` (passages)
    in terms, `idf` (terms) over the whole index, `average` length of a passage of the index in terms.
    """

    cosine: Floats
    frequency: Floats
    length: Floats
    idf: Floats
    average: float

    def __len__(self) -> int:
        return len(self.cosine)


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the candidates and the edges between both.

    `uses` (names) passages of the whole index that hold the name, `asked` (names) whether the question holds it;
    edge i joins passage `passage[i]` and name `name[i]` and weighs `weight[i]`; `corpus` is the number of passages of
    the index. A name in more passages than were read loses its walkers to those that were not.
    """

    uses: Floats
    asked: Flags
    passage: Integers
    name: Integers
    weight: Floats
    corpus: int

    @property
    def idf(self) -> Floats:
        return np.log1p(self.corpus / np.maximum(self.uses, 1))


@dataclass(frozen=True, slots=True)
class Ranking:
    """Positions best first (ties by position), and per position the score, each signal, and each name's mass."""

    order: Integers
    score: Floats
    signals: dict[str, Floats]
    name_mass: Floats


def bm25(passages: Passages) -> Floats:
    """BM25 (Robertson & Zaragoza 2009) of each passage, (passages,)."""
    counted: Floats = saturation(passages.frequency, passages.length[:, None], passages.average) @ passages.idf
    return counted


def walk(cosine: Floats, names: Names, settings: WalkSettings | None = None) -> tuple[Floats, Floats]:
    """Where a walk that restarts at the question is found: (passages,), (names,); both together at most 1."""
    from scipy.sparse import csr_array

    settings = settings or WalkSettings()
    size, count, idf = len(cosine), len(names.uses), names.idf
    weight = names.weight * idf[names.name]
    of_passage = np.bincount(names.passage, weight, size)
    of_name = np.maximum(np.bincount(names.name, weight, count), idf * names.uses)
    places = (names.passage, names.name)
    to_names = csr_array((weight / of_passage[names.passage], places[::-1]), shape=(count, size))
    to_passages = csr_array((weight / of_name[names.name], places), shape=(size, count))
    at_passage, at_name = _restart(cosine, names, idf, settings)
    passage, name = at_passage, at_name
    for _ in range(settings.steps):
        passage, name = (
            (1 - settings.damping) * at_passage + settings.damping * (to_passages @ name),
            (1 - settings.damping) * at_name + settings.damping * (to_names @ passage),
        )
    return passage, name


def _restart(cosine: Floats, names: Names, idf: Floats, settings: WalkSettings) -> tuple[Floats, Floats]:
    passage, name = np.zeros(len(cosine)), np.zeros(len(names.uses))
    if names.asked.any():
        name[names.asked] = settings.names * idf[names.asked] / idf[names.asked].sum()
    top = np.argsort(-cosine, kind="stable")[: settings.nearest]
    if len(top):
        gap = cosine[top] - cosine[top].min() + 1e-9
        passage[top] = settings.passages * gap / gap.sum()
    total = passage.sum() + name.sum()
    return (passage / total, name / total) if total else (passage, name)


def second_hop(passages: Passages, names: Names, first: Floats) -> tuple[Floats, Floats]:
    """(link, cover) of each passage, both 0 … 1, from the strongest passages by `first`.

    Over the names of a strong passage that neither the question holds nor its own title gives: `link` says that one
    is in this passage's title; `cover` that this passage, sharing one, has words of the question that the strong one
    lacks (their share by idf, times the name's rarity).
    """
    link, cover = np.zeros(len(passages)), np.zeros(len(passages))
    total, idf = float(passages.idf.sum()), names.idf / np.log1p(names.corpus)
    has = passages.frequency > 0
    titled = names.weight >= TITLE_WEIGHT
    rows, row = _grouped(names.passage, len(passages))
    columns, column = _grouped(names.name, len(names.uses))
    top = np.argsort(-first, kind="stable")[:FIRST_HOP]
    strength = np.exp(2 * (first[top] - first[top].max(initial=-np.inf)))
    for strong, force in zip(top.tolist(), strength.tolist(), strict=True):
        gain = has @ np.where(has[strong], 0.0, passages.idf) / total if total else np.zeros(len(passages))
        for edge in rows[row[strong] : row[strong + 1]].tolist():
            name = names.name[edge]
            if names.asked[name] or titled[edge]:
                continue
            there = columns[column[name] : column[name + 1]]
            there = there[names.passage[there] != strong]
            others = names.passage[there]
            cover[others] = np.maximum(cover[others], force * idf[name] * gain[others])
            linked = others[titled[there]]
            link[linked] = np.maximum(link[linked], force)
    return link, cover


def _grouped(keys: Integers, count: int) -> tuple[Integers, Integers]:
    """Places ordered by key, and where each key 0 … count - 1 begins (one more than there are keys)."""
    order = np.argsort(keys, kind="stable")
    return order, np.searchsorted(keys[order], np.arange(count + 1))


def rank(
    passages: Passages, names: Names, weights: Weights | None = None, settings: WalkSettings | None = None
) -> Ranking:
    """Order the passages by the weighted sum of their signals."""
    weights = weights or Weights()
    if not len(passages):
        return Ranking(np.zeros(0, np.int64), np.zeros(0), {}, np.zeros(len(names.uses)))
    mass, name_mass = walk(passages.cosine, names, settings)
    text = bm25(passages)
    share = mass / max(mass.max(), 1e-300)
    cosine, text = passages.cosine - passages.cosine.max(), text / max(text.max(), 1e-9)
    link, cover = second_hop(passages, names, np.sqrt(share) + 2 * cosine + 0.5 * text)
    signals = {
        "cosine": cosine, "bm25": text, "walk": np.log10(np.maximum(share, 1e-6)), "link": link, "cover": cover,
    }  # fmt: skip
    score = sum((getattr(weights, name) * signal for name, signal in signals.items()), np.zeros(len(passages)))
    return Ranking(np.argsort(-score, kind="stable"), score, signals, name_mass)
