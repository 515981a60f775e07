from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from crm_analytics.stats.proportions import difference, difference_p_values


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
