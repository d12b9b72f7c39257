"""What a look at a folder costs: CPU, records and peak memory of a sensor's ticks over files that did not change.

`python -m benchmarks.source_scan [--files 100000] [--folder-size 1000] [--dir /tmp]` makes the files, notes them in a
catalog, and then looks again as a sensor does: each tick in a process of its own (as after a restart), inside the
tick's budget, until the listing is finished. Prints one JSON line a step; removes what it made.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SETTINGS = """\
sources:
  docs: {{type: filesystem, path: docs}}
embeddings: {{model: hashing}}
extraction: {{method: patterns}}
changes: {{tick_budget_seconds: {budget}, backlog: {backlog}}}
"""


def make_files(root: Path, files: int, folder_size: int) -> None:
    """`files` small files of different content, `folder_size` a folder, folders ten a folder."""
    for start in range(0, files, folder_size):
        number = start // folder_size
        folder = root / f"{number // 10:04d}" / f"{number % 10}"
        folder.mkdir(parents=True)
        descriptor = os.open(folder, os.O_RDONLY)
        for n in range(start, min(start + folder_size, files)):
            file = os.open(f"note-{n:07d}.md", os.O_WRONLY | os.O_CREAT, 0o644, dir_fd=descriptor)
            os.write(file, b"# Note %d\n" % n)
            os.close(file)
        os.close(descriptor)


def look(home: Path, *, ticks: bool) -> dict[str, Any]:
    """One look in this process: a sensor's tick, or a whole discovery."""
    import dagster as dg

    from rag_assets.discovery import discover
    from resources.index import Index, prepare_environment
    from sensors.source_changes import tick

    prepare_environment()

    before = peak()
    index = Index.load(home / "rag.yaml")
    instance = dg.DagsterInstance.ephemeral() if ticks else None
    cpu, wall = time.process_time(), time.monotonic()
    if instance is None:
        said = str(discover(index, "docs"))
    else:
        reason = tick(instance, index, "docs").skip_reason
        said = "a run is asked for" if reason is None else str(reason.skip_message)
    step = {"cpu_seconds": round(time.process_time() - cpu, 2), "wall_seconds": round(time.monotonic() - wall, 2)}
    cursor = json.loads(index.catalog.items.known("docs", "").cursor or "{}")
    listing = cursor["listing"]
    waiting = sum(documents for documents, _ in index.catalog.items.waiting().values())
    return step | {
        "records": waiting, "complete": listing is None, "seen": listing["seen"] if listing else None,
        "peak_megabytes": round(peak() / 1e6), "megabytes_before": round(before / 1e6), "said": said,
    }  # fmt: skip


def peak() -> int:
    """The most memory that this process ever had, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def settle(home: Path) -> None:
    """Take what was found out of the change log, as a run does when it has written its rows."""
    from resources.catalog.stages import Commit
    from resources.index import Index

    index = Index.load(home / "rag.yaml")
    for partition in index.catalog.items.waiting():
        index.catalog.stages.commit(Commit("documents", partition, changes=index.catalog.items.pending(partition)))
    index.close()


def in_a_process(home: Path, step: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.source_scan", "--step", step, "--home", str(home)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    found: dict[str, Any] = json.loads(out)
    print(json.dumps({"step": step, **found}), flush=True)
    return found


def measure(files: int, folder_size: int, budget: float, directory: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="rag-source-scan-", dir=directory) as folder:
        home = Path(folder)
        text = SETTINGS.format(budget=budget, backlog=10 * files)
        (home / "rag.yaml").write_text(text, encoding="utf-8")
        make_files(home / "docs", files, folder_size)
        print(json.dumps({"step": "made", "files": files, "folder_size": folder_size}), flush=True)
        in_a_process(home, "first")
        in_a_process(home, "settle")
        ticks = []
        for _ in ("second", "racy files are behind us"):
            ticks = [in_a_process(home, "tick")]
            while not ticks[-1]["complete"]:
                ticks.append(in_a_process(home, "tick"))
        print(
            json.dumps(
                {
                    "step": "unchanged", "files": files, "ticks": len(ticks),
                    "cpu_seconds": round(sum(t["cpu_seconds"] for t in ticks), 2),
                    "longest_tick_seconds": max(t["wall_seconds"] for t in ticks),
                    "records": sum(t["records"] for t in ticks),
                    "peak_megabytes": max(t["peak_megabytes"] for t in ticks),
                }
            ),
            flush=True,
        )  # fmt: skip


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.source_scan", description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--folder-size", type=int, default=1_000)
    parser.add_argument("--budget", type=float, default=8.0, help="changes.tick_budget_seconds")
    parser.add_argument("--dir", type=Path, help="where the files are made; else the system's temporary folder")
    parser.add_argument("--step", choices=("first", "settle", "tick"), help=argparse.SUPPRESS)
    parser.add_argument("--home", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.step == "settle":
        settle(chosen.home)
        print("{}")
    elif chosen.step:
        print(json.dumps(look(chosen.home, ticks=chosen.step == "tick")))
    else:
        measure(chosen.files, chosen.folder_size, chosen.budget, chosen.dir)


if __name__ == "__main__":
    main()
