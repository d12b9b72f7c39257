"""Files that break parsers, between good ones: the good are indexed, the others set aside or read right."""

import resource
from pathlib import Path

from benchmarks import corpus
from tests.chain.harness import Project
from tests.parser.hostile import write_hostile

GOOD = 30
LIMITS = {"wall_seconds": 60, "memory_bytes": 1 << 30}


def test_hostile_files_are_set_aside_or_read_right_and_stop_no_good_one(tmp_path: Path) -> None:
    project = Project(tmp_path, checks=False, parsing=LIMITS)
    project.write_all({f"good/{name}": text for name, text in corpus.Corpus(GOOD).documents().items()})
    expected = write_hostile(project.docs / "hostile")
    assert len(expected) >= 30
    outcome = project.good()
    found = project.snapshot()
    rows = {row["path"]: row for row in found.tables["documents"]}
    assert len(rows) == GOOD + len(expected)
    assert {row["status"] for path, row in rows.items() if path.startswith("good/")} == {"ok"}
    set_aside = {unit for stage, unit, _ in found.letters if stage == "documents"}
    for name, wanted in expected.items():
        row = rows[f"hostile/{name}"]
        if row["status"] == "ok":
            assert wanted.text is not None, name
            assert wanted.text in row["text"], name
        else:
            assert str(row["reason"]).partition(":")[0] in wanted.reasons, (name, row["reason"])
            assert row["text"] == "", name
            assert row["id"] in set_aside, name
    assert outcome.assets["documents"].rows_failed == len(set_aside)
    for number in range(GOOD):
        assert project.search(corpus.own_name(number))["results"][0]["path"] == f"good/{corpus.name_of(number)}"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 < 4e9
