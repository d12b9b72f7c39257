"""Scores are taken apart again: what is told of the terms and of the average length, and when nothing is."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from knowledge.bm25 import Floats, average_from, idf_from, saturation

counts = arrays.arrays(np.float64, (12, 4), elements=st.integers(0, 5).map(float))
lengths = arrays.arrays(np.float64, 12, elements=st.integers(20, 300).map(float))
worth = arrays.arrays(np.float64, 4, elements=st.floats(0.01, 12))
average = st.floats(20, 200)


def scored(frequency: Floats, length: Floats, idf: Floats, average: float) -> Floats:
    """The scores as an index gives them, in 32 bits."""
    exact = saturation(frequency, length[:, None], average) @ idf
    return exact.astype(np.float32).astype(np.float64)


@given(counts, lengths, worth, average)
def test_what_is_told_of_a_term_is_true(frequency: Floats, length: Floats, idf: Floats, average: float):
    told = idf_from(frequency, length, scored(frequency, length, idf, average), average)
    known = np.isfinite(told)
    assert told[known] == pytest.approx(idf[known], rel=0.01, abs=0.01)


def test_rows_that_hold_terms_in_different_measure_tell_all_of_them():
    draw = np.random.default_rng(3)
    frequency, length = draw.integers(0, 4, (30, 6)).astype(float), draw.integers(50, 200, 30).astype(float)
    idf = np.array([0.1, 9.0, 3.0, 1.0, 5.5, 0.7])
    told = idf_from(frequency, length, scored(frequency, length, idf, 110.0), 110.0)
    assert told == pytest.approx(idf, rel=1e-3)


def test_a_term_in_no_row_and_terms_that_always_stand_together_are_not_told():
    frequency = np.array([[1, 2, 2, 0], [2, 1, 1, 0], [1, 0, 0, 0]], float)
    length, idf = np.array([40.0, 60.0, 50.0]), np.array([2.0, 3.0, 4.0, 5.0])
    told = idf_from(frequency, length, scored(frequency, length, idf, 50.0), 50.0)
    assert told[0] == pytest.approx(2.0, rel=1e-3)
    assert np.isnan(told[1:]).all()


def test_scores_that_are_no_sum_over_the_terms_tell_nothing():
    frequency, length = np.array([[1.0], [2.0], [3.0]]), np.array([50.0, 50.0, 50.0])
    assert np.isnan(idf_from(frequency, length, np.array([1.0, 9.0, 2.0]), 50.0)).all()


@given(st.lists(st.integers(1, 9), min_size=2, max_size=30), st.data(), st.floats(0.05, 12), average)
def test_the_average_length_is_told_by_rows_that_differ(
    found: list[int], data: st.DataObject, idf: float, average: float
):
    length = np.array(data.draw(st.lists(st.integers(20, 300), min_size=len(found), max_size=len(found))), float)
    frequency = np.array(found, float)
    assume(len(set(zip(found, length.tolist(), strict=True))) > 1)
    told = average_from(frequency, length, scored(frequency[:, None], length, np.array([idf]), average))
    assert told is None or told == pytest.approx(average, rel=0.05)


def test_rows_that_are_alike_do_not_tell_the_average():
    alike = np.full(5, 2.0)
    assert average_from(alike, alike * 40, alike * 3) is None
    assert average_from(alike[:1], alike[:1] * 40, alike[:1] * 3) is None


def test_rows_of_different_lengths_tell_the_average():
    frequency, length = np.array([1.0, 2.0, 1.0]), np.array([30.0, 80.0, 120.0])
    score = scored(frequency[:, None], length, np.array([4.0]), 70.0)
    assert average_from(frequency, length, score) == pytest.approx(70.0, rel=1e-3)
