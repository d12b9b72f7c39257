"""The databases under test: every test that asks for `catalog` or `url` runs on SQLite and on a real Postgres."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.catalog import Catalog, schema
from tests.catalog import postgres

DATABASES = ["sqlite", "postgres"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server for the whole session (of each worker)."""
    with postgres.serving() as url:
        yield url


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without any table."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'catalog.db'}"
    return postgres.made(request.getfixturevalue("postgres_url"), "fresh")


@pytest.fixture(scope="session", params=DATABASES)
def shared_catalog(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """One catalog for many tests: a new one has every statement to compile."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('catalog') / 'catalog.db'}"
    else:
        url = postgres.made(request.getfixturevalue("postgres_url"), "shared")
    opened = Catalog(url)
    yield opened
    opened.close()


@pytest.fixture
def catalog(shared_catalog: Catalog) -> Catalog:
    """An empty catalog."""
    with shared_catalog.database.begin() as connection:
        for table in schema.metadata.sorted_tables:
            connection.execute(
                table.delete().where(table.c.key != "schema") if table is schema.meta else table.delete()
            )
    return shared_catalog


@pytest.fixture
def fresh_catalog(url: str) -> Iterator[Catalog]:
    """A catalog of its own, for tests that break it."""
    opened = Catalog(url)
    yield opened
    opened.close()
