"""From spans to mentions and statements: what one passage says, as a pure function of the passage.

Belongs here: putting together what a model, the patterns, the title and the headings give. Does not: running a model
(resources/extractor.py), names of other documents (lookup.py), merging over passages (resolution.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from knowledge.acronyms import acronyms
from knowledge.descriptions import defining_sentence, openings
from knowledge.identifiers import Found, identifiers
from knowledge.lookup import matches
from knowledge.mention import UNTYPED, Extraction, Mention, Origin, Passage, Statement, surface_of
from knowledge.names import canonical, heading_surfaces, nameable, title_surfaces, words
from knowledge.prose import Prose, prose
from knowledge.sentences import sentences
from knowledge.statements import ENGLISH, Occurrence, statements_of
from knowledge.vocabulary import GENERIC, STOP

__all__ = ["VERSION", "Extraction", "Mention", "Passage", "Statement", "acronyms", "assemble", "readable"]

VERSION = "1"
"""Part of every extraction's fingerprint: raised when the same passage would give other mentions or statements."""

_PATTERN_TYPES = ("IDENTIFIER", "DOMAIN")


@dataclass(slots=True)
class _Name:
    """What is gathered about one name of the passage."""

    surface: str
    type: str
    origin: Origin
    at: dict[tuple[int, int], None] = field(default_factory=dict)


def readable(passage: Passage) -> Prose:
    """The clean text of a passage that models and patterns read; known heading lines are left out."""
    if "#" not in passage.text:
        return prose(passage.text)
    known = {canonical(h) for h in passage.heading_path}
    if passage.title:
        known.add(canonical(passage.title))
    return prose(passage.text, known)


def assemble(passage: Passage, spans: Sequence[tuple[int, int, str]], clean: Prose | None = None) -> Extraction:
    """Mentions and statements of a passage from a model's spans (start, end, type) in `passage.text`.

    Added to the spans: identifiers and domains, the names of the title and of the headings (origin "title", in the
    text or not). Spans that are no names (numbers, stop words, generic words) are left out; where spans overlap, all
    become mentions, and the longest takes part in statements. `clean` is `readable(passage)` if it is at hand.
    """
    clean = readable(passage) if clean is None else clean
    text = clean.text
    names = _own_names(passage)
    occurrences = _in_text(text, [(*clean.locate(s, e), label) for s, e, label in spans])
    occurrences += _own_in_text(text, names, occurrences)
    occurrences.sort(key=lambda o: (o.start, -o.end, o.name, o.type))
    for one in occurrences:
        known = names.get(one.name)
        if known is None:
            known = names[one.name] = _Name(surface_of(text[one.start : one.end]), one.type, "extractor")
        elif _rank(one.type) > _rank(known.type):
            known.type = one.type
        known.at[one.start, one.end] = None
    bounds = sentences(text) if occurrences else ()
    english = passage.language in ENGLISH
    opened = openings(text, bounds) if english else {}
    mentions = []
    for name, n in names.items():
        description = defining_sentence(text, n.at, opened)
        mentions.append(
            Mention(name, n.surface, n.type, tuple(clean.source(s, e) for s, e in n.at), n.origin, description)
        )
    return Extraction(tuple(mentions), statements_of(text, [s for s, _ in bounds], occurrences, english=english))


def _own_names(passage: Passage) -> dict[str, _Name]:
    """The names of title and headings, and the identifiers in them."""
    forms: list[tuple[str, dict[str, str]]] = []
    if passage.title:
        forms.append((passage.title, title_surfaces(passage.title)))
    forms += [(heading, heading_surfaces(heading)) for heading in passage.heading_path]
    out: dict[str, _Name] = {}
    for raw, surfaces in forms:
        for name, surface in surfaces.items():
            out.setdefault(name, _Name(surface, "TITLE", "title"))
        for start, end, label, name in identifiers(raw):
            if name:
                own = out.setdefault(name, _Name(surface_of(raw[start:end]), label, "title"))
                own.type = label
    return out


def _in_text(text: str, spans: Iterable[tuple[int, int, str]]) -> list[Occurrence]:
    """The occurrences that patterns and a model's spans give; a span that crosses an identifier yields to it."""
    patterns = identifiers(text)
    out = [Occurrence(p.start, p.end, p.name, p.type) for p in patterns if p.name]
    for first, last, label in spans:
        start, end = _first_line(text, first, last)
        name = canonical(text[start:end])
        if nameable(name) and not (patterns and _yields(text, start, end, patterns)):
            out.append(Occurrence(start, end, name, label))
    return out


def _yields(text: str, start: int, end: int, patterns: Sequence[Found]) -> bool:
    """Does a span say no more than an identifier that it crosses, equals, lies in or wraps in generic words?"""
    inside = [p for p in patterns if p.start < end and start < p.end]
    if any(p.start < start or end < p.end for p in inside):
        return True
    taken = {w for p in inside for w, _, _ in words(text[p.start : p.end])}
    return bool(inside) and all(w in taken or w in STOP or w in GENERIC for w, _, _ in words(text[start:end]))


def _first_line(text: str, start: int, end: int) -> tuple[int, int]:
    """A name does not cross a line break: what stands before the first one."""
    piece = text[start:end]
    if "\n" not in piece and piece == piece.strip():
        return start, end
    lead = len(piece) - len(piece.lstrip())
    return start + lead, start + lead + len(piece.strip().split("\n", 1)[0])


def _own_in_text(text: str, names: dict[str, _Name], found: Sequence[Occurrence]) -> list[Occurrence]:
    """Where the title's and the headings' names stand in the text, beside the spans that are found already."""
    heads = {name.split(" ", 1)[0] for name in names}
    lowered = text.lower()
    if text.isascii() and not any(head in lowered for head in heads):
        return []
    have = {(o.start, o.end) for o in found}
    return [
        Occurrence(start, end, name, names[name].type)
        for name, start, end in matches(text, words(text), names, heads)
        if (start, end) not in have
    ]


def _rank(label: str) -> int:
    """Which type of one name in one passage stands: patterns before the model, the first seen among equals."""
    if label in _PATTERN_TYPES:
        return 2
    return 1 if label not in UNTYPED else (0 if label == UNTYPED[0] else -1)
