"""How concentrated the money is: top shares, Lorenz and whale curves, Gini, Herfindahl, the largest customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from crm_analytics import formats
from crm_analytics.stats.bootstrap import bca, cells, resampled
from crm_analytics.stats.concentration import gini_interval, herfindahl, lorenz
from crm_analytics.stats.intervals import Estimate, Floats

MOST_POINTS: Final = 200
"""A curve of more points looks the same and makes a page heavy."""

LEAST_KNOWN: Final = 0.5
"""The whale curve shows margin where the customers whose margin is known bring at least this share of spend."""


def top_share_table(
    spend: pl.Series, top_shares: Sequence[float], *, n_bootstrap: int, seed: int
) -> pl.DataFrame:
    """Give the share of spend that the best so-many customers bring, in whole customers, with its interval.

    A top share that is less than half a customer is left out.
    """
    values = np.sort(spend.to_numpy())
    counts = {top: _whole(top, values.size) for top in sorted(set(top_shares))}
    wanted = {top: k for top, k in counts.items() if k > 0}
    parts = np.array([k / values.size for k in wanted.values()])
    estimates = _top_estimates(values, parts, n_bootstrap, seed) if wanted else []
    rows = [
        {
            "top_share": top,
            "n_customers": k,
            "customer_share": k / values.size,
            "spend": float(values[-k:].sum()),
            "spend_share": estimate.value,
            "spend_share_lower": min(estimate.lower, estimate.value),
            "spend_share_upper": max(estimate.upper, estimate.value),
        }
        for (top, k), estimate in zip(wanted.items(), estimates, strict=True)
    ]
    return pl.DataFrame(rows, schema=_TOP)


_TOP: Final[Mapping[str, pl.DataType]] = {
    "top_share": pl.Float64(),
    "n_customers": pl.Int64(),
    "customer_share": pl.Float64(),
    "spend": pl.Float64(),
    "spend_share": pl.Float64(),
    "spend_share_lower": pl.Float64(),
    "spend_share_upper": pl.Float64(),
}


def _whole(share: float, n: int) -> int:
    return int(np.floor(share * n + 0.5 + 1e-9))


def _top_estimates(values: Floats, parts: Floats, n_bootstrap: int, seed: int) -> list[Estimate]:
    """Give the interval of each top share (BCa), all from the same draws."""
    source = cells(values)
    found = _top_of(np.ones((1, values.size)), values[None, :], parts)[0]
    in_cells = _top_of(
        source.sizes[None, :].astype(np.float64), (source.sizes * source.means)[None, :], parts
    )[0]
    samples = resampled(source, lambda n, s: _top_of(n, s, parts), n_resamples=n_bootstrap, seed=seed)
    samples += found - in_cells
    return [
        bca(float(found[i]), samples[:, i], _pull(values, float(parts[i]), float(found[i])))
        for i in range(parts.size)
    ]


def _top_of(counts: Floats, sums: Floats, parts: Floats) -> Floats:
    """Give the shares of the sum that the top parts hold, of sorted cells, one row per resample."""
    n, total = counts.sum(axis=1, keepdims=True), sums.sum(axis=1)
    above = np.cumsum(counts[:, ::-1], axis=1)[:, ::-1] - counts
    level = np.where(total > 0, total, np.nan)
    held = [
        (sums * np.clip((part * n - above) / np.maximum(counts, 1e-12), 0.0, 1.0)).sum(axis=1)
        for part in parts
    ]
    shares: Floats = np.nan_to_num(np.stack(held, axis=1) / level[:, None], nan=1.0)
    return shares


def _pull(values: Floats, part: float, share: float) -> Floats:
    """Give how far each customer moves the share of the top part: its influence function, up to a constant factor."""
    edge = float(values[-_whole(part, values.size)])
    pull = np.maximum(values - edge, 0.0) - share * values
    centred: Floats = pull - pull.mean()
    return centred


def lorenz_table(spend: pl.Series) -> pl.DataFrame:
    """Give the points of the Lorenz curve, smallest customers first; spend below nought counts as nought."""
    curve = lorenz(spend.to_numpy(), n_points=MOST_POINTS)
    return pl.DataFrame(
        {"lorenz_customer_share": curve.population_share, "lorenz_spend_share": curve.value_share}
    )


def concentration_table(ranked: pl.DataFrame, *, n_bootstrap: int, seed: int) -> pl.DataFrame:
    """Give the measures of concentration, one row each.

    Parameters
    ----------
    ranked
        Customers from best to worst with `spend`, as `value_ranking.rank_customers` gives them.
    n_bootstrap, seed
        Draws for the interval of the Gini coefficient.
    """
    spend = ranked["spend"]
    even = gini_interval(spend.to_numpy(), n_resamples=n_bootstrap, seed=seed)
    index = herfindahl(spend.to_numpy())
    largest = float(spend[0]) / float(spend.sum())
    half, n = _n_for_half(spend), len(spend)
    rows = [
        (
            "gini",
            even.value,
            min(even.lower, even.value),
            max(even.upper, even.value),
            n,
            f"{even.value:.2f}",
        ),
        ("largest_customer_share", largest, None, None, 1, formats.share(largest)),
        ("half_spend_customer_share", half / n, None, None, half, formats.share(half / n)),
        ("herfindahl", index, None, None, n, f"{index:.4f}"),
        ("effective_customers", 1 / index, None, None, n, f"{1 / index:,.0f}"),
    ]
    frame = pl.DataFrame(rows, schema=_MEASURES, orient="row")
    label, definition = (pl.col("measure").replace_strict(_words(i)) for i in (0, 1))
    return frame.with_columns(measure_label=label, measure_definition=definition)


def _n_for_half(spend: pl.Series) -> int:
    half = float(spend.sum()) / 2 * (1 - 1e-12)
    return int((spend.cum_sum() < half).sum()) + 1


def _words(which: int) -> dict[str, str]:
    return {name: words[which] for name, words in _WORDS.items()}


_MEASURES: Final[Mapping[str, pl.DataType]] = {
    "measure": pl.String(),
    "measure_value": pl.Float64(),
    "measure_value_lower": pl.Float64(),
    "measure_value_upper": pl.Float64(),
    "n_customers": pl.Int64(),
    "measure_text": pl.String(),
}
_WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "gini": (
        "Gini coefficient",
        "0 when every customer spends the same, near 1 when one spends everything; compare windows of equal length only.",
    ),
    "largest_customer_share": (
        "Largest customer's share",
        "Spend of the largest customer divided by all spend: what is at risk with one relation.",
    ),
    "half_spend_customer_share": (
        "Customers who make half of spend",
        "The smallest share of customers who together make half of all spend.",
    ),
    "herfindahl": (
        "Herfindahl index",
        "Sum of the squared shares of spend; 1 divided by the number of customers when all spend the same.",
    ),
    "effective_customers": (
        "Effective number of customers",
        "1 divided by the Herfindahl index: so many equal customers would be as concentrated.",
    ),
}


@dataclass(frozen=True, eq=False)
class Whale:
    """The whale curve: its points, its peak, and whether it shows margin or spend.

    `peak_customer_share` of the customers make `peak_value_share` of the whole (above 1 where the rest cost money);
    the shares are None where the whole is not positive.
    """

    points: pl.DataFrame
    basis: str
    n_customers: int
    n_without_margin: int
    total: float
    n_to_peak: int
    peak_value: float

    @property
    def peak_customer_share(self) -> float:
        """Share of customers up to the peak."""
        return self.n_to_peak / self.n_customers

    @property
    def peak_value_share(self) -> float | None:
        """Share of the whole at the peak."""
        return self.peak_value / self.total if self.total > 0 else None

    @property
    def taken_away(self) -> float:
        """Money that the customers after the peak take away again, as a positive sum."""
        return self.peak_value - self.total


def whale(ranked: pl.DataFrame) -> Whale:
    """Add up margin (or spend, where too little cost is known) from the best customer to the worst."""
    known = _margins(ranked)
    basis = "spend" if known is None else "margin"
    values = (ranked["spend"] if known is None else known).sort(descending=True).to_numpy()
    held = np.concatenate([[0.0], np.cumsum(values)])
    n, peak = values.size, int((values > 0).sum())
    keep = np.unique(np.append(np.linspace(0, n, MOST_POINTS - 1).round().astype(int), peak))
    total = float(held[-1])
    points = pl.DataFrame(
        {
            "n_best_customers": keep,
            "best_customer_share": keep / n,
            "cumulative_value": held[keep],
            "cumulative_value_share": held[keep] / total if total > 0 else [None] * keep.size,
            "is_peak": keep == peak,
        },
        schema=_WHALE,
    ).with_columns(whale_basis=pl.lit(basis))
    return Whale(
        points, basis, n, ranked.height - n if basis == "margin" else 0, total, peak, float(held[peak])
    )


_WHALE: Final[Mapping[str, pl.DataType]] = {
    "n_best_customers": pl.Int64(),
    "best_customer_share": pl.Float64(),
    "cumulative_value": pl.Float64(),
    "cumulative_value_share": pl.Float64(),
    "is_peak": pl.Boolean(),
}


def _margins(ranked: pl.DataFrame) -> pl.Series | None:
    """Give the known margins, or None where the customers who have one bring too little of the spend."""
    if "margin" not in ranked.columns:
        return None
    known = ranked.drop_nulls("margin")
    enough = float(known["spend"].sum()) >= LEAST_KNOWN * float(ranked["spend"].sum())
    return known["margin"] if known.height and enough else None
