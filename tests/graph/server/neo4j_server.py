"""A real Neo4j server in a folder of its own, to be started, killed and started again by a test."""

import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.graph.server.jars import CACHE, HERE, VERSION, jars, java, locked
from tests.ports import free_port
from tests.processes import state

SECONDS = 180
OPENINGS = ["java.base/java.nio", "java.base/java.io", "java.base/sun.nio.ch", "java.base/java.util.concurrent"]
CONFIGURATION = """
server.bolt.listen_address=127.0.0.1:{port}
server.bolt.advertised_address=127.0.0.1:{port}
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled={auth}
dbms.usage_report.enabled=false
server.memory.pagecache.size=64m
db.transaction.timeout=300s
internal.server.bolt.thread_pool_shutdown_wait_time=0s
dbms.cypher.min_replan_interval=1h
server.directories.data={home}/data
server.directories.logs={home}/logs
server.directories.run={home}/run
server.directories.plugins={home}/plugins
server.directories.import={home}/import
{more}
"""
ENCRYPTED = """
server.bolt.tls_level=OPTIONAL
dbms.ssl.policy.bolt.enabled=true
dbms.ssl.policy.bolt.base_directory={home}/certificates
dbms.ssl.policy.bolt.private_key=private.key
dbms.ssl.policy.bolt.public_certificate=public.crt
dbms.ssl.policy.bolt.client_auth=NONE
"""


def certify(folder: Path) -> None:
    """A key and a certificate of its own for 127.0.0.1."""
    folder.mkdir(parents=True)
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "private.key", "-out", "public.crt"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)


def loaded_classes(version: str) -> Path:
    """The classes that a server loads, as an archive that Java maps: made once, it halves the time of every start."""
    file = CACHE / version / "classes.jsa"
    with locked("classes"):
        if not file.exists():
            fresh = file.with_name("fresh.jsa")
            with tempfile.TemporaryDirectory(prefix="rag-neo4j-") as home:
                server = Neo4jServer(Path(home), version=version)
                try:
                    server.start(f"-XX:ArchiveClassesAtExit={fresh}")
                    server.stop()
                finally:
                    server.kill()
            if fresh.exists():
                fresh.rename(file)
    return file


@contextmanager
def serving(**options: Any) -> Iterator["Neo4jServer"]:
    """A started server in a new folder; killed, and the folder removed, at the end."""
    with tempfile.TemporaryDirectory(prefix="rag-neo4j-") as home:
        server = Neo4jServer(Path(home), **options)
        try:
            yield server.start()
        finally:
            server.kill()


class Neo4jServer:
    """One server; its data outlives `kill` and `start`."""

    def __init__(
        self, home: Path, *, password: str | None = None, tls: bool = False, version: str = VERSION, warm: bool = False
    ) -> None:
        self.home, self.password, self.version, self.warm = home, password, version, warm
        self.port = free_port()
        self.uri = f"bolt://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        for folder in ("conf", "data", "logs", "run", "plugins", "import"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        auth = str(password is not None).lower()
        if tls:
            certify(home / "certificates")
        more = ENCRYPTED.format(home=home) if tls else ""
        self.configuration = home / "conf" / "neo4j.conf"
        self.configuration.write_text(
            CONFIGURATION.format(port=self.port, home=home, auth=auth, more=more), encoding="utf-8"
        )

    @property
    def certificate(self) -> Path:
        """The CA to trust where the server was made with `tls`."""
        return self.home / "certificates" / "public.crt"

    def restart(self, more: str) -> None:
        """End it in order and start it again, with lines added to its configuration for this life."""
        text = self.configuration.read_text(encoding="utf-8")
        self.stop()  # killed, it would have to recover first, which a read-only database cannot
        self.configuration.write_text(f"{text}{more}\n", encoding="utf-8")
        try:
            self.start()
        finally:
            self.configuration.write_text(text, encoding="utf-8")

    def start(self, *options: str) -> "Neo4jServer":
        """Start the server, with more options of Java, and wait until it takes transactions."""
        if not options:
            options = (f"-XX:SharedArchiveFile={loaded_classes(self.version)}",)
        calendar = not self.version.startswith("5.")
        main = str(HERE / "Start.java") if calendar else "org.neo4j.server.CommunityEntryPoint"
        command = [java(self.version), "-Xms256m", "-Xmx512m", "-XX:+UseSerialGC", "-Xlog:cds=off", *options]
        if not self.warm:
            # Half the time to start and for the first statements; a benchmark takes the full compiler.
            command.append("-XX:TieredStopAtLevel=1")
        command += [f"--add-opens={name}=ALL-UNNAMED" for name in OPENINGS]
        if calendar:
            command += ["--enable-native-access=ALL-UNNAMED", "--add-modules=jdk.incubator.vector"]
        command += ["-Dlog4j2.disable.jmx=true", "-cp", f"{jars(self.version)}/*", main]
        command += [f"--home-dir={self.home}", f"--config-dir={self.home}/conf", "--console-mode"]
        with (self.home / "logs" / "console.log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        self._wait()
        return self

    def kill(self) -> None:
        """kill -9, as a crash does."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def stop(self) -> None:
        """An orderly end."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SECONDS)
            self._process = None

    def fill_disk(self) -> None:
        """Let every write to its files fail, as on a full disk, until it is started again."""
        assert self._process
        # Without a disk of its own, which only root may make. The server says the same either way.
        _, hard = resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self._process.pid, resource.RLIMIT_FSIZE, (0, hard))

    def pause(self) -> None:
        """Freeze the process: it accepts connections and never answers."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self._process.pid}/task")
        # a thread that runs on another core stops a moment later, and may answer until then
        while any(state(thread) not in "TX" for thread in threads.iterdir()):
            time.sleep(0.001)

    def resume(self) -> None:
        """Undo `pause`."""
        assert self._process
        self._process.send_signal(signal.SIGCONT)

    def _wait(self) -> None:
        import neo4j

        assert self._process
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                return self._greet()
            except (neo4j.exceptions.DriverError, neo4j.exceptions.Neo4jError):
                ended = self._process.poll() is not None
                if ended or time.monotonic() > deadline:
                    log = (self.home / "logs" / "console.log").read_text(errors="replace")
                    raise RuntimeError(f"Neo4j {self.version} did not start: {log[-3000:]}") from None
                time.sleep(0.1)

    def _greet(self) -> None:
        import neo4j

        try:
            self._ask("RETURN 1")
        except neo4j.exceptions.AuthError:
            self._set_password()

    def _ask(self, statement: str) -> None:
        import neo4j

        auth = ("neo4j", self.password or "none")
        with neo4j.GraphDatabase.driver(self.uri, auth=auth) as driver, driver.session(database="neo4j") as session:
            session.run(statement).consume()

    def _set_password(self) -> None:
        import neo4j

        change = "ALTER CURRENT USER SET PASSWORD FROM 'neo4j' TO $password"
        with (
            neo4j.GraphDatabase.driver(self.uri, auth=("neo4j", "neo4j")) as driver,
            driver.session(database="system") as session,
        ):
            session.run(change, password=self.password).consume()


if __name__ == "__main__":
    loaded_classes(VERSION)
    print(f"Neo4j {VERSION}: {jars()}, run by {java()}")
