"""One run at a time works on a partition, and a dead holder blocks nobody."""

import contextlib
import re
import socket
import threading
import time

import pytest
import sqlalchemy as sa

from resources.catalog import leases, processes, schema
from resources.errors import CatalogUnavailable, LeaseHeld
from tests.catalog import writers


def take(catalog, *names, holder="run 2", wait_seconds=0.0):
    """Take and let go again, as a run that has nothing to do."""
    with catalog.leases.hold(names, holder, wait_seconds):
        return True


def test_a_second_holder_is_refused_and_told_who_holds_it_and_since_when(catalog):
    with catalog.leases.hold(["handbook"], "run 1"), pytest.raises(LeaseHeld) as refused:
        take(catalog, "handbook")
    said = str(refused.value)
    assert re.fullmatch(
        rf"handbook is being indexed by run 1 \(pid \d+ on {re.escape(socket.gethostname())}\) "
        r"since \d\d:\d\d:\d\d; wait, or stop that run\.",
        said,
    )


def test_other_names_are_free(catalog):
    with catalog.leases.hold(["handbook/00", "handbook/01"], "run 1"):
        assert take(catalog, "handbook/02")
        assert catalog.leases.held() == {"handbook/00": "run 1", "handbook/01": "run 1"}


def test_all_names_are_held_or_none(catalog):
    with catalog.leases.hold(["b"], "run 1"), pytest.raises(LeaseHeld, match=r"^b is"):
        take(catalog, "a", "b", "c")
    assert catalog.leases.held() == {}
    assert take(catalog, "a", "b", "c")


def test_a_lease_ends_with_its_work_also_when_that_fails(catalog):
    with contextlib.suppress(RuntimeError), catalog.leases.hold(["handbook"], "run 1"):
        raise RuntimeError
    assert catalog.leases.held() == {}


def test_a_run_may_take_again_what_it_holds_and_keeps_it_until_the_outer_end(catalog):
    with catalog.leases.hold(["handbook"], "run 1"):
        assert take(catalog, "handbook", holder="run 1")
        with pytest.raises(LeaseHeld):
            take(catalog, "handbook")
    assert take(catalog, "handbook")


def test_two_steps_of_one_run_hold_a_name_until_both_are_done(catalog):
    one, two = (catalog.leases.hold(["handbook"], "run 1") for _ in range(2))
    one.__enter__()
    two.__enter__()
    one.__exit__(None, None, None)
    with pytest.raises(LeaseHeld):
        take(catalog, "handbook")
    two.__exit__(None, None, None)
    assert take(catalog, "handbook")


def test_a_holder_that_was_killed_is_taken_over_at_once(url, fresh_catalog):
    process = writers.start("hold", url, "handbook", "run 1")
    assert writers.says(process) == "holds"
    with pytest.raises(LeaseHeld, match=f"run 1 .pid {process.pid} "):
        take(fresh_catalog, "handbook")
    process.kill()
    # not yet reaped by us, its parent: a zombie holds nothing
    assert take(fresh_catalog, "handbook", wait_seconds=30)
    process.wait()
    process.stdout.close()
    assert fresh_catalog.leases.held() == {}


@pytest.mark.parametrize("known", ["boot_id", "started"])
def test_a_pid_of_before_a_restart_or_given_again_is_not_taken_for_the_holder(catalog, monkeypatch, known):
    with monkeypatch.context() as before:
        before.setattr(processes, known, lambda *_: "of before")
        hold = catalog.leases.hold(["handbook"], "run 1")
        hold.__enter__()
    assert catalog.leases.held() == {}
    assert take(catalog, "handbook")
    hold.__exit__(None, None, None)


def test_a_holder_on_another_host_is_believed_while_its_heart_beats(catalog, monkeypatch):
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr(socket, "gethostname", lambda: "another-host")
        hold = catalog.leases.hold(["handbook"], "run 1")
        hold.__enter__()
    with pytest.raises(LeaseHeld, match="on another-host"):
        take(catalog, "handbook")
    monkeypatch.setattr(leases, "STALE_SECONDS", 0.0)
    assert take(catalog, "handbook")
    hold.__exit__(None, None, None)


def heartbeat(catalog):
    with catalog.database.read() as connection:
        return connection.scalar(sa.select(schema.leases.c.heartbeat))


def beats_on(catalog):
    """Waits for the next beat."""
    before = heartbeat(catalog)
    for _ in range(2_000):
        if heartbeat(catalog) > before:
            return True
        time.sleep(0.01)
    return False


def test_the_heart_of_a_holder_beats(catalog, monkeypatch):
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    with catalog.leases.hold(["handbook"], "run 1"):
        assert beats_on(catalog)


def test_a_catalog_that_is_away_for_a_beat_does_not_stop_the_heart(catalog, monkeypatch, caplog):
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    missed = threading.Event()

    def away():
        missed.set()
        raise CatalogUnavailable("the server restarts")

    with catalog.leases.hold(["handbook"], "run 1"):
        with monkeypatch.context() as restarting:
            restarting.setattr(catalog.database, "begin", away)
            assert missed.wait(30)
        assert beats_on(catalog)
    assert "the server restarts" in caplog.text


def test_who_waits_gets_the_lease_when_it_is_free(catalog):
    hold = catalog.leases.hold(["handbook"], "run 1")
    hold.__enter__()
    ends = threading.Timer(0.2, lambda: catalog.leases.release_holder("run 1"))
    ends.start()
    assert take(catalog, "handbook", wait_seconds=60)
    ends.join()
    hold.__exit__(None, None, None)


def test_everything_that_a_dead_run_held_can_be_let_go(catalog):
    with catalog.leases.hold(["a", "b"], "run 1"), catalog.leases.hold(["c"], "run 2"):
        assert catalog.leases.release_holder("run 1") == 2
        assert catalog.leases.held() == {"c": "run 2"}


def test_a_lease_that_a_full_disk_keeps_from_ending_blocks_no_run_of_this_process(catalog, monkeypatch):
    def full(*_arguments):
        raise CatalogUnavailable("the catalog cannot be used (database or disk is full).")

    with monkeypatch.context() as disk:
        disk.setattr(catalog.leases, "_delete", full)
        assert take(catalog, "handbook", holder="run 1")
    assert catalog.leases.held() == {}
    assert take(catalog, "handbook", holder="run 2")
