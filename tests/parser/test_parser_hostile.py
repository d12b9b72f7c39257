"""Hostile files among good ones, and workers that hang, crash, starve or lose their parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from resources.parser import Parsed, ParseLimits, Parser, Rejected
from tests.parser import samples
from tests.parser.hostile import WORDS, Expected, write_hostile
from tests.processes import lives


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Expected]:
    return write_hostile(folder)


def good_files(folder: Path) -> list[Path]:
    """Ten documents in five formats."""
    folder.mkdir(exist_ok=True)
    for n in (1, 2):
        samples.docx(folder / f"{n}.docx", "Good", [WORDS])
        samples.pdf(folder / f"{n}.pdf", [[WORDS]])
        samples.markdown(folder / f"{n}.md", ["# Good", WORDS])
        samples.html(folder / f"{n}.html", "Good", [WORDS])
        samples.xlsx(folder / f"{n}.xlsx", "Good", {"Sheet": [["What", "Which"], ["harbour project", "crane"]]})
    return sorted(folder.iterdir())


def wait_for_end(pid: int) -> None:
    """Return when the process has ended, or after half a minute."""
    end = time.monotonic() + 30
    while lives(pid) and time.monotonic() < end:
        time.sleep(0.05)


def crash_first_worker(parser: Parser) -> None:
    """Crash the parser's first worker while it reads its first file."""
    while not parser.worker_pids:
        time.sleep(0.01)
    time.sleep(0.2)
    os.kill(parser.worker_pids[0], signal.SIGSEGV)


def slow_page(path: Path) -> Path:
    """A page that takes seconds to read."""
    path.write_text("<html><body>" + "<div>" * 400_000 + WORDS, encoding="utf-8")
    return path


def test_every_hostile_file_is_read_right_or_refused_and_the_good_ones_beside_it_are_read(
    folder: Path, expected: dict[str, Expected], tmp_path: Path
) -> None:
    good = good_files(tmp_path / "good")
    hostile = [folder / name for name in expected]
    mixed = [path for pair in zip(hostile, good * 5, strict=False) for path in pair]
    with Parser() as parser:
        outcomes = dict(parser.parse_many((str(path), path, path.name) for path in dict.fromkeys(mixed)))
    for path in good:
        outcome = outcomes[str(path)]
        assert isinstance(outcome, Parsed), (path.name, outcome)
        assert "harbour project" in outcome.text
    for name, may in expected.items():
        outcome = outcomes[str(folder / name)]
        if isinstance(outcome, Rejected):
            assert outcome.reason in may.reasons, (name, outcome)
            assert outcome.message.startswith(outcome.reason + ": ")
            assert "\n" not in outcome.message
        else:
            assert may.text is not None, (name, outcome.text[:200])
            assert may.text in outcome.text, (name, outcome.text[:200])
            assert "\0" not in outcome.text


def test_nothing_of_a_hostile_archive_is_written_to_disk(expected: dict[str, Expected]) -> None:
    assert "path_traversal.docx" in expected
    assert not Path("/tmp/rag_assets_was_here.xml").exists()


def test_a_file_that_takes_too_long_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    slow = slow_page(tmp_path / "slow.html")
    samples.docx(tmp_path / "good.docx", None, [WORDS])
    with Parser(ParseLimits(wall_seconds=0.3)) as parser:
        assert parser.parse(slow, "slow.html") == Rejected("timeout", "timeout: reading it takes more than 0.3 s")
        parser.limits = replace(parser.limits, wall_seconds=60)
        assert isinstance(parser.parse(tmp_path / "good.docx", "good.docx"), Parsed)


def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_is_read(tmp_path: Path) -> None:
    rows = [[str(n) for n in range(r, r + 20)] for r in range(20_000)]
    samples.xlsx(tmp_path / "large.xlsx", None, {"Sheet": rows})
    samples.docx(tmp_path / "good.docx", None, [WORDS])
    with Parser(ParseLimits(memory_bytes=300 * 1024**2)) as parser:
        outcome = parser.parse(tmp_path / "large.xlsx", "large.xlsx")
        assert outcome == Rejected("memory", "memory: reading it takes more than the 300 MiB that one file may take")
        assert isinstance(parser.parse(tmp_path / "good.docx", "good.docx"), Parsed)


def test_a_crash_decides_only_the_file_that_caused_it(tmp_path: Path) -> None:
    slow = slow_page(tmp_path / "slow.html")
    samples.docx(tmp_path / "good.docx", None, [WORDS])
    with Parser() as parser:
        crash = threading.Thread(target=crash_first_worker, args=(parser,))
        crash.start()
        outcomes = dict(parser.parse_many([("slow", slow, "s.html"), ("good", tmp_path / "good.docx", "g.docx")]))
        crash.join()
    assert outcomes["slow"] == Rejected("crashed", "crashed: the parser ended while it read this file (signal 11)")
    assert isinstance(outcomes["good"], Parsed)


def test_a_worker_that_died_while_it_waited_costs_no_file(tmp_path: Path) -> None:
    samples.docx(tmp_path / "good.docx", None, [WORDS])
    with Parser() as parser:
        assert isinstance(parser.parse(tmp_path / "good.docx", "good.docx"), Parsed)
        os.kill(parser.worker_pids[0], signal.SIGKILL)
        assert isinstance(parser.parse(tmp_path / "good.docx", "good.docx"), Parsed)


def test_a_worker_is_replaced_after_its_share_of_files(tmp_path: Path) -> None:
    samples.docx(tmp_path / "good.docx", None, [WORDS])
    with Parser(ParseLimits(recycle_after=2)) as parser:
        seen = []
        for _ in range(4):
            assert isinstance(parser.parse(tmp_path / "good.docx", "good.docx"), Parsed)
            seen.append(parser.worker_pids)
    assert len(seen[0]) == 1
    assert seen[1] == seen[3] == ()
    assert seen[0] != seen[2]


def test_two_workers_read_every_file_once(tmp_path: Path) -> None:
    for n in range(12):
        samples.docx(tmp_path / f"{n}.docx", f"Number {n}", [WORDS])
    with Parser(ParseLimits(workers=2)) as parser:
        files = [(str(n), tmp_path / f"{n}.docx", f"{n}.docx") for n in range(12)]
        outcomes = list(parser.parse_many(files))
        assert len(parser.worker_pids) == 2
    titles = {key: outcome.title for key, outcome in outcomes if isinstance(outcome, Parsed)}
    assert len(outcomes) == 12
    assert titles == {str(n): f"Number {n}" for n in range(12)}


def test_leaving_in_the_middle_leaves_no_process(tmp_path: Path) -> None:
    slow = slow_page(tmp_path / "slow.html")
    (tmp_path / "a.txt").write_text(WORDS, encoding="utf-8")
    with Parser() as parser:
        stream = parser.parse_many([("slow", slow, "slow.html"), ("a", tmp_path / "a.txt", "a.txt")])
        assert next(stream)[0] == "a"
        (pid,) = parser.worker_pids
    assert not Path(f"/proc/{pid}").exists()


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    samples.docx(tmp_path / "good.docx", None, [WORDS])
    script = (
        "import sys, time\nfrom pathlib import Path\nfrom resources.parser import Parser\n"
        "parser = Parser()\nparser.parse(Path(sys.argv[1]), 'good.docx')\n"
        "print(*parser.worker_pids, flush=True)\ntime.sleep(600)\n"
    )
    root = Path(__file__).parents[2]
    command = [sys.executable, "-c", script, str(tmp_path / "good.docx")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        parent.kill()
    wait_for_end(worker)
    assert not lives(worker)


def test_workers_write_nothing_to_the_terminal(
    folder: Path, expected: dict[str, Expected], capfd: pytest.CaptureFixture[str]
) -> None:
    with Parser() as parser:
        for name in ("bit_flipped.pdf", "page_loop.pdf", "bit_flipped.docx"):
            assert isinstance(parser.parse(folder / name, name), Rejected), expected[name]
    assert capfd.readouterr() == ("", "")
