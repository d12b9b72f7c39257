"""What a folder on disk does, rule by rule; the faults by their number in the list of faults stand in test_faults_*."""

import errno
import hashlib
import os
import socket
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from resources.errors import AccessDenied, FetchFailed, SourceError, SourceMissing
from resources.sources import filesystem, names, reading, scan, walk, window
from resources.sources.base import Discovery, DocumentGone, Op
from resources.sources.filesystem import FilesystemSource
from resources.sources.known import KnownItems

LONG_AGO = 1_600_000_000


class Folder:
    """A source over a folder, with what is known of it."""

    def __init__(self, root: Path, **settings: Any) -> None:
        root.mkdir(exist_ok=True)
        self.root, self.known = root, KnownItems()
        self.source = FilesystemSource("handbook", root, **settings)

    def write(self, name: str, text: str = "text") -> Path:
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return file

    def look(self, **how: Any) -> Discovery:
        found = self.source.changes("", self.known, **how)
        self.known.apply(found)
        return found

    def paths(self) -> list[str]:
        return sorted(item.path for item in self.known.items().values())

    def ids(self) -> dict[str, str]:
        return {item.path: item.native_id for item in self.known.items().values()}


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path / "root")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes were read."""
    names = list[str]()

    def counted(name: str, *rest: Any) -> reading.Hashed:
        names.append(name)
        return reading.hash_stable(name, *rest)

    monkeypatch.setattr(scan, "hash_stable", counted)
    monkeypatch.setattr(filesystem, "hash_stable", counted)
    return names


def grow(file: Path) -> None:
    with file.open("a") as open_file:
        open_file.write(" more")


def at_read(monkeypatch: pytest.MonkeyPatch, then: Callable[[], object], times: int = 99) -> None:
    """Do something every time after a block of a file was read."""
    real, left = os.read, [times]

    def read(descriptor: int, size: int) -> bytes:
        block = real(descriptor, size)
        if left[0] > 0 and block:
            left[0] -= 1
            then()
        return block

    monkeypatch.setattr(os, "read", read)


def settled(folder: Folder) -> None:
    """As if the last listing had begun long after the last change."""
    cursor = folder.source.changes("", folder.known).cursor or ""
    started = cursor.split('"started_ns":')[1].split(",")[0]
    folder.known.cursor = cursor.replace(started, str(int(started) + 60_000_000_000), 1)


# --- what is looked at, and what that costs


def test_an_unchanged_file_is_not_read_again(folder: Folder, reads: list[str]) -> None:
    folder.write("a.md")
    folder.look()
    settled(folder)
    reads.clear()
    assert folder.look().idle
    assert reads == []


def test_a_touched_file_is_read_and_only_its_metadata_changes(folder: Folder, reads: list[str]) -> None:
    file = folder.write("a.md")
    folder.look()
    reads.clear()
    os.utime(file, (LONG_AGO, LONG_AGO))
    (change,) = folder.look().changes
    assert (change.op, change.item.modified_at) == (Op.METADATA, "2020-09-13T12:26:40Z")
    assert reads == ["a.md"]


def test_a_file_written_just_before_the_listing_is_read_once_more_by_the_next(folder: Folder, reads: list[str]) -> None:
    folder.write("a.md")
    folder.look()
    reads.clear()
    assert folder.look().idle
    assert reads == ["a.md"]


def test_a_renamed_folder_is_not_read_again(folder: Folder, reads: list[str]) -> None:
    for n in range(20):
        folder.write(f"old/{n % 3}/{n}.md", f"text {n}")
    folder.look()
    settled(folder)
    reads.clear()
    (folder.root / "old").rename(folder.root / "new")
    found = folder.look()
    assert [c.op for c in found.changes] == [Op.MOVE] * 20
    assert all(c.item.path == c.previous_path.replace("old", "new", 1) for c in found.changes if c.previous_path)
    assert reads == []


def test_fetching_an_unchanged_file_neither_reads_nor_copies_it(
    folder: Folder, reads: list[str], tmp_path: Path
) -> None:
    file = folder.write("a.md")
    (change,) = folder.look().changes
    reads.clear()
    assert folder.source.fetch(change.item, tmp_path, 100).path == file
    assert reads == []


def test_a_sample_of_the_files_is_read_every_day(tmp_path: Path, reads: list[str], monkeypatch: Any) -> None:
    folder = Folder(tmp_path / "root", rehash_days=3)
    for n in range(30):
        folder.write(f"{n}.md")
    folder.look()
    settled(folder)
    now, seen = time.time_ns(), set[str]()
    for day in range(1, 4):
        reads.clear()
        monkeypatch.setattr(time, "time_ns", lambda day=day: now + day * 86_400_000_000_000)
        folder.look()
        assert 0 < len(reads) < 30
        assert seen.isdisjoint(reads)
        seen.update(reads)
        reads.clear()
        folder.look()
        assert reads == []  # once a day
    assert len(seen) == 30


def test_a_listing_that_runs_out_of_time_goes_on_where_it_stopped(folder: Folder, reads: list[str]) -> None:
    for n in range(9):
        folder.write(f"{'xyz'[n % 3]}/{n}.md", f"text {n}")
    found = [folder.look(deadline=0.0)]
    while not found[-1].complete:
        found.append(folder.look(deadline=0.0))
        assert found[-1].missing == () or found[-1].complete
    assert len(found) >= 9
    assert found[-1].seen == 9
    assert sorted(reads) == [f"{n}.md" for n in range(9)]
    assert len(folder.paths()) == 9


def test_what_vanished_in_an_early_part_of_a_listing_is_missing_at_its_end(folder: Folder) -> None:
    for name in ("a/1.md", "b/2.md", "c/3.md", "d/4.md"):
        folder.write(name, name)
    folder.look()
    (folder.root / "a/1.md").unlink()
    gone = folder.ids()["a/1.md"]
    found = folder.look(deadline=0.0)
    while not found.complete:
        assert found.missing == ()
        found = folder.look(deadline=0.0)
    assert found.missing == (gone,)


@pytest.mark.parametrize(("old", "new"), [("a/1.md", "z/1.md"), ("z/1.md", "a/1.md")])
def test_a_move_between_two_parts_of_a_listing_keeps_the_id(folder: Folder, old: str, new: str) -> None:
    for name in (old, "m/2.md", "n/3.md"):
        folder.write(name, name)
    folder.look()
    before = folder.ids()[old]
    (folder.root / new).parent.mkdir(exist_ok=True)
    (folder.root / old).rename(folder.root / new)
    found = [folder.look(deadline=0.0)]
    while not found[-1].complete:
        found.append(folder.look(deadline=0.0))
    assert folder.ids()[new] == before
    assert [c.op for d in found for c in d.changes] == [Op.MOVE]
    assert found[-1].missing == ()


def test_a_full_listing_that_is_cut_goes_on_when_asked_again(folder: Folder, reads: list[str]) -> None:
    for n in range(4):
        folder.write(f"{n}.md", f"text {n}")
    folder.look()
    settled(folder)
    reads.clear()
    found = folder.look(full=True, deadline=0.0)
    while not found.complete:
        found = folder.look(full=True, deadline=0.0)
    assert reads == [f"{n}.md" for n in range(4)]


# --- which file is which document


def test_a_saved_file_with_a_new_inode_is_the_same_document(folder: Folder) -> None:
    folder.write("a.md")
    folder.look()
    before = folder.ids()
    folder.write("a.md.tmp", "new text").replace(folder.root / "a.md")
    (change,) = folder.look().changes
    assert (change.op, folder.ids()) == (Op.UPSERT, before)


def test_a_file_moved_to_another_disk_is_found_again_by_its_content(folder: Folder) -> None:
    folder.write("a.md", "unlike any other")
    folder.look()
    before = folder.ids()["a.md"]
    holder = (folder.root / "a.md").open()  # keeps the inode, so that the copy cannot get its number
    (folder.root / "a.md").unlink()
    folder.write("elsewhere/b.md", "unlike any other")
    (change,) = folder.look().changes
    holder.close()
    assert (change.op, folder.ids()) == (Op.MOVE, {"elsewhere/b.md": before})


def test_copies_moved_at_once_keep_their_ids_by_name(folder: Folder) -> None:
    for name in ("old/a.md", "old/b.md"):
        folder.write(name, "same")
    folder.look()
    before = folder.ids()
    files = [(folder.root / name).open() for name in before]
    for name in before:
        (folder.root / name).unlink()
        folder.write(name.replace("old", "new"), "same")
    found = folder.look()
    assert {c.op for c in found.changes} == {Op.MOVE}
    assert folder.ids() == {name.replace("old", "new"): native_id for name, native_id in before.items()}
    for file in files:
        file.close()


def test_ambiguous_copies_are_new_documents(folder: Folder) -> None:
    for name in ("a.md", "b.md"):
        folder.write(name, "same")
    folder.look()
    before = set(folder.ids().values())
    files = [(folder.root / name).open() for name in ("a.md", "b.md")]
    for old, new in (("a.md", "c.md"), ("b.md", "d.md")):
        (folder.root / old).unlink()
        folder.write(new, "same")
    found = folder.look()
    assert set(found.missing) == before
    assert before.isdisjoint(folder.ids().values())
    for file in files:
        file.close()


def test_two_files_that_swap_their_names_keep_their_paths_ids(folder: Folder) -> None:
    folder.write("a.md", "alpha")
    folder.write("b.md", "beta")
    folder.look()
    before = folder.ids()
    for old, new in (("a.md", "x"), ("b.md", "a.md"), ("x", "b.md")):
        (folder.root / old).rename(folder.root / new)
    assert [c.op for c in folder.look().changes] == [Op.UPSERT] * 2
    assert folder.ids() == before


def test_a_rename_of_case_alone_is_a_move(folder: Folder) -> None:
    folder.write("Report.md")
    folder.look()
    before = folder.ids()["Report.md"]
    (folder.root / "Report.md").rename(folder.root / "report.md")
    assert folder.look().changes[0].op is Op.MOVE
    assert folder.ids() == {"report.md": before}


def test_hard_links_are_two_documents(folder: Folder) -> None:
    file = folder.write("a.md")
    os.link(file, folder.root / "b.md")
    folder.look()
    assert folder.paths() == ["a.md", "b.md"]
    file.unlink()
    found = folder.look()
    assert len(found.missing) == 1
    assert folder.paths() == ["b.md"]


def test_a_name_overwritten_by_another_document_is_one_document_less(folder: Folder) -> None:
    folder.write("a.md", "alpha")
    folder.write("b.md", "beta")
    folder.look()
    before = folder.ids()
    (folder.root / "a.md").replace(folder.root / "b.md")
    found = folder.look()
    assert found.missing == (before["a.md"],)
    assert folder.ids() == {"b.md": before["b.md"]}


# --- what is out


def test_excluded_hidden_and_temporary_files_are_no_documents(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "root", exclude=("drafts/**", "*.log"))
    for name in ("a.md", "drafts/b.md", "c/d.log", ".git/config", ".hidden.md", "~$a.docx", "a.md~", "Thumbs.db",
                 ".DS_Store", "a.tmp", "movie.part", "page.crdownload", ".a.md.swp", "c/e.md"):  # fmt: skip
        folder.write(name)
    folder.look()
    assert folder.paths() == ["a.md", "c/e.md"]


def test_only_what_is_included_is_a_document(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "root", include=("*.md", "contracts/**/*.pdf"))
    for name in ("a.md", "b/c.md", "b/d.pdf", "contracts/e.pdf", "contracts/f/g.pdf", "contracts/h.txt"):
        folder.write(name)
    folder.look()
    assert folder.paths() == ["a.md", "b/c.md", "contracts/e.pdf", "contracts/f/g.pdf"]


def test_a_document_that_the_settings_leave_out_goes_by_a_tombstone_and_comes_back(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "root")
    for n in range(10):
        folder.write(f"drafts/{n}.md", f"text {n}")
    folder.look()
    folder.source = FilesystemSource("handbook", folder.root, exclude=["drafts/**"])
    found = folder.look()
    assert [(c.op, c.reason) for c in found.changes] == [(Op.DELETE, "out_of_scope")] * 10
    assert found.missing == ()
    folder.source = FilesystemSource("handbook", folder.root)
    assert len(folder.look().changes) == 10


def test_other_readers_change_every_document_without_reading_it(tmp_path: Path, reads: list[str]) -> None:
    folder = Folder(tmp_path / "root")
    for n in range(5):
        folder.write(f"{n}.md")
    folder.look()
    settled(folder)
    reads.clear()
    folder.source = FilesystemSource("handbook", folder.root, read=["user:anna"])
    found = [folder.look(limit=2)]
    while not found[-1].complete:
        found.append(folder.look(limit=2))
    assert [(c.op, c.item.read) for d in found for c in d.changes] == [(Op.ACL, ("user:anna",))] * 5
    assert reads == []
    assert folder.look().idle


def test_a_moved_root_moves_the_addresses_only(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "root")
    folder.write("a.md")
    folder.look()
    before = folder.ids()
    folder.root = folder.root.rename(tmp_path / "other")
    folder.source = FilesystemSource("handbook", folder.root)
    (change,) = folder.look().changes
    assert (change.op, change.item.uri) == (Op.METADATA, (folder.root / "a.md").as_uri())
    assert folder.ids() == before


# --- the place itself


def test_a_missing_root_is_named_and_changes_nothing(tmp_path: Path) -> None:
    source = FilesystemSource("handbook", tmp_path / "nowhere")
    with pytest.raises(SourceMissing, match=r"handbook: .*/nowhere is not there; nothing was changed"):
        source.changes("", KnownItems())
    (probe,) = source.probe()
    assert not probe.ok
    assert probe.remedy


def test_a_root_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(SourceMissing, match="is no folder"):
        FilesystemSource("handbook", tmp_path / "file").discover()


def test_a_root_that_may_not_be_listed_is_access_denied(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(AccessDenied, match="may not be listed"):
        folder.look()


def test_a_root_that_answers_with_an_error_is_no_empty_root(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("a.md")
    folder.look()

    def stale(*_: object) -> None:
        raise OSError(errno.ESTALE, "Stale file handle")

    monkeypatch.setattr(os, "scandir", stale)
    with pytest.raises(SourceError, match="Stale file handle"):
        folder.look()


def test_a_root_that_is_a_link_is_followed(tmp_path: Path) -> None:
    folder = Folder(tmp_path / "root")
    folder.write("a.md")
    (tmp_path / "link").symlink_to(folder.root)
    assert FilesystemSource("handbook", tmp_path / "link").changes("", KnownItems()).seen == 1


def test_a_file_that_cannot_be_read_stays_as_it_was_and_is_reported(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("a.md")
    folder.look()
    folder.write("a.md", "secret now")
    folder.write("b.md")

    def refuse(name: str, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(scan, "hash_stable", refuse)
    found = folder.look()
    assert found.unreadable == (("a.md", "Permission denied"), ("b.md", "Permission denied"))
    assert found.idle
    monkeypatch.undo()
    assert [c.item.path for c in folder.look().changes] == ["a.md", "b.md"]


# --- fetching


def test_a_file_that_changed_since_it_was_listed_is_fetched_as_it_is_now(folder: Folder, tmp_path: Path) -> None:
    folder.write("a.md", "old")
    (change,) = folder.look().changes
    folder.write("a.md", "newer")
    fetched = folder.source.fetch(change.item, tmp_path, 100)
    assert fetched.path.read_text() == "newer"
    assert fetched.size == fetched.item.size == 5
    assert fetched.item.content_sha256 == fetched.content_sha256 != change.item.content_sha256
    folder.source.verify(fetched)


def test_a_file_that_changes_while_it_is_used_fails_the_verification(folder: Folder, tmp_path: Path) -> None:
    file = folder.write("a.md", "old")
    (change,) = folder.look().changes
    fetched = folder.source.fetch(change.item, tmp_path, 100)
    file.write_text("new")
    with pytest.raises(FetchFailed, match=r"a\.md changed while it was read"):
        folder.source.verify(fetched)
    file.unlink()
    with pytest.raises(DocumentGone):
        folder.source.verify(fetched)


def test_a_folder_swapped_for_a_link_is_not_fetched_from(folder: Folder, tmp_path: Path) -> None:
    folder.write("in/a.md", "inside")
    (change,) = folder.look().changes
    (folder.root / "in").rename(tmp_path / "outside")
    (folder.root / "in").symlink_to(tmp_path / "outside")
    with pytest.raises(FetchFailed):
        folder.source.fetch(change.item, tmp_path, 100)


def test_a_pipe_that_took_a_files_name_does_not_hang_the_fetch(folder: Folder, tmp_path: Path) -> None:
    file = folder.write("a.md")
    (change,) = folder.look().changes
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(DocumentGone):
        folder.source.fetch(change.item, tmp_path, 100)


# --- the faults by number


def test_fault_9_an_emptied_root_is_listed_as_empty_and_left_to_the_guard(folder: Folder) -> None:
    for n in range(5):
        folder.write(f"{n}.md")
    folder.look()
    for file in folder.root.iterdir():
        file.unlink()
    found = folder.source.changes("", folder.known)
    assert (found.seen, len(found.missing), found.complete, found.changes) == (0, 5, True, ())


def test_fault_16_a_change_with_the_old_size_and_time_is_found(folder: Folder) -> None:
    file = folder.write("a.md", "alpha")
    os.utime(file, (LONG_AGO, LONG_AGO))
    folder.look()
    settled(folder)
    file.write_text("ALPHA")
    os.utime(file, (LONG_AGO, LONG_AGO))
    assert [c.op for c in folder.look().changes] == [Op.UPSERT]


def test_fault_16_a_change_that_no_tuple_shows_is_found_by_a_full_look(folder: Folder) -> None:
    folder.write("a.md", "alpha")
    folder.look()
    settled(folder)
    (item,) = folder.known.items().values()
    wrong = type(item)(**{f: getattr(item, f) for f in item.__slots__} | {"content_sha256": "0" * 64})
    folder.known = KnownItems([wrong], folder.known.cursor)
    assert folder.look().idle
    (change,) = folder.look(full=True).changes
    assert (change.op, change.reason) == (Op.UPSERT, "content changed under the same version")


def test_fault_17_a_file_that_grows_while_it_is_read_waits_for_the_next_look(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.write("a.md", "begin")
    with monkeypatch.context() as patch:
        at_read(patch, lambda: grow(file))
        found = folder.look()
    assert (found.deferred, found.idle) == (("a.md",), True)
    (change,) = folder.look().changes
    assert change.item.size == len(file.read_bytes())


def test_fault_17_a_file_that_changed_once_under_the_read_is_read_again_at_once(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.write("a.md", "alpha")
    at_read(monkeypatch, lambda: file.write_text("gamma"), times=1)
    (change,) = folder.look().changes
    assert change.item.content_sha256 == hashlib.sha256(b"gamma").hexdigest()


def test_fault_17_a_file_deleted_or_replaced_while_it_is_read_is_never_half_indexed(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = folder.write("a.md", "alpha")
    folder.look()
    file.write_text("beta")
    with monkeypatch.context() as patch:
        at_read(patch, lambda: file.unlink(missing_ok=True), times=1)
        found = folder.look()
    assert (found.deferred, found.idle) == (("a.md",), True)
    assert len(folder.look().missing) == 1


def test_fault_17_a_young_file_is_read_when_it_has_come_to_rest(tmp_path: Path, monkeypatch: Any) -> None:
    folder = Folder(tmp_path / "root", settle_seconds=0.05)
    folder.write("still.md")
    growing = folder.write("growing.md")
    folder.write("old.md")
    os.utime(folder.root / "old.md", (LONG_AGO, LONG_AGO))
    monkeypatch.setattr(time, "sleep", lambda _: grow(growing))
    found = folder.look()
    assert found.deferred == ("growing.md",)
    assert folder.paths() == ["old.md", "still.md"]


def test_fault_18_links_pipes_and_sockets_are_skipped_and_reported(folder: Folder, tmp_path: Path) -> None:
    folder.write("a.md")
    (tmp_path / "secret.md").write_text("outside")
    (folder.root / "escape.md").symlink_to(tmp_path / "secret.md")
    (folder.root / "loop").symlink_to(folder.root)
    os.mkfifo(folder.root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        here = os.getcwd()
        os.chdir(folder.root)  # the name of a socket may have 107 bytes
        server.bind("socket")
        os.chdir(here)
        found = folder.look()
    assert folder.paths() == ["a.md"]
    assert [path for path, _ in sorted(found.skipped)] == ["escape.md", "loop", "pipe", "socket"]
    assert {why for _, why in found.skipped} == {"a symbolic link, not followed", "a named pipe", "a socket"}


def test_fault_18_a_document_replaced_by_a_link_out_of_the_root_is_gone(folder: Folder, tmp_path: Path) -> None:
    file = folder.write("a.md")
    folder.look()
    (tmp_path / "secret.md").write_text("outside")
    file.unlink()
    file.symlink_to(tmp_path / "secret.md")
    assert len(folder.look().missing) == 1


def test_fault_18_an_unreadable_folder_keeps_its_documents(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.md", "locked/b.md", "locked/deeper/c.md", "locked-too/d.md"):
        folder.write(name, name)
    folder.look()
    real = reading.open_folder

    def refuse(name: str, parent: int | None = None) -> int:
        if name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(name, parent)

    monkeypatch.setattr(walk, "open_folder", refuse)
    (folder.root / "a.md").unlink()
    (folder.root / "locked-too/d.md").unlink()
    found = folder.look()
    assert found.unreadable == (("locked", "Permission denied"),)
    assert folder.paths() == ["locked/b.md", "locked/deeper/c.md"]


def test_fault_18_a_listing_that_breaks_off_in_the_middle_deletes_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.md", "share/b.md"):
        folder.write(name, name)
    folder.look()
    real, calls = os.scandir, [0]

    def break_off(descriptor: int) -> Any:
        calls[0] += 1
        if calls[0] == 2:
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor)

    monkeypatch.setattr(os, "scandir", break_off)
    found = folder.look()
    assert (found.missing, found.unreadable) == ((), (("share", "Input/output error"),))


NAMES = [
    b"plain.md", "caf\u00e9.md".encode(), b"caf\xe9.md", "cafe\u0301.md".encode(), b"line\nbreak.md", b"%2e%2e%2f.md",
    b"a..%2f.md", b"a..\\up.md", b"' OR 1=1 --.md", b"$(rm -rf).md", b"{{7*7}}.md", b"x" * 252 + b".md", b" .md",
    "日本語の文書.md".encode(), b"\xff\xfe.md", b"\\xff\\xfe.md", b"\x01\x02.md", "\u202egpj.md".encode(),
    b"%C3%A9.md", b"100%.md", b"Case.md", b"case.md", b"-rf.md", b"NULL.md",
    "\ufb01.md".encode(), "e\u0301\u0323.md".encode(),
    "e\u0323\u0301.md".encode(),
]  # fmt: skip


def test_fault_19_every_name_is_one_document_and_comes_back_as_its_bytes(folder: Folder, tmp_path: Path) -> None:
    root = os.fsencode(folder.root)
    os.mkdir(root + b"/d\xe9p\xf4t")
    expected = set[bytes]()
    for n, name in enumerate(NAMES):
        for place in (b"/", b"/d\xe9p\xf4t/"):
            with open(root + place + name, "wb") as file:
                file.write(b"%d" % n + place)
            expected.add(b"%d" % n + place)
    number = sum(len(files) for _, _, files in os.walk(root))
    folder.look()
    items = list(folder.known.items().values())
    assert len(items) == len({i.path for i in items}) == len({i.fetch_ref for i in items}) == number
    for item in items:
        for text in (item.path, item.fetch_ref or "", item.uri):
            text.encode("utf-8")  # storable
            assert "\n" not in text or text == item.fetch_ref
        assert names.shown([item.path.split("/")[-1]]) == [item.path.split("/")[-1]]  # NFC, printable
    into = tmp_path / "into"
    into.mkdir()
    got = {folder.source.fetch(item, into, 100).path.read_bytes() for item in items}
    assert got == expected
    before = folder.ids()
    assert folder.look().idle
    assert folder.look(full=True).idle
    assert folder.ids() == before


def test_fault_19_a_twin_in_another_form_of_unicode_leaves_both_findable(folder: Folder) -> None:
    decomposed, composed = "cafe\u0301.md", "caf\u00e9.md"
    folder.write(decomposed, "one")
    folder.look()
    before = folder.ids()
    assert folder.paths() == [composed]
    folder.write(composed, "two")
    folder.look()
    assert len(folder.paths()) == 2
    assert composed in folder.paths()
    assert before[composed] in folder.ids().values()
    (folder.root / composed).unlink()
    folder.look()
    assert folder.ids() == before


def test_fault_19_a_path_longer_than_the_system_takes_by_name_is_read(folder: Folder, tmp_path: Path) -> None:
    descriptor = os.open(folder.root, os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=descriptor)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    file = os.open("deep.md", os.O_WRONLY | os.O_CREAT, dir_fd=descriptor)
    os.write(file, b"deep down")
    os.close(file)
    os.close(descriptor)
    (change,) = folder.look().changes
    fetched = folder.source.fetch(change.item, tmp_path, 100)
    folder.source.verify(fetched)
    assert fetched.path.read_bytes() == b"deep down"
    assert folder.look().idle


def test_no_descriptor_is_left_open(folder: Folder) -> None:
    for n in range(5):
        folder.write(f"{n}/deep/er/{n}.md")
    before = len(os.listdir("/proc/self/fd"))
    folder.look()
    folder.look(deadline=0.0)
    folder.look(limit=1)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_source_writes_nothing_below_its_root(folder: Folder, tmp_path: Path) -> None:
    folder.write("deep/a.md")
    folder.root.chmod(stat.S_IRUSR | stat.S_IXUSR)
    before = {p: p.stat().st_mtime_ns for p in folder.root.rglob("*")}
    folder.look()
    for item in folder.known.items().values():
        folder.source.fetch(item, tmp_path, 100)
    assert {p: p.stat().st_mtime_ns for p in folder.root.rglob("*")} == before
    folder.root.chmod(stat.S_IRWXU)


def test_what_is_known_is_read_a_page_at_a_time_and_every_absence_is_found(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(window, "PAGE", 3)
    made = [f"{name}{n}.md" for name in ("a-", "a/", "a/b-", "a/b/", "a0/", "z") for n in range(3)]
    for name in made:
        folder.write(name, name)
    folder.look()
    (folder.root / "zz").mkdir()
    for name in ("a-0.md", "a-1.md", "a-2.md", "a/b/1.md", "a0/0.md", "a0/1.md", "a0/2.md", "z2.md"):
        (folder.root / name).unlink()
    (folder.root / "a/b-2.md").rename(folder.root / "zz" / "moved.md")
    grow(folder.root / "a/b/2.md")
    ids, found = folder.ids(), folder.look()
    assert sorted((c.op, c.item.path) for c in found.changes) == [(Op.MOVE, "zz/moved.md"), (Op.UPSERT, "a/b/2.md")]
    gone = {"a-0.md", "a-1.md", "a-2.md", "a/b/1.md", "a0/0.md", "a0/1.md", "a0/2.md", "z2.md"}
    assert {ids[name] for name in gone} == set(found.missing)
    assert folder.look().idle


def test_a_copy_moved_to_another_disk_in_another_part_of_the_listing_keeps_its_id(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(6):
        folder.write(f"m/{n}.md", f"text {n}")
    folder.look()
    ids = folder.ids()
    (folder.root / "a").mkdir()
    for n in range(6):  # another disk: the same bytes, another inode
        (folder.root / f"a/{n}.md").write_text((folder.root / f"m/{n}.md").read_text())
    for n in range(6):
        (folder.root / f"m/{n}.md").unlink()
    while not folder.look(limit=2).complete:
        pass
    assert folder.ids() == {f"a/{n}.md": ids[f"m/{n}.md"] for n in range(6)}


def test_a_new_file_on_the_inode_of_a_deleted_one_is_another_document(folder: Folder) -> None:
    old = folder.write("old.md")
    folder.look()
    before, inode = folder.ids()["old.md"], old.stat().st_ino
    old.unlink()
    for number in range(50):  # which inode a file gets is the system's choice
        if folder.write(f"new{number}.md", "something else").stat().st_ino == inode:
            break
    folder.look()
    assert before not in {native_id for path, native_id in folder.ids().items() if path.startswith("new")}
