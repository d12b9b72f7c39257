"""A synthetic corpus of any size that carries its own ground truth: short documents of about 150 words.

Document i states facts between names: one that no other document has ("Only00042 Charter"), and some of a shared,
skewed pool that grows with the corpus, so that a few names stand in very many documents.
"""

import random
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path

FACTS = 6
POOL_SHARE, SMALLEST_POOL, SKEW = 0.6, 20, 3
TOPICS = (
    "solar storage", "cargo routing", "patient intake", "crop insurance",
    "port safety", "grid balancing", "fraud screening", "rail signalling",
)  # fmt: skip
FILLER = (
    "The committee met again in the spring and reviewed the figures with care. "
    "Several members asked for a longer trial before any money was promised. "
)


def name_of(number: int) -> str:
    return f"doc-{number:05d}.txt"


def own_name(number: int, version: int = 0) -> str:
    """The name that stands in this version of this document alone."""
    return f"Only{number:05d}{f'V{version}' if version else ''} Charter"


class Corpus:
    """`size` documents, each a pure function of (size, seed, number, version)."""

    def __init__(self, size: int, seed: int = 7) -> None:
        self.size, self.seed = size, seed
        self._pool = [f"Unit{n:04d} Group" for n in range(max(SMALLEST_POOL, int(size * POOL_SHARE)))]
        self._weights = [1 / (n + SKEW) for n in range(len(self._pool))]

    def facts(self, number: int, version: int = 0) -> list[tuple[str, str, str]]:
        """(name, name, topic) of every fact that the document states."""
        rng = random.Random(f"{self.seed}-{number}-{version}")
        names = rng.choices(self._pool, weights=self._weights, k=FACTS + 1)
        pairs = [(own_name(number, version), names[0]), *pairwise(names)]
        return [(a, b, rng.choice(TOPICS)) for a, b in pairs if a != b]

    def text(self, number: int, version: int = 0) -> str:
        lines = [f"{a} cooperates with {b} on {topic}." for a, b, topic in self.facts(number, version)]
        return f"Report {number} version {version}. {FILLER}" + f" {FILLER}".join(lines)

    def documents(self, versions: Mapping[int, int] | None = None) -> dict[str, str]:
        """{file name: text} of the whole corpus; `versions` says which documents were edited, and how often."""
        return {name_of(n): self.text(n, (versions or {}).get(n, 0)) for n in range(self.size)}


def write(folder: Path, documents: Mapping[str, str], only: Iterable[str] | None = None) -> None:
    """Write documents as files, all or only some."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in documents if only is None else only:
        (folder / name).write_text(documents[name], encoding="utf-8")
