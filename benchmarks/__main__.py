"""Runs every benchmark of this folder, each in a process of its own: `python -m benchmarks [FOLDER]`.

A benchmark is a module here with a command line of its own, whose defaults need nothing; FOLDER is the data for the
retrieval quality, which is left out without it. The exit code is that of the worst.
"""

import argparse
import subprocess
import sys
from importlib import import_module
from pathlib import Path

NEED_FOLDER = ("retrieval_quality",)


def names() -> list[str]:
    """The modules of this folder that are benchmarks, in order."""
    found = sorted(file.stem for file in Path(__file__).parent.glob("*.py") if not file.stem.startswith("_"))
    modules = {name: import_module(f"benchmarks.{name}") for name in found}
    return [name for name, module in modules.items() if hasattr(module, "main") or hasattr(module, "measure")]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Run all benchmarks.")
    parser.add_argument("folder", nargs="?", help="data for the retrieval quality")
    folder = parser.parse_args().folder
    worst = 0
    for name in names():
        print(f"\n== {name}", flush=True)
        if name in NEED_FOLDER and not folder:
            print("left out: it needs a folder of questions and passages, `python -m benchmarks FOLDER`")
            continue
        command = [sys.executable, "-m", f"benchmarks.{name}", *([folder] if name in NEED_FOLDER else [])]
        worst = max(worst, abs(subprocess.call(command)))
    return worst


if __name__ == "__main__":
    sys.exit(main())
