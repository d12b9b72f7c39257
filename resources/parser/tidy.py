"""Text as it is stored: NFC, `\\n`, no control characters; and the markdown of the native parser made readable."""

import re
from html import unescape
from unicodedata import is_normalized, normalize

_BREAKS = re.compile("[\x0b\x0c\x85\u2028\u2029]")
CONTROLS = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_GAP = re.compile(r"\n{4,}")
_PADDING = re.compile(r"[ \t]{2,}")
_RULE = re.compile(r"-{4,}")
_FENCE = re.compile(r"\s{0,3}(?:```|~~~)")
_REFERENCE = re.compile(r"&#x?[0-9a-fA-F]{1,6};")
# A data: image in a web page is bytes in disguise, not text.
_INLINE_IMAGE = re.compile(r"!\[([^\]\n]{0,300})\]\(data:[^)\s]*\)")


def clean(text: str) -> str:
    """NFC with `\\n` line ends, without control characters, byte order marks and halves of surrogate pairs."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        if text.isprintable():
            return text
    else:
        text = _SURROGATES.sub("\ufffd", text)
        if not is_normalized("NFC", text):
            text = normalize("NFC", text)
    return CONTROLS.sub("", _BREAKS.sub("\n", text))


def readable(markdown: str, *, escaped: bool = True) -> str:
    """The parser's markdown without escapes, padding of table cells and inline images, outside of fenced code.

    A backslash stays before `|` in a table and before `#` at the start of a line, where it changes the meaning;
    with `escaped=False` (the parser escapes nothing there) all of them stay.
    """
    lines = []
    fenced = False
    for line in clean(markdown).split("\n"):
        if _FENCE.match(line):
            fenced = not fenced
        lines.append(line if fenced else _readable_line(line, escaped))
    return _GAP.sub("\n\n\n", "\n".join(lines)).strip("\n") + "\n"


def _readable_line(line: str, escaped: bool) -> str:
    line = line.rstrip()
    if "&#" in line:
        line = clean(_REFERENCE.sub(lambda m: unescape(m.group()), line)).replace("\n", " ")
    if "](data:" in line:
        line = _INLINE_IMAGE.sub(r"\1", line)
    row = line.startswith("|")
    if row:
        line = _RULE.sub("---", _PADDING.sub(" ", line))
    if not escaped or "\\" not in line:
        return line
    return _ESCAPE.sub(lambda m: _unescaped(m, row), line)


def _unescaped(match: re.Match[str], row: bool) -> str:
    char = match.group(1)
    keep = (char == "|" and row) or (char == "#" and not match.string[: match.start()].strip())
    return match.group() if keep else char
