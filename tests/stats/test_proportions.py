from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency

from crm_analytics.stats.proportions import benjamini_hochberg, difference, difference_p_values


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((56, 70, 48, 80), (0.2000, 0.0524, 0.3339)),
        ((9, 10, 3, 10), (0.6000, 0.1705, 0.8090)),
        ((6, 7, 2, 7), (0.5714, 0.0582, 0.8062)),
        ((5, 56, 0, 29), (0.0893, -0.0381, 0.1926)),
        ((0, 10, 0, 20), (0.0000, -0.1611, 0.2775)),
        ((0, 10, 0, 10), (0.0000, -0.2775, 0.2775)),
        ((10, 10, 0, 20), (1.0000, 0.6791, 1.0000)),
        ((10, 10, 0, 10), (1.0000, 0.6075, 1.0000)),
    ],
)
def test_difference_agrees_with_newcombe(counts, expected):
    """Newcombe, R. G. (1998), Statistics in Medicine 17, 873-890, table II, method 10."""
    assert [round(float(x), 4) for x in difference(*counts)] == list(expected)


def test_an_empty_group_has_no_difference():
    assert all(np.isnan(x) for x in difference(0, 0, 3, 5))


def test_p_value_is_pearsons():
    expected = chi2_contingency([[56, 14], [48, 32]], correction=False).pvalue
    assert float(difference_p_values(56, 70, 48, 80)) == pytest.approx(expected, rel=1e-9)


def test_too_few_have_no_p_value():
    assert np.isnan(difference_p_values(1, 6, 2, 90))


def test_benjamini_hochberg_agrees_with_their_example():
    """Benjamini and Hochberg (1995), section 3.2: four of fifteen hypotheses are rejected at 5%."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    p += [0.6528, 0.7590, 1.0]
    assert int((benjamini_hochberg(p) <= 0.05).sum()) == 4
    assert int((benjamini_hochberg(p[::-1]) <= 0.05).sum()) == 4


def test_what_is_not_tested_does_not_count():
    assert benjamini_hochberg([0.01, np.nan, 0.03])[[0, 2]].tolist() == pytest.approx([0.02, 0.03])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_correction_never_makes_smaller_and_keeps_the_order(p):
    corrected = benjamini_hochberg(p)
    assert (corrected >= np.array(p) - 1e-12).all()
    assert (corrected <= 1).all()
    assert (np.diff(corrected[np.argsort(p)]) >= -1e-12).all()
