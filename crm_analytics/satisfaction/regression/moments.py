"""Mean and covariance of drivers and outcome, however missing answers are to be taken, and their bootstrap draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from crm_analytics.errors import NotEnoughDataError, OptionError
from crm_analytics.satisfaction.regression.design import SPARE, Design
from crm_analytics.stats import incomplete
from crm_analytics.stats.intervals import Floats
from crm_analytics.stats.moment_draws import covariance_draws
from crm_analytics.stats.resampled_sums import resampled_sums

Missing = Literal["em", "complete", "pairwise", "not_applicable"]

WAYS: Final = get_args(Missing)

_DRAWS: Final = (100, 20_000)


def check_draws(n_bootstrap: int, seed: int) -> None:
    """Refuse a number of draws that says nothing or takes for ever, and a seed that is none."""
    if isinstance(n_bootstrap, bool) or not isinstance(n_bootstrap, int):
        raise OptionError.out_of_range("n_bootstrap", n_bootstrap, "a whole number; 1000 as a rule")
    if not _DRAWS[0] <= n_bootstrap <= _DRAWS[1]:
        raise OptionError.out_of_range(
            "n_bootstrap", n_bootstrap, f"{_DRAWS[0]} to {_DRAWS[1]:,} draws; 1000 as a rule"
        )
    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise OptionError.out_of_range("seed", seed, "a whole number of 0 or more")


@dataclass(frozen=True, eq=False)
class Prepared:
    """Rows as one matrix with the outcome last, after missing answers were dealt with as far as rows go.

    `always` the columns that are in every model, `rows` which rows of the design they are, `way` how gaps are taken.
    """

    z: Floats
    always: tuple[int, ...]
    weights: Floats
    clusters: NDArray[np.int64] | None
    rows: NDArray[np.int64]
    way: Missing

    @property
    def n(self) -> int:
        """How many rows."""
        return len(self.z)


@dataclass(frozen=True, eq=False)
class Moments:
    """Means (q + 1,) and covariance (q + 1, q + 1) of drivers, what is always in, and the outcome last."""

    mean: Floats
    covariance: Floats
    em: incomplete.Moments | None = None


def prepared(design: Design, way: Missing, rows: NDArray[np.bool_] | None = None) -> Prepared:
    """Choose the rows, and put indicators in the place of gaps where these mean "not applicable"."""
    chosen = np.ones(design.n, bool) if rows is None else rows.copy()
    x, always = design.x, design.always
    if way == "complete":
        chosen &= ~np.isnan(x).any(axis=1)
    if way == "not_applicable":
        x, always = with_indicators(design)
    z = np.column_stack([x, design.outcome.values])[chosen]
    if len(z) < z.shape[1] - 1 + SPARE:
        raise NotEnoughDataError.of(
            "complete answers" if way == "complete" else "answers",
            len(z),
            z.shape[1] - 1 + SPARE,
            "Use missing='em', which takes incomplete answers too, or name fewer drivers.",
        )
    clusters = None if design.clusters is None else _numbered(design.clusters[chosen])
    return Prepared(z, always, design.weights[chosen], clusters, np.flatnonzero(chosen), way)


def with_indicators(design: Design) -> tuple[Floats, tuple[int, ...]]:
    """Fill gaps with the mean and add a column that says where they were, one per driver with gaps."""
    x = design.x.copy()
    extra: list[Floats] = []
    for driver in design.drivers:
        gap = np.isnan(x[:, driver.columns[0]])
        if gap.any():
            extra.append(gap.astype(float))
            for column in driver.columns:
                x[gap, column] = np.average(x[~gap, column], weights=design.weights[~gap])
    always = (*design.always, *range(x.shape[1], x.shape[1] + len(extra)))
    return np.column_stack([x, *extra]), always


def _numbered(clusters: NDArray[np.int64]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.unique(clusters, return_inverse=True)[1]
    return found


def moments_of(rows: Prepared) -> Moments:
    """Estimate mean and covariance."""
    gaps = np.isnan(rows.z).any()
    if gaps and rows.way == "pairwise":
        flat, mean = _pairwise(_pair_sums(rows).sum(axis=0)[None], rows)
        return Moments(mean, nearest(flat)[:, :, 0])
    if gaps:
        em = incomplete.em_moments(rows.z, rows.weights)
        return Moments(em.mean, em.covariance, em)
    mean = np.average(rows.z, axis=0, weights=rows.weights)
    off = rows.z - mean
    return Moments(mean, (off * rows.weights[:, None]).T @ off / rows.weights.sum())


def draws_of(rows: Prepared, found: Moments, *, n_draws: int, seed: int) -> Floats:
    """Draw the rows again and again and give the covariance of each draw, (q + 1, q + 1, n_draws)."""
    if np.isnan(rows.z).any() and rows.way == "pairwise":
        sums = resampled_sums(_pair_sums(rows), clusters=rows.clusters, n_draws=n_draws, seed=seed)
        return nearest(_pairwise(sums, rows)[0])
    return covariance_draws(
        rows.z, rows.weights, moments=found.em, clusters=rows.clusters, n_draws=n_draws, seed=seed
    )


def _pair_sums(rows: Prepared) -> Floats:
    """Give per row and pair of columns that both have: weight, first, second, product."""
    i, j = np.triu_indices(rows.z.shape[1])
    seen = ~np.isnan(rows.z)
    filled = np.where(seen, rows.z, 0.0)
    both = (seen[:, i] & seen[:, j]) * rows.weights[:, None]
    a, b = filled[:, i], filled[:, j]
    return np.concatenate([both, both * a, both * b, both * a * b], axis=1)


def _pairwise(sums: Floats, rows: Prepared) -> tuple[Floats, Floats]:
    """Make covariances of pairwise sums, each over the rows that have both, with n - 1 as is the custom for pairs."""
    d = rows.z.shape[1]
    upper = np.triu_indices(d)
    seen = (~np.isnan(rows.z)).astype(float)
    pairs = (seen.T @ seen)[upper]
    weight, first, second, product = np.split(sums, 4, axis=1)
    weight = np.maximum(weight, 1e-12)
    flat = (product / weight - first * second / weight**2) * (pairs / np.maximum(pairs - 1, 1))
    flat = np.where(pairs > 1, flat, 0.0)
    full = np.zeros((d, d, len(sums)))
    full[upper] = flat.T
    full[upper[1], upper[0]] = flat.T
    own = upper[0] == upper[1]
    return full, (first / weight)[0, own]


def nearest(covariances: Floats) -> Floats:
    """Bend what is no covariance, as pairs from different rows can give, by raising negative eigenvalues to 0."""
    stacked = covariances.transpose(2, 0, 1)
    spread = np.sqrt(np.maximum(np.einsum("bii->bi", stacked), 1e-300))
    r = stacked / spread[:, :, None] / spread[:, None, :]
    values, vectors = np.linalg.eigh(r)
    low = values[:, 0] < 0
    if not low.any():
        return covariances
    bent = (vectors[low] * np.maximum(values[low], 0.0)[:, None, :]) @ vectors[low].transpose(0, 2, 1)
    size = np.sqrt(np.maximum(np.einsum("bii->bi", bent), 1e-300))
    r = r.copy()
    r[low] = bent / size[:, :, None] / size[:, None, :]
    whole: Floats = (r * spread[:, :, None] * spread[:, None, :]).transpose(1, 2, 0)
    return whole
