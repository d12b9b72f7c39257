"""The faults of the list, by number, against a SharePoint library."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from resources.errors import AccessDenied, FetchFailed, SourceError
from resources.sources.base import DISABLED, GUESTS, Op
from tests.fakes.graph.server import Fault
from tests.fakes.graph.tenant import claim, group, link, user
from tests.sources.site import Site, open_site


@pytest.fixture
def site() -> Iterator[Site]:
    with open_site(page_size=3) as site:
        yield site


def fill(site: Site, number: int = 8) -> None:
    for n in range(number):
        site.drive.write(f"{'xyz'[n % 3]}/{n}.md", b"text %d" % n)


def ops(site: Site) -> list[tuple[Op, str]]:
    """What a look finds, until it is finished."""
    return sorted((c.op, c.item.path) for d in site.settle() for c in d.changes if not c.item.folder)


@pytest.mark.parametrize("code", ["resyncChangesApplyDifferences", "resyncChangesUploadDifferences", "resyncRequired"])
def test_fault_1_a_forgotten_place_leads_to_a_listing_that_finds_the_deletions(site: Site, code: str) -> None:
    fill(site)
    site.settle()
    site.drive.remove("x/0.md", silently=True)
    site.drive.write("y/new.md", b"new")
    site.graph.expire_links(site.drive, code)
    found = site.settle()
    assert found[-1].listed
    assert [len(d.missing) for d in found if d.missing] == [1]
    assert [(c.op, c.item.path) for d in found for c in d.changes if not c.item.folder] == [
        (Op.UPSERT, "Documents/y/new.md")
    ]
    assert set(site.documents()) == set(site.drive.tree())


def test_fault_1_a_place_forgotten_in_the_middle_of_paging_begins_again(site: Site, tmp_path: Path) -> None:
    fill(site)
    site.look(limit=1)
    site.graph.expire_links(site.drive)
    site.settle()
    assert site.same(tmp_path)


def test_fault_1_a_second_time_in_a_row_is_an_error_and_the_cursor_stays(site: Site) -> None:
    fill(site)
    site.settle()
    before = site.known.cursor
    site.graph.faults.append(Fault("/root/delta", 410, times=9, body={"error": {"code": "resyncRequired"}}))
    with pytest.raises(SourceError, match="twice in a row"):
        site.source.changes(site.drive.id, site.known)
    assert site.known.cursor == before
    site.graph.faults.clear()
    assert site.look().complete


def test_fault_1_a_listing_at_a_strange_address_is_not_asked_for(site: Site) -> None:
    fill(site)
    site.settle()
    site.graph.expire_links(site.drive, location="https://evil.example/v1.0/drives/x/root/delta")
    site.settle()
    assert set(site.documents()) == set(site.drive.tree())


def test_fault_1_a_malformed_link_is_our_fault_and_no_new_listing(site: Site) -> None:
    fill(site)
    site.settle()
    site.graph.faults.append(Fault("/root/delta?token", 400, body={"error": {"code": "invalidRequest"}}))
    before = site.known.cursor
    with pytest.raises(SourceError, match=r"malformed.*rag index --full"):
        site.look()
    assert site.known.cursor == before


def test_fault_2_an_empty_last_page_still_carries_the_link(site: Site) -> None:
    fill(site)
    site.settle()
    before = site.known.cursor
    assert site.look().idle
    assert site.known.cursor != before
    site.drive.write("x/0.md", b"edited")
    assert ops(site) == [(Op.UPSERT, "Documents/x/0.md")]


def test_fault_2_a_page_without_a_link_fails_and_the_cursor_stays(site: Site) -> None:
    fill(site)
    site.settle()
    before = site.known.cursor
    site.graph.faults.append(Fault("/root/delta", 200, body={"value": []}))
    with pytest.raises(SourceError, match="without a usable link"):
        site.look()
    assert site.known.cursor == before


@pytest.mark.parametrize("link_name", ["@odata.nextLink", "@odata.deltaLink"])
def test_fault_2_a_link_to_another_host_is_refused(site: Site, link_name: str) -> None:
    page = {"value": [], link_name: "https://evil.example/v1.0/drives/b!drive0001/root/delta?token=1"}
    site.graph.faults.append(Fault("/root/delta", 200, body=page))
    with pytest.raises(SourceError, match="without a usable link"):
        site.look()


def test_fault_3_the_last_occurrence_of_an_item_counts(site: Site) -> None:
    node = site.drive.write("a.md", b"text")
    base = f"{site.graph.url}/drives/{site.drive.id}/root/delta?token="
    alive = {
        "id": node.id, "name": "b.md", "parentReference": {"id": site.drive.root.id}, "size": 4, "file": {},
    }  # fmt: skip
    gone = {"id": node.id, "deleted": {"state": "deleted"}}
    for values, expected in (([alive, gone], []), ([gone, alive], ["b.md"]), ([gone, alive, gone], [])):
        site.settle()
        link_back = site.graph._link((site.drive.id, site.drive.sequence))
        site.graph.faults.append(Fault("/root/delta", 200, body={"value": values, "@odata.deltaLink": link_back}))
        site.look()
        assert link_back.startswith(base)
        assert list(site.documents()) == expected


def test_fault_3_a_tombstone_on_one_page_and_a_life_on_the_next(site: Site, tmp_path: Path) -> None:
    fill(site)
    site.settle()
    for n in range(4):
        node = site.drive.remove(f"{'xyz'[n % 3]}/{n}.md")
        site.drive.restore(node)
    site.drive.remove("x/0.md")
    site.settle()
    assert site.same(tmp_path)


def test_fault_4_renaming_a_folder_with_10000_descendants_costs_one_item_of_the_feed() -> None:
    with open_site(page_size=5_000) as site:
        site.drive.fill("old/deep", 10_000)
        site.settle()
        before = {i.native_id for i in site.documents().values()}
        site.drive.rename("old", "new")
        site.graph.requests.clear()
        (found,) = site.settle()
        assert {c.op for c in found.changes} == {Op.MOVE}
        assert set(site.documents()) == {f"new/deep/{n}.md" for n in range(10_000)}
        assert {i.native_id for i in site.documents().values()} == before
        assert all(i.uri.endswith(f"/Documents/{p}") for p, i in site.documents().items())
        assert site.graph.count("/content") == 0
        assert len(site.graph.requests) < 10


def test_fault_4_a_folder_moved_under_a_closed_one_takes_over_its_readers(site: Site) -> None:
    site.drive.write("open/in/a.md", b"a")
    site.drive.write("closed/b.md", b"b")
    site.drive.grant("open", user("anna"), unique=True)
    site.drive.grant("closed", user("board"), unique=True)
    site.settle()
    assert site.read() == {"open/in/a.md": ("user:anna",), "closed/b.md": ("user:board",)}
    site.drive.rename("open/in", "closed/in")
    site.settle()
    assert site.read() == {"closed/in/a.md": ("user:board",), "closed/b.md": ("user:board",)}


def test_fault_5_a_tombstone_of_a_folder_takes_everything_below_it(site: Site) -> None:
    fill(site, 9)
    site.settle()
    site.drive.write("x/deep/deeper/late.md", b"late")
    site.drive.remove("x")
    found = [c for d in site.settle() for c in d.changes]
    assert {c.op for c in found} == {Op.DELETE}
    assert set(site.documents()) == set(site.drive.tree())
    assert not [i for i in site.known.items().values() if "/x" in i.path]


def test_fault_5_what_moved_out_of_a_deleted_folder_stays(site: Site, tmp_path: Path) -> None:
    fill(site, 9)
    site.settle()
    before = site.documents()["x/3.md"].native_id
    site.drive.remove("x")
    node = next(n for n in site.drive.nodes.values() if n.name == "3.md")
    node.deleted, node.parent = False, site.drive.root.id
    for n in range(4):  # the feed shows it on a later page than the tombstone
        site.drive.write(f"y/more-{n}.md", b"more")
    site.drive._touch(node)
    found = site.settle(limit=1)
    assert len(found) > 1
    assert site.documents()["3.md"].native_id == before
    assert [c.op for d in found for c in d.changes if c.item.native_id == before] == [Op.MOVE]
    assert site.same(tmp_path)


@pytest.mark.parametrize("limit", [None, 1])
def test_fault_6_a_name_that_was_taken_over_without_a_word_is_one_document(
    site: Site, tmp_path: Path, limit: int | None
) -> None:
    fill(site)
    site.settle()
    old = site.documents()["x/0.md"].native_id
    site.drive.remove("x/0.md", silently=True)
    site.drive.write("x/0.MD", b"another")
    site.drive.write("z/last.md", b"last")
    found = site.settle(limit=limit)
    assert [(c.item.native_id, c.reason) for d in found for c in d.changes if c.op is Op.DELETE] == [(old, "replaced")]
    assert site.same(tmp_path)


def test_fault_6_two_files_that_swap_their_names_are_two_documents(site: Site, tmp_path: Path) -> None:
    fill(site)
    site.settle()
    before = {path: item.native_id for path, item in site.documents().items()}
    for old, new in (("x/0.md", "x/tmp"), ("x/3.md", "x/0.md"), ("x/tmp", "x/3.md")):
        site.drive.rename(old, new)
    site.settle(limit=1)
    after = {path: item.native_id for path, item in site.documents().items()}
    assert (after["x/0.md"], after["x/3.md"]) == (before["x/3.md"], before["x/0.md"])
    assert site.same(tmp_path)


def test_fault_7_a_child_before_its_folder_is_invisible_until_the_folder_is_seen(site: Site) -> None:
    site.settle()
    site.drive.write("new/deep/a.md", b"a")
    names = ("a.md", "deep", "new")
    for name in names:  # the feed turns the order around
        site.drive._touch(next(n for n in site.drive.nodes.values() if n.name == name))
    site.graph.page_size = 1
    found = site.look(limit=1)
    assert not found.complete
    (item,) = [i for i in site.known.items().values() if not i.folder]
    assert (item.path, item.read) == ("Documents/…/a.md", None)
    site.settle()
    assert site.read() == {"new/deep/a.md": ("user:owner-1",)}


def test_fault_7_a_folder_that_the_feed_never_shows_is_asked_for(site: Site) -> None:
    site.settle()
    site.drive.write("hidden/a.md", b"a")
    site.drive.at("hidden").changed = 0
    site.settle()
    assert site.read() == {"hidden/a.md": ("user:owner-1",)}


def test_fault_7_a_document_in_a_folder_that_cannot_be_seen_is_reported_and_read_by_nobody(site: Site) -> None:
    site.settle()
    site.drive.write("hidden/a.md", b"a")
    folder = site.drive.at("hidden")
    folder.changed = 0
    site.graph.faults.append(Fault(f"/items/{folder.id}", 403, times=99))
    (found,) = site.settle()
    assert site.read() == {"…/a.md": None}
    assert found.unreadable == (("Documents/…/a.md", "its folder cannot be seen, so nobody may read it"),)
    site.graph.faults.clear()
    site.drive.touch("hidden/a.md")
    site.settle()
    assert site.read() == {"hidden/a.md": ("user:owner-1",)}


@pytest.mark.parametrize("status", [403, 404, 423])
def test_fault_8_a_closed_library_or_site_deletes_nothing_and_says_what_to_do(site: Site, status: int) -> None:
    fill(site)
    site.settle()
    before, cursor = dict(site.known.items()), site.known.cursor
    site.graph.tenant.status = {site.drive.id: status}
    with pytest.raises(AccessDenied, match=rf"contracts: the library Documents answers {status}: .*hidden"):
        site.look()
    site.graph.tenant.status = {"site": status}
    with pytest.raises(AccessDenied, match=rf"the site https://contoso.* answers {status}: "):
        site.source.discover()
    site.graph.tenant.status = {}
    assert site.look().idle  # access is back at no cost
    assert (dict(site.known.items()), site.known.cursor != cursor) == (before, True)


def test_fault_8_a_library_that_is_no_longer_listed_is_access_denied(site: Site) -> None:
    other = site.graph.tenant.drive("Archive")
    assert site.source.discover() == (site.drive.id, other.id)
    del site.graph.tenant.drives[other.id]
    assert site.source.discover() == (site.drive.id,)
    with pytest.raises(AccessDenied, match="no longer among those"):
        site.source.changes(other.id, site.known)


STORMS = {
    "seconds": {"Retry-After": "7"},
    "a date": {"Retry-After": format_datetime(datetime.now(UTC) + timedelta(hours=3), usegmt=True)},
    "nothing": {},
    "two minutes": {"Retry-After": "120"},
    "nonsense": {"Retry-After": "soon"},
}


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("headers", STORMS.values(), ids=STORMS)
def test_fault_10_a_throttled_tenant_is_given_the_time_it_asks_for(
    site: Site, tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    fill(site)
    site.graph.faults.append(Fault("/v1.0/", status, times=4, headers=headers))
    site.source.discover()
    site.graph.faults.append(Fault("/v1.0/", status, times=4, headers=headers))
    site.settle()
    assert site.same(tmp_path)
    assert len(site.slept) == 8
    said = headers.get("Retry-After", "")
    if said.isdecimal():
        assert site.slept == [float(said)] * 8
    else:
        assert min(site.slept) >= 1.0  # no hot loop


def test_fault_10_another_source_of_the_tenant_waits_as_well(site: Site) -> None:
    fill(site)
    site.settle()
    with_same_tenant = Site(site.graph)
    with_same_tenant.time = site.time
    site.graph.faults.append(Fault("/root/delta", 429, headers={"Retry-After": "50"}))
    site.settle()
    assert site.slept == [50.0]
    with_same_tenant.source.discover()
    assert with_same_tenant.slept == [50.0]
    with_same_tenant.source.close()


def test_fault_10_a_look_with_little_time_does_not_wait_and_loses_nothing(site: Site) -> None:
    fill(site)
    site.look(limit=1)
    known, cursor = dict(site.known.items()), site.known.cursor
    site.graph.faults.append(Fault("/permissions", 429, times=1, headers={"Retry-After": "120"}, after=1))
    found = site.look(deadline=site.time + 8)
    assert not found.complete
    assert "asks to wait 120 s" in found.notes[0]
    assert site.slept == []
    assert (dict(site.known.items()), site.known.cursor) == (known, cursor)
    assert not site.look(deadline=site.time + 8).complete  # asks nobody before the time has come
    site.time += 121
    site.settle(deadline=site.time + 8)
    assert set(site.documents()) == set(site.drive.tree())


def test_fault_11_the_throttled_parts_of_a_batch_are_asked_again_and_only_those(site: Site) -> None:
    site.drive.write("a.md", b"a")
    node = site.drive.write("b.md", b"b")
    part = f"/items/{node.id}/permissions"
    site.graph.faults.append(Fault(part, 429, times=2, headers={"Retry-After": "3"}))
    site.settle()
    assert set(site.read().values()) == {("user:owner-1",)}
    assert site.graph.count(part) == 3
    assert site.graph.count("/permissions") == 3 + 2
    assert site.slept == [3.0, 3.0]


def test_fault_11_a_document_deleted_under_a_batch_is_not_an_error(site: Site) -> None:
    site.drive.write("a.md", b"a")
    site.drive.write("b.md", b"b")

    def delete(_: int) -> None:
        if site.drive.find("a.md") is not None:
            site.drive.remove("a.md")

    site.graph.after_page = delete
    site.settle()
    site.settle()
    assert site.read() == {"b.md": ("user:owner-1",)}
    assert site.slept == []


def test_fault_12_a_token_that_expires_in_the_middle_is_renewed_once(tmp_path: Path) -> None:
    with open_site(page_size=2) as plain:
        graph = plain.graph
        fill(plain)
        secret = {"tenant_id": "t", "client_id": "app", "client_secret": "secret", "authority": graph.authority}
        site = Site(graph, access_token=None, **secret)
        site.look(limit=1)
        graph.tokens.clear()
        site.settle()
        assert site.same(tmp_path)
        assert graph.count("/oauth2/v2.0/token") == 2
        graph.secret, site.graph.tokens = "rotated", {}
        before = site.known.cursor
        with pytest.raises(AccessDenied, match=r"does not sign in the app app \(AADSTS7000215\)"):
            site.look()
        assert site.known.cursor == before
        graph.secret = "secret"
        assert site.look().complete
        site.source.close()


def test_fault_12_a_given_token_that_expired_is_named(site: Site) -> None:
    fill(site)
    site.settle()
    before = site.known.cursor
    site.graph.tokens.clear()
    with pytest.raises(AccessDenied, match="the access token is refused"):
        site.look()
    assert site.known.cursor == before
    assert site.slept == []


def test_fault_17_a_download_shorter_than_its_size_is_taken_again_and_then_set_aside(
    site: Site, tmp_path: Path
) -> None:
    site.drive.write("a.md", b"all of the text")
    site.settle()
    site.graph.faults.append(Fault("/download/", cut=4, times=2))
    assert site.contents(tmp_path) == {"a.md": b"all of the text"}
    site.graph.faults.append(Fault("/download/", cut=4, times=99))
    with pytest.raises(FetchFailed, match=r"a\.md came with 4 of 15 bytes"):
        site.contents(tmp_path)


# --- 25: rights that are taken away


def test_fault_25_a_right_taken_from_a_document_is_gone_with_the_next_look(site: Site) -> None:
    site.drive.write("a.md", b"a")
    site.drive.grant("a.md", user("anna"), user("bert"), unique=True)
    site.settle()
    assert site.read() == {"a.md": ("user:anna", "user:bert")}
    site.drive.grant("a.md", user("bert"), unique=True)
    (found,) = site.settle()
    assert [c.op for c in found.changes] == [Op.METADATA]
    assert site.read() == {"a.md": ("user:bert",)}
    assert site.graph.count("/content") == 0


def test_fault_25_a_right_taken_from_a_folder_is_gone_from_everything_below_it(site: Site) -> None:
    fill(site, 30)
    site.drive.write("x/in/deep.md", b"deep")
    site.drive.write("x/own.md", b"own")
    site.drive.grant("x", user("anna"), unique=True)
    site.drive.grant("x/own.md", user("anna"))
    site.settle()
    assert site.read()["x/in/deep.md"] == ("user:anna",)
    site.drive.grant("x", user("bert"), unique=True)
    changes = {c.item.path.removeprefix("Documents/"): c.item.read for d in site.settle() for c in d.changes}
    assert changes["x/in/deep.md"] == ("user:bert",)
    for path, read in site.read().items():
        assert ("user:bert" in (read or ())) == path.startswith("x/"), path
        assert ("user:anna" in (read or ())) == (path == "x/own.md"), path


def test_fault_25_a_right_is_taken_away_at_once_though_reading_all_permissions_takes_longer(site: Site) -> None:
    fill(site, 9)
    site.drive.grant("x", user("anna"), user("bert"), unique=True)
    site.settle()
    site.drive.grant("x", user("bert"), unique=True)
    site.graph.faults.append(Fault("/permissions", 429, times=99, headers={"Retry-After": "60"}, after=1))
    found = site.look(deadline=site.time + 8)
    assert not found.complete
    assert {read for path, read in site.read().items() if path.startswith("x/")} == {("user:bert",)}
    site.graph.faults.clear()
    site.time += 61
    site.settle(deadline=site.time + 8)
    assert {read for path, read in site.read().items() if path.startswith("x/")} == {("user:bert",)}


def test_fault_25_a_link_that_ran_out_lets_nobody_in_though_no_event_tells() -> None:
    now = [datetime(2026, 5, 4, tzinfo=UTC)]
    with open_site(now=lambda: now[0]) as site:
        site.drive.write("f/a.md", b"a")
        site.drive.grant("f", link("anonymous", expirationDateTime="2026-05-05T00:00:00Z"), unique=True)
        site.settle()
        assert site.read() == {"f/a.md": ("everyone",)}
        now[0] += timedelta(hours=23)
        site.settle()
        assert site.read() == {"f/a.md": ("everyone",)}
        now[0] += timedelta(hours=1)
        site.settle()
        assert site.read() == {"f/a.md": ()}


@pytest.mark.parametrize("status", [403, 404, 400])
def test_fault_25_permissions_that_cannot_be_read_let_nobody_in(site: Site, status: int) -> None:
    node = site.drive.write("a.md", b"a")
    site.settle()
    site.drive.touch("a.md")
    site.graph.faults.append(Fault(f"/items/{node.id}/permissions", status))
    (found,) = site.settle()
    assert site.read() == {"a.md": None}
    assert [f"answer {status}" in note for note in found.notes] == ([True] if status != 404 else [])


def test_fault_25_an_unknown_claim_lets_nobody_in(site: Site) -> None:
    site.drive.write("a.md", b"a")
    site.drive.grant("a.md", claim("c:0?.z|future|thing"), unique=True)
    site.settle()
    assert site.read() == {"a.md": ()}


def test_fault_25_members_guests_and_disabled_accounts_are_what_the_directory_says(site: Site) -> None:
    tenant = site.graph.tenant
    anna, bert = tenant.account("anna"), tenant.account("bert", guest=True)
    tenant.account("cleo", enabled=False)
    tenant.groups = {"legal": [{"@odata.type": "#microsoft.graph.group", "id": "inner"}], "inner": [anna, bert]}
    site.drive.write("a.md", b"a")
    site.drive.grant("a.md", group("legal"), group("unknown"), unique=True)
    site.settle()
    (read,) = site.read().values()
    groups = {g.principal: g for g in site.source.groups(read or (), {}).groups}
    assert groups["group:legal"].members == (
        "group:inner", "user:anna", "user:anna@contoso.com", "user:bert", "user:bert@contoso.com",
    )  # fmt: skip
    assert (groups["group:unknown"].members, groups["group:unknown"].why_empty) == ((), "the directory answers 404")
    assert groups[GUESTS].members == ("user:bert", "user:bert@contoso.com")
    assert groups[DISABLED].members == ("user:cleo", "user:cleo@contoso.com")
    tenant.groups["inner"] = [anna]
    groups = {g.principal: g for g in site.source.groups(read or (), {}).groups}
    assert "user:bert" not in groups["group:legal"].members


def test_fault_25_a_directory_that_does_not_answer_is_an_error_and_not_an_empty_group(site: Site) -> None:
    site.graph.faults.append(Fault("/users", 403, times=9))
    with pytest.raises(SourceError, match="/users"):
        site.source.groups(["group:legal"], {})
