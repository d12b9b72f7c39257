"""The demo: indexes the example company, searches it, edits one document, and proves that only that was done again.

    make demo                    # everything it writes lies below var/demo

Ends with 1 where a number is not as promised.
"""

import json
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.stage import REPOSITORY, Stage, console, fail, say, show_counters

COMPANY = REPOSITORY / "examples" / "company"
DEMO = Stage("demo")
SOURCES = ("handbook", "contracts")
SETTINGS = """\
# The demo's own copy of the example company. All keys: docs/settings.md.
index: var/index
catalog: var/catalog.db
sources:
  handbook:
    type: filesystem
    path: handbook
    classification: internal
  contracts:
    type: filesystem
    path: contracts
    classification: confidential
"""
QUESTIONS = ("q4", "q5", "q7")
EDITED = Path("handbook/leave/parental.md")
BEFORE, AFTER = "| Leipzig | 16 | 10 | Henrike Vossler |", "| Leipzig | 16 | 10 | Jana Seidel |"
BROKEN = 3
"""Files of the company that are broken on purpose."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What the index holds, as far as the proof needs it."""

    chunks: Mapping[str, str]
    """{chunk: its document}"""
    named: frozenset[str]
    """The entities that the edited document mentions."""
    entities: Mapping[str, str]
    """{entity: fingerprint}"""
    reports: Mapping[str, str]
    """{community: fingerprint of its report}"""
    members: Mapping[str, frozenset[str]]
    """{community: its entities}"""
    document: str
    """The id of the edited document."""

    @classmethod
    def read(cls) -> "Rows":
        from resources.index import Index

        index = Index.load(DEMO.settings)
        tables, path = index.tables, EDITED.relative_to("handbook")
        documents = tables.documents.read(None, ("id", "path")).to_pylist()
        (document,) = (row["id"] for row in documents if row["path"] == str(path))
        mentions = tables.mentions.by("document_id", [document], ("entity_id",)).to_pylist()
        entities = tables.entities.read(None, ("id", "fingerprint")).to_pylist()
        reports = index.reports().read(None, ("community_id", "fingerprint")).to_pylist()
        communities = tables.communities.read(None, ("id", "members")).to_pylist()
        chunks = tables.chunks.read(None, ("id", "document_id")).to_pylist()
        index.close()
        return cls(
            chunks={row["id"]: row["document_id"] for row in chunks},
            named=frozenset(row["entity_id"] for row in mentions),
            entities={row["id"]: row["fingerprint"] for row in entities},
            reports={row["community_id"]: row["fingerprint"] for row in reports},
            members={row["id"]: frozenset(row["members"]) for row in communities},
            document=document,
        )


def different(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """What is new, gone or another."""
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def broken_promises(before: Rows, after: Rows, assets: Mapping[str, Mapping[str, int]]) -> list[str]:
    """What the second pass did beyond the edited document; nothing, if all is well."""
    wrong = []
    chunks = different(before.chunks, after.chunks)
    elsewhere = [c for c in chunks if after.chunks.get(c, before.chunks.get(c)) != before.document]
    if elsewhere or not chunks:
        wrong.append(f"{len(chunks)} chunks differ, {len(elsewhere)} of them of other documents")
    if (embedded := assets["embeddings"]["texts_embedded"]) != len(after.chunks.keys() - before.chunks.keys()):
        wrong.append(f"{embedded} texts were embedded; it had to be the new chunks")
    if (documents := assets["documents"]["rows_changed"]) != 1:
        wrong.append(f"{documents} documents were read again; it had to be one")
    named = before.named | after.named
    if beyond := different(before.entities, after.entities) - named:
        wrong.append(f"{len(beyond)} entities were rewritten that the document does not mention")
    reports = different(before.reports, after.reports)
    members = {c: before.members.get(c, frozenset()) | after.members.get(c, frozenset()) for c in reports}
    unfounded = [community for community, entities in members.items() if not named & entities]
    if unfounded or len(reports) * 2 > len(after.reports):
        wrong.append(f"{len(reports)} of {len(after.reports)} reports were rewritten, {len(unfounded)} without a cause")
    return wrong


def index() -> dict[str, Any]:
    """One pass, with its counters as a table."""
    outcome: dict[str, Any] = DEMO.json("index")
    show_counters(outcome["assets"])
    console.print(f"{len(outcome['runs'])} runs, {outcome['seconds']:.1f} s")
    return outcome


def search(golden: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Ask golden questions; every document that answers one must be among its eight best passages."""
    file = DEMO.folder / "questions.jsonl"
    file.write_text("".join(json.dumps({n: q[n] for n in ("id", "question")}) + "\n" for q in golden), encoding="utf-8")
    answers = [json.loads(line) for line in DEMO.rag("search", "--batch", str(file)).splitlines()]
    for asked, answer in zip(golden, answers, strict=True):
        console.print(f"\n[cyan]{asked['question']}[/]")
        for result in answer["results"][:3]:
            path = f"{result['source']}/{result['path']}"
            mark = "*" if path in asked["documents"] else " "
            console.print(f" {mark} {path}: {' '.join(result['text'].split())[:100]} …", markup=False, soft_wrap=True)
        found = {f"{result['source']}/{result['path']}" for result in answer["results"]}
        if missed := set(asked["documents"]) - found:
            fail(f"{asked['question']} did not find {', '.join(sorted(missed))}")
    console.print("\n[dim]* one of the documents that answer the question[/]")
    return answers


def prepare() -> int:
    """A fresh copy of the company, without an index; returns its number of files."""
    DEMO.clear(SETTINGS)
    for source in SOURCES:
        shutil.copytree(COMPANY / source, DEMO.folder / source)
    return sum(path.is_file() for source in SOURCES for path in (DEMO.folder / source).rglob("*"))


def first_pass(files: int) -> None:
    say("1. Index", f"{files} files of an invented company, {BROKEN} of them broken on purpose. About a minute.")
    outcome = index()
    assets = outcome["assets"]
    counts = {name: assets[name]["rows_new"] for name in ("documents", "chunks", "embeddings", "community_reports")}
    wrong = []
    if counts["documents"] != files or assets["documents"]["rows_failed"] != BROKEN:
        wrong.append(f"{counts['documents']} documents, {assets['documents']['rows_failed']} failed")
    if not 0 < counts["chunks"] == counts["embeddings"] == assets["embeddings"]["texts_embedded"]:
        wrong.append(f"{counts['chunks']} chunks, {counts['embeddings']} embeddings")
    if not counts["community_reports"] or not all(check["passed"] for check in outcome["checks"]):
        wrong.append("no reports, or a check did not pass")
    if wrong:
        fail(*wrong)
    for row in DEMO.json("failed"):
        console.print(f"  set aside: {row['source']}/{row['path']}: {row['error']}", markup=False, soft_wrap=True)


def second_pass(golden: Mapping[str, Mapping[str, Any]]) -> None:
    before, file = Rows.read(), DEMO.folder / EDITED
    text = file.read_text(encoding="utf-8")
    if BEFORE not in text:
        fail(f"{EDITED} has no line {BEFORE}")
    file.write_text(text.replace(BEFORE, AFTER), encoding="utf-8")
    say("3. Edit one document, index again", f"{EDITED}\n[red]- {BEFORE}[/]\n[green]+ {AFTER}[/]")
    outcome = index()
    after = Rows.read()
    if wrong := broken_promises(before, after, outcome["assets"]):
        fail(*wrong)
    new = len(after.chunks.keys() - before.chunks.keys())
    entities = len(different(before.entities, after.entities))
    reports = len(different(before.reports, after.reports))
    console.print(
        f"Compared row by row with the index before: {new} of {len(after.chunks)} chunks cut and embedded again, "
        f"{entities} of {len(after.entities)} entities and {reports} of {len(after.reports)} reports rewritten. "
        f"All of them belong to the edited document or name what it names; everything else is as it was."
    )
    (answer,) = search([golden["q4"]])
    if not any(AFTER in result["text"] for result in answer["results"]):
        fail("the search does not find the edited line")
    console.print(f"The new line is found: {AFTER}", markup=False)


def third_pass() -> None:
    say("4. Index once more", "Nothing has changed.")
    outcome = index()
    counted = [c[n] for c in outcome["assets"].values() for n in ("rows_new", "rows_changed", "rows_removed")]
    if outcome["runs"] or any(counted):
        fail(f"{len(outcome['runs'])} runs were started")
    console.print("Nothing to do: no run was started, no model was loaded.")


def main() -> None:
    start = time.monotonic()
    files = prepare()
    questions = (json.loads(line) for line in (COMPANY / "golden.jsonl").read_text(encoding="utf-8").splitlines())
    golden = {question["id"]: question for question in questions}
    first_pass(files)
    say("2. Search")
    search([golden[name] for name in QUESTIONS])
    second_pass(golden)
    third_pass()
    say(f"Done in {time.monotonic() - start:.0f} s.")
    console.print("Look at it in the Dagster UI:  [bold]make ui[/]   then http://127.0.0.1:3000/asset-groups")
    console.print('Ask it something:              RAG_CONFIG=var/demo/rag.yaml .venv/bin/rag search "…"', markup=False)


if __name__ == "__main__":
    with DEMO.alone():
        main()
