"""What the terms of a question are worth, told by the scores of a real index."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pytest

from knowledge.terms import question_terms
from resources.lance import run
from resources.retrieval.passages import PassageTable
from resources.retrieval.term_values import TermValues, Worth
from tests.resources.library import Library, Passage

WORDS = [f"word{n}" for n in range(40)]


class Counted(PassageTable):
    """The serving table, and by what it was searched."""

    def __init__(self, library: Library) -> None:
        super().__init__(library.tables.uri, library.rows.name)
        self.searched: list[Collection[str]] = []

    async def matching(self, terms: Collection[str], limit: int, where: str | None, columns: Sequence[str] = ()) -> Any:
        self.searched.append(list(terms))
        return await super().matching(terms, limit, where, columns or ("search_text",))


def passages(count: int, seed: int = 1) -> list[Passage]:
    """Texts of different lengths, whose words are as often as their rank says."""
    draw = np.random.default_rng(seed)
    rank = 1 / np.arange(1, len(WORDS) + 1)
    texts = [" ".join(draw.choice(WORDS, int(draw.integers(15, 60)), p=rank / rank.sum())) for _ in range(count)]
    return [Passage(f"{seed}-{n}.md", f"Title {seed} {n}", text) for n, text in enumerate(texts)]


def worth(values: TermValues, terms: Sequence[str]) -> Worth:
    async def asked() -> Worth:
        return await values.of(terms, await values.table.matching(terms, 30, None))

    return run(asked())


def textbook(library: Library, terms: Sequence[str]) -> dict[str, float]:
    """ln(1 + (N - n + 0.5) / (n + 0.5)); 0 for a term that is nowhere."""
    texts = [set(text.split()) for text in library.rows.read(None, ("search_text",))["search_text"].to_pylist()]
    held = {term: sum(term in text for text in texts) for term in terms}
    return {t: float(np.log1p((len(texts) - n + 0.5) / (n + 0.5))) if n else 0.0 for t, n in held.items()}


@pytest.fixture
def library(tmp_path):
    library = Library(tmp_path, passages(200))
    library.rows.compact()
    return library


def test_terms_are_worth_what_the_textbook_says(library):
    table = Counted(library)
    values = TermValues(table)
    texts = library.rows.read(None, ("search_text",))["search_text"].to_pylist()
    for start in (0, 7, 21, 33):
        terms = question_terms(" ".join([*WORDS[start : start + 6], "Title", "nowhere"]))
        found = worth(values, terms)
        expected = textbook(library, terms)
        assert dict(zip(terms, found.idf.tolist(), strict=True)) == pytest.approx(expected, rel=0.01, abs=1e-3)
        assert found.average == pytest.approx(np.mean([len(text.split()) for text in texts]), rel=0.01)


def test_few_searches_tell_all_terms_of_a_question_and_none_tells_them_twice(library):
    table = Counted(library)
    values = TermValues(table)
    worth(values, question_terms(WORDS[39]))  # tells the average
    terms = question_terms(" ".join([*WORDS[3:15], "nowhere", "neither"]))
    table.searched.clear()
    first = worth(values, terms)
    assert len(table.searched) <= 4  # by all terms, by what those rows do not tell, and so on; not by each of 14
    table.searched.clear()
    assert worth(values, terms).idf.tolist() == first.idf.tolist()
    assert table.searched == [terms]


def test_a_changed_table_tells_anew(library):
    values = TermValues(Counted(library))
    (before,) = worth(values, ["word39"]).idf
    library.add([Passage(f"new-{n}.md", "New", "word39 " * (n + 1)) for n in range(20)])
    library.rows.compact()
    (after,) = worth(values, ["word39"]).idf
    assert after < before
    assert after == pytest.approx(textbook(library, ["word39"])["word39"], rel=0.01)


def test_rows_that_are_all_alike_tell_what_a_term_is_worth(tmp_path):
    library = Library(tmp_path, [Passage(f"{n}.md", "Same", "alpha beta gamma") for n in range(5)])
    found = worth(TermValues(Counted(library)), ["alpha", "nowhere"])
    assert found.idf[0] > 0
    assert found.idf[1] == 0
    assert found.average == pytest.approx(3.0)


def test_rows_that_came_after_the_index_was_made_are_told_too(library):
    values = TermValues(Counted(library))
    library.add([Passage(f"late-{n}.md", "Late", f"quasar nebula word{n} " * (1 + n % 3)) for n in range(6)])
    found = worth(values, ["nebula", "quasar", "word1"])
    assert np.isfinite(found.idf).all()
    assert (found.idf[:2] > found.idf[2]).all()


def test_a_filter_that_lets_nothing_through_tells_nothing_of_the_terms(library):
    values = TermValues(Counted(library))

    async def asked() -> Worth:
        return await values.of(["word1"], await values.table.matching(["word1"], 30, "source = 'nowhere'"))

    assert run(asked()).idf[0] == pytest.approx(textbook(library, ["word1"])["word1"], rel=0.01)


def test_two_questions_at_once_are_told_the_same(library):
    values = TermValues(Counted(library))
    terms = question_terms(" ".join(WORDS[:5]))

    async def asked() -> list[Worth]:
        hits = await values.table.matching(terms, 30, None)
        return list(await asyncio.gather(*(values.of(terms, hits) for _ in range(3))))

    first, *others = run(asked())
    assert all(other.idf.tolist() == first.idf.tolist() for other in others)
