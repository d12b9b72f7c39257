"""After any days of a library the index is what the tenant is: its documents, and who may read them."""

import hashlib
from pathlib import Path

import pytest

from tests.chain.harness import LONG
from tests.chain.tenants import Tenancy, tenancy
from tests.sources.tenant_days import Day, truth

DAYS = 1_000 if LONG else 3
TEXTS = (
    "# Eva Holm\n\nEva Holm works for Nordwind AS.", "Nordwind AS acquired Solvang Bank. Mira Castellanos supports it.",
    "# Solvang Bank\n\nThe Solvang Bank audits Castle Freight.", "Quiet words without a name.",
)  # fmt: skip


def same(site: Tenancy) -> None:
    """The index holds what the tenant has, and lets in whom the tenant lets in."""
    rows = site.snapshot().tables["documents"]
    content = {row["path"].removeprefix("Documents/"): row["content_sha256"] for row in rows}
    assert content == {path: hashlib.sha256(of).hexdigest() for path, of in site.drive.tree().items()}
    assert site.served() == truth(site.drive)


@pytest.mark.parametrize("seed", range(DAYS))
def test_any_days_of_a_library_end_in_its_content_and_its_readers(tmp_path: Path, seed: int) -> None:
    with tenancy(tmp_path / "project", page_size=(1, 3, 200)[seed % 3]) as site:
        day = Day(site, seed, text=lambda n: (TEXTS[n % 4] + f" Edition {n}.\n").encode())
        for _ in range(3 if LONG else 2):
            for _ in range(day.chance.randint(4, 12)):
                day.step()
            if day.chance.random() < 0.3:
                site.graph.expire_links(site.drive)
            if day.chance.random() < 0.3:
                day.take_over()
            if day.chance.random() < 0.5:
                site.tick()
                day.step()
            site.settle()
        same(site)
