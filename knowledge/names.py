"""Names as strings: words, canonical forms, the names that a title gives, and which names are worth looking up.

Belongs here: what follows from a string alone. Does not: finding names in text (capitals, identifiers, lookup).
Two names are one entity when their canonical forms are equal: case, diacritics, punctuation, possessive and a
leading article do not count; digits always do.
"""

import re
import unicodedata
from functools import lru_cache

from knowledge.fingerprint import fingerprint
from knowledge.vocabulary import ARTICLES, GENERIC, STOP

LONGEST = 12
"""Words of the longest name that is looked up in texts."""
MOST_CHARACTERS = 200


_ASCII_WORD = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z0-9]+)*")
# Chinese and Japanese write no spaces: every character is a word, so that a name is found inside a sentence.
_NO_SPACES = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_NO_SPACES}]|(?:(?![{_NO_SPACES}])[^\W_])+(?:['’](?:(?![{_NO_SPACES}])[^\W_])+)*")
_LETTERS = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ð": "d", "ß": "ss", "æ": "ae", "Æ": "Ae", "þ": "th"}
)
_CLOSING_PARENTHESIS = re.compile(r"(?<!\s)\s*\([^()]*\)\s*$")
_NUMBERING = re.compile(r"^\s*(?:\d{1,3}(?:\.\d{1,3})+\.?|(?:\d{1,3}|[A-Za-z]|[IVX]{1,5})[.)])\s+(?=\S)")

Word = tuple[str, int, int]
"""A folded word and where it stands in its text: (word, start, end)."""


def words(text: str) -> list[Word]:
    """Folded lower-case words with their offsets; diacritics, apostrophes and the possessive 's are dropped."""
    if text.isascii():
        found = [(m.group().lower(), m.start(), m.end()) for m in _ASCII_WORD.finditer(text)]
        return [(_no_apostrophe(w), s, e) for w, s, e in found] if "'" in text else found
    out = []
    for match in _WORD.finditer(text):
        raw = match.group()
        word = _no_apostrophe(raw.lower()) if raw.isascii() else _fold(raw)
        if word:
            out.append((word, match.start(), match.end()))
    return out


@lru_cache(maxsize=8192)
def words_of(name: str) -> tuple[Word, ...]:
    """`words` of a short string that comes again and again."""
    return tuple(words(name))


def _no_apostrophe(word: str) -> str:
    return word.removesuffix("'s").replace("'", "") if "'" in word else word


def _fold(word: str) -> str:
    # Other numerals than decimal digits stay as they are: 10² must not become 102.
    parts = [c if c.isnumeric() and not c.isdecimal() else unicodedata.normalize("NFKD", c) for c in word]
    decomposed = "".join(parts).translate(_LETTERS).replace("’", "'")
    bare = "".join(c for c in decomposed if not unicodedata.combining(c)).lower()
    return _no_apostrophe(bare)


@lru_cache(maxsize=8192)
def canonical(name: str) -> str:
    """The form by which names are compared: folded words joined by one space, without a leading article."""
    return canonical_of([w for w, _, _ in words_of(name)])


def canonical_of(folded: list[str]) -> str:
    """`canonical` of words that are folded already."""
    first = 0
    while first < len(folded) - 1 and folded[first] in ARTICLES:
        first += 1
    return " ".join(folded[first:])


def canonical_words(text: str) -> str:
    """All folded words of a text joined by one space: what a full-text index needs to find a canonical name."""
    if text.isascii():  # as `words`, without the offsets
        found = _ASCII_WORD.findall(text.lower())
        return " ".join(map(_no_apostrophe, found) if "'" in text else found)
    return " ".join(w for w, _, _ in words(text))


def entity_id(canonical_name: str) -> str:
    """The id of an entity: the same name has the same id in every document, index and release."""
    return fingerprint("entity", canonical_name)


def title_names(title: str) -> list[str]:
    """Canonical names that a title gives: without a closing parenthesis, in full, and up to a comma.

    The part before a comma counts from two words on ("Springfield, Illinois" does not give "springfield").
    """
    return list(title_surfaces(title))


def title_surfaces(title: str) -> dict[str, str]:
    """`{canonical name: as written}` of the names that a title gives, the preferred name first."""
    short = _CLOSING_PARENTHESIS.sub("", title)
    head = short.split(",")[0]
    forms = [short, title] if canonical(short) else [title]
    if " " in canonical(head):
        forms.append(head)
    named: dict[str, str] = {}
    for form in forms:
        named.setdefault(canonical(form), " ".join(form.split()))
    return {name: surface for name, surface in named.items() if nameable(name)}


def heading_surfaces(heading: str) -> dict[str, str]:
    """`title_surfaces` of a heading, its number ("3.2", "IV.") left out."""
    return title_surfaces(_NUMBERING.sub("", heading))


@lru_cache(maxsize=8192)
def nameable(name: str) -> bool:
    """May this canonical form be an entity? No letter or stop word, no bare numbers, no mere parts of a document."""
    if not 1 < len(name) <= MOST_CHARACTERS or name in STOP:
        return False
    return not all(w in GENERIC or w.isnumeric() or w in ARTICLES for w in name.split(" "))


def eligible(name: str) -> bool:
    """May this canonical name of a title or heading be looked up in other texts? Depends on the string alone.

    Refused besides what is not `nameable`: more than LONGEST words, nothing but stop words, generic words and
    numbers, a lone word of one or two characters.
    """
    if not nameable(name):
        return False
    parts = name.split(" ")
    if len(parts) > LONGEST or (len(parts) == 1 and len(name) < 3):
        return False
    return not all(w in STOP or w in GENERIC or w.isnumeric() for w in parts)
