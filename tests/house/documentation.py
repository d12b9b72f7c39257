"""README and docs as data: their code, commands, links and the table of settings.

.venv/bin/python -m tests.house.documentation      # prints what the tests look at
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from resources.settings import REPOSITORY

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
SPAN = re.compile(r"`([^`]+)`")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
PROGRAMS = ("rag", "dagster", "make")


@dataclass(frozen=True, slots=True)
class Page:
    """One file of the documentation."""

    file: Path
    text: str

    @property
    def prose(self) -> str:
        return FENCE.sub("", self.text)

    @property
    def spans(self) -> list[str]:
        """Code between backticks in the prose, on one line each."""
        return [" ".join(span.split()) for span in SPAN.findall(self.prose)]

    def fences(self, *languages: str) -> list[str]:
        return [code for language, code in FENCE.findall(self.text) if language in languages]

    @property
    def links(self) -> list[str]:
        return LINK.findall(self.prose)

    @property
    def anchors(self) -> set[str]:
        """The headings, as a browser on GitHub finds them."""
        heads = re.findall(r"^#+ (.+)$", self.prose, re.M)
        return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@cache
def pages() -> tuple[Page, ...]:
    files = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
    return tuple(Page(file, file.read_text(encoding="utf-8")) for file in files)


def commands(program: str) -> list[list[str]]:
    """The arguments of every call of a program, in code spans and in shell blocks; each once."""
    found = {tuple(words[1:]) for page in pages() for words in _calls(page) if words[0] == program}
    return [list(arguments) for arguments in sorted(found)]


def _calls(page: Page) -> Iterator[list[str]]:
    blocks = [line for code in page.fences("sh") for line in code.splitlines()]
    for line in [*page.spans, *blocks]:
        line = line.removeprefix(".venv/bin/").partition(" #")[0].strip()
        if line.partition(" ")[0] in PROGRAMS:
            yield shlex.split(line)


@dataclass(frozen=True, slots=True)
class Documented:
    """A row of a table of settings."""

    key: str
    default: str
    allowed: str

    @property
    def value(self) -> Any:
        """The default as YAML; None where the cell is empty."""
        return yaml.safe_load(self.default.strip("` ")) if self.default.strip() else None


def documented_settings() -> dict[str, Documented]:
    text = (REPOSITORY / "docs" / "settings.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    keyed = [row for row in rows if re.fullmatch(r"`[a-z0-9_]+(\.\w+)*`", row[0]) and len(row) == 4]
    return {row[0].strip("`"): Documented(row[0].strip("`"), row[1], row[2]) for row in keyed}


if __name__ == "__main__":
    for name in PROGRAMS:
        print(*(f"{name} {shlex.join(arguments)}" for arguments in commands(name)), sep="\n")
    print(*documented_settings().values(), sep="\n")
