"""After any sequence of edits the index is that of a clean build from the folder as it is."""

from pathlib import Path

import pytest

from rag_assets import tallies
from tests.chain.days import Days
from tests.chain.harness import LONG, Project
from tests.chain.snapshot import differences

SEQUENCES = 200 if LONG else 20
SMALL = {"chunks": {"max_tokens": 64, "min_tokens": 16}}
"""Several chunks a document."""


@pytest.mark.parametrize("seed", range(SEQUENCES))
def test_any_sequence_of_edits_ends_where_a_clean_build_ends(
    tmp_path: Path, disk_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = disk_path if seed % 4 == 1 else tmp_path
    monkeypatch.setattr(tallies, "FROM", 2 if seed % 3 else 102)  # as if a name in three chunks were widespread
    settings = {**(SMALL if seed % 2 else {}), "graph": {"shards": (4, 1, 3)[seed % 3]}}
    project = Project(home / "lived", checks=LONG, **settings)
    days = Days(project, seed)
    days.morning(days.rng.randint(3, 9))
    project.good()
    for _ in range(3 if LONG else 2):
        for _ in range(days.rng.randint(1, 6)):
            days.act()
        days.done.append("pass")
        project.good(approve=True)
    lived = project.snapshot()
    assert differences(lived, project.clean(home / "clean")) == [], days.done
    if LONG or seed % 4 == 0:  # a look at everything finds nothing that was missed, in what depends on history too
        again = project.good(full=True)
        written = {asset: c.rows_written for asset, c in again.assets.items() if c.rows_written or c.texts_embedded}
        assert written == {}, days.done
