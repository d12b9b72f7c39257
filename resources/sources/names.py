"""Names of files, three ways: raw (what the system takes), ref (raw, storable as UTF-8), shown (for people)."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from knowledge.fingerprint import fingerprint

_UNDECODABLE = re.compile("[\udc80-\udcff]")
_ESCAPED = re.compile("%([0-9A-F]{2})")
_NOT_SHOWN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def plain(raw: str) -> bool:
    """Whether a name is the same in all three forms."""
    return raw.isascii() and raw.isprintable() and "%" not in raw


def ref_of(raw: str) -> str:
    """A raw name or path with undecodable bytes (and "%") as %XX: one to one."""
    escaped = raw.replace("%", "%25")
    return _UNDECODABLE.sub(lambda byte: f"%{ord(byte[0]) - 0xDC00:02X}", escaped)


def raw_of(ref: str) -> str:
    """The inverse of `ref_of`."""
    return _ESCAPED.sub(lambda code: "%" if code[1] == "25" else chr(0xDC00 + int(code[1], 16)), ref)


def shown(names: Sequence[str]) -> list[str]:
    """How the raw names of one folder are shown: NFC, control characters and stray bytes as \\xNN, all different.

    Where two names would look the same, those that are not shown as they are carry a hash of their bytes. This
    depends on the set of names alone, not on their order or history.
    """
    looks = [name if plain(name) else _look(name) for name in names]
    if looks == list(names):
        return looks
    count = Counter(looks)
    return [
        look if look == name or count[look] == 1 else _distinct(look, name)
        for name, look in zip(names, looks, strict=True)
    ]


def _look(raw: str) -> str:
    return _NOT_SHOWN.sub(_code, unicodedata.normalize("NFC", raw))


def _code(match: re.Match[str]) -> str:
    code = ord(match[0])
    return (
        f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}" if code > 255 else f"\\x{code:02x}"
    )


def _distinct(look: str, raw: str) -> str:
    stem, dot, extension = look.rpartition(".")
    mark = fingerprint(os.fsencode(raw))[:8]
    return f"{stem}~{mark}.{extension}" if dot and stem else f"{look}~{mark}"
