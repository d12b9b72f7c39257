"""The benchmarks of the search measure what they say, on sizes that cost nothing."""

import json
from pathlib import Path

import pytest

from benchmarks import query_latency, retrieval_quality


def test_both_forms_of_a_set_are_read_with_their_gold_passages(tmp_path: Path):
    hotpot = [{"question": " Who? ", "supporting_facts": [["B", 0], ["A", 1], ["B", 2]]}]
    (tmp_path / "one.json").write_text(json.dumps(hotpot))
    (tmp_path / "one_corpus.json").write_text(json.dumps({"A": ["First. ", "Second."], "B": ["Third."]}))
    paragraphs = [
        {"title": "T", "paragraph_text": "x", "is_supporting": False},
        {"title": "T", "paragraph_text": "y", "is_supporting": True},
    ]
    (tmp_path / "two.json").write_text(json.dumps([{"question": "What?", "paragraphs": paragraphs}]))
    (tmp_path / "two_corpus.json").write_text(json.dumps([{"title": "T", "text": "x"}, {"title": "T", "text": "y"}]))
    first, second = retrieval_quality.read_sets(tmp_path)
    assert (first.passages, first.questions, first.gold) == (
        [("A", "First. Second."), ("B", "Third.")],
        ["Who?"],
        [frozenset({0, 1})],
    )
    assert (second.passages[1], second.gold) == (("T", "y"), [frozenset({1})])


def test_perfect_needs_every_gold_file_and_recall_counts_each():
    gold = [frozenset({1, 2}), frozenset({3})]
    found = [[1, 9, 9, 9, 9, 2], [8, 8, 8, 8, 8, 8, 8, 8, 3]]
    assert retrieval_quality.scores(gold, found) == {"perfect@8": 0.5, "recall@5": 0.25}


def test_the_latency_of_every_case_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(query_latency, "QUESTIONS", 3)
    query_latency.main(["60", "--work", str(tmp_path / "index")])
    built, *rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert built["chunks"] == 60
    assert [row["mode"] for row in rows] == [mode for mode, _ in query_latency.CASES]
    assert all(row["questions"] == 3 for row in rows)
