"""What a SharePoint library does, rule by rule."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.errors import AccessDenied, FetchFailed, SettingsError, SourceError
from resources.sources.base import DocumentRefused, Op
from resources.sources.known import KnownItems
from resources.sources.sharepoint import SharePointSource
from tests.fakes.graph.certificate import certificate
from tests.fakes.graph.server import FakeGraph, Fault
from tests.fakes.graph.tenant import claim, link, user
from tests.sources.site import Site, open_site


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site() as site:
        yield site


def test_a_path_begins_with_the_library_and_an_address_leads_to_the_document(site: Site) -> None:
    site.drive.write("Legal/nda ä.docx", b"text")
    site.settle()
    (item,) = site.documents().values()
    assert item.path == "Documents/Legal/nda ä.docx"
    assert item.uri == "https://contoso.sharepoint.com/sites/contracts/Documents/Legal/nda%20%C3%A4.docx"
    assert item.modified_at == "2026-05-04T10:00:01Z"
    assert (item.provider_hash or "").startswith("quickXorHash:")
    assert item.content_sha256 is None


def test_an_item_that_only_shows_up_again_costs_nothing(site: Site) -> None:
    site.drive.write("a.md", b"text")
    site.settle()
    site.drive._touch(site.drive.folder("empty"))
    site.settle()
    site.drive._touch(site.drive.root)
    site.drive._touch(site.drive.at("empty"))
    assert site.settle()[0].idle


def test_metadata_alone_brings_no_new_content(site: Site) -> None:
    site.drive.write("a.md", b"text")
    site.settle()
    site.drive.touch("a.md")
    (change,) = site.settle()[0].changes
    assert change.op is Op.METADATA


def test_what_was_fetched_is_remembered_over_a_move_and_forgotten_by_an_edit(site: Site, tmp_path: Path) -> None:
    site.drive.write("a.md", b"text")
    site.settle()
    fetched = site.source.fetch(site.documents()["a.md"], tmp_path, 100)
    items = [fetched.item if not i.folder else i for i in site.known.items().values()]
    site.known = KnownItems(items, site.known.cursor)
    site.drive.rename("a.md", "b.md")
    site.settle()
    assert site.documents()["b.md"].content_sha256 == fetched.content_sha256
    site.drive.write("b.md", b"other")
    site.settle()
    assert site.documents()["b.md"].content_sha256 is None


def test_an_old_file_that_is_moved_in_or_restored_is_found(site: Site) -> None:
    site.drive.write("a.md", b"text")
    site.settle()
    node = site.drive.remove("a.md")
    site.settle()
    assert site.documents() == {}
    node.modified = node.modified.replace(year=1999)
    site.drive.restore(node)
    site.settle()
    assert list(site.documents()) == ["a.md"]


def test_malware_packages_and_links_to_other_places_are_no_documents(site: Site, tmp_path: Path) -> None:
    for name in ("bad.exe", "good.md", "notes.one", "elsewhere"):
        site.drive.write(name, b"x")
    site.drive.at("bad.exe").facets = {"malware": {"description": "Trojan"}}
    site.drive.at("elsewhere").facets = {"remoteItem": {"id": "1"}}
    site.drive.write("Notebook/deep/section.one", b"x")
    site.drive.at("Notebook").facets = {"package": {"type": "oneNote"}}
    (found,) = site.settle()
    assert sorted(site.documents()) == ["good.md", "notes.one"]
    assert [path for path, _ in found.skipped] == ["Documents/Notebook", "bad.exe", "elsewhere"]
    site.drive.write("Notebook/deep/late.one", b"x")
    site.drive.at("good.md").facets = {"malware": {"description": "Trojan"}}
    site.drive.touch("good.md")
    (found,) = site.settle()
    assert [c.reason for c in found.changes if c.op is Op.DELETE] == ["malware"]
    assert sorted(site.documents()) == ["notes.one"]


def test_an_item_marked_as_removed_is_deleted(site: Site) -> None:
    node = site.drive.write("a.md", b"x")
    site.settle()
    page = {"value": [{"id": node.id, "@removed": {"reason": "deleted"}, "file": {}, "name": "a.md"}],
            "@odata.deltaLink": site.graph._link((site.drive.id, site.drive.sequence))}  # fmt: skip
    site.graph.faults.append(Fault("/root/delta", 200, body=page))
    site.settle()
    assert site.documents() == {}


def test_a_library_with_another_name_has_other_paths_and_no_new_content(site: Site) -> None:
    site.drive.write("a/b.md", b"x")
    site.settle()
    site.drive.name, site.drive.web_url = "Papers", site.drive.web_url.replace("Documents", "Papers")
    site.source.discover()
    found = site.settle()
    assert {c.op for d in found for c in d.changes} == {Op.MOVE}
    assert [i.path for i in site.known.items().values() if not i.folder] == ["Papers/a/b.md"]
    assert site.settle()[0].idle


def test_libraries_are_chosen_by_name_or_id_and_their_items_never_mix(site: Site) -> None:
    other = site.graph.tenant.drive("Archive")
    for drive in (site.drive, other):
        node = drive.write("same.md", drive.name.encode())
        del drive.nodes[node.id]
        node.id = "01SAME"
        drive.nodes[node.id] = node
    for wish in (["archive"], [other.id]):
        chosen = Site(site.graph, drives=wish)
        assert chosen.source.discover() == (other.id,)
        chosen.source.close()
    assert set(site.source.discover()) == {site.drive.id, other.id}
    items = {
        change.item.native_id: change.item.path
        for scope in site.source.discover()
        for change in site.source.changes(scope, KnownItems()).changes
        if not change.item.folder
    }
    assert sorted(items.values()) == ["Archive/same.md", "Documents/same.md"]


def test_a_library_that_is_not_there_is_named_with_those_that_are(site: Site) -> None:
    source = Site(site.graph, drives=["Dokumente"]).source
    with pytest.raises(AccessDenied, match=r"no library of .* is named Dokumente; it has: Documents"):
        source.discover()
    source.close()


def test_an_empty_file_is_not_downloaded(site: Site, tmp_path: Path) -> None:
    site.drive.write("empty.md", b"")
    site.settle()
    assert site.contents(tmp_path) == {"empty.md": b""}
    assert site.graph.count("/content") == 0


def test_the_token_never_goes_to_the_host_of_a_download(site: Site, tmp_path: Path) -> None:
    site.drive.write("a.md", b"x")
    site.settle()
    site.contents(tmp_path)
    assert [token for _, path, token in site.graph.requests if "/download/" in path] == [None]
    assert all(token for _, path, token in site.graph.requests if "/v1.0/" in path)


@pytest.mark.parametrize("target", ["http://example.com/a", "http://169.254.169.254/latest", "ftp://example.com/a"])
def test_a_download_follows_no_redirect_into_the_dark(site: Site, tmp_path: Path, target: str) -> None:
    site.drive.write("a.md", b"x")
    site.settle()
    site.graph.faults.append(Fault("/content", 302, times=9, headers={"Location": target}, body=b""))
    with pytest.raises(FetchFailed, match="we do not go there"):
        site.contents(tmp_path)


def test_a_protected_document_is_set_aside_and_a_closed_library_is_not_its_fault(site: Site, tmp_path: Path) -> None:
    site.drive.write("a.md", b"x")
    site.settle()
    site.graph.faults.append(Fault("/content", 403))
    with pytest.raises(DocumentRefused, match="may be listed, but not downloaded"):
        site.contents(tmp_path)
    site.graph.faults.append(Fault("/items/", 403, times=2))
    with pytest.raises(FetchFailed) as failed:
        site.contents(tmp_path)
    assert not isinstance(failed.value, DocumentRefused)


def test_a_download_that_never_ends_stops_at_the_limit(site: Site, tmp_path: Path) -> None:
    node = site.drive.write("a.md", b"x" * 100)
    site.settle()
    node.content = b"x" * 100_000
    with pytest.raises(DocumentRefused, match="over 1,000 bytes"):
        site.source.fetch(site.documents()["a.md"], tmp_path, 1_000)


def test_a_download_address_that_ran_out_is_tried_again_later(site: Site, tmp_path: Path) -> None:
    site.drive.write("a.md", b"x")
    site.settle()
    site.graph.faults.append(Fault("/download/", 401, times=1))
    with pytest.raises(FetchFailed, match="answers 401"):
        site.contents(tmp_path)
    assert site.contents(tmp_path) == {"a.md": b"x"}


@pytest.mark.parametrize("body", [b"<html>", b"", b"[1]", {"error": {"code": "generalException"}}])
def test_a_page_that_is_no_page_is_asked_for_again_and_then_an_error(site: Site, body: Any) -> None:
    site.drive.write("a.md", b"x")
    site.graph.faults.append(Fault("/root/delta", 200, times=2, body=body))
    site.settle()
    assert list(site.documents()) == ["a.md"]
    before = site.known.cursor
    site.graph.faults.append(Fault("/root/delta", 200, times=3, body=body))
    with pytest.raises(SourceError, match="answers 200 with"):
        site.look()
    assert site.known.cursor == before


def test_a_server_that_is_gone_is_an_error_after_some_patience() -> None:
    with FakeGraph() as graph:
        site = Site(graph)
        site.settle()
    with pytest.raises(SourceError, match="does not answer"):
        site.source.changes(site.drive.id, site.known)
    site.source.close()
    assert site.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_a_full_look_downloads_nothing_and_reads_every_permission(site: Site) -> None:
    for n in range(5):
        site.drive.write(f"{n}.md", b"x")
    site.settle()
    site.drive.at("3.md").permissions = [user("anna")]  # a grant that the feed never told
    site.graph.requests.clear()
    (found,) = site.settle(full=True)
    assert [(c.op, c.item.path) for c in found.changes] == [(Op.ACL, "Documents/3.md")]
    assert found.seen == 5
    assert site.graph.count("/content") == 0


def test_who_may_read_now_can_be_asked_for_some_documents(site: Site) -> None:
    site.drive.write("a.md", b"x")
    gone = site.drive.write("b.md", b"x")
    site.drive.grant("a.md", link("organization"), claim("c:0(.s|true"), unique=True)
    site.settle()
    site.drive.remove("b.md")
    items = site.documents()
    assert site.source.acl(list(items.values())) == {
        items["a.md"].native_id: ("everyone", "organization"),
        items["b.md"].native_id: None,
    }
    assert gone.deleted


def test_a_healthy_site_has_nothing_to_remedy_and_a_closed_one_says_what_to_grant(site: Site) -> None:
    assert [(p.name, p.ok) for p in site.source.probe()] == [
        ("site", True), ("changes", True), ("permissions", True), ("directory", True),
    ]  # fmt: skip
    site.graph.faults += [Fault("/permissions", 403, times=9), Fault("/users", 403, times=9)]
    assert [(p.name, p.remedy) for p in site.source.probe() if not p.ok] == [
        (
            "permissions",
            "Grant the app Sites.FullControl.All, or fullcontrol on the site: with less, nobody may read with --as, "
            "and Graph does not tell when only a permission changes.",
        ),
        ("directory", "Grant the app GroupMember.Read.All and User.Read.All."),
    ]
    site.graph.tenant.status = {"site": 403}
    assert not site.source.probe()[0].ok


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({}, "names none of client_secret"),
        ({"access_token": "t", "managed_identity": True}, "names 2 of"),
        ({"client_secret": "s"}, "need tenant_id and client_id"),
        ({"access_token": "t", "graph_url": "http://graph.example/v1.0"}, "http:// on loopback only"),
        ({"access_token": "t", "authority": "http://login.example"}, "http:// on loopback only"),
    ],
)
def test_settings_that_cannot_work_are_refused_by_name(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        SharePointSource("contracts", "https://contoso.sharepoint.com/sites/x", **wrong)


def test_a_site_that_is_no_address_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"sources\.contracts\.site is 'contracts'"):
        SharePointSource("contracts", "contracts", access_token="t")


def test_a_certificate_signs_the_app_in(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "app.pem"
    file.write_bytes(certificate())
    how = {"tenant_id": "t", "client_id": "app", "certificate_path": file, "authority": site.graph.authority}
    signed_in = Site(site.graph, access_token=None, **how)
    assert signed_in.source.discover() == (site.drive.id,)
    signed_in.source.close()


def test_a_certificate_that_cannot_be_used_is_named(site: Site, tmp_path: Path) -> None:
    (tmp_path / "app.pem").write_text("nothing")
    how = {"tenant_id": "t", "client_id": "app", "certificate_path": tmp_path / "app.pem"}
    broken = Site(site.graph, access_token=None, **how)
    with pytest.raises(SourceError, match="contracts: the app's credentials are not usable"):
        broken.source.discover()
    assert [p.ok for p in broken.source.probe()] == [False] * 4
    broken.source.close()


def test_no_secret_shows_in_a_text_of_the_source(site: Site) -> None:
    from resources.sources.graph_auth import Credentials

    shown = repr(Credentials("t", "app", client_secret="hidden-1", access_token="hidden-2"))
    assert "hidden" not in shown
