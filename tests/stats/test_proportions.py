from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.stats import chi2_contingency

from crm_analytics.stats.proportions import difference, difference_p_values, exact_p_value


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


def test_the_exact_p_value_is_fishers_with_mid_p():
    for table in ([[3, 12], [30, 20]], [[0, 15], [1, 900]], [[60, 0], [1000, 3]], [[40, 20], [1000, 0]]):
        (a, b), (c, d) = table
        outcomes = stats.hypergeom(a + b + c + d, a + c, a + b)
        seen = outcomes.pmf(a)
        plain = stats.fisher_exact(table).pvalue
        x = np.arange(a + c + 1)
        alike = np.isclose(outcomes.pmf(x), seen, rtol=1e-7, atol=0)
        expected = plain - outcomes.pmf(x)[alike].sum() / 2
        assert exact_p_value(a, a + b, c, c + d) == pytest.approx(expected, rel=1e-9, abs=0)


def test_the_exact_p_value_holds_its_level_where_few_are_expected():
    rng = np.random.default_rng(8)
    draws = rng.binomial(40, 0.05, 3000), rng.binomial(400, 0.05, 3000)
    p = np.array([exact_p_value(one, 40, two, 400) for one, two in zip(*draws, strict=True)])
    assert 0.02 < np.mean(p < 0.05) < 0.06


def test_an_empty_group_has_no_exact_p_value():
    assert np.isnan(exact_p_value(0, 0, 5, 10))
