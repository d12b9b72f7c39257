"""Several processes on one catalog, and processes that die in the middle of a write."""

import random
import time

import sqlalchemy as sa

from resources.catalog import Catalog, schema
from tests.catalog import writers
from tests.catalog.listings import BrokenOff, apply, break_off, upsert


def rows(catalog, table, *where):
    with catalog.database.read() as connection:
        return connection.scalar(sa.select(sa.func.count()).select_from(table).where(*where))


def test_a_writer_that_is_killed_leaves_the_old_or_the_new_state(url):
    catalog = Catalog(url)
    chance, reached = random.Random(20260504), 0
    for _ in range(2):
        process = writers.start("grow", url, "handbook")
        assert writers.says(process) == "starts"
        time.sleep(chance.uniform(0.05, 0.4))
        process.kill()
        process.wait()
        process.stdout.close()
        at = int(catalog.items.known("handbook", "").cursor or 0)
        assert at >= reached
        assert rows(catalog, schema.items) == rows(catalog, schema.changes) == at * writers.BATCH
        marked = catalog.generations.current() * writers.BATCH
        assert rows(catalog, schema.marks) == rows(catalog, schema.queue) == marked
        writers.grow(catalog, "handbook", 1)  # nobody holds anything
        reached = at + 1
    assert sum(count for count, _ in catalog.items.waiting().values()) == reached * writers.BATCH
    catalog.close()


def test_processes_that_write_at_once_into_a_new_catalog_all_succeed(url):
    at_work = [writers.start("grow", url, source, "8") for source in ("handbook", "contracts", "contracts")]
    for process in at_work:
        process.communicate(timeout=120)
        assert process.returncode == 0
    catalog = Catalog(url)
    assert catalog.items.known("handbook", "").cursor == "8"
    assert catalog.items.counts()["handbook"]["live"] == catalog.stages.count("chunks", "handbook") == 8 * writers.BATCH
    assert catalog.generations.current() == 24
    for source in ("handbook", "contracts"):
        # also two at work on one source give each document one id
        known = {d.id for d in catalog.items.documents() if d.source == source}
        assert set(catalog.items.pending(source)) == known
    catalog.close()


def test_a_reader_waits_for_no_writer_and_sees_what_is_committed(url):
    writing, reading = Catalog(url), Catalog(url)
    apply(writing, upsert("a.md"))
    with writing.database.begin() as connection:
        connection.execute(sa.update(schema.items).values(state="gone"))
        assert [d.state for d in reading.items.documents()] == ["live"]
        assert [d.state for d in writing.items.documents()] == ["live"]
    assert [d.state for d in reading.items.documents()] == ["gone"]
    writing.close()
    reading.close()


def test_a_transaction_that_breaks_off_is_taken_back(catalog):
    apply(catalog, upsert("a.md"))
    try:
        break_off(catalog, lambda connection: connection.execute(sa.delete(schema.items)))
    except BrokenOff:
        assert len(catalog.items.documents()) == 1
