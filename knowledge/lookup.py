"""Lookup of known names in a text: the longest match, left to right.

The measured heart of the retrieval: a title's name that stands in another document's text links the two. Whether a
name is known depends on the names alone (`names.eligible`), so a new document changes only texts that hold its name.
"""

from collections.abc import Collection, Container, Iterator, Sequence

from knowledge.mention import Mention, surface_of
from knowledge.names import LONGEST, Word, words
from knowledge.vocabulary import ARTICLES


def candidates(text: str) -> set[str]:
    """Every run of up to LONGEST words whose first letter is not lower case, in canonical form.

    All names that `find` can find in this text are among them, so a chunk is matched against a table of millions of
    names by a few hundred key look-ups.
    """
    found = words(text)
    out = set()
    for first, (word, start, _) in enumerate(found):
        if word in ARTICLES or text[start].islower():
            continue
        run = word
        out.add(run)
        for following, _, _ in found[first + 1 : first + LONGEST]:
            run = f"{run} {following}"
            out.add(run)
    return out


def find(text: str, known: Container[str], already: Collection[str] = ()) -> list[Mention]:
    """The known names that a text holds, one mention a name with all its spans (origin "lookup").

    A name in `already` (found by the extractor or given by the title) is left out, but still takes its words: inside
    "New York Times" no "New York" is looked up, whoever found the newspaper.
    """
    spans: dict[str, list[tuple[int, int]]] = {}
    for name, start, end in matches(text, words(text), known):
        if name not in already:
            spans.setdefault(name, []).append((start, end))
    return [
        Mention(name, surface_of(text[at[0][0] : at[0][1]]), "TITLE", tuple(at), "lookup") for name, at in spans.items()
    ]


def matches(
    text: str, found: Sequence[Word], known: Container[str], heads: Container[str] | None = None
) -> Iterator[tuple[str, int, int]]:
    """(name, start, end) of known names over the words of a text, not overlapping; none crosses a blank line or cell.

    `heads`, where the names are few, are their first words: everything else is passed over quickly.
    """
    first, total = 0, len(found)
    while first < total:
        step = 1
        word, start, _ = found[first]
        if (word in heads if heads is not None else word not in ARTICLES) and not text[start].islower():
            runs = [word]
            for following, _, _ in found[first + 1 : first + LONGEST]:
                runs.append(f"{runs[-1]} {following}")
            for length in range(len(runs), 0, -1):
                if runs[length - 1] in known:
                    end = found[first + length - 1][2]
                    surface = text[start:end]
                    if "\n\n" not in surface and "|" not in surface:
                        yield runs[length - 1], start, end
                        step = length
                        break
        first += step
