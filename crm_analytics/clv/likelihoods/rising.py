"""How gamma functions rise: right to the last digits also where z is huge and two logarithms nearly cancel."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import digamma, gammaln, zeta

from crm_analytics.clv.likelihoods.rows import Floats

_LARGE: Final = 30.0  # from here on four terms of Stirling's series give sixteen digits


_SUMMED: Final = 100_000  # numbers up to which terms are added up one by one


def rises(z: float, n: Floats) -> Floats:
    """Give ln G(z + n) - ln G(z) and its first and second derivative in z, for ascending whole numbers n: (3, len(n)).

    They are the sums over j < n of ln(z + j), 1 / (z + j) and -1 / (z + j)^2.

    Examples
    --------
    >>> rises(2.0, np.array([0.0, 2.0])).round(4).tolist()
    [[0.0, 1.7918], [0.0, 0.8333], [0.0, -0.3611]]
    """
    top = int(n[-1])
    if top > _SUMMED:
        return np.stack([log_rise(z, n), digamma(z + n) - digamma(z), zeta(2.0, z + n) - zeta(2.0, z)])
    steps = z + np.arange(top)
    found = np.zeros((3, top + 1))
    inverse = 1.0 / steps
    np.cumsum(np.log(steps), out=found[0, 1:])
    np.cumsum(inverse, out=found[1, 1:])
    np.cumsum(-inverse * inverse, out=found[2, 1:])
    return found if len(n) == top + 1 else found.take(n.astype(np.intp), axis=1)


def log_rise(z: Floats | float, n: Floats | float) -> Floats:
    """Give ln G(z + n) - ln G(z) for z > 0, n >= 0.

    For large z by Stirling's series, whose leading terms are differenced in closed form.

    Examples
    --------
    >>> round(float(log_rise(1e12, 1.0) - np.log(1e12)), 12)
    0.0
    """
    z, n = np.broadcast_arrays(np.asarray(z, float), np.asarray(n, float))
    large = z > _LARGE
    safe = np.where(large, z, _LARGE)
    grown = np.log1p(n / safe)
    stirling = n * np.log(safe) + (safe + n - 0.5) * grown - n + _tail(safe + n) - _tail(safe)
    return np.where(large, stirling, gammaln(z + n) - gammaln(z))


def _tail(z: Floats) -> Floats:
    square = z * z
    return np.asarray(
        (1 / 12 - (1 / 360 - (1 / 1260 - 1 / (1680 * square)) / square) / square) / z, np.float64
    )
