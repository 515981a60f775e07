"""ln G(z + n) - ln G(z), right to the last digits also where z is huge and the two logarithms nearly cancel."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import gammaln

from crm_analytics.clv.rows import Floats

_LARGE: Final = 30.0  # from here on four terms of Stirling's series give sixteen digits


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
