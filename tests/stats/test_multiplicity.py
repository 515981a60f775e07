"""Corrections for many tests at once."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_analytics.errors import OptionError
from crm_analytics.stats.multiplicity import benjamini_hochberg, corrected, holm


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_benjamini_hochberg_agrees_with_their_example():
    """Benjamini and Hochberg (1995), section 3.2: four of fifteen hypotheses are rejected at 5%."""
    p = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240, 0.4262, 0.5719]
    p += [0.6528, 0.7590, 1.0]
    assert int((benjamini_hochberg(p) <= 0.05).sum()) == 4
    assert int((benjamini_hochberg(p[::-1]) <= 0.05).sum()) == 4


@pytest.mark.parametrize(("rule", "expected"), [("holm", [0.02, 0.03]), ("bh", [0.02, 0.03])])
def test_what_is_not_tested_does_not_count(rule, expected):
    found = corrected([0.01, np.nan, 0.03], rule)
    assert found[[0, 2]].tolist() == pytest.approx(expected)
    assert np.isnan(found[1])


def test_an_unknown_rule_is_refused():
    with pytest.raises(OptionError, match=r"correction='none'.*'holm' or 'bh'"):
        corrected([0.1], "none")


@pytest.mark.parametrize("rule", ["holm", "bh"])
@given(p=st.lists(st.floats(0, 1), max_size=30))
def test_correction_never_makes_smaller_and_keeps_the_order(rule, p):
    found = corrected(p, rule)
    assert (found >= np.array(p) - 1e-12).all()
    assert (found <= 1).all()
    for i, j in combinations(range(len(p)), 2):
        if p[i] < p[j]:
            assert found[i] <= found[j] + 1e-12
