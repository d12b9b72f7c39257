"""A SharePoint library from the tenant to the answer: who finds what, and what a change of it costs."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

import pytest

from resources.retrieval import MODES, Mode
from tests.chain.harness import LONG
from tests.chain.tenants import NAME, Tenancy, tenancy
from tests.fakes.graph.server import Fault
from tests.fakes.graph.tenant import claim, group, link, user

QUESTION = "Who founded Nordwind AS with Eva Holm?"
OPEN = b"# Nordwind AS\n\nNordwind AS was founded by Eva Holm. Eva Holm works for Nordwind AS in Bergen.\n"
CLOSED = b"# Eva Holm\n\nEva Holm cooperates with Solvang Bank. Solvang Bank acquired Nordwind AS in secret.\n"
FOLDER = 10_000 if LONG else 12
"""Documents below the folder that is renamed."""
OTHER = b"# Harbour Plan\n\nThe Harbour Renewal Plan is run by Mira Castellanos for Castle Freight.\n"


@contextmanager
def three_documents(home: Path) -> Iterator[Tenancy]:
    """One for everybody, one for the board (whose members are mary and, in a group of it, bert), one for anna."""
    with tenancy(home) as made:
        tenant = made.graph.tenant
        board = [tenant.account("mary"), {"@odata.type": "#microsoft.graph.group", "id": "inner"}]
        tenant.groups = {"board": board, "inner": [tenant.account("bert")]}
        tenant.account("anna")
        made.drive.write("open.md", OPEN)
        made.drive.write("board/closed.md", CLOSED)
        made.drive.write("anna/other.md", OTHER)
        made.drive.grant("open.md", link("anonymous"), unique=True)
        made.drive.grant("board", group("board"), unique=True)
        made.drive.grant("anna", user("anna"), unique=True)
        made.good()
        yield made


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenancy]:
    """For tests that change nothing in the tenant."""
    with three_documents(tmp_path_factory.mktemp("library") / "project") as made:
        yield made


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Tenancy]:
    with three_documents(tmp_path / "project") as made:
        yield made


def reports(site: Tenancy, mode: Mode, who: list[str] | None = None) -> set[str]:
    """The texts of the reports that somebody is shown."""
    return {f"{r['title']} {r['summary']}" for r in site.answer(QUESTION, mode, who)["reports"]}


@pytest.mark.parametrize("mode", MODES)
def test_everybody_finds_what_they_may_read_and_nothing_else(library: Tenancy, mode: Mode) -> None:
    may = {
        "user:stranger": {"open.md"}, "user:mary": {"open.md", "board/closed.md"},
        "user:bert@contoso.com": {"open.md", "board/closed.md"}, "user:anna": {"open.md", "anna/other.md"},
        "group:board": {"open.md", "board/closed.md"}, "user:Anna@Contoso.com": {"open.md", "anna/other.md"},
    }  # fmt: skip
    assert "board/closed.md" in library.paths(QUESTION, mode)  # the operator
    for who, paths in may.items():
        found = library.paths(QUESTION, mode, [who])
        assert found <= paths, who
        assert mode == "global" or "open.md" in found
        assert mode != "dense" or found == paths
        names = {n for r in library.answer(QUESTION, mode, [who])["results"] for n in r["entities"]}
        assert ("Solvang Bank" in names) <= ("board/closed.md" in paths)
        shown = " ".join(reports(library, mode, [who]))
        assert ("Solvang" in shown or "secret" in shown) <= ("board/closed.md" in paths)


def test_a_report_is_shown_to_those_who_may_read_all_that_it_rests_on(library: Tenancy) -> None:
    assert any("Solvang" in text for text in reports(library, "global"))
    assert any("Solvang" in text for text in reports(library, "global", ["user:mary"]))
    assert not any("Nordwind" in text for text in reports(library, "global", ["user:stranger"]))
    assert any("Harbour" in text for text in reports(library, "global", ["user:anna"]))


def test_a_right_that_is_taken_away_denies_from_the_tick_on_and_embeds_nothing(site: Tenancy) -> None:
    site.drive.grant("board", group("audit"), unique=True)
    assert site.tick().run_requests
    for mode in MODES:
        assert site.paths(QUESTION, mode, ["user:mary"]) <= {"open.md"}
        assert not any("Solvang" in text for text in reports(site, mode, ["user:mary"]))
    with site.counted() as asked:
        site.good()
    assert asked == {}
    assert "board/closed.md" in site.paths(QUESTION, who=["group:audit"])
    assert site.paths(QUESTION, who=["user:mary"]) == {"open.md"}

    node = site.drive.write("board/closed.md", CLOSED + b"\nMore of it.\n")  # edited and closed, and not to be fetched
    site.drive.grant("board", group("board"), unique=True)
    site.graph.faults.append(Fault(f"/items/{node.id}/content", 400, times=99))
    site.run()
    assert site.paths(QUESTION, who=["group:audit"]) == {"open.md"}
    assert "board/closed.md" in site.paths(QUESTION, who=["user:mary"])  # the text that was read last


def test_a_deleted_document_is_hidden_from_the_tick_on_and_leaves_no_report(site: Tenancy) -> None:
    site.drive.remove("board/closed.md")
    assert site.tick().run_requests
    for mode in MODES:
        assert "board/closed.md" not in site.paths(QUESTION, mode)
        assert not any("Solvang" in text for text in reports(site, mode))
    site.good()
    site.snapshot()
    assert site.paths(QUESTION) == {"open.md", "anna/other.md"}


def test_groups_guests_and_accounts_count_as_they_are_at_the_next_tick(site: Tenancy) -> None:
    tenant = site.graph.tenant
    tenant.groups["inner"] = [tenant.account("carl")]
    site.tick()
    assert site.paths(QUESTION, who=["user:bert"]) == {"open.md"}
    assert "board/closed.md" in site.paths(QUESTION, who=["user:carl"])
    tenant.groups["audit"] = [tenant.account("dora")]
    site.drive.grant("board", group("audit"), unique=True)
    site.drive.grant("anna", claim("c:0-.f|rolemanager|spo-grid-all-users/t"), unique=True)
    site.good()
    assert "board/closed.md" in site.paths(QUESTION, who=["user:dora"])
    assert "anna/other.md" in site.paths("Harbour Plan", who=["user:mary"])
    tenant.account("mary", guest=True)
    tenant.account("dora", enabled=False)
    site.tick()
    assert "anna/other.md" not in site.paths("Harbour Plan", who=["user:mary"])
    assert site.paths(QUESTION, who=["user:dora"]) == set()


def test_what_is_not_understood_or_not_told_lets_nobody_in(site: Tenancy) -> None:
    def anna_finds() -> bool:
        return "anna/other.md" in site.paths("Harbour Plan", who=["user:anna"])

    for grants in ([claim("c:0?.z|future|thing")], [], [link("users", "anna", hasPassword=True)]):
        site.drive.grant("anna", *grants, unique=True)
        site.tick()
        assert not anna_finds()
        site.drive.grant("anna", user("anna"), unique=True)
        site.tick()
        assert anna_finds()
    node = site.drive.touch("anna/other.md")
    site.graph.faults.append(Fault(f"/items/{node.id}/permissions", 403))
    outcome = site.run()
    assert not anna_finds()
    assert "permissions of 1 items answer 403; nobody may read" in outcome.as_dict()["notes"][0]
    site.drive.touch("anna/other.md")
    site.good()
    assert anna_finds()


def test_fault_8_a_closed_library_or_site_loses_nothing_and_shows_nothing(site: Tenancy) -> None:
    before = site.snapshot()
    for status, what in product((403, 404, 423), (site.drive.id, "site")):
        site.graph.tenant.status = {what: status}
        said = site.said()
        assert f"answers {status}" in said
        assert "hidden" in said
        assert site.paths(QUESTION) == set()
        with site.index() as index:
            assert index.catalog.items.counts()[NAME]["hidden"] == 3
        site.graph.tenant.status = {}
        with site.counted() as asked:
            assert "nothing changed" in site.said()
        assert asked == {}
        assert "open.md" in site.paths(QUESTION)
    assert site.snapshot().tables == before.tables


def test_a_library_that_is_closed_stops_no_other(tmp_path: Path) -> None:
    with tenancy(tmp_path / "project") as site:
        archive = site.graph.tenant.drive("Archive")
        archive.write("old.md", OTHER)
        site.drive.write("open.md", OPEN)
        site.good()
        archive.write("new.md", OTHER + b"\nAgain.\n")
        site.graph.tenant.status = {site.drive.id: 423}
        assert site.tick().run_requests
        outcome = site.run()
        assert (outcome.ok, outcome.sources[NAME].applied.new) == (False, 0)
        assert "the library Documents answers 423" in (outcome.sources[NAME].error or "")
        assert {r["path"] for r in site.answer("Harbour Plan")["results"]} == {"Archive/old.md", "Archive/new.md"}


def test_fault_26_of_two_documents_of_one_content_one_may_go_or_be_closed(site: Tenancy) -> None:
    site.drive.write("copy.md", CLOSED)
    site.drive.grant("copy.md", link("organization"), unique=True)
    with site.counted() as asked:
        site.good()
    assert asked["embedded"] <= 3  # reports alone: the passage has its vector
    assert site.paths(QUESTION, who=["user:anna"]) >= {"open.md", "copy.md"}
    site.drive.grant("copy.md", user("nobody"), unique=True)
    site.tick()
    assert "copy.md" not in site.paths(QUESTION, who=["user:anna"])
    assert "board/closed.md" in site.paths(QUESTION, who=["user:mary"])
    site.drive.remove("board/closed.md")
    site.good()
    assert {"copy.md"} == site.paths(QUESTION, who=["user:nobody"]) - {"open.md"}


def test_a_source_that_left_the_settings_is_hidden_until_it_is_forgotten_or_comes_back(library: Tenancy) -> None:
    sources = library.settings["sources"]
    library.set(sources={"docs": {"type": "filesystem", "path": "docs"}})
    assert library.paths(QUESTION) == set()
    assert reports(library, "global") == set()
    assert library.paths(QUESTION, who=["user:mary"]) == set()
    library.set(sources=sources)
    assert "open.md" in library.paths(QUESTION)


def test_a_folder_with_its_documents_is_renamed_at_no_cost(tmp_path: Path) -> None:
    with tenancy(tmp_path / "project") as site:
        for n in range(FOLDER):
            site.drive.write(f"old/{n % 3}/{n}.md", b"Note %d is by the Only%05d Charter.\n" % (n, n))
        site.good()
        site.drive.rename("old", "new")
        with site.counted() as asked:
            outcome = site.good()
        assert asked == {}
        assert outcome.sources[NAME].applied.moved == FOLDER
        assert set(site.served()) == set(site.drive.tree()) == {f"new/{n % 3}/{n}.md" for n in range(FOLDER)}


def test_permissions_are_read_again_though_no_feed_tells_of_them(site: Tenancy) -> None:
    site.drive.at("board").permissions = [group("audit")]
    with site.index() as index:
        source = index.source(NAME)
        assert "nothing changed" in site.said()
        assert "board/closed.md" in site.paths(QUESTION, who=["user:mary"])
        now = source._now  # type: ignore[attr-defined]
        try:
            source._now = lambda: now().replace(year=now().year + 1)  # type: ignore[attr-defined]
            assert site.tick().run_requests
        finally:
            source._now = now  # type: ignore[attr-defined]
    assert site.paths(QUESTION, who=["user:mary"]) == {"open.md"}
