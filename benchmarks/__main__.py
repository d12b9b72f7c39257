"""Runs every benchmark of this folder, each in a process of its own: `python -m benchmarks [FOLDER]`.

A benchmark is a module here with a function `main(folder: Path | None)`; FOLDER is the retrieval quality data, for
those that need it. The exit code is that of the worst.
"""

import argparse
import subprocess
import sys
from importlib import import_module
from pathlib import Path


def names() -> list[str]:
    """The modules of this folder that are benchmarks, in order."""
    here = Path(__file__).parent
    found = sorted(file.stem for file in here.glob("*.py") if not file.stem.startswith("_"))
    return [name for name in found if hasattr(import_module(f"benchmarks.{name}"), "main")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run all benchmarks.")
    parser.add_argument("folder", nargs="?", type=Path, help="data for the retrieval quality")
    parser.add_argument("--one", choices=names(), help="only this benchmark, in this process")
    given = parser.parse_args()
    if given.one:
        import_module(f"benchmarks.{given.one}").main(given.folder)
        return 0
    worst = 0
    for name in names():
        print(f"\n== {name}", flush=True)
        folder = [str(given.folder)] if given.folder else []
        worst = max(worst, abs(subprocess.call([sys.executable, "-m", "benchmarks", "--one", name, *folder])))
    return worst


if __name__ == "__main__":
    sys.exit(main())
