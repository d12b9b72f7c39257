"""The names that titles and headings give, and which documents give them."""

import pytest

from tests.catalog.listings import BrokenOff, break_off


def give(catalog, **given):
    with catalog.database.begin() as connection:
        catalog.names.replace(connection, given)


def test_a_name_is_known_as_long_as_one_document_gives_it(catalog):
    give(catalog, d1=["northwind", "nordic cargo"], d2=["northwind"])
    assert catalog.names.all() == {"northwind", "nordic cargo"}
    assert catalog.names.count() == 2
    give(catalog, d1=[])
    assert catalog.names.known(["northwind", "nordic cargo", "never given"]) == {"northwind"}
    give(catalog, d2=[])
    assert catalog.names.all() == set()


def test_the_names_of_a_document_become_exactly_those_given(catalog):
    give(catalog, d1=["a", "b", "b"], d2=["c"])
    give(catalog, d1=["b", "d"])
    assert catalog.names.of(["d1", "d2", "d3"]) == {"d1": {"b", "d"}, "d2": {"c"}, "d3": set()}


def test_the_givers_of_a_name_are_found(catalog):
    give(catalog, d1=["a"], d2=["a", "b"])
    assert catalog.names.givers(["a", "b", "c"]) == {"a": {"d1", "d2"}, "b": {"d2"}, "c": set()}


def test_replacing_sees_what_its_own_transaction_wrote(catalog):
    with catalog.database.begin() as connection:
        catalog.names.replace(connection, {"d1": ["a", "b"]})
        catalog.names.replace(connection, {"d1": ["b"]})
        catalog.names.replace(connection, {"d1": ["b", "c"]})
    assert catalog.names.of(["d1"]) == {"d1": {"b", "c"}}


def test_what_the_caller_takes_back_was_never_given(catalog):
    give(catalog, d1=["a"])
    with pytest.raises(BrokenOff):
        break_off(catalog, lambda connection: catalog.names.replace(connection, {"d1": ["b"]}))
    assert catalog.names.all() == {"a"}


def test_the_longest_names_are_kept(catalog):
    longest = ["é" * 200, " ".join(["word"] * 12)]
    give(catalog, d1=longest)
    assert catalog.names.known(longest) == set(longest)
