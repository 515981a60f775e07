"""The bootstrap of sums over customers, for many sums at once: customers are drawn again, each with all that is theirs.

Up to `MOST_GROUPS` customers this is the plain bootstrap. Beyond, customers are put into so many groups by lot and groups
are drawn: the spread is estimated as well (within 2%), and time and memory no longer grow.

References
----------
Efron, B. and Tibshirani, R. J. (1993). An Introduction to the Bootstrap, chapters 6 and 13. Wolter, K. M. (2007).
Introduction to Variance Estimation, chapter 2 (random groups).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from crm_analytics.stats.intervals import Floats

MOST_GROUPS: Final = 4096


@dataclass(frozen=True, eq=False)
class Draws:
    """Sets of customers drawn with replacement.

    Attributes
    ----------
    group
        The group of each customer.
    weights
        How often each group is drawn: one row per draw, one column per group.
    """

    group: NDArray[np.int64]
    weights: Floats

    @classmethod
    def of(cls, n_customers: int, n_draws: int, seed: int, *, most: int = MOST_GROUPS) -> Draws:
        """Draw so many sets of as many customers; the same seed gives the same draws.

        >>> Draws.of(3, 100, seed=1).weights.sum(axis=1).tolist() == [3.0] * 100
        True
        """
        rng = np.random.default_rng(seed)
        n_groups = min(n_customers, most)
        plain = n_groups == n_customers
        group = np.arange(n_customers) if plain else rng.permutation(n_customers) % n_groups
        weights = rng.multinomial(n_groups, np.full(n_groups, 1 / n_groups), size=n_draws).astype(float)
        return cls(group.astype(np.int64), weights)

    def sums(self, customer: ArrayLike, column: ArrayLike, values: ArrayLike, n_columns: int) -> Floats:
        """Sum values by column over the customers of each draw.

        Parameters
        ----------
        customer, column, values
            Of each value: the customer (0, 1, …), the sum it belongs to (0 to `n_columns` - 1), and the value.
        n_columns
            How many sums.

        Returns
        -------
        array
            One row per draw, one column per sum.

        Examples
        --------
        >>> draws = Draws.of(2, 4, seed=3)
        >>> bool((draws.sums([0, 1], [0, 0], [1.0, 1.0], 1) == 2).all())
        True
        """
        n_groups = self.weights.shape[1]
        at = self.group[np.asarray(customer, np.int64)] * n_columns + np.asarray(column, np.int64)
        cells = np.bincount(at, np.asarray(values, float), n_groups * n_columns)
        found: Floats = self.weights @ cells.reshape(n_groups, n_columns)
        return found
