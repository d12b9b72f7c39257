"""Names that follow a pattern: document and contract numbers, standards, product codes, e-mail domains.

A number alone is never a name: it needs letters of its own or the word that says what it numbers.
"""

import re
from typing import NamedTuple

from knowledge.names import canonical
from knowledge.vocabulary import MAIL_PROVIDERS


class Found(NamedTuple):
    """A span of clean text with its type; `name` is canonical, "" where the span must not become a name."""

    start: int
    end: int
    type: str
    name: str


_STANDARD = (
    r"(?:ISO|IEC|IEEE|ANSI|NIST|ASTM|ECMA|DIN|RFC|PEP|ITU|SOC|PCI)"
    r"(?:[/ ](?:IEC|IEEE|EN|ISO|SP|TS|TR|DSS))*[ -]?\d[\d.]*(?:[:-]\d[\d.-]*)*"
)
_MAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64})@([A-Za-z0-9][A-Za-z0-9-]{0,62}(?:\.[A-Za-z0-9-]{1,63}){1,6})")
_URL = re.compile(r"\b(?:https?://|www\.)[^\s<>\"]+")
_NUMBERED_THINGS = ("Contract", "Invoice", "Order", "Ticket", "Project", "Case", "Policy", "PO", "SO", "CR")
_NUMBERED = re.compile(
    rf"\b({'|'.join(w if w.isupper() else f'[{w[0]}{w[0].lower()}]{w[1:]}' for w in _NUMBERED_THINGS)})"
    r"[ ]{1,3}(?:(?:[Nn]o|[Nn]r)\.?[ ]{0,3}|[Nn]umber[ ]{1,3})?[#№]?(\d[\dA-Z]{2,20}(?:[-/][\dA-Z]{1,20}){0,5})\b"
)
_CODE = re.compile(
    rf"\b{_STANDARD}"
    r"|(?<![\w/-])(?=[A-Z0-9/_-]{0,30}\d)[A-Z][A-Z0-9]{0,11}(?:[-/_][A-Z0-9]{1,12}){1,5}(?![\w-])"
    r"|(?<![\w/.-])(?!(?:FY|CY|AD|BC|CE)\d)[A-Z]{1,5}\d{2,6}[A-Z]?(?![\w/-]|\.\d)"
)
# Most passages hold no identifier; these say so quickly.
_CODE_HINT = re.compile(r"[A-Z][/_ -]?\d")
_NUMBER_HINT = re.compile(r"[ #№]\d[\dA-Z]{2}")
_NUMBERED_HINTS = tuple(f"{w if w.isupper() else w[1:]} " for w in _NUMBERED_THINGS)


def identifiers(text: str) -> list[Found]:
    """Identifiers and domains of clean text, left to right, not overlapping.

    E-mail addresses and URLs are found too: nothing inside them is a name but the domain of an address, and that
    only where it is not a public mail provider's.
    """
    found: list[Found] = []
    if "@" in text:
        for match in _MAIL.finditer(text):
            domain = match[2].rstrip("-")
            found.append(Found(match.start(), match.start(2), "EMAIL", ""))
            named = "" if domain.lower() in MAIL_PROVIDERS else canonical(domain)
            found.append(Found(match.start(2), match.start(2) + len(domain), "DOMAIN", named))
    if "://" in text or "www." in text:
        found += [Found(*match.span(), "URL", "") for match in _URL.finditer(text)]
    if any(hint in text for hint in _NUMBERED_HINTS) and _NUMBER_HINT.search(text):
        numbered = _NUMBERED.finditer(text)
        found += [Found(*m.span(), "IDENTIFIER", canonical(f"{m[1]} {m[2]}")) for m in numbered]
    if _CODE_HINT.search(text):
        for match in _CODE.finditer(text):
            written = match.group().rstrip(".:-")
            found.append(Found(match.start(), match.start() + len(written), "IDENTIFIER", canonical(written)))
    return _apart(found) if len(found) > 1 else found


def _apart(found: list[Found]) -> list[Found]:
    """Left to right; of two that overlap the one stays that starts first, then the longer."""
    kept: list[Found] = []
    for one in sorted(found, key=lambda f: (f.start, -f.end)):
        if not kept or kept[-1].end <= one.start:
            kept.append(one)
    return kept
