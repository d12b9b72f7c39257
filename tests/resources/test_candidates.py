"""Which passages are looked at for a question, and in how few reads."""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.retrieval.candidates import Candidates
from resources.retrieval.filters import Sight
from resources.retrieval.passages import PassageTable

VECTOR = np.array([1.0, 0.0])
FILTERED = Sight(sources=frozenset({"open"}), hidden=frozenset({"document of hidden"}))


class Shown(PassageTable):
    """A table of passages by name; the filter by column lets some of them through."""

    def __init__(self, granted: Collection[str]) -> None:
        super().__init__("", "")
        self.granted = set(granted)
        self.asked: list[int] = []
        self.rows = 0

    async def by(self, column: str, ids: Collection[str], columns: Sequence[str], where: str | None = None) -> Any:
        found = [name for name in ids if where is None or name in self.granted]
        self.asked.append(len(ids))
        self.rows += len(found)
        rows = {
            "chunk_id": found, "document_id": [f"document of {name}" for name in found], "ordinal": [0] * len(found),
            "search_text": found, "vector": pa.array([[0.6, 0.8]] * len(found), pa.list_(pa.float32(), 2)),
        }  # fmt: skip
        return pa.table({column: rows[column] for column in columns})


names = st.lists(st.sampled_from([*"abcdefghij", "hidden"]), max_size=30)


@settings(deadline=None)
@given(names, names, names, st.integers(0, 8), st.integers(0, 8))
def test_the_first_that_may_be_seen_are_taken_however_they_are_read(
    wanted: list[str], more: list[str], granted: list[str], room: int, most: int
):
    candidates = Candidates(Shown(granted), VECTOR, FILTERED, room, beside=list)
    seen = [name for name in dict.fromkeys(wanted) if name in granted and name != "hidden"]
    others = [name for name in dict.fromkeys(more) if name in granted and name != "hidden"]
    assert candidates.first_seen(list(dict.fromkeys(more)), most) == others[:most]
    assert candidates.rows == {}
    candidates.add(wanted)
    assert list(candidates.rows) == seen[:room]
    candidates.add(more)
    assert list(candidates.rows) == list(dict.fromkeys(seen[:room] + others))[:room]


def test_without_a_filter_no_passage_is_read_that_is_no_candidate():
    table, told = Shown(()), list[str]()
    candidates = Candidates(table, VECTOR, Sight(), 40, beside=told.extend)
    candidates.add(f"p{n}" for n in range(500))
    assert list(candidates.rows) == told == [f"p{n}" for n in range(40)]
    assert (table.asked, table.rows) == ([40], 40)


def test_a_filter_that_keeps_most_back_takes_few_reads_and_few_rows():
    table = Shown([f"p{n}" for n in range(0, 5_000, 10)])
    candidates = Candidates(table, VECTOR, FILTERED, 40, beside=list)
    candidates.add(f"p{n}" for n in range(5_000))
    assert list(candidates.rows) == [f"p{n}" for n in range(0, 400, 10)]
    assert len(table.asked) <= 3
    assert candidates.read <= 60


def test_never_are_more_than_a_thousand_passages_asked_for_at_once():
    table = Shown(())
    candidates = Candidates(table, VECTOR, FILTERED, 150, beside=list)
    candidates.add(f"p{n}" for n in range(3_000))
    assert candidates.rows == {}
    assert max(table.asked) <= 1_000
    assert sum(table.asked) == 3_000
