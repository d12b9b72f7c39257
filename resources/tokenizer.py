"""Tokenizers: what an embedding model counts, and words where there is no model.

Belongs here: counting the tokens of texts. Does not: cutting texts (knowledge/chunking.py), embedding them.
"""

import os
import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from knowledge.fingerprint import fingerprint

_WORDS = re.compile(r"\w+|[^\w\s]")
_ASCII = [chr(code) for code in range(128)]
_MARKS = "".join(c for c in _ASCII if re.match(r"[^\w\s]", c)).encode()
_GAPS = "".join(c for c in _ASCII if re.match(r"\W", c)).encode()
_APART = bytes.maketrans(_GAPS, b" " * len(_GAPS))
_WINDOW = 1_000_000
"""Characters given to the tokenizer at once: its encodings take some hundred bytes a token."""


class WordTokenizer:
    """Words and single punctuation marks: the tokens of the embedder without a model."""

    identity = "words-1"
    special_tokens = 0

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text."""
        return [_words_and_marks(text.encode()) if text.isascii() else len(_WORDS.findall(text)) for text in texts]


class ModelTokenizer:
    """A model's own tokenizer, from its `tokenizer.json` (https://huggingface.co/docs/tokenizers).

    Truncation and padding are off: a count is the count of the whole text.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = Path(path)
        self.identity = f"tokenizer-{fingerprint(self._path.read_bytes())}"

    @cached_property
    def special_tokens(self) -> int:
        """Tokens that the model adds to each text: 2 for BERT."""
        return int(self._tokenizer.num_special_tokens_to_add(False))

    def count(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without the special ones."""
        return [
            len(encoding)
            for window in _windows(texts)
            for encoding in self._tokenizer.encode_batch_fast(window, add_special_tokens=False)
        ]

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self._path))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return tokenizer


def _words_and_marks(text: bytes) -> int:
    """What `_WORDS` finds in ASCII, in a sixth of the time."""
    return len(text.translate(_APART).split()) + len(text) - len(text.translate(None, _MARKS))


def _windows(texts: Sequence[str]) -> Iterator[list[str]]:
    window: list[str] = []
    size = 0
    for text in texts:
        if window and size + len(text) > _WINDOW:
            yield window
            window, size = [], 0
        window.append(text)
        size += len(text)
    if window:
        yield window
