"""The cut-offs of RFM: chosen from the data, given by hand, or frozen from an earlier result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, Final, Literal, get_args

import numpy as np
import polars as pl

from crm_analytics.errors import OptionError
from crm_analytics.results import Result
from crm_analytics.segmentation.bins import (
    MOST_BINS,
    Cuts,
    is_ordered,
    quantile_cuts,
    round_number_cuts,
    score,
)

Method = Literal["auto", "quantile", "absolute"]
GivenCuts = Sequence[float | None]

MANY_ONE_TIMERS: Final = 0.40
"""Above this share of one-time buyers, fifths of frequency would part people who bought the same number of times."""

DIMENSIONS: Final[Mapping[str, str]] = {
    "recency_days": "recency_cuts",
    "n_orders": "frequency_cuts",
    "spend": "spend_cuts",
}
"""What is scored, and the option that sets its cut-offs."""

SCORES: Final[Mapping[str, str]] = {"recency_days": "r_score", "n_orders": "f_score", "spend": "m_score"}


@dataclass(frozen=True)
class Thresholds:
    """What a value must reach to earn the scores 2 to k, per dimension, worst first; recency is at most so many days."""

    recency_days: Cuts
    n_orders: Cuts
    spend: Cuts
    absolute_frequency: bool = False
    given: frozenset[str] = frozenset()

    def cuts(self, dimension: str) -> Cuts:
        """Give the cut-offs of a dimension, worst score first, in the unit of the dimension."""
        found: Cuts = getattr(self, dimension)
        return found

    def options(self) -> dict[str, list[float | None]]:
        """Give the cut-offs as the options of `rfm` that set them; plain JSON values."""
        return {
            "recency_cuts": list(reversed(self.recency_days)),
            "frequency_cuts": list(self.n_orders),
            "spend_cuts": list(self.spend),
        }

    def scored(self, buyers: pl.DataFrame) -> pl.DataFrame:
        """Add the three scores."""
        return buyers.with_columns(
            pl.Series(SCORES[d], score(strength(d, buyers), _as_strength(d, self.cuts(d))))
            for d in DIMENSIONS
        )


def choose(buyers: pl.DataFrame, bins: int, method: Method, given: Mapping[str, Cuts]) -> Thresholds:
    """Choose the cut-offs that are not given."""
    one_timers = float((buyers["n_orders"] == 1).mean() or 0.0)  # type: ignore[arg-type]
    absolute = method == "absolute" or (method == "auto" and one_timers > MANY_ONE_TIMERS)
    found = {
        d: given[d]
        if d in given
        else round_number_cuts(bins)
        if d == "n_orders" and absolute
        else _as_strength(d, quantile_cuts(strength(d, buyers), bins))
        for d in DIMENSIONS
    }
    return Thresholds(
        **found,
        absolute_frequency=absolute and "n_orders" not in given,
        given=frozenset(given),
    )


def strength(dimension: str, buyers: pl.DataFrame) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Give the values of a dimension so that more is better: days since the last order count below nought."""
    values = buyers[dimension].cast(pl.Float64).to_numpy()
    return -values if dimension == "recency_days" else values


def _as_strength(dimension: str, cuts: Cuts) -> Cuts:
    """Turn cut-offs into those of `strength`, or back."""
    if dimension != "recency_days":
        return cuts
    return tuple(None if c is None else -c for c in cuts)


def check_method(bins: int, method: str) -> None:
    """Refuse a number of bins or a method that there is not."""
    if not 2 <= bins <= MOST_BINS:  # noqa: PLR2004 one bin scores nothing
        raise OptionError.out_of_range("bins", bins, f"2 to {MOST_BINS}; 5 as a rule")
    if method not in get_args(Method):
        raise OptionError.out_of_range("method", method, f"one of {', '.join(get_args(Method))}")


def read_given(
    bins: int,
    thresholds: Any,  # noqa: ANN401 a result, a table or a mapping
    **options: GivenCuts | None,
) -> dict[str, Cuts]:
    """Read the cut-offs given by hand, and those of an earlier result for what is not given by hand.

    Raises
    ------
    OptionError
        If there are not `bins - 1` of them, in order.
    """
    frozen = {} if thresholds is None else _frozen(thresholds, bins)
    given = {k: v for k, v in options.items() if v is not None}
    merged = {**frozen, **given}
    return {d: _checked(option, merged[option], bins) for d, option in DIMENSIONS.items() if option in merged}


def _checked(option: str, cuts: GivenCuts, bins: int) -> Cuts:
    recency = option == "recency_cuts"
    found = tuple(cuts) if isinstance(cuts, Sequence | np.ndarray) and not isinstance(cuts, str) else ()
    worst_first = found[::-1] if recency else found
    numbers = all(c is None or isinstance(c, Real) for c in found)
    rising = numbers and is_ordered(_as_strength("recency_days", worst_first) if recency else worst_first)
    if len(found) != bins - 1 or not rising:
        end = "the most days for each score, best score first" if recency else "the least each score needs"
        raise OptionError.out_of_range(option, cuts, f"{bins - 1} finite numbers in rising order: {end}")
    return tuple(None if c is None else float(c) for c in worst_first)


def _frozen(thresholds: Any, bins: int) -> dict[str, GivenCuts]:  # noqa: ANN401
    """Read cut-offs from a result, its thresholds table, or a mapping: a result as JSON, its parameters, or options."""
    if isinstance(thresholds, Result):
        thresholds = thresholds.tables().get("thresholds")
    elif isinstance(thresholds, Mapping) and "tables" in thresholds:
        thresholds = Result.from_dict(thresholds).tables().get("thresholds")
    if isinstance(thresholds, pl.DataFrame) and {"dimension", "score", "from", "to"} <= set(
        thresholds.columns
    ):
        return _from_table(thresholds, bins)
    if isinstance(thresholds, Mapping) and set(DIMENSIONS.values()) & set(thresholds):
        return {
            option: thresholds[option] for option in DIMENSIONS.values() if thresholds.get(option) is not None
        }
    raise OptionError.out_of_range(
        "thresholds",
        type(thresholds).__name__,
        'an earlier result of rfm, its "thresholds" table, its to_dict(), or a mapping with '
        + ", ".join(DIMENSIONS.values()),
    )


def _from_table(table: pl.DataFrame, bins: int) -> dict[str, GivenCuts]:
    highest = max(table["score"].to_list(), default=0)
    if highest != bins:
        raise OptionError.out_of_range("thresholds", f"scores up to {highest}", f"scores up to bins={bins}")
    found: dict[str, GivenCuts] = {}
    for dimension, option in DIMENSIONS.items():
        rows = table.filter(pl.col("dimension") == dimension, pl.col("score") > 1).sort("score")
        edge = "to" if dimension == "recency_days" else "from"
        # An empty score has no edge of its own: what reaches the next one up reaches it too.
        cuts = rows.select(pl.col(edge).fill_null(strategy="backward"))[edge].to_list()
        found[option] = list(reversed(cuts)) if dimension == "recency_days" else cuts
    return found


def threshold_table(thresholds: Thresholds, scored: pl.DataFrame) -> pl.DataFrame:
    """Give one row per dimension and score, best score first: its range and how many customers have it."""
    rows = [row for d in DIMENSIONS for row in _ranges(d, thresholds.cuts(d))]
    table = pl.DataFrame(rows, schema=["dimension", "score", "from", "to"], orient="row").cast(
        {"score": pl.Int64, "from": pl.Float64, "to": pl.Float64}
    )
    counts = pl.concat(
        scored.group_by(pl.col(s).alias("score"))
        .agg(n_customers=pl.len().cast(pl.Int64))
        .select(pl.lit(d).alias("dimension"), "score", "n_customers")
        for d, s in SCORES.items()
    )
    joined = table.join(counts, on=["dimension", "score"], how="left", maintain_order="left")
    return joined.with_columns(pl.col("n_customers").fill_null(0))


def _ranges(dimension: str, cuts: Cuts) -> list[tuple[str, int, float | None, float | None]]:
    bins = len(cuts) + 1
    needs = {s: cuts[s - 2] for s in range(2, bins + 1)}
    return [(dimension, s, *_range(dimension, s, needs)) for s in range(bins, 0, -1)]


def _range(dimension: str, s: int, needs: Mapping[int, float | None]) -> tuple[float | None, float | None]:
    """Give the lowest and the highest value with a score; nothing where no value can have it."""
    own, above = needs.get(s), needs.get(s + 1)
    if (s in needs and own is None) or (own is not None and own == above):
        return None, None
    if dimension == "n_orders" and own is None and above == 1:
        return None, None
    match dimension:
        case "recency_days":
            return (1.0 if above is None else above + 1), own
        case "n_orders":
            return (1.0 if own is None else own), (None if above is None else above - 1)
        case _:
            return own, above
