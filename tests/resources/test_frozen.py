"""An SQLite file that was closed properly is read where no file can be made beside it."""

import sqlite3
from pathlib import Path

from resources.frozen import open_frozen


def made(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE one (a)")
    connection.execute("INSERT INTO one VALUES (1)")
    return connection


def test_a_closed_database_is_read_and_nothing_is_made_beside_it(tmp_path: Path) -> None:
    made(tmp_path / "a b#c.db").close()
    connection = open_frozen(tmp_path / "a b#c.db")
    assert connection is not None
    assert connection.execute("SELECT a FROM one").fetchall() == [(1,)]
    assert [file.name for file in tmp_path.iterdir()] == ["a b#c.db"]
    connection.close()


def test_a_database_whose_log_holds_more_is_not_read_without_it(tmp_path: Path) -> None:
    writer = made(tmp_path / "a.db")
    assert open_frozen(tmp_path / "a.db") is None
    writer.close()


def test_a_database_that_is_not_there_is_none(tmp_path: Path) -> None:
    assert open_frozen(tmp_path / "a.db") is None
