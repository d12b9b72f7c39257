"""The demo over SharePoint: a made-up tenant on this machine, read through Microsoft Graph, searched as several people.

    make demo-sharepoint         # everything it writes lies below var/demo-sharepoint

The tenant is the fake Microsoft Graph of the tests, a real HTTP server on loopback; nothing leaves the machine. Ends
with 1 where something is not as promised.
"""

import time
from typing import Any

from rich.table import Table

from examples.stage import REPOSITORY, Stage, console, fail, say, show_counters
from tests.fakes.graph.certificate import certificate
from tests.fakes.graph.server import FakeGraph
from tests.fakes.graph.tenant import Drive, group, link, site_group, user

CONTRACTS = REPOSITORY / "examples" / "company" / "contracts"
DEMO = Stage("demo-sharepoint")
BROKEN = ("projects/breakwater-notes.txt", "invoices/INV-2025-0033.pdf")
SETTINGS = """\
# The demo's made-up tenant. All keys: docs/settings.md, and what to set up in a real one: docs/sources.md.
sources:
  contracts:
    type: sharepoint
    site: {site}
    graph_url: {graph}
    authority: {authority}
    tenant_id: demo
    client_id: app
    certificate_path: app.pem
    classification: confidential
"""
QUESTION = "How many battery packs did we buy from Silverlode?"
SECRET = "suppliers/silverlode-evaluation.md"
EDITED = "projects/kingfisher-status.md"
BEFORE, AFTER = "We propose 14 March 2025", "We propose 28 March 2025"
PEOPLE = {
    "petra": "works in procurement, and may read everything of the suppliers",
    "paul": "is in a team within procurement",
    "olga": "is a member of the site, through the site's own group",
    "gwen": "is a guest, and was given one document by a link",
}


def index() -> dict[str, Any]:
    """One pass, with its counters as a table."""
    outcome: dict[str, Any] = DEMO.json("index")
    show_counters(outcome["assets"])
    return outcome


def found_by(person: str | None, question: str = QUESTION, mode: Any = "hybrid") -> dict[str, Any]:
    """What `rag search --as user:PERSON` answers, with the model loaded once; without a person, the operator's."""
    from resources.index import Index, prepare_environment
    from resources.retrieval import Question, Retrieval

    prepare_environment()
    opened = Index.load(DEMO.settings)
    asked = [f"user:{person}@contoso.com"] if person else None
    (answer,) = Retrieval.of(opened).search([Question(None, question)], mode=mode, principals=asked)
    opened.close()
    return answer


def paths(answer: dict[str, Any]) -> list[str]:
    return list(dict.fromkeys(result["path"].removeprefix("Documents/") for result in answer["results"]))


def show_who_finds(expected: set[str], path: str = SECRET) -> None:
    """Ask as everyone, and check that exactly the expected find a document; in every mode nobody else does."""
    table = Table("who", "who that is", f"finds {path}", "best three documents")
    for person, what in PEOPLE.items():
        answers = {mode: found_by(person, mode=mode) for mode in ("hybrid", "global")}
        finds = {mode for mode, answer in answers.items() if path in paths(answer)}
        if ("hybrid" in finds) != (person in expected) or (finds and person not in expected):
            fail(f"{person} {'finds' if finds else 'does not find'} {path}")
        table.add_row(person, what, "yes" if finds else "no", "\n".join(paths(answers["hybrid"])[:3]) or "·")
    console.print(table)


def make_tenant(graph: FakeGraph) -> Drive:
    """A site with one library: the company's contracts, and rights as sites have them."""
    graph.host_site("/sites/contracts")
    tenant = graph.tenant
    people = {person: tenant.account(person, guest=person == "gwen") for person in PEOPLE}
    tenant.groups = {
        "procurement": [people["petra"], {"@odata.type": "#microsoft.graph.group", "id": "buyers"}],
        "buyers": [people["paul"]],
    }
    tenant.site_groups[5] = ["i:0#.f|membership|olga@contoso.com", "i:0#.f|membership|petra@contoso.com"]
    drive = tenant.drive("Documents")
    for file in sorted(CONTRACTS.rglob("*")):
        path = str(file.relative_to(CONTRACTS))
        if file.is_file() and path not in BROKEN:
            drive.write(path, file.read_bytes())
    drive.grant("", site_group(5))  # "Members" of the site, on everything below
    drive.grant("suppliers", group("procurement"), unique=True)
    drive.grant(EDITED, link("users", "gwen"))
    return drive


def prepare(graph: FakeGraph) -> None:
    settings = SETTINGS.format(site=graph.tenant.site, graph=graph.url, authority=graph.authority)
    DEMO.clear(settings)
    (DEMO.folder / "app.pem").write_bytes(certificate())


def first_pass(graph: FakeGraph, drive: Drive) -> None:
    files = len(drive.tree())
    say("1. Index", f"{files} documents of {graph.tenant.site}, a site on this machine. About a minute.")
    outcome = index()
    if not outcome["ok"] or outcome["assets"]["documents"]["rows_new"] != files:
        fail(f"{outcome['assets']['documents']['rows_new']} of {files} documents were indexed")
    for finding in DEMO.json("doctor", codes=(0, 1)):
        if finding["part"] == "source contracts":
            console.print(f"`rag doctor`: the source is {finding['health']}: {finding['detail']}", markup=False)
    say("2. Search as different people", f"[cyan]{QUESTION}[/]")
    show_who_finds({"petra", "paul"})


def look() -> None:
    """What the sensor does in one tick, without the run that it asks for."""
    import dagster as dg

    from resources.index import Index, prepare_environment
    from sensors.source_changes import tick

    prepare_environment()
    opened = Index.load(DEMO.settings)
    with dg.DagsterInstance.ephemeral() as instance:
        asked = tick(instance, opened, "contracts").run_requests
    opened.source("contracts").close()  # type: ignore[attr-defined]
    opened.close()
    if not asked:
        fail("the look found nothing to do")


def second_pass(graph: FakeGraph, drive: Drive) -> None:
    say(
        "3. The tenant changes",
        f"{EDITED} is edited, [red]{BEFORE}[/] becomes [green]{AFTER}[/];\n"
        "paul's team leaves procurement; the folder suppliers is closed to procurement and opened to olga;\n"
        "the folder sow, with what lies in it, is renamed to orders.",
    )
    text = drive.at(EDITED).content.decode()
    if BEFORE not in text:
        fail(f"{EDITED} has no line {BEFORE}")
    drive.write(EDITED, text.replace(BEFORE, AFTER).encode())
    graph.tenant.groups["procurement"] = graph.tenant.groups["procurement"][:1]
    drive.grant("suppliers", user("olga"), unique=True)
    drive.rename("sow", "orders")
    start = time.monotonic()
    look()
    say(
        f"The sensor's look ({time.monotonic() - start:.1f} s), no run yet",
        "What was taken away is denied already; what was given comes with the run.",
    )
    show_who_finds(set())
    say("4. Index again")
    outcome = index()
    embedded = outcome["assets"]["embeddings"]["texts_embedded"]
    changed = outcome["assets"]["chunks"]["rows_new"]
    if embedded != changed or not 0 < embedded <= 2:
        fail(f"{embedded} texts were embedded for {changed} new passages")
    console.print(f"{embedded} text embedded: that of the edit. Rights and the renamed folder cost none.")
    show_who_finds({"olga"})
    answer = found_by("gwen", "When will the project Kingfisher end?")
    if paths(answer) != [EDITED] or not any(AFTER in result["text"] for result in answer["results"]):
        fail(f"gwen does not find the edited line, or finds more: {paths(answer)}")
    console.print(f"gwen finds the edited line, and nothing but her document: {AFTER}", markup=False)
    if not any(path.startswith("orders/") for path in paths(found_by(None, "Kingfisher phase 2 statement of work"))):
        fail("the renamed folder is not found under its new name")


def main() -> None:
    start = time.monotonic()
    with FakeGraph() as graph:
        drive = make_tenant(graph)
        prepare(graph)
        first_pass(graph, drive)
        second_pass(graph, drive)
    say(f"Done in {time.monotonic() - start:.0f} s. The tenant is gone; the index is not:")
    console.print(
        'RAG_CONFIG=var/demo-sharepoint/rag.yaml .venv/bin/rag search "…" --as user:olga@contoso.com\n'
        "RAG_CONFIG=var/demo-sharepoint/rag.yaml .venv/bin/rag status\n"
        "A site of your own:  docs/sources.md, SharePoint",
        markup=False,
    )


if __name__ == "__main__":
    with DEMO.alone():
        main()
