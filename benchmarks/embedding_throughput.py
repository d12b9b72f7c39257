"""How near the embedding model comes to what the processor can multiply, and what bfloat16 brings.

`python -m benchmarks.embedding_throughput [--texts 192] [--rounds 3]`. A layer of the packaged model multiplies each
token by four matrices of 384 × 384 and two of 384 × 1536, and each token with all others of its text; that many
floating-point operations a second are compared with bare matrix products of the same shapes. Rounds of all candidates
take turns, so that what else the machine does meets all of them; the best round of each counts. bfloat16 is measured
where the processor multiplies it in hardware.
"""

import argparse
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from resources.embedder import Embedder, best_dtype, embedder_for
from resources.settings import EmbeddingSettings

WIDTH, INNER, LAYERS = 384, 1536, 6
WEIGHTS = LAYERS * (4 * WIDTH * WIDTH + 2 * WIDTH * INNER)
ROWS = 8_192
"""Tokens in one bare product: as many as a batch of 32 full texts."""


def texts(count: int, embedder: Embedder) -> list[str]:
    """Passages of as many tokens as the model takes, a few more or less."""
    draw = random.Random(7)
    words = [
        "the",
        "of",
        "system",
        "report",
        "contract",
        "bridge",
        "measure",
        "value",
        "station",
        "north",
        "pump",
        "valve",
    ]
    long = [" ".join(draw.choices(words, k=embedder.max_tokens - 6 - draw.randrange(8))) for _ in range(count)]
    return [text + "." for text in long]


def operations(tokens: Sequence[int]) -> float:
    """Floating-point operations for texts of so many tokens each: the weights, and attention within each text."""
    return float(sum(2 * WEIGHTS * n + LAYERS * 2 * 2 * n * n * WIDTH for n in tokens))


def ceiling(dtype: str) -> Callable[[], float]:
    """One round of bare products at the model's shapes; returns operations a second."""
    import torch

    kind = getattr(torch, dtype)
    narrow = torch.randn(ROWS, WIDTH, dtype=kind)
    square, up, down = (torch.randn(*shape, dtype=kind) for shape in ((384, 384), (384, 1536), (1536, 384)))

    def measure() -> float:
        start = time.perf_counter()
        with torch.inference_mode():
            for _ in range(LAYERS):
                for _ in range(4):
                    narrow @ square
                (narrow @ up) @ down
        return 2 * WEIGHTS * ROWS / (time.perf_counter() - start)

    return measure


def model(embedder: Embedder, passages: Sequence[str], tokens: Sequence[int]) -> Callable[[], float]:
    def measure() -> float:
        start = time.perf_counter()
        embedder.encode(passages)
        return operations(tokens) / (time.perf_counter() - start)

    return measure


def main(count: int = 192, rounds: int = 3) -> dict[str, Any]:
    """Measure, print and return GFLOP/s and their ratios."""
    dtypes = ["float32", *(["bfloat16"] if best_dtype() == "bfloat16" else [])]
    settings = EmbeddingSettings()
    embedders = {dtype: embedder_for(settings, Path(), dtype) for dtype in dtypes}
    passages = texts(count, embedders["float32"])
    tokenizer = embedders["float32"].tokenizer
    tokens = [count + tokenizer.special_tokens for count in tokenizer.count(passages)]
    measures = {f"{dtype} products": ceiling(dtype) for dtype in dtypes}
    measures |= {f"{dtype} model": model(embedders[dtype], passages, tokens) for dtype in dtypes}
    for measure in measures.values():
        measure()  # loads, and warms up
    best = dict.fromkeys(measures, 0.0)
    for _ in range(rounds):
        best |= {name: max(best[name], measure()) for name, measure in measures.items()}
    found: dict[str, Any] = {"texts": count, "tokens a text": round(sum(tokens) / count, 1)}
    found |= {f"{name}, GFLOP/s": round(value / 1e9, 1) for name, value in best.items()}
    for dtype in dtypes:
        found[f"{dtype} share of the ceiling"] = round(best[f"{dtype} model"] / best[f"{dtype} products"], 3)
        found[f"{dtype} texts a second"] = round(best[f"{dtype} model"] / operations(tokens) * count, 1)
    if "bfloat16" in dtypes:
        found["bfloat16 against float32"] = round(best["bfloat16 model"] / best["float32 model"], 2)
    print(json.dumps(found, indent=1))
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, default=192)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    main(given.texts, given.rounds)
