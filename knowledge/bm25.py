"""BM25 (Robertson & Zaragoza 2009), forwards and backwards: from counts to a score, and from scores to what made them.

Belongs here: numbers in, numbers out. Does not: which rows were scored (resources/retrieval/term_values.py).
"""

from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]

K1, B = 1.2, 0.75
EXACT = 1e-3
"""How far scores may be from their sum, of the highest: they have 32 bits, and an average that is nearly right."""
WEAK = 1e-3
"""What weighs less than this of the strongest difference between rows tells too little."""


def saturation(frequency: Floats, length: Floats, average: float) -> Floats:
    """What `frequency` occurrences count in a passage of `length` terms: BM25 without the idf."""
    norm = K1 * (1 - B + B * length / max(average, 1e-9))
    return frequency * (K1 + 1) / (frequency + norm)


def average_from(frequency: Floats, length: Floats, score: Floats) -> float | None:
    """The average length by which rows (rows,) were scored for one term; None where they are too alike to tell.

    The score times the norm is the idf times the frequency, which is linear in the idf and in 1 / average.
    """
    sides = np.stack([(K1 + 1) * frequency, -K1 * B * length * score], axis=1)
    if len(score) < 2 or np.linalg.cond(sides) > 1 / WEAK**2:
        return None
    (_, share), *_ = np.linalg.lstsq(sides, score * (frequency + K1 * (1 - B)), rcond=None)
    return 1 / float(share) if share > 0 else None


def idf_from(frequency: Floats, length: Floats, score: Floats, average: float) -> Floats:
    """The idf (terms,) from rows that were scored for all these terms at once; NaN for a term that they do not tell.

    frequency: (rows, terms). length, score: (rows,). Each score is a sum over the terms, so rows that hold them in
    different measure tell what each is worth. Scores that are no such sum tell nothing.
    """
    told = np.full(frequency.shape[1], np.nan)
    if not frequency.any():
        return told
    counted = saturation(frequency, length[:, None], average)
    left, size, right = np.linalg.svd(counted, full_matrices=False)
    strong = size > size[0] * WEAK
    idf: Floats = right[strong].T @ (score @ left[:, strong] / size[strong])
    if np.abs(counted @ idf - score).max() <= EXACT * score.max():
        sure = np.square(right[strong]).sum(axis=0) > 1 - 1e-6
        told[sure] = idf[sure]
    return told
