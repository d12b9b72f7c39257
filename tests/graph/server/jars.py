"""The jars of a Neo4j server and a Java that runs them: fetched once into `.cache/neo4j`, outside git.

`python -m tests.graph.server.jars` prepares them; the tests do so themselves where it was not done.
"""

import fcntl
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VERSION = os.environ.get("RAG_TEST_NEO4J_VERSION", "5.26.30")
HERE = Path(__file__).parent
CACHE = HERE.parents[2] / ".cache" / "neo4j"
DEBIAN = {"java": "openjdk-17-jre-headless", "mvn": "maven"}


class ServerMissing(Exception):
    """A real Neo4j could not be prepared; the text says what to install."""


def java_needed(version: str) -> int:
    """The Java that a line of Neo4j asks for: 17 for 5.26, 25 for the calendar line."""
    return 17 if version.startswith("5.") else 25


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
        command = [_program("mvn"), "-q", "-B", "-f", str(HERE / "pom.xml"), f"-Dneo4j.version={version}"]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={fresh}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ServerMissing(f"Maven could not fetch Neo4j {version}: {(done.stdout + done.stderr)[-2000:]}")
        fresh.rename(folder)
    return folder


def java(version: str = VERSION) -> str:
    """A Java new enough for a version of the server: JAVA_HOME, the path, or below /usr/lib/jvm."""
    needed = java_needed(version)
    homes = [Path(os.environ["JAVA_HOME"])] if "JAVA_HOME" in os.environ else []
    candidates = [str(home / "bin" / "java") for home in [*homes, *sorted(Path("/usr/lib/jvm").glob("*"))]]
    for candidate in [shutil.which("java"), *candidates]:
        if candidate and Path(candidate).exists() and _version(candidate) >= needed:
            return candidate
    if needed > 17:
        raise ServerMissing(f"Neo4j {version} needs Java {needed}: install a JDK {needed} and set JAVA_HOME to it.")
    return _program("java")


def _version(candidate: str) -> int:
    text = subprocess.run([candidate, "-version"], capture_output=True, text=True, check=False).stderr
    found = re.search(r'version "(\d+)', text)
    return int(found.group(1)) if found else 0


def _program(name: str) -> str:
    found = shutil.which(name)
    if found:
        return found
    package = DEBIAN[name]
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", package]):
            subprocess.run(
                command, check=False, capture_output=True, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
            )
        found = shutil.which(name)
    if not found:
        raise ServerMissing(
            f"the tests of Neo4j need {name}: install the package {package}, or set RAG_TEST_NEO4J_URI to a server "
            "whose database may be emptied."
        )
    return found


if __name__ == "__main__":
    print(f"Neo4j {VERSION}: {jars()}, run by {java()}")
