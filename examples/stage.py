"""What the demos share: their folder below var, the console, `rag` as a user runs it, and how they fail."""

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from rich.console import Console
from rich.table import Table

REPOSITORY = Path(__file__).resolve().parent.parent
COUNTED = ("same", "new", "changed", "removed", "failed")
console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)


def say(title: str, text: str = "") -> None:
    console.print(f"\n[bold]{title}[/]" + (f"\n{text}" if text else ""))


def fail(*reasons: str) -> NoReturn:
    console.print("\n[bold red]The demo did not do what it promises:[/]")
    for reason in reasons:
        console.print(f"  {reason}", markup=False)
    sys.exit(1)


def show_counters(assets: Mapping[str, Mapping[str, int]]) -> None:
    """The counters of one pass as a table."""
    table = Table("asset", *COUNTED, "texts embedded", "KB written")
    for column in table.columns[1:]:
        column.justify = "right"
    for asset, counters in assets.items():
        rows = [str(counters[f"rows_{column}"] or "·") for column in COUNTED]
        table.add_row(asset, *rows, str(counters["texts_embedded"] or "·"), f"{counters['bytes_written'] / 1000:.0f}")
    console.print(table)


class Stage:
    """One demo's folder, and nobody else in it."""

    def __init__(self, name: str) -> None:
        self.folder = REPOSITORY / "var" / name
        self.settings = self.folder / "rag.yaml"

    def clear(self, settings: str) -> None:
        """An empty folder with these settings."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.settings.write_text(settings, encoding="utf-8")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Two demos at once would take the folder from under each other."""
        self.folder.parent.mkdir(exist_ok=True)
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                fail("another one is running; wait for its end")
            yield

    def rag(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """The output of `rag ARGUMENTS`, run like a user would; its failure is the demo's."""
        environment = {**os.environ, "RAG_CONFIG": str(self.settings)}
        environment.pop("DAGSTER_HOME", None)  # the demo has its own, beside its rag.yaml
        command = [str(Path(sys.executable).parent / "rag"), *arguments]
        result = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
        if result.returncode not in codes:
            fail(f"`rag {' '.join(arguments)}` ended with {result.returncode}", result.stdout[-2000:])
        return result.stdout

    def json(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> Any:
        """What `rag ARGUMENTS --json` says."""
        return json.loads(self.rag(*arguments, "--json", codes=codes))
