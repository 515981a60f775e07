"""Subsets of drivers and their relatives: how to start a fit from fits that are there.

The largest subsets are fitted first. A subset starts from its parent, which has one driver more: dropping that driver moves the
other coefficients in a known way as long as the log-likelihood is a parabola. How far that was off when the same driver was
dropped from a subset with one more driver (the uncle, dropped from the grandparent) is known, and corrects the start. What is
left to climb is then a few parts in 100,000 of the log-likelihood.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from crm_analytics.stats.intervals import Floats

Masks = NDArray[np.int64]

_FEWEST: Final = 16


@dataclass(frozen=True, eq=False)
class Family:
    """Subsets, the largest first.

    Attributes
    ----------
    masks
        (N,) bit k says whether driver k is in.
    sizes
        (N,) how many drivers each has.
    parent, uncle
        (N,) places in `masks`; -1 where there is none.
    """

    masks: Masks
    sizes: Masks
    parent: Masks
    uncle: Masks

    def levels(self, most: int) -> Iterator[list[slice]]:
        """Give the subsets of each size, in two parts or more, so many subsets at most in each."""
        edges = [0, *(np.flatnonzero(np.diff(self.sizes)) + 1).tolist(), len(self.sizes)]
        for start, end in pairwise(edges):
            step = min(most, max(_FEWEST, (end - start + 1) // 2))
            yield [slice(begin, min(begin + step, end)) for begin in range(start, end, step)]


def whole(p: int, order: Sequence[int]) -> Family:
    """Give all subsets of p drivers; `order` has the drivers by strength, the weakest first: it is the one dropped."""
    weak_first = np.arange(2**p)
    sizes = np.bitwise_count(weak_first).astype(np.int64)
    line = np.argsort(-sizes, kind="stable")
    place = np.empty(2**p, np.int64)
    place[line] = np.arange(2**p)
    last = 2**p - 1
    parent = weak_first | (weak_first + 1)
    grandparent = parent | (parent + 1)
    uncle = np.where(sizes >= p - 1, -1, place[np.minimum(grandparent ^ parent ^ weak_first, last)])
    up = np.where(sizes == p, -1, place[np.minimum(parent, last)])
    masks = np.zeros(2**p, np.int64)
    for bit, driver in enumerate(order):
        masks |= (weak_first >> bit & 1) << driver
    return Family(masks[line], sizes[line], up[line], uncle[line])


def chains(orders: NDArray[np.int64]) -> Masks:
    """Give the subsets along each order, the empty one first: (n_orders, p + 1)."""
    return np.concatenate([np.zeros((len(orders), 1), np.int64), np.cumsum(1 << orders, axis=1)], axis=1)


def along(orders: NDArray[np.int64]) -> Family:
    """Give the subsets that drivers make as they enter in some orders, (n_orders, p), and the empty one."""
    p, entered = orders.shape[1], chains(orders)
    masks, first = np.unique(entered[:, :-1], return_index=True)
    parents = entered[:, 1:].ravel()[first]
    masks, parents = np.append(masks, 2**p - 1), np.append(parents, -1)
    sizes = np.bitwise_count(masks).astype(np.int64)
    line = np.lexsort((masks, -sizes))
    place = np.searchsorted(masks, parents)  # masks are in order: the largest is that of all drivers
    back = np.empty(len(line), np.int64)
    back[line] = np.arange(len(line))
    up = np.where(parents[line] < 0, -1, back[np.minimum(place, len(line) - 1)][line])
    return Family(masks[line], sizes[line], up, np.full(len(line), -1, np.int64))


class Starts:
    """Keeps what fits found, and makes the starts of the next.

    Parameters
    ----------
    family
        The subsets.
    sets
        Columns by driver.
    size
        How many coefficients there are, those that are always in among them.
    """

    def __init__(self, family: Family, sets: Sequence[Sequence[int]], size: int) -> None:
        self.family, self.sets = family, [np.asarray(s, np.int64) for s in sets]
        n = len(family.masks)
        self.found, self.projected = np.zeros((size, n)), np.zeros((size, n))
        self._inverse: dict[int, Floats] = {}

    def of(self, part: slice) -> Floats:
        """Give the starts of some subsets, (size, S)."""
        family = self.family
        up, uncle = family.parent[part], family.uncle[part]
        dropped = family.masks[up] ^ family.masks[part]
        driver = np.log2(dropped).round().astype(np.int64)
        inverse = np.stack([self._inverse[int(u)] for u in up])
        start = self.found[:, up].copy()
        for step in range(max(len(s) for s in self.sets)):
            has = np.array([len(s) > step for s in self.sets])[driver]
            column = np.array([s[min(step, len(s) - 1)] for s in self.sets])[driver]
            _drop(start, inverse, np.flatnonzero(has), column)
        self.projected[:, part] = start
        missed = np.where(uncle >= 0, self.found[:, uncle] - self.projected[:, uncle], 0.0)
        return start + missed

    def keep(self, part: slice, found: Floats, inverse: Floats) -> None:
        """Remember what the fits of some subsets found."""
        self.found[:, part] = found
        above = self.family.sizes[part.start] + 1
        for key in [k for k in self._inverse if self.family.sizes[k] > above]:
            del self._inverse[key]
        self._inverse.update({part.start + k: v for k, v in enumerate(inverse)})


def _drop(start: Floats, inverse: Floats, which: NDArray[np.intp], column: Masks) -> None:
    """Move to the maximum of the parabola where one column is 0, in place."""
    c = column[which]
    spread = np.maximum(inverse[which, c, c], 1e-300)
    along = inverse[which, :, c]
    start[:, which] -= (along * (start[c, which] / spread)[:, None]).T
    inverse[which] -= (along / spread[:, None])[:, :, None] * along[:, None, :]
    start[c, which] = 0.0
