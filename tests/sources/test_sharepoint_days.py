"""Random days of a library: whatever happens, and whenever we look, what is known ends as what is there."""

import os
import random
from contextlib import suppress
from pathlib import Path

import pytest

from resources.errors import SourceError
from tests.sources.site import open_site
from tests.sources.tenant_days import Day, truth

LONG = os.environ.get("RAG_TEST_LONG") == "1"
DAYS = 1_000 if LONG else 50


def live_through(seed: int, into: Path, steps: int = 40) -> None:
    chance = random.Random(seed)
    page_size = chance.choice([1, 2, 3, 5, 200])
    with open_site(page_size, catalog=into / "catalog.db") as site:
        day = Day(site, seed)

        def meanwhile(_: int) -> None:
            if chance.random() < 0.2:
                day.step()

        for _ in range(steps):
            day.step()
            if chance.random() < 0.1:
                day.trouble()
            if chance.random() < 0.05:
                day.take_over()
            if chance.random() < 0.3:
                site.graph.after_page = meanwhile
                how = {"limit": chance.choice([None, 1, 3]), "full": chance.random() < 0.1}
                deadline = site.time + 1 if chance.random() < 0.3 else None
                with suppress(SourceError):  # a page that is broken three times: the next look goes on
                    site.look(deadline=deadline, **how)
                site.graph.after_page = None
        site.graph.faults.clear()
        site.settle()
        site.settle()
        assert site.read() == truth(site.drive)
        assert site.contents(into) == site.drive.tree()
        folders = {i.path for i in site.known.items().values() if i.folder}
        assert folders == {f"Documents/{site.drive.path(n)}".rstrip("/") for n in site.drive.live() if n.folder}


@pytest.mark.parametrize("seed", range(DAYS))
def test_any_day_of_a_library_ends_with_its_tree_its_content_and_its_readers(seed: int, tmp_path: Path) -> None:
    live_through(seed, tmp_path, steps=60 if LONG else 24)
