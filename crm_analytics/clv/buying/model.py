"""What the fitted model says of how customers buy: numbers of purchases, rates, leaving, and who is a customer still."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import stats

from crm_analytics.clv.buying.classes import counted, round_ends
from crm_analytics.clv.forecasts.counts import shares_by_age
from crm_analytics.clv.likelihoods.rows import DAYS_PER, Codes, Floats
from crm_analytics.clv.models.candidates import Choice
from crm_analytics.clv.models.fit import Z95
from crm_analytics.clv.models.purchases import PurchaseFit
from crm_analytics.clv.worth.standing import Histories

YEAR: Final = DAYS_PER["year"]

_MOST_REPEATS: Final = 7
_MOST_COLUMNS: Final = 16
_EVERY: Final = 6
_ROWS: Final = 14
_POINTS: Final = 30
_BEYOND: Final = 1.5
_CLASSES: Final = 24
_LEAVING_CLASSES: Final = 20
_FEWEST_OBSERVED: Final = 10
_TAIL: Final = 0.99


@dataclass(frozen=True, eq=False)
class Base:
    """A customer base with its model; times are in days."""

    summary: pl.DataFrame
    histories: Histories
    choice: Choice
    horizon_days: int

    @property
    def fit(self) -> PurchaseFit:
        """The model taken."""
        return self.choice.fit

    @property
    def n(self) -> int:
        """How many customers there are."""
        return self.summary.height

    @property
    def oldest(self) -> float:
        """Greatest age of a customer."""
        return float(self.column("T").max())

    def column(self, name: str) -> Floats:
        """Give a column of the distinct histories."""
        return np.asarray(self.histories.frame[name].to_numpy(), np.float64)


def purchase_table(base: Base) -> pl.DataFrame:
    """Count customers by repeat purchases, beside how many the model expects and how far that may be off by chance."""
    weight, x = base.column("weight"), base.column("frequency")
    few = shares_by_age(base.fit, base.column("T"), range(_MOST_REPEATS))
    shares = np.column_stack([few, np.maximum(1 - few.sum(axis=1), 0.0)])
    expected = weight @ shares
    off = Z95 * np.sqrt(weight @ (shares * (1 - shares)))
    actual = np.bincount(np.minimum(x, _MOST_REPEATS).astype(np.intp), weight, _MOST_REPEATS + 1)
    return pl.DataFrame(
        {
            "repeats": [*map(str, range(_MOST_REPEATS)), f"{_MOST_REPEATS} or more"],
            "n_customers": np.round(actual).astype(np.int64),
            "customer_share": actual / base.n,
            "expected_customers": expected,
            "expected_customers_lower": np.maximum(expected - off, 0.0),
            "expected_customers_upper": np.minimum(expected + off, base.n),
        }
    )


def rightly_placed(purchases: pl.DataFrame) -> float:
    """Say which share of the customers the model has at the right number of purchases, whoever they are."""
    wrong = (purchases["n_customers"] - purchases["expected_customers"]).abs().sum() / 2
    return 1.0 - float(wrong) / float(purchases["n_customers"].sum())


def newcomer_table(base: Base, purchases: pl.DataFrame) -> pl.DataFrame:
    """Follow new customers: repeat purchases expected and made up to each of some days since the first.

    `purchases` has `since_first` and `T` of each repeat purchase.
    """
    ends = np.unique(np.round(np.linspace(0, _BEYOND * base.oldest, _POINTS + 1)))
    fits = base.fit.nearby()
    values = np.array([[fit.expected_of_new_customer(float(end)) for end in ends] for fit in fits])
    lower, upper = base.fit.size_interval(list(values))
    made, n = _made(base, purchases, ends)
    return pl.DataFrame(
        {
            "days_since_first": ends,
            "expected_repeats": values[0],
            "expected_repeats_lower": lower,
            "expected_repeats_upper": upper,
            "actual_repeats": np.where(n >= _FEWEST_OBSERVED, made / np.maximum(n, 1.0), np.nan),
            "n_observed": np.round(n).astype(np.int64),
            "is_observed": ends <= base.oldest,
        }
    ).with_columns(pl.col("actual_repeats").fill_nan(None))


def _made(base: Base, purchases: pl.DataFrame, ends: Floats) -> tuple[Floats, Floats]:
    """Count repeat purchases up to each age by those who have reached it, and these customers."""
    k = len(ends)
    reached = np.searchsorted(ends, base.column("T"), side="right")  # how many of the ages were reached
    n = np.asarray(np.cumsum(np.bincount(reached, base.column("weight"), k + 1)[::-1])[::-1][1:], np.float64)
    when = np.searchsorted(ends, purchases["since_first"].to_numpy(), side="left")
    until = np.searchsorted(ends, purchases["T"].to_numpy(), side="right")
    table = np.bincount(when * (k + 1) + until, minlength=(k + 1) ** 2).reshape(k + 1, k + 1)
    reach = np.cumsum(table[:, ::-1], axis=1)[:, ::-1][
        :, 1:
    ]  # purchases by those who reached at least the age
    return np.asarray(np.diagonal(np.cumsum(reach, axis=0)[:k]), np.float64), n


def rate_table(base: Base) -> pl.DataFrame:
    """Say how the customers' yearly rates of purchases are spread: gamma(r, rate alpha)."""
    ends = round_ends(_rates(base.fit).ppf(_TAIL), _CLASSES)
    shares = _shares(base.fit, ends, lambda fit, at: _rates(fit).cdf(at))
    return pl.DataFrame({"rate_from": ends, "rate_to": [*ends[1:].tolist(), None], **shares})


def rate_quantile(fit: PurchaseFit, q: float) -> float:
    """Give the yearly rate of purchases that a share q of the customers stays below."""
    return float(_rates(fit).ppf(q))


def leaving_table(base: Base) -> pl.DataFrame:
    """Say how the customers' readiness to leave is spread."""
    ends = np.linspace(0, 1, _LEAVING_CLASSES + 1)
    shares = _shares(base.fit, ends[:-1], _ready_to_leave)
    return pl.DataFrame({"leaving_from": ends[:-1], "leaving_to": ends[1:], **shares})


def leaves_by_purchase(fit: PurchaseFit) -> bool:
    """Say whether customers of the model leave after a purchase (BG, MBG) or at any time (Pareto/NBD)."""
    return "a" in fit.params


def mean_leaving(fit: PurchaseFit) -> float:
    """Give the mean probability of leaving: after a purchase, or within a year."""
    if leaves_by_purchase(fit):
        a, b = fit.params["a"], fit.params["b"]
        return a / (a + b)
    s, beta = fit.params["s"], fit.params["beta"]
    return float(-np.expm1(-s * np.log1p(YEAR / beta)))


def _rates(fit: PurchaseFit) -> Any:  # noqa: ANN401 scipy publishes no types
    return stats.gamma(fit.params["r"], scale=YEAR / fit.params["alpha"])


def _ready_to_leave(fit: PurchaseFit, at: Floats) -> Floats:
    if leaves_by_purchase(fit):
        return np.asarray(stats.beta(fit.params["a"], fit.params["b"]).cdf(at), np.float64)
    rate = -np.log1p(-at) / YEAR
    return np.asarray(stats.gamma(fit.params["s"], scale=1 / fit.params["beta"]).cdf(rate), np.float64)


def _shares(
    fit: PurchaseFit, ends: Floats, below: Callable[[PurchaseFit, Floats], Floats]
) -> dict[str, Floats]:
    """Give the share in each class, the last one open, with the interval of the estimate."""
    values = [np.diff(below(one, ends), append=1.0).clip(0, 1) for one in fit.nearby()]
    lower, upper = fit.share_interval(values)
    return {"model_share": values[0], "model_share_lower": lower, "model_share_upper": upper}


def standing_table(base: Base) -> pl.DataFrame:
    """Say who is a customer still and what to expect, by repeat purchases and days of silence.

    Customers with a repeat purchase are taken at the greatest age in the base, so that rows and columns differ in one thing
    only; those with a single purchase are as old as they have been silent.
    """
    x, silent = (grid.ravel() for grid in np.meshgrid(_columns(base), _rows(base)))
    age = np.where(x > 0, base.oldest, silent)
    t_x = age - silent
    columns = {
        "frequency": x.astype(np.int64),
        "silent_days": silent,
        "p_alive": base.fit.alive_of(x, t_x, age, 0.0),
        "expected_purchases": base.fit.purchases_of(x, t_x, age, float(base.horizon_days)),
        "n_customers_near": _near(base),
    }
    return pl.DataFrame(columns)


def _columns(base: Base) -> Floats:
    """Give the numbers of repeat purchases that are shown: each small one, then in steps up to what one in a hundred exceeds."""
    x = np.repeat(base.column("frequency"), base.column("weight").astype(np.intp))
    most = max(float(np.quantile(x, _TAIL)), 3.0)
    every = np.arange(min(most, _EVERY) + 1)
    wider = np.round(np.linspace(every[-1], most, _MOST_COLUMNS - len(every) + 1))
    return np.unique([*every, *wider])


def _rows(base: Base) -> Floats:
    return np.unique(np.round(np.linspace(0, base.oldest, _ROWS)))


def _near(base: Base) -> Codes:
    """Count the customers nearest to each cell."""
    columns, rows = _columns(base), _rows(base)
    silent = base.column("T") - base.column("recency")
    place = _nearest(rows, silent) * len(columns) + _nearest(columns, base.column("frequency"))
    near = np.bincount(place, base.column("weight"), len(rows) * len(columns))
    return np.round(near).astype(np.intp)


def _nearest(points: Floats, values: Floats) -> Codes:
    return np.searchsorted((points[1:] + points[:-1]) / 2, values)


def silence_table(base: Base) -> pl.DataFrame:
    """Say after how many days of silence a customer is as likely gone as not, by repeat purchases."""
    columns = _columns(base)
    days = np.arange(0.0, base.oldest + 1)
    fits = base.fit.nearby()
    rows = [_silence(base, fits, x, days) for x in columns[columns > 0]]
    schema = {f"silence_half_days{end}": pl.Float64() for end in ("", "_lower", "_upper")}
    return pl.DataFrame(rows, schema={"frequency": pl.Int64(), **schema}, orient="row")


def _silence(
    base: Base, fits: Sequence[PurchaseFit], x: float, days: Floats
) -> tuple[int, float | None, float | None, float | None]:
    age = np.full(len(days), base.oldest)
    values = [fit.alive_of(np.full(len(days), x), age - days, age, 0.0) for fit in fits]
    lower, upper = base.fit.share_interval(values)
    middle, first, last = (_half(p, days) for p in (values[0], lower, upper))
    return int(x), middle, first if middle is not None else None, last if middle is not None else None


def _half(alive: Floats, days: Floats) -> float | None:
    """Give the first day on which the probability is at most one half."""
    below = np.flatnonzero(alive <= 0.5)  # noqa: PLR2004 as likely as not
    return float(days[below[0]]) if len(below) else None


def gap_classes(gaps: Floats) -> tuple[Floats, Floats]:
    """Give the ends of round classes of gaps in days, and the counts."""
    ends = round_ends(float(np.quantile(gaps, 0.95)), _CLASSES, least=1.0)
    return ends, counted(gaps, ends)
