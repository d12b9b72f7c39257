"""Processes that write into a catalog: `python -m tests.catalog.writers VERB URL …`."""

import itertools
import subprocess
import sys
import time
from pathlib import Path

from resources.catalog import Catalog
from resources.catalog.stages import Commit
from tests.catalog.listings import apply, names, upsert

REPOSITORY = Path(__file__).resolve().parents[2]
BATCH = 40


def start(verb: str, url: str, *arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.catalog.writers", verb, url, *arguments]
    return subprocess.Popen(command, cwd=REPOSITORY, text=True, stdout=subprocess.PIPE)


def says(process: subprocess.Popen[str]) -> str:
    """Its next line."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def grow(catalog: Catalog, source: str, times: int | None = None) -> None:
    """Discoveries of BATCH new documents, the cursor counts them, and a stage's batch for each; on from what is."""
    at = int(catalog.items.known(source, "").cursor or 0)
    for n in itertools.count(at + 1) if times is None else range(at + 1, at + 1 + times):
        new = [f"{n}/{name}" for name in names(BATCH)]
        apply(catalog, *(upsert(name) for name in new), source=source, cursor=str(n))
        marks = {f"{source}/{name}": str(n) for name in new}
        catalog.stages.commit(Commit("chunks", source, marks=marks, touched={"embeddings": marks}, advance=True))


def main(verb: str, url: str, *arguments: str) -> None:
    catalog = Catalog(url)
    if verb == "grow":
        print("starts", flush=True)
        grow(catalog, arguments[0], int(arguments[1]) if len(arguments) > 1 else None)
    elif verb == "hold":
        with catalog.leases.hold([arguments[0]], arguments[1]):
            print("holds", flush=True)
            time.sleep(600)


if __name__ == "__main__":
    main(*sys.argv[1:])
