"""Runs every benchmark of this folder, each in a process of its own: `python -m benchmarks [FOLDER]`.

A benchmark is a module here with a function `main(folder: Path | None)`, FOLDER being the retrieval quality data for
those that need it, or with a function `measure` and a command line of its own. The exit code is that of the worst.
"""

import argparse
import subprocess
import sys
from importlib import import_module
from pathlib import Path


def names() -> list[str]:
    """The modules of this folder that are benchmarks, in order."""
    found = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))
    modules = {name: import_module(f"benchmarks.{name}") for name in found}
    return [name for name, module in modules.items() if hasattr(module, "main") or hasattr(module, "measure")]


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
        command = [sys.executable, "-m", f"benchmarks.{name}"]
        if hasattr(import_module(f"benchmarks.{name}"), "main"):
            folder = [str(given.folder)] if given.folder else []
            command = [sys.executable, "-m", "benchmarks", "--one", name, *folder]
        worst = max(worst, abs(subprocess.call(command)))
    return worst


if __name__ == "__main__":
    sys.exit(main())
