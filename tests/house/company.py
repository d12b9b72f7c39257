"""A small project without any model: two folders of a few documents, settings, and `rag` called on them."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner

from rag_assets.cli import main

HANDBOOK = {
    "leave.md": "# Parental leave\n\nMaria Lindqvist signs off parental leave in Bergen, within five working days.",
    "offices.md": "# Offices\n\nThe office in Bergen calibrates the Otter probe. Its head is Maria Lindqvist.",
    "travel.txt": "A night in Bergen may cost 140 euros. Ask Jonas Brandt of the Travel Desk first.",
    "security.md": "# Security\n\nReport a lost laptop to Jonas Brandt at security@tarnfell.example.com.",
    "nothing.txt": "",
}
CONTRACTS = {"heron.md": "# Project Heron\n\nProject Heron is led by Maria Lindqvist. Calder Vale Water pays for it."}
SETTINGS: dict[str, Any] = {
    "index": "var/index",
    "catalog": "var/catalog.db",
    "sources": {name: {"type": "filesystem", "path": name} for name in ("handbook", "contracts")},
    "embeddings": {"model": "hashing"},
    "extraction": {"method": "patterns"},
}


@dataclass(frozen=True, slots=True)
class Said:
    """What a command ended with."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; anything beside it is an error."""
        return json.loads(self.out)


class Company:
    """The project in a folder. Commands run in this process, with its settings and a Dagster home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home

    @classmethod
    def make(cls, home: Path, sources: Sequence[str] = ("handbook", "contracts")) -> "Company":
        """A fresh one; `sources` are the folders that are there."""
        company = cls(home)
        home.mkdir(parents=True, exist_ok=True)
        company.set(SETTINGS)
        for name, documents in (("handbook", HANDBOOK), ("contracts", CONTRACTS)):
            if name in sources:
                company.write(name, documents)
        return company

    def set(self, settings: Mapping[str, Any]) -> None:
        (self.home / "rag.yaml").write_text(yaml.safe_dump(dict(settings), sort_keys=False), encoding="utf-8")

    def write(self, source: str, documents: dict[str, str]) -> None:
        (self.home / source).mkdir(exist_ok=True)
        for name, text in documents.items():
            (self.home / source / name).write_text(text, encoding="utf-8")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "RAG_CONFIG": str(self.home / "rag.yaml"), "DAGSTER_HOME": str(self.home / "dagster")}

    def rag(self, *arguments: str) -> Said:
        before = dict(os.environ)
        try:
            result = CliRunner().invoke(main, list(arguments), env=self.environment, prog_name="rag")
        finally:
            os.environ.clear()
            os.environ.update(before)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)
