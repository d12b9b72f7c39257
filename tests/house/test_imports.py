"""Which way imports run: `sensors -> rag_assets -> {resources, knowledge}`, `resources -> knowledge`, and no other."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.settings import REPOSITORY

ALLOWED = {
    "knowledge": {"knowledge"},
    "resources": {"knowledge", "resources"},
    "rag_assets": {"knowledge", "resources", "rag_assets"},
    "sensors": {"knowledge", "resources", "rag_assets", "sensors"},
}
"""{package: what its modules may import of ours}"""
COMPOSITION_ROOT = "rag_assets/definitions.py"
"""Puts the parts together, sensors included."""
MODULES = sorted(file for package in ALLOWED for file in (REPOSITORY / package).rglob("*.py"))


def name(file: Path) -> str:
    return str(file.relative_to(REPOSITORY))


def imported(file: Path) -> Iterator[str]:
    """Every module that a file imports, also inside functions and for type checking only."""
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(file)}: relative imports hide where they lead"
            yield node.module or ""


def test_all_packages_of_the_house_are_looked_at() -> None:
    with_code = {file.parent.name for file in REPOSITORY.glob("*/*.py")}
    assert with_code - {"tests", "benchmarks", "examples", "deploy"} == set(ALLOWED)
    assert len(MODULES) > 50


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_run_one_way(package: str) -> None:
    wrong = []
    for file in (m for m in MODULES if m.relative_to(REPOSITORY).parts[0] == package):
        allowed = ALLOWED[package] | ({"sensors"} if name(file) == COMPOSITION_ROOT else set())
        ours = {module for module in imported(file) if module.partition(".")[0] in ALLOWED}
        wrong += [f"{name(file)} imports {module}" for module in ours if module.partition(".")[0] not in allowed]
    assert wrong == []


def test_nothing_private_of_dagster_is_imported() -> None:
    private = [
        f"{name(file)} imports {module}"
        for file in MODULES
        for module in imported(file)
        if module.startswith("dagster") and any(part.startswith("_") for part in module.split("."))
    ]
    assert private == []


def test_dagster_can_read_the_annotations_of_assets_and_sensors() -> None:
    """With `from __future__ import annotations` it refuses contexts, checks and configs."""
    modules = [file for file in MODULES if name(file).startswith(("rag_assets/", "sensors/"))]
    assert [name(file) for file in modules if "__future__" in imported(file)] == []
