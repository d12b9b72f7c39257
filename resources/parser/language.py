"""The language of a text, by py3langid (its model is in the package)."""

from functools import cache
from typing import Any

SAMPLE_CHARS = 300
MIN_LETTERS = 50
# Words that are frequent in English and mean nothing in the languages around it.
_ENGLISH = frozenset(["the", "of", "and", "with", "that", "this", "which", "from", "was", "were", "are", "by", "their"])


def language(text: str) -> str:
    """ISO 639-1 code of the text by its first `SAMPLE_CHARS` characters; `und` below `MIN_LETTERS` letters."""
    sample = text[:SAMPLE_CHARS]
    if sum(map(str.isalpha, sample)) < MIN_LETTERS:
        return "und"
    words = sample.lower().split()
    english = [word for word in words if word in _ENGLISH]
    # The model takes a second to load and 0.2 ms a text: plain English needs none of it.
    if "the" in english and len(set(english)) >= 3 and len(english) > len(words) / 7:
        return "en"
    code = str(_identifier().classify(sample)[0])
    return code if len(code) == 2 else "und"


@cache
def _identifier() -> Any:
    import py3langid

    return py3langid
