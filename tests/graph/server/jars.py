"""The jars of a Neo4j server and a Java that runs them: fetched once into `.cache/neo4j`, outside git.

`python -m tests.graph.server.neo4j_server` prepares them; the tests do so themselves where it was not done.
"""

import fcntl
import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

VERSION = os.environ.get("RAG_TEST_NEO4J_VERSION", "5.26.30")
HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "neo4j"


class ServerMissing(Exception):
    """A real Neo4j could not be prepared; the text says what to install."""


def supported(version: str) -> tuple[int, ...]:
    """The releases of Java that a line of Neo4j runs on: 17 and 21 for 5.26, 25 for the calendar line."""
    return (17, 21) if version.startswith("5.") else (25,)


@contextmanager
def locked(what: str) -> Iterator[None]:
    """Several test processes prepare a server: one does it, the others wait."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def jars(version: str = VERSION) -> Path:
    """The folder with the server's jars, fetched from Maven Central if it is not there."""
    folder = CACHE / version / "lib"
    with locked("jars"):
        if folder.exists():
            return folder
        fresh = folder.with_name("lib.new")
        shutil.rmtree(fresh, ignore_errors=True)
        command = [_maven(), "-q", "-B", "-f", str(HERE / "pom.xml"), f"-Dneo4j.version={version}"]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerMissing(f"Maven could not fetch Neo4j {version}: {(done.stdout + done.stderr)[-2000:]}")
        for jar in fresh.glob("*.jar"):
            _unsign(jar)
        fresh.rename(folder)
    return folder


def _unsign(jar: Path) -> None:
    """Without its signature, that Java checks class by class and for which it archives none: a third of every start."""
    with zipfile.ZipFile(jar) as signed:
        signatures = [name for name in signed.namelist() if re.fullmatch(r"META-INF/[^/]+\.(SF|RSA|DSA|EC)", name)]
        if not signatures:
            return
        bare = jar.with_suffix(".bare")
        with zipfile.ZipFile(bare, "w") as unsigned:
            for entry in signed.infolist():
                if entry.filename not in signatures:
                    unsigned.writestr(entry, signed.read(entry))
    bare.replace(jar)


def java(version: str = VERSION) -> str:
    """A Java that a version of the server runs on: JAVA_HOME, the path, or below /usr/lib/jvm; else it is installed."""
    packages = [f"openjdk-{release}-jdk-headless" for release in supported(version)]
    return _java(version) or _installed(packages, lambda: _java(version))


def _java(version: str) -> str | None:
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    candidates = [str(home / "bin" / "java") for home in [*homes, *sorted(Path("/usr/lib/jvm").glob("*"))]]
    for candidate in [shutil.which("java"), *candidates]:
        if candidate and Path(candidate).exists() and _version(candidate) in supported(version):
            return candidate
    return None


def _version(candidate: str) -> int:
    text = subprocess.run([candidate, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', text)
    return int(found.group(1)) if found else 0


def _maven() -> str:
    return shutil.which("mvn") or _installed(["maven"], lambda: shutil.which("mvn"))


def _installed(packages: Sequence[str], find: Callable[[], str | None]) -> str:
    """Installed with the system's package manager where that is allowed; raises ServerMissing with what to do."""
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for arguments in (["update"], *(["install", "-y", "--no-install-recommends", package] for package in packages)):
            subprocess.run(["apt-get", "-qq", *arguments], check=False, capture_output=True, env=environment)
            if found := find():
                return found
    raise ServerMissing(
        f"the tests of Neo4j need {' or '.join(packages)}: install it, or set RAG_TEST_NEO4J_URI to a server whose "
        "database may be emptied."
    )
