"""Generated documents for the tests of chunking: seeded prose, headings, lists and tables, and edits of a paragraph."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

WORDS = re.findall(
    r"\w+",
    "the of and to in a is that for it as was with be by on not he his but at are this have from or had "
    "an they which one you were all her she there would their we him been has when who will no more if "
    "out so what up said its about than into them can only other time new some could these two may first "
    "then do any like my now over such our man me even most made after also did many off before must well "
    "back through years where much your way down should because long each just state those people too "
    "mister how little good world make very year still see work life being between never contract leave "
    "ledger turbine harbour invoice permit audit quarter supplier ",
)
EDITS = ("replace", "word", "insert", "delete")


@dataclass(frozen=True)
class Manuscript:
    """Paragraphs, headings among them, joined by blank lines."""

    paragraphs: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n\n".join(self.paragraphs)

    def edited(self, random: Random, kind: str, paragraph: Callable[[Random], str]) -> "Manuscript":
        """One paragraph replaced, given one word more, inserted before, or deleted; never a heading."""
        at = random.choice([i for i, p in enumerate(self.paragraphs) if not p.startswith("#")])
        before, old, after = self.paragraphs[:at], self.paragraphs[at], self.paragraphs[at + 1 :]
        if kind == "replace":
            return Manuscript((*before, paragraph(random), *after))
        if kind == "word":
            words = old.split(" ")
            fence = old.startswith("```")  # a word beside the signs would open or close another fence
            words.insert(random.randint(fence, len(words) - fence), random.choice(WORDS))
            return Manuscript((*before, " ".join(words), *after))
        if kind == "insert":
            return Manuscript((*before, paragraph(random), old, *after))
        return Manuscript((*before, *after) if before or after else ("",))


def run_of_words(least: int, most: int) -> Callable[[Random], str]:
    """Paragraphs without any punctuation."""
    return lambda random: " ".join(random.choices(WORDS, k=random.randint(least, most)))


def prose(least: int, most: int) -> Callable[[Random], str]:
    """Paragraphs of sentences, of about `least` to `most` words."""

    def paragraph(random: Random) -> str:
        sentences: list[str] = []
        left = random.randint(least, most)
        while left > 0:
            words = random.choices(WORDS, k=min(left, random.randint(6, 22)))
            left -= len(words)
            sentences.append(" ".join(words).capitalize() + ".")
        return " ".join(sentences)

    return paragraph


def anything(random: Random) -> str:
    """Prose, a list, a table, a code fence, or a line."""
    line = run_of_words(2, 12)
    kind = random.randrange(6)
    if kind == 0:
        return "\n".join(f"- {line(random)}" for _ in range(random.randint(2, 9)))
    if kind == 1:
        return "\n".join("| " + " | ".join(random.choices(WORDS, k=4)) + " |" for _ in range(random.randint(3, 12)))
    if kind == 2:
        return "```\n" + "\n".join(line(random) for _ in range(random.randint(2, 12))) + "\n```"
    return line(random) if kind == 3 else prose(20, 90)(random)


def manuscript(
    random: Random, paragraph: Callable[[Random], str], size: int, heading_every: int = 0, title: str | None = None
) -> Manuscript:
    """`size` paragraphs, a heading of level 2 to 4 before every n-th, the title as the first line."""
    paragraphs = [f"# {title}"] if title else []
    for number in range(size):
        if heading_every and number % heading_every == 0:
            paragraphs.append("#" * random.choice([2, 2, 3, 3, 4]) + " " + run_of_words(1, 5)(random))
        paragraphs.append(paragraph(random))
    return Manuscript(tuple(paragraphs))
