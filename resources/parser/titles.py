"""A document's own title: its metadata's, where that says something, or its first level-1 heading."""

import re
from itertools import islice

from resources.parser.kinds import MIMES
from resources.parser.outcome import Draft
from resources.parser.tidy import clean

MAX_CHARS = 300
MAX_TRIED = 20
_HEADING = re.compile(r"^#[ \t]+(.+)$", re.M)
_UNDERLINED = re.compile(r"^(\S.{0,300})\n={2,}[ \t]*$", re.M)
_FENCE = re.compile(r"^ {0,3}(?:```|~~~)", re.M)
_LINK = re.compile(r"\[([^\]\n]{1,300})\]\([^)\s]{0,2000}\)")
# What word processors write when nobody gave a title.
_NONE = re.compile(
    r"(?:microsoft (?:word|powerpoint|excel) - .*|(?:powerpoint )?presentation|untitled.*|(?:document|book)\s?\d*"
    r"|no title|title)\Z",
    re.I,
)


def own_title(draft: Draft) -> str | None:
    """The title of a draft in one line of at most `MAX_CHARS` characters, or None."""
    given = " ".join(clean(draft.title).split()) if draft.title else ""
    if given and not _NONE.match(given):
        return given[:MAX_CHARS]
    if draft.mime == MIMES["txt"] and not draft.text.lstrip().startswith("# "):
        return None
    return heading(draft.text)


def heading(text: str) -> str | None:
    """The first level-1 heading of a markdown text outside of fenced code, without its own markup."""
    candidates = list(islice(_HEADING.finditer(text), 1 if text.startswith("# ") else MAX_TRIED))
    if "\n==" in text and not text.startswith("# "):
        candidates += islice(_UNDERLINED.finditer(text), 1)
    for found in sorted(candidates, key=lambda m: m.start()):
        if len(_FENCE.findall(text, 0, found.start())) % 2:
            continue
        title = _LINK.sub(r"\1", found.group(1).strip().rstrip("#")).replace("**", "").replace("`", "")
        title = " ".join(title.split())[:MAX_CHARS]
        if title:
            return title
    return None
