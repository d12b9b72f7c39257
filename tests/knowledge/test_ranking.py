"""What order the ranking gives, on neighbourhoods small enough to see why."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.mention import TITLE_WEIGHT
from knowledge.ranking import (
    Names,
    Passages,
    WalkSettings,
    Weights,
    bm25,
    rank,
    second_hop,
    walk,
)


def passages(cosine: list[float], frequency: list[list[int]] | None = None, idf: list[float] | None = None) -> Passages:
    size = len(cosine)
    counts = np.array(frequency, float) if frequency is not None else np.zeros((size, 1))
    return Passages(
        np.array(cosine, float), counts, np.full(size, 50.0), np.array(idf or [1.0] * counts.shape[1]), 50.0
    )


def names(
    edges: list[tuple[int, int, float]], uses: list[int], asked: tuple[int, ...] = (), corpus: int = 100
) -> Names:
    """Edges as (passage, name, weight)."""
    flags = np.zeros(len(uses), bool)
    flags[list(asked)] = True
    return Names(
        np.array(uses, float),
        flags,
        np.array([p for p, _, _ in edges], np.int64),
        np.array([n for _, n, _ in edges], np.int64),
        np.array([w for _, _, w in edges], float),
        corpus,
    )


NOTHING = names([], [])


def test_without_names_the_nearest_passage_comes_first():
    found = rank(passages([0.2, 0.9, 0.5]), NOTHING)
    assert found.order.tolist() == [1, 2, 0]


def test_equal_passages_keep_their_order():
    found = rank(passages([0.5, 0.5, 0.5]), NOTHING)
    assert found.order.tolist() == [0, 1, 2]
    assert len(set(found.score.tolist())) == 1


def test_no_passages_give_an_empty_ranking():
    found = rank(passages([]), NOTHING)
    assert found.order.tolist() == []


def test_among_equally_near_passages_the_one_with_the_words_comes_first():
    found = rank(passages([0.5, 0.5], [[0, 0], [1, 1]]), NOTHING)
    assert found.order.tolist() == [1, 0]


def test_bm25_is_that_of_the_textbook():
    one = Passages(np.zeros(1), np.array([[2.0]]), np.array([80.0]), np.array([3.0]), 100.0)
    assert bm25(one)[0] == pytest.approx(3.0 * 2 * 2.2 / (2 + 1.2 * (0.25 + 0.75 * 0.8)))


def test_a_passage_that_shares_a_name_with_the_question_beats_one_that_does_not():
    found = rank(passages([0.5, 0.5]), names([(1, 0, 1.0)], [1], asked=(0,)))
    assert found.order.tolist() == [1, 0]


def test_a_name_in_the_title_draws_more_walkers_than_one_in_the_text():
    mass, _ = walk(np.array([0.5, 0.5]), names([(0, 0, 1.0), (1, 0, TITLE_WEIGHT)], [2], asked=(0,)))
    assert mass[1] > mass[0]


def test_a_rare_name_draws_more_walkers_than_a_common_one():
    edges = [(0, 0, 1.0), (1, 1, 1.0)]
    mass, _ = walk(np.array([0.5, 0.5]), names(edges, [1, 40], asked=(0, 1)))
    assert mass[0] > mass[1]


def test_walkers_reach_a_passage_two_names_away():
    # the question's name - passage 0 - a name - passage 1; passage 2 hangs on nothing
    edges = [(0, 0, 1.0), (0, 1, 1.0), (1, 1, 1.0)]
    mass, _ = walk(np.array([0.5, 0.5, 0.5]), names(edges, [1, 2], asked=(0,)), WalkSettings(passages=0.0))
    assert mass[1] > 0
    assert mass[2] == 0


def test_no_walker_is_counted_twice():
    edges = [(0, 0, 1.0), (0, 1, 3.0), (1, 1, 1.0)]
    mass, name_mass = walk(np.array([0.4, 0.5]), names(edges, [1, 2], asked=(0,)))
    assert mass.sum() + name_mass.sum() == pytest.approx(1.0)


def test_walkers_at_a_name_leave_for_passages_that_were_not_read():
    edges = [(0, 0, 1.0), (1, 0, 1.0)]
    all_read, _ = walk(np.array([0.5, 0.5]), names(edges, [2], asked=(0,)))
    few_read, _ = walk(np.array([0.5, 0.5]), names(edges, [40], asked=(0,)))
    assert few_read.sum() < all_read.sum()


def test_a_strong_passage_links_to_the_passage_whose_title_it_names():
    # passage 0 is strong and names n0; n0 is the title of passage 1 and only mentioned in passage 2
    link, _ = second_hop(
        passages([0.9, 0.2, 0.2]), names([(0, 0, 1.0), (1, 0, 3.0), (2, 0, 1.0)], [3]), np.array([1.0, 0.0, 0.0])
    )
    assert link.tolist() == [0.0, 1.0, 0.0]


def test_a_name_of_the_question_links_to_nothing():
    edges = [(0, 0, 1.0), (1, 0, 3.0)]
    link, cover = second_hop(passages([0.9, 0.2]), names(edges, [2], asked=(0,)), np.array([1.0, 0.0]))
    assert link.tolist() == cover.tolist() == [0.0, 0.0]


def test_the_second_hop_prefers_the_passage_that_has_the_missing_words():
    # the question has two terms; passage 0 has the first, passage 1 the second, passage 2 neither
    has = passages([0.9, 0.2, 0.2], [[1, 0], [0, 1], [0, 0]])
    _, cover = second_hop(has, names([(0, 0, 1.0), (1, 0, 1.0), (2, 0, 1.0)], [3]), np.array([1.0, 0.0, 0.0]))
    assert cover[1] > cover[2] == 0.0


def test_both_passages_of_a_two_hop_question_come_before_one_that_only_sounds_like_it():
    # "Where was the founder of Alpha born?": 0 Alpha, who names Jane; 1 Jane, born; 2 another, born, nearer by vector
    asked = passages([0.8, 0.35, 0.4], [[1, 1, 0], [0, 0, 1], [0, 0, 1]])
    edges = [(0, 0, 3.0), (0, 1, 1.0), (1, 1, 3.0), (2, 2, 3.0)]
    found = rank(asked, names(edges, [1, 2, 1], asked=(0,)))
    assert sorted(found.order.tolist()[:2]) == [0, 1]


def test_a_weight_of_nothing_switches_a_signal_off():
    edges = [(0, 0, 1.0), (1, 0, 3.0)]
    only_cosine = Weights(bm25=0, walk=0, link=0, cover=0)
    found = rank(passages([0.1, 0.2]), names(edges, [2], asked=(0,)), only_cosine)
    assert found.score.tolist() == pytest.approx([-0.45, 0.0])


@st.composite
def neighbourhoods(draw: st.DrawFn) -> tuple[Passages, Names]:
    size, count, terms = draw(st.integers(1, 8)), draw(st.integers(0, 6)), draw(st.integers(0, 4))
    number = st.floats(-1, 1, allow_nan=False)
    cosine = draw(st.lists(number, min_size=size, max_size=size))
    frequency = draw(st.lists(st.integers(0, 3), min_size=size * terms, max_size=size * terms))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, max(0, count - 1)))
    edges = sorted(draw(st.sets(pairs, max_size=20))) if count else []
    weights = draw(st.lists(st.sampled_from([1.0, TITLE_WEIGHT]), min_size=len(edges), max_size=len(edges)))
    uses = [max(1, sum(n == name for _, n in edges)) for name in range(count)]
    asked = tuple(draw(st.sets(st.integers(0, count - 1)))) if count else ()
    return (
        Passages(
            np.array(cosine),
            np.array(frequency, float).reshape(size, terms),
            np.full(size, 30.0),
            np.ones(terms),
            30.0,
        ),
        names([(p, n, w) for (p, n), w in zip(edges, weights, strict=True)], uses, asked),
    )


@given(neighbourhoods())
def test_every_ranking_is_a_finite_order_of_all_passages(case: tuple[Passages, Names]):
    found = rank(*case)
    assert sorted(found.order.tolist()) == list(range(len(case[0])))
    assert np.isfinite(found.score).all()
    assert (np.diff(found.score[found.order]) <= 0).all()


@given(neighbourhoods())
def test_the_order_of_the_edges_changes_nothing(case: tuple[Passages, Names]):
    near, graph = case
    turned = Names(
        graph.uses, graph.asked, graph.passage[::-1].copy(), graph.name[::-1].copy(), graph.weight[::-1].copy(), 100
    )
    assert rank(near, turned).score == pytest.approx(rank(near, graph).score)
