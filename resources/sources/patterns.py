"""Which files of a tree are documents: include and exclude globs, and what no one wants indexed.

The globs are those of .gitignore, on the path below the root: `*` and `?` stay inside one name, `**` spans folders,
`[a-c]` and `[!a-c]` are one character, `{md,txt}` is one of several. A pattern without a slash matches a name at any
depth, one with a slash matches from the root; a pattern that matches a folder takes everything below it.
"""

import re
import unicodedata
from collections.abc import Sequence

from resources.errors import SettingsError

TEMPORARY = re.compile(
    r"~\$.*|~WRL.*|.*~|#.*#|.*\.(?:tmp|part|crdownload|sw[op])|Thumbs\.db|desktop\.ini|__MACOSX|lost\+found",
    re.IGNORECASE | re.DOTALL,
)
"""Names that editors, browsers and desktops leave behind."""


class Rules:
    """The include and exclude globs of one source."""

    def __init__(self, include: Sequence[str] = ("**/*",), exclude: Sequence[str] = (), hidden: bool = False) -> None:
        self._everything = any(pattern in ("**", "**/*", "*") for pattern in include)
        self._include, self._exclude = _any(include), _any(exclude)
        # "drafts/**" closes the folder drafts: nothing in it need be listed
        closed = [f"/{p.strip('/').removesuffix('/**')}" for p in exclude if p.endswith("/**") and p.strip("*/")]
        self._closed = _any([*exclude, *closed])
        self._hidden = hidden

    def passes_name(self, name: str) -> bool:
        """Whether a file's or folder's own name keeps it in: not hidden, not temporary."""
        return (self._hidden or name[0] != ".") and TEMPORARY.fullmatch(name) is None

    def enters(self, path: str) -> bool:
        """Whether a folder (whose name passes) may hold documents."""
        return self._closed is None or self._closed.fullmatch(path) is None

    def takes(self, path: str) -> bool:
        """Whether a file in a folder that is entered, with a name that passes, is a document."""
        if self._exclude is not None and self._exclude.fullmatch(path) is not None:
            return False
        return self._everything or (self._include is not None and self._include.fullmatch(path) is not None)

    def covers(self, path: str) -> bool:
        """Whether a document may stand at this path, all its folders considered."""
        return all(self.passes_name(name) for name in path.split("/")) and self.takes(path)

    def __repr__(self) -> str:
        shown = [None if p is None else p.pattern for p in (self._include, self._exclude)]
        return f"Rules(include={shown[0]!r}, exclude={shown[1]!r}, hidden={self._hidden})"


def _any(patterns: Sequence[str]) -> re.Pattern[str] | None:
    if not patterns:
        return None
    # A match of a folder takes what lies below it.
    return re.compile("(?:" + "|".join(_translate(p) for p in patterns) + ")(?:/.*)?", re.DOTALL)


def _translate(pattern: str) -> str:
    """A glob as a regular expression that takes time linear in the path: every step is atomic, never tried twice.

    That is sound because the leftmost place where the part between two stars matches leaves the most for the rest
    (the argument of `fnmatch`, here for stars in a name and for double stars in a path).
    """
    glob = unicodedata.normalize("NFC", pattern).rstrip("/")
    if pattern.startswith("!") or not glob.strip("/"):
        raise SettingsError(
            f"{pattern!r} is no pattern for include or exclude; allowed: globs like 'drafts/**' and '*.pdf'."
        )
    names = glob.strip("/").split("/")
    if "/" not in glob:
        names.insert(0, "**")
    below = names[-1] == "**"
    runs: list[list[str]] = [[]]
    for name in names:
        if name == "**":
            runs.append([])
        else:
            runs[-1].append(_name(name, pattern))
    end = "/.+" if below else "(?=/|\\Z)"
    start, *fixed = ["/".join(run) for n, run in enumerate(runs) if run or n == 0]
    if not fixed:
        return start + end if start else ".+"
    steps = [f"(?>(?:[^/]*/)*?{run}{'/' if n < len(fixed) else end})" for n, run in enumerate(fixed, start=1)]
    return (f"{start}/" if start else "") + "".join(steps)


def _name(glob: str, pattern: str) -> str:
    """One name of a glob as a regular expression."""
    try:
        names = [_starred(name) for name in _expand(glob)]
        re.compile("|".join(names))
    except re.error as error:
        raise SettingsError(f"{pattern!r} is no pattern for include or exclude: {error}.") from error
    return names[0] if len(names) == 1 else f"(?:{'|'.join(names)})"


def _expand(glob: str) -> list[str]:
    """`a.{md,txt}` as `a.md` and `a.txt`."""
    braces = re.search(r"\{([^{}]*,[^{}]*)\}", glob)
    if braces is None:
        return [glob]
    return [
        name
        for choice in braces[1].split(",")
        for name in _expand(glob[: braces.start()] + choice + glob[braces.end() :])
    ]


def _starred(glob: str) -> str:
    pieces, at, out = [""], 0, ""
    while at < len(glob):
        sign, at = glob[at], at + 1
        if sign == "*":
            pieces.append("")
        elif sign == "?":
            pieces[-1] += "[^/]"
        elif sign == "[" and (end := glob.find("]", at + 1 + (glob[at : at + 1] == "!"))) > 0:
            body = glob[at:end].replace("\\", "\\\\").replace("[", "\\[").replace("^", "\\^")
            pieces[-1] += ("[^/" + body[1:] if body[0] == "!" else "[" + body) + "]"
            at = end + 1
        else:
            pieces[-1] += re.escape(sign)
    first, *rest = pieces
    if not rest:
        return first
    out = first + "".join(f"(?>[^/]*?{piece})" for piece in rest[:-1] if piece)
    # the last piece is the end of the name, whatever stood before it
    return f"{out}[^/]*{rest[-1]}"
