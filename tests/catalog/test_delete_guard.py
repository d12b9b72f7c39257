"""What a complete listing misses is deleted, or held until a person says so."""

import pytest

from resources.catalog.guard import suspicious
from resources.catalog.items import Applied
from tests.catalog.listings import SOURCE, apply, delete, fill, names, settle, states, upsert


@pytest.mark.parametrize(
    ("living", "missing", "held"),
    [
        (5, 0, False),
        (1, 1, True),  # nothing is left
        (2, 1, False),  # one alone is never much
        (10, 2, False),  # 20 % are allowed
        (10, 3, True),
        (9, 2, True),
        (100_000, 1_001, True),  # far under 20 %, and over a thousand
        (100_000, 1_000, False),
        (100_000, 100_000, True),
    ],
)
def test_many_missing_documents_are_suspicious_and_few_are_not(living, missing, held):
    assert suspicious(missing, living, seen=living - missing) is held


@pytest.mark.parametrize(("missing", "held"), [(2, False), (3, True)])
def test_many_missing_documents_are_held_and_few_are_deleted(catalog, missing, held):
    listed = names(10)
    fill(catalog, listed)
    applied = apply(catalog, missing=tuple(listed[:missing]), seen=10 - missing)
    assert applied == (Applied(held=missing) if held else Applied(removed=missing))
    became = dict.fromkeys(listed[:missing], "held" if held else "gone")
    assert states(catalog) == dict.fromkeys(listed, "live") | became


def test_held_documents_are_served_and_known_and_ask_for_no_work(catalog):
    fill(catalog, names(10))
    apply(catalog, missing=tuple(names(5)), seen=5)
    assert catalog.items.hidden() == {}
    assert catalog.items.waiting() == {}
    assert set(catalog.items.known(SOURCE, "").items()) == set(names(10))
    assert catalog.items.counts()[SOURCE] == {"live": 5, "held": 5, "gone": 0, "hidden": 0}


def test_an_emptied_listing_is_held_and_the_next_one_too(catalog):
    fill(catalog, names(10))
    for _ in range(2):
        assert apply(catalog, missing=tuple(names(10)), seen=0) == Applied(held=10, emptied=True)
    assert set(states(catalog).values()) == {"held"}


def test_explicit_tombstones_are_applied_at_once_however_many(catalog):
    fill(catalog, names(10))
    assert apply(catalog, *(delete(name) for name in names(9)), seen=1) == Applied(removed=9)


def test_held_documents_that_are_listed_again_are_simply_there(catalog):
    before = fill(catalog, names(10))
    apply(catalog, missing=tuple(names(5)), seen=5)
    assert apply(catalog, seen=10) == Applied()
    assert states(catalog) == dict.fromkeys(before, "live")
    assert catalog.items.waiting() == {}


def test_a_held_document_that_comes_back_edited_waits(catalog):
    before = fill(catalog, names(10))
    apply(catalog, missing=tuple(names(5)), seen=5)
    back = upsert(names(1)[0], version="2", content_sha256="other")
    assert apply(catalog, back, missing=tuple(names(5)[1:]), seen=6) == Applied(changed=1, held=4)
    assert states(catalog)[names(1)[0]] == "live"
    assert list(catalog.items.pending(SOURCE)) == [before[names(1)[0]]]


def test_a_held_document_that_a_feed_shows_unchanged_is_there_without_work(catalog):
    fill(catalog, names(10))
    apply(catalog, missing=tuple(names(5)), seen=5)
    assert apply(catalog, upsert(names(1)[0]), listed=False) == Applied()
    assert states(catalog)[names(1)[0]] == "live"
    assert list(states(catalog).values()).count("held") == 4
    assert catalog.items.waiting() == {}


def test_when_most_are_back_the_rest_is_deleted(catalog):
    fill(catalog, names(10))
    apply(catalog, missing=tuple(names(5)), seen=5)
    assert apply(catalog, missing=tuple(names(2)), seen=8) == Applied(removed=2)
    assert list(states(catalog).values()).count("held") == 0


def test_what_is_held_below_an_unreadable_folder_stays_held(catalog):
    inside, beside = [f"shut/{name}" for name in names(3)], [f"shutter/{name}" for name in names(3)]
    fill(catalog, [*inside, *beside, "a.md"])
    apply(catalog, missing=(*inside, *beside), seen=1)
    apply(catalog, seen=4, unreadable=(("shut", "Permission denied"),))
    assert states(catalog) == {**dict.fromkeys(inside, "held"), **dict.fromkeys(beside, "live"), "a.md": "live"}


def test_a_feed_of_changes_and_an_unfinished_listing_miss_nothing(catalog):
    fill(catalog, names(4))
    apply(catalog, missing=tuple(names(1)), listed=False)
    apply(catalog, missing=tuple(names(1)), complete=False)
    assert states(catalog) == dict.fromkeys(names(4), "live")


def test_the_share_is_of_the_whole_source_and_an_emptied_scope_is_held(catalog):
    fill(catalog, names(90, "a"), scope="large")
    fill(catalog, names(10, "b"), scope="small")
    assert apply(catalog, missing=tuple(names(9, "b")), seen=1, scope="small") == Applied(removed=9)
    assert apply(catalog, missing=("b00009.md",), seen=0, scope="small") == Applied(held=1, emptied=True)
    assert apply(catalog, seen=90, scope="large") == Applied()
    assert states(catalog)["b00009.md"] == "held"


def test_approval_lets_the_held_deletions_of_that_source_through(catalog):
    before = fill(catalog, names(10))
    fill(catalog, names(10, "other"), source="contracts")
    for source, missing in ((SOURCE, names(5)), ("contracts", names(5, "other"))):
        apply(catalog, missing=tuple(missing), seen=5, source=source)
    assert catalog.items.approve_deletes(SOURCE) == 5
    gone = {before[name] for name in names(5)}
    assert set(catalog.items.hidden()) == gone
    assert set(catalog.items.pending(SOURCE)) == gone
    assert catalog.items.approve_deletes(SOURCE) == 0
    assert catalog.items.counts()["contracts"]["held"] == 5


def test_forgetting_a_source_deletes_all_of_it_and_its_cursor(catalog):
    fill(catalog, names(4))
    fill(catalog, names(2, "other"), source="contracts")
    apply(catalog, missing=tuple(names(3)), seen=1)
    assert catalog.items.forget(SOURCE) == 4
    assert set(states(catalog).values()) == {"gone"}
    assert catalog.items.known(SOURCE, "").cursor is None
    assert catalog.items.known(SOURCE, "").items() == {}
    assert catalog.items.known("contracts", "").cursor == "c1"
    assert set(states(catalog, "contracts").values()) == {"live"}
    assert catalog.items.forget(SOURCE) == 0


def test_a_forgotten_source_can_be_listed_anew(catalog):
    before = fill(catalog, names(4))
    catalog.items.forget(SOURCE)
    settle(catalog)
    catalog.items.purge(before.values())
    assert apply(catalog, *(upsert(name) for name in names(4))) == Applied(new=4)
