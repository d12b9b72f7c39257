"""How well multi-hop questions are answered by the whole chain, from files to `rag search`.

`python -m benchmarks.retrieval_quality FOLDER [--work DIR] [--mode MODE]...`: FOLDER holds pairs of `NAME.json`, the
questions, and `NAME_corpus.json`, the passages, in the form of HotpotQA ({title: [sentences]}; gold in
`supporting_facts`) or of
MuSiQue ([{title, text}]; gold in `paragraphs`). Each passage becomes a file `# title` + text of a source of its own
index; one JSON line a set and mode: perfect@8 (share of questions with all gold files among the first 8 results),
recall@5 (share of gold files among the first 5), seconds. With --work the indexes are kept, and used again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any

SETTINGS = "index: index\ncatalog: catalog.db\nsources:\n  passages: {type: filesystem, path: passages}\n"


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Passages as (title, text), questions, and per question the positions of its gold passages."""

    name: str
    passages: list[tuple[str, str]]
    questions: list[str]
    gold: list[frozenset[int]]


def read_sets(folder: Path) -> list[QuestionSet]:
    """All sets of a folder, by name."""
    return [
        read_set(file.with_name(file.name.replace("_corpus.json", ".json")), file)
        for file in sorted(folder.glob("*_corpus.json"))
    ]


def read_set(questions: Path, corpus: Path) -> QuestionSet:
    """One set in either form."""
    rows = json.loads(questions.read_text(encoding="utf-8"))
    raw = json.loads(corpus.read_text(encoding="utf-8"))
    if isinstance(raw, dict):
        passages = [(title, "".join(sentences).strip()) for title, sentences in raw.items()]
        at_title = {title: place for place, (title, _) in enumerate(passages)}
        gold = [frozenset(at_title[title] for title, _ in row["supporting_facts"]) for row in rows]
    else:
        passages = [(passage["title"], passage["text"]) for passage in raw]
        at = {passage: place for place, passage in enumerate(passages)}
        gold = [
            frozenset(at[p["title"], p["paragraph_text"]] for p in row["paragraphs"] if p["is_supporting"])
            for row in rows
        ]
    return QuestionSet(questions.stem, passages, [row["question"].strip() for row in rows], gold)


def measure(questions: QuestionSet, folder: Path, modes: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Index a set below `folder`, or use the index that is there, and measure each mode."""
    files = folder / "passages"
    files.mkdir(parents=True, exist_ok=True)
    for place, (title, text) in enumerate(questions.passages):
        file = files / f"{place:06d}.md"
        if not file.exists():
            file.write_text(f"# {title}\n\n{text}\n", encoding="utf-8")
    (folder / "rag.yaml").write_text(SETTINGS, encoding="utf-8")
    asked = [json.dumps({"id": str(n), "question": text}) for n, text in enumerate(questions.questions)]
    (folder / "questions.jsonl").write_text("\n".join(asked), encoding="utf-8")
    start = time.perf_counter()
    rag(folder, "index", "--json")
    indexed = time.perf_counter() - start
    for mode in modes:
        printed = rag(folder, "search", "--batch", str(folder / "questions.jsonl"), "-k", "8", "--mode", mode)
        answers = [json.loads(line) for line in printed.splitlines()]
        found = [[int(Path(result["path"]).stem) for result in answer["results"]] for answer in answers]
        seconds = sorted(answer["seconds"] for answer in answers)
        yield {
            "set": questions.name, "mode": mode, "passages": len(questions.passages), "questions": len(found),
            **scores(questions.gold, found), "index_seconds": round(indexed, 1),
            "search_p50_ms": round(1000 * seconds[len(seconds) // 2], 1),
            "search_p95_ms": round(1000 * seconds[int(len(seconds) * 0.95)], 1),
        }  # fmt: skip


def scores(gold: Sequence[frozenset[int]], found: Sequence[Sequence[int]]) -> dict[str, float]:
    """perfect@8 and recall@5, means over the questions."""
    return {
        "perfect@8": round(mean(g <= set(f[:8]) for g, f in zip(gold, found, strict=True)), 3),
        "recall@5": round(mean(len(g & set(f[:5])) / len(g) for g, f in zip(gold, found, strict=True)), 3),
    }


def rag(folder: Path, *arguments: str) -> str:
    """What the command prints; an error ends the benchmark with its text."""
    command = [sys.executable, "-c", "from rag_assets.cli import main; main()", *arguments]
    environment = {**os.environ, "RAG_CONFIG": str(folder / "rag.yaml")}
    environment.pop("DAGSTER_HOME", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(
            f"rag {arguments[0]} ended with {done.returncode}: {(done.stderr.strip() or done.stdout.strip())[-2000:]}"
        )
    return done.stdout


@contextmanager
def workplace(kept: Path | None) -> Iterator[Path]:
    """The folder that is kept, or one that is gone afterwards."""
    if kept:
        yield kept.resolve()
    else:
        with tempfile.TemporaryDirectory(prefix="rag-quality-") as folder:
            yield Path(folder)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--work", type=Path, help="keep the indexes here")
    parser.add_argument("--mode", action="append", help="default: hybrid")
    given = parser.parse_args(arguments)
    sets = read_sets(given.folder)
    if not sets:
        parser.error(f"{given.folder} holds no pair NAME.json and NAME_corpus.json")
    with workplace(given.work) as work:
        for questions in sets:
            for row in measure(questions, work / questions.name, given.mode or ["hybrid"]):
                print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
