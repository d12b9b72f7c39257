"""A Postgres of our own for tests: initdb and pg_ctl, a socket in its folder instead of a port, nothing synced.

`RAG_TEST_POSTGRES_URL` names another server instead, whose user may create databases (`rag_test_…`).
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

MISSING = (
    "The catalog's tests need Postgres: neither PATH nor /usr/lib/postgresql/*/bin has initdb and pg_ctl, and {why}. "
    "Install the package `postgresql` (Debian: apt-get install postgresql), or name a server in RAG_TEST_POSTGRES_URL."
)


class PostgresMissing(Exception):
    """There is no Postgres, and none can be installed."""


def binaries() -> Path:
    """The folder of initdb and pg_ctl; installed with apt-get where that is allowed."""
    found = _find()
    if found is None:
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise PostgresMissing(MISSING.format(why="this user may not install it with apt-get"))
        quiet = {"env": {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, "capture_output": True, "text": True}
        subprocess.run(["apt-get", "update", "-q"], check=False, **quiet)
        tried = subprocess.run(["apt-get", "install", "-qy", "--no-install-recommends", "postgresql"], **quiet)
        found = _find()
        if found is None:
            raise PostgresMissing(MISSING.format(why=f"apt-get ended with {tried.returncode}: {tried.stderr[-300:]}"))
    return found


def _find() -> Path | None:
    on_path = shutil.which("initdb")
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda b: int(b.parent.name.split(".")[0]))
    candidates = [Path(on_path).resolve().parent] if on_path else []
    candidates += reversed(versions)
    return next((b for b in candidates if (b / "initdb").exists() and (b / "pg_ctl").exists()), None)


@contextmanager
def serving() -> Iterator[str]:
    """The URL of a server that lives as long as the context."""
    given = os.environ.get("RAG_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    bin_ = binaries()
    home = Path(tempfile.mkdtemp(prefix="rag-pg-", dir="/tmp"))  # a socket's path has room for 107 characters
    # Postgres does not run as root
    user = next(name for name in ("postgres", "nobody") if _exists(name)) if os.geteuid() == 0 else None
    if user:
        shutil.chown(home, user)
    try:
        data = str(home / "data")
        _call(user, bin_ / "initdb", "-D", data, "-A", "trust", "-U", "rag", "-E", "UTF8", "--locale=C", "--no-sync")
        options = f"-k {home} -c listen_addresses='' -c fsync=off -c full_page_writes=off -c max_connections=50"
        _call(user, bin_ / "pg_ctl", "-D", data, "-o", options, "-l", str(home / "log"), "-w", "start")
        try:
            yield f"postgresql+psycopg2://rag@/postgres?host={home}"
        finally:
            _call(user, bin_ / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(home)


def _exists(user: str) -> bool:
    return any(entry.pw_name == user for entry in pwd.getpwall())


def _call(user: str | None, *command: object) -> None:
    as_user = ["runuser", "-u", user, "--"] if user else []
    # no pipes: the server would keep them open
    done = subprocess.run(
        [*as_user, *map(str, command)], cwd="/", stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL, check=False,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}")


def made(server: str, name: str) -> str:
    """The URL of an empty database of this name on the server; one of before is dropped."""
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS rag_test_{name} WITH (FORCE)")
        connection.exec_driver_sql(f"CREATE DATABASE rag_test_{name}")
    engine.dispose()
    return sa.make_url(server).set(database=f"rag_test_{name}").render_as_string(hide_password=False)
