"""What an index and one edit of it cost, with models that cost nothing: CPU, bytes written, peak memory.

Each size is measured in a process of its own, Dagster's storage in memory, and the compaction of tables (every
twentieth commit) counted apart. What an edit of a large index costs against one of a small index is measured by turns
in one process: the speed of a machine may change from one minute to the next.
`python -m benchmarks.update_cost [--sizes 50 200 1000] [--large 20000] [--profile N]`.
"""

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType

from benchmarks import corpus
from benchmarks.passes import Passes, Step

SIZES = (50, 200, 1000)
LARGE = 20_000
SMALL = 200
"""The size that an edit of the large index is compared with."""
EDITS = 5


@dataclass(slots=True)
class Measured:
    """One size: the full build, one edit after another, a pass without any, and the highest memory of the process.

    `beside`: an edit of an index of SMALL documents after each of them.
    """

    size: int
    build: Step
    edits: list[Step]
    idle: Step
    peak_bytes: int
    beside: list[Step]


class Edited:
    """An index of `size` documents, built by the first pass, that are then edited one by one."""

    def __init__(self, home: Path, size: int) -> None:
        self.documents, self.folder, self.size, self.edits = corpus.Corpus(size), home / "docs", size, 0
        self.passes = Passes(home, self.documents.documents())

    def edit(self) -> Step:
        """Change one document, and what the pass after it costs."""
        at = (self.edits * 37 + 5) % self.size
        self.edits += 1
        (self.folder / corpus.name_of(at)).write_text(self.documents.text(at, 1), encoding="utf-8")
        return self.passes.step()


def measure(size: int, edits: int = EDITS) -> Measured:
    """Build and edit an index of `size` documents in this process, and a small one beside it where it is larger."""
    with tempfile.TemporaryDirectory(prefix="rag-update-cost-") as folder:
        index = Edited(Path(folder, "index"), size)
        build, small = index.passes.step(), None
        if size > max(SIZES):
            small = Edited(Path(folder, "small"), SMALL)
            small.passes.step()
        steps, beside = list[Step](), list[Step]()
        for _ in range(edits):
            steps.append(index.edit())
            if small is not None:
                beside.append(small.edit())
        idle = index.passes.step()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Measured(size, build, steps, idle, peak, beside)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Of the line that fits the points best."""
    return statistics.linear_regression([x for x, _ in points], [y for _, y in points]).slope


def _apart(size: int) -> Measured:
    """`measure` in a process of its own, so that its memory and imports are its own."""
    command = [sys.executable, "-m", "benchmarks.update_cost", "--measure", str(size)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONWARNINGS": "ignore"})
    if done.returncode:
        raise SystemExit(f"{size} documents failed:\n{done.stderr[-4000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    steps, beside = ([Step(**step) for step in found[name]] for name in ("edits", "beside"))
    return Measured(found["size"], Step(**found["build"]), steps, Step(**found["idle"]), found["peak_bytes"], beside)


def edit_of(edits: Sequence[Step]) -> Step:
    """The median edit, the first left out where there are more: it loads what the others find loaded."""
    steps = edits[1:] or edits
    cpu, wall, written = (statistics.median(getattr(s, name) for s in steps) for name in ("cpu", "wall", "written"))
    rows, compaction = statistics.median(s.rows for s in steps), max(s.compaction for s in steps)
    return Step(cpu, wall, int(written), compaction, int(rows), max(s.texts for s in steps))


def _line(m: Measured) -> str:
    edit = edit_of(m.edits)
    return (
        f"{m.size:>7,} {m.build.cpu:>8.2f} {m.build.wall:>8.1f}"
        f" {m.build.written / 1e6:>9.2f} {m.build.rows / 1e6:>8.2f}"
        f" {edit.cpu:>8.2f} {edit.wall:>8.2f} {edit.written / 1e6:>9.3f} {edit.rows / 1e6:>8.3f} {edit.texts:>6}"
        f" {m.idle.cpu:>8.3f} {m.peak_bytes / 1e6:>8.0f}"
    )


def main(sizes: Sequence[int] = SIZES, large: int = LARGE) -> None:
    """Print the table and what follows from it."""
    print(
        "documents    build: CPU s, wall s, MB, MB rows    edit: CPU s, wall s, MB, MB rows, texts   idle CPU   peak MB"
    )
    found: dict[int, Measured] = {}
    for size in [*sizes, *([large] if large else [])]:
        found[size] = _apart(size)
        print(_line(found[size]), flush=True)
    small = [found[size] for size in sizes]
    if len(small) > 1:
        print(f"slope of CPU: {1000 * slope([(m.size, m.build.cpu) for m in small]):.2f} ms a document")
    top = small[-1]
    share = edit_of(top.edits).written / max(1, top.build.written)
    rows = edit_of(top.edits).rows / max(1, top.build.rows)
    print(f"one edit of {top.size:,}: {share:.1%} of the full build's bytes written, {rows:.1%} of its bytes of rows")
    for m in found.values():
        if m.beside:
            one, other = edit_of(m.edits), edit_of(m.beside)
            times = f"CPU × {one.cpu / other.cpu:.1f}, wall × {one.wall / other.wall:.1f}"
            print(f"one edit at {m.size:,} against one at {SMALL}, by turns: {times}")


def profile(size: int, rows: int = 60) -> None:
    """Where the CPU of a build and of one edit goes: ms by function with all that it calls, and by itself.

    Sampled: a tracing profiler would make small calls look dear. Everything is imported before.
    """
    with tempfile.TemporaryDirectory(prefix="rag-update-cost-") as folder:
        Edited(Path(folder, "warm"), 20).passes.step()
        index = Edited(Path(folder, "index"), size)
        for what, work in (("build", index.passes.step), ("edit", index.edit), ("second edit", index.edit)):
            with Samples() as samples:
                step = work()
            unit, name = (size, "ms a document") if what == "build" else (1, "ms")
            print(f"-- {what} of {size:,}: {1000 * step.cpu / unit:.2f} {name} CPU, {step.written:,} bytes")
            print("   rows by asset, bytes:", step.by_asset)
            samples.show(name, 1000 * step.cpu / unit, rows)


class Samples:
    """Stacks of the main thread, looked at every few milliseconds of CPU."""

    EVERY = 0.002

    def __init__(self) -> None:
        self.total = 0
        self.within: Counter[str] = Counter()
        self.itself: Counter[str] = Counter()

    def __enter__(self) -> "Samples":
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, self.EVERY, self.EVERY)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def _look(self, _number: int, frame: FrameType | None) -> None:
        self.total += 1
        if frame is not None:
            self.itself[_place(frame)] += 1
        seen = set()
        while frame is not None:
            seen.add(_place(frame))
            frame = frame.f_back
        self.within.update(seen)

    def show(self, name: str, whole: float, rows: int) -> None:
        for title, counted in (("with all it calls", self.within), ("by itself", self.itself)):
            print(f"   {name}, {title}:")
            for place, count in counted.most_common(rows):
                print(f"   {whole * count / max(1, self.total):9.3f}  {place}")


def _place(frame: FrameType) -> str:
    code = frame.f_code
    return f"{'/'.join(Path(code.co_filename).parts[-2:])}:{code.co_firstlineno} {code.co_qualname}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES)
    parser.add_argument("--large", type=int, default=LARGE, help="0: leave it out")
    parser.add_argument("--measure", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--profile", type=int, help="where the CPU goes at this size")
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(asdict(measure(given.measure))))
    elif given.profile:
        profile(given.profile)
    else:
        main(given.sizes, given.large)
