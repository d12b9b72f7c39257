"""How far ingest is, and whether the graph has followed."""

from resources.catalog.stages import Commit


def test_the_generation_grows_with_each_batch_that_changed_rows(catalog):
    assert catalog.generations.current() == 0
    for advance in (True, False, True):
        catalog.stages.commit(Commit("chunks", "a", advance=advance))
    assert catalog.generations.current() == 2


def test_the_graph_is_behind_until_it_has_caught_up_with_the_last_batch(catalog):
    generations = catalog.generations
    assert generations.behind() is None
    catalog.stages.commit(Commit("chunks", "a", advance=True))
    seen = generations.current()
    catalog.stages.commit(Commit("chunks", "a", advance=True))
    generations.caught_up(seen)
    quiet, late = generations.behind()
    assert 0 <= quiet <= late
    generations.caught_up(generations.current())
    assert generations.behind() is None
