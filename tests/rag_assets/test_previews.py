"""What a person sees of a materialization in the UI: counters, plots, the backlog and what was set aside."""

import re
from base64 import b64decode
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import dagster as dg

from tests.chain.harness import Project


def metadata(project: Project, asset: str) -> Mapping[str, Any]:
    (event,) = project.instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def plotted(markdown: str) -> list[str]:
    """The texts of a plot: labels and numbers."""
    (image,) = re.findall(r"^!\[.+\]\(data:image/svg\+xml;base64,(.+)\)$", markdown)
    return [
        str(text.text) for text in ElementTree.fromstring(b64decode(image)).iter("{http://www.w3.org/2000/svg}text")
    ]


def test_each_asset_shows_what_a_person_wants_to_see_of_it(tmp_path: Path) -> None:
    project = Project(tmp_path, checks=False)
    for n in range(3):
        project.write(f"{n}.md", f"# Harbour Plan {n}\n\nIngrid Solberg leads Nordic Cargo with Eva Holm in Bergen.\n")
    project.write("broken.pdf", b"%PDF-1.7 cut off here")
    project.good()
    documents = metadata(project, "documents")
    assert (documents["changes_waiting"], documents["dead_letters"]) == (0, 1)
    assert plotted(documents["set_aside"]) == ["docs · documents", "1"]
    assert "broken" not in documents["set_aside"]
    lengths = plotted(metadata(project, "chunks")["lengths"])
    assert sum(int(number) for number in lengths[1::2]) == 3
    assert "Ingrid Solberg" in plotted(metadata(project, "entity_graph")["mentions"])
    communities = metadata(project, "communities")
    assert plotted(communities["communities"])[0] == "level 0"
    assert "| level | communities | largest |" in communities["levels"]


def test_what_waits_behind_a_run_stands_at_the_documents(tmp_path: Path) -> None:
    project = Project(tmp_path, checks=False, sources={"a": _folder("a"), "b": _folder("b")})
    for source in ("a", "b"):
        (tmp_path / source).mkdir()
        (tmp_path / source / "note.md").write_text(f"# Note\n\nA note of {source}.\n", encoding="utf-8")
    project.good()
    first = project.instance.fetch_materializations(dg.AssetKey("documents"), limit=2).records[-1]
    seen = {name: value.value for name, value in first.asset_materialization.metadata.items()}
    assert seen["changes_waiting"] == 1
    assert plotted(str(seen["backlog"])) == ["b", "1"]
    assert metadata(project, "documents")["changes_waiting"] == 0


def _folder(path: str) -> dict[str, str]:
    return {"type": "filesystem", "path": path}
