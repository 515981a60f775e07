"""Inverses against the pseudo-inverse, which is slow and right."""

from __future__ import annotations

import numpy as np
import pytest

from crm_analytics.stats.inverses import definite, inverses


def covariances(n: int = 150, d: int = 5):
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(n, 40, d))
    return rows.transpose(0, 2, 1) @ rows


def test_sound_and_singular_ones_are_what_the_pseudo_inverse_says():
    a = covariances()
    a[7] = np.ones((5, 5))  # one that repeats itself
    a[90, :, 2] = a[90, 2, :] = 0.0  # a constant
    whole = np.linalg.pinv(a, rcond=1e-10, hermitian=True)
    assert inverses(a) == pytest.approx(whole, rel=1e-8, abs=1e-12)
    assert inverses(a[7]) == pytest.approx(whole[7], rel=1e-8)


def test_what_is_no_covariance_is_told():
    a = covariances(200)
    assert definite(a).all()
    a[150] -= 1e3 * np.eye(5)
    found = definite(a)
    assert not found[150]
    assert found[:128].all()
    a[3, 0] = a[3, 1]
    a[3, :, 0] = a[3, :, 1]
    assert not definite(a)[3]
