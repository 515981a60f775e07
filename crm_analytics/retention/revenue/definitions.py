"""What is called retention and churn: each definition with its formula, and how it differs from the first of its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from crm_analytics.stats.intervals import Floats

Parts = Mapping[str, Floats]

NET, GROSS, KEPT = "Net revenue retention", "Gross revenue retention", "Customer retention"
CUSTOMER_CHURN, REVENUE_CHURN = "Customer churn", "Revenue churn"


@dataclass(frozen=True)
class Definition:
    """One way to work a rate out.

    `stretch` says between which ends: the two of a period, or those of the trailing periods. `of` works on sums by period
    (observed or drawn), the number of trailing periods and the number of periods in a year; None where days are needed,
    which `day` then names. `interval` is how the bounds are made.
    """

    key: str
    measure: str
    name: str
    formula: str
    why: str
    stretch: Literal["period", "trailing"]
    of: Callable[[Parts, int, float], Floats] | None
    interval: Literal["bootstrap", "share", "days"] = "bootstrap"
    contracts_only: bool = False
    day: str = ""

    @property
    def about_money(self) -> bool:
        """Whether it needs amounts."""
        return self.measure in {NET, GROSS, REVENUE_CHURN}


def over(top: Floats, base: Floats) -> Floats:
    """Divide; nothing by nothing is not a number."""
    found: Floats = np.divide(top, base, out=np.full(np.broadcast(top, base).shape, np.nan), where=base > 0)
    return found


def chained(rate: Floats, n: int) -> Floats:
    """Multiply the rates of the n periods up to each; not a number where one is missing before nothing is left.

    Where a period kept nothing, the product is nought, and that the next ones have nothing to keep does not matter.

    >>> chained(np.array([0.5, 0.0, np.nan]), 3).tolist(), chained(np.array([np.nan, 0.5, 0.0]), 3).tolist()
    ([nan, nan, 0.0], [nan, nan, nan])
    """
    return _windows(rate, n, _product)


def _product(rates: Floats, axis: int) -> Floats:
    gone = np.logical_or.accumulate(rates == 0, axis=axis)
    return np.asarray(np.where(gone, 0.0, rates).prod(axis=axis), float)


def _windows(values: Floats, n: int, fold: Callable[..., Floats]) -> Floats:
    found = np.full(values.shape, np.nan)
    if values.shape[-1] >= n:
        found[..., n - 1 :] = fold(np.lib.stride_tricks.sliding_window_view(values, n, axis=-1), axis=-1)
    return found


def _lost(s: Parts) -> Floats:
    return s["before"] - s["capped"]


_RETENTION: Final = (
    Definition(
        "cohort", NET, "Cohort, without returned customers",
        "Revenue now of the customers of then / their revenue then.",
        "The usual one: one set of customers, two points in time; whoever had left by then and came back is not in it.",
        "trailing", lambda s, _n, _y: over(s["trailing_kept"], s["trailing_before"]),
    ),
    Definition(
        "cohort_with_returned", NET, "Cohort, with returned customers (ChartMogul)",
        "(Revenue now of the customers of then + of returned customers) / revenue then.",
        "Adds what comes from customers who had left before the stretch began and are back.",
        "trailing", lambda s, _n, _y: over(s["trailing_kept"] + s["trailing_returned"], s["trailing_before"]),
    ),
    Definition(
        "compounded", NET, "Period by period, compounded",
        "Product over the periods of (opening + expansion − contraction − lost) / opening.",
        "Each period takes the customers it begins with, those won meanwhile too; a customer who leaves and comes back within "
        "the stretch counts as lost.",
        "trailing", lambda s, n, _y: chained(over(s["kept"], s["before"]), n), contracts_only=True,
    ),
    Definition(
        "compounded_with_returned", NET, "Period by period, compounded, with returned customers",
        "Product over the periods of (opening + expansion + returned − contraction − lost) / opening.",
        "As the one before, and who comes back counts from the period of the return.",
        "trailing", lambda s, n, _y: chained(over(s["kept"] + s["returned"], s["before"]), n), contracts_only=True,
    ),
    Definition(
        "summed", NET, "Movements added up over opening",
        "1 + (expansion − contraction − lost of all the periods) / revenue at the beginning of the stretch.",
        "Counts what customers won meanwhile did, but not what they brought: in a growing base it strays furthest.",
        "trailing", lambda s, n, _y: 1 + over(_windows(s["kept"] - s["before"], n, np.sum), s["trailing_before"]),
        contracts_only=True,
    ),
    Definition(
        "period", NET, "One period, without returned customers",
        "(Opening + expansion − contraction − lost) / opening.",
        "The same over one period only; not to be set beside figures of a year.",
        "period", lambda s, _n, _y: over(s["kept"], s["before"]),
    ),
    Definition(
        "gross_cohort", GROSS, "Cohort, at most what it was",
        "Sum over the customers of then of the smaller of revenue now and then / revenue then.",
        "The usual one: what is lost, with no expansion to hide it; never above 100%.",
        "trailing", lambda s, _n, _y: over(s["trailing_capped"], s["trailing_before"]),
    ),
    Definition(
        "gross_compounded", GROSS, "Period by period, compounded",
        "Product over the periods of (opening − contraction − lost) / opening.",
        "A customer who shrinks and grows again within the stretch counts as shrunk; customers won meanwhile count too.",
        "trailing", lambda s, n, _y: chained(over(s["capped"], s["before"]), n), contracts_only=True,
    ),
    Definition(
        "gross_period", GROSS, "One period",
        "(Opening − contraction − lost) / opening.",
        "The same over one period only.",
        "period", lambda s, _n, _y: over(s["capped"], s["before"]),
    ),
    Definition(
        "customers_cohort", KEPT, "Cohort",
        "Customers of then who are customers now / customers then.",
        "The usual one: each customer counts alike, whatever they pay.",
        "trailing", lambda s, _n, _y: over(s["trailing_n_stayed"], s["trailing_n_before"]), "share",
    ),
    Definition(
        "customers_compounded", KEPT, "Period by period, compounded",
        "Product over the periods of (customers at the start − lost) / customers at the start.",
        "New customers leave more readily: where many come, this is lower than for the customers of then.",
        "trailing", lambda s, n, _y: chained(over(s["n_stayed"], s["n_before"]), n), contracts_only=True,
    ),
)  # fmt: skip

_CHURN: Final = (
    Definition(
        "churn_opening", CUSTOMER_CHURN, "Of those at the start",
        "Customers of the start who are not there at the end / customers at the start.",
        "The usual one (ChartMogul's standard, Baremetrics): who came and left within the period is in neither number.",
        "period", lambda s, _n, _y: 1 - over(s["n_stayed"], s["n_before"]), "share",
    ),
    Definition(
        "churn_average", CUSTOMER_CHURN, "Of the average",
        "Customers of the start who are not there at the end / mean of customers at the start and at the end.",
        "Lower in a growing base: those who just came are in the base, hardly in the losses.",
        "period",
        lambda s, _n, _y: over(s["n_before"] - s["n_stayed"], (s["n_before"] + s["n_after"]) / 2),
    ),
    Definition(
        "churn_with_new", CUSTOMER_CHURN, "Of the start and all who came",
        "All who left on any day / (customers at the start + all who came on any day).",
        "Who came and left within the period counts in both numbers.",
        "period", None, "share", contracts_only=True, day="with_new",
    ),
    Definition(
        "churn_daily", CUSTOMER_CHURN, "Daily rates added up (Shopify formula of ChartMogul)",
        "Sum over the days of customers who left / customers there when the day began.",
        "The base grows day by day; who came and left within the period counts.",
        "period", None, "days", contracts_only=True, day="sum",
    ),
    Definition(
        "churn_daily_weighted", CUSTOMER_CHURN, "Leavers per customer and day (Shopify's own)",
        "All who left / sum over the days of customers there, times days.",
        "Weighs each day by its customers: equal behaviour gives equal rates, however fast the base grows.",
        "period", None, "days", contracts_only=True, day="weighted",
    ),
    Definition(
        "churn_daily_compounded", CUSTOMER_CHURN, "Daily rates compounded",
        "1 − product over the days of (1 − customers who left / customers there when the day began).",
        "As the sum, but who has left cannot leave again; can never exceed 100%.",
        "period", None, "days", contracts_only=True, day="compounded",
    ),
    Definition(
        "churn_annualised", CUSTOMER_CHURN, "Of those at the start, annualised",
        "1 − (1 − churn of the period) ^ periods in a year.",
        "A year at this pace, if all customers were equally ready to leave; they are not, so the true year is lower.",
        "period", lambda s, _n, y: 1 - over(s["n_stayed"], s["n_before"]) ** y, "share",
    ),
    Definition(
        "revenue_churn", REVENUE_CHURN, "Gross: lost and contracted, of the start",
        "(Lost + contraction) / revenue at the start.",
        "The usual one (ChartMogul's standard): 100% less gross revenue retention.",
        "period", lambda s, _n, _y: over(_lost(s), s["before"]),
    ),
    Definition(
        "revenue_churn_left", REVENUE_CHURN, "Cancelled only, of the start",
        "Lost / revenue at the start.",
        "Leaves contraction out, and so is lower.",
        "period", lambda s, _n, _y: over(s["left"], s["before"]),
    ),
    Definition(
        "revenue_churn_net", REVENUE_CHURN, "Net of expansion and returned customers (ChartMogul)",
        "(Lost + contraction − expansion − returned) / revenue at the start.",
        "Below nought where expansion and returned customers outweigh the losses.",
        "period", lambda s, _n, _y: 1 - over(s["kept"] + s["returned"], s["before"]),
    ),
    Definition(
        "revenue_churn_average", REVENUE_CHURN, "Gross, of the average",
        "(Lost + contraction) / mean of revenue at the start and at the end.",
        "Lower in a growing base.",
        "period", lambda s, _n, _y: over(_lost(s), (s["before"] + s["after"]) / 2),
    ),
    Definition(
        "revenue_churn_daily", REVENUE_CHURN, "Gross, daily rates added up (Shopify formula of ChartMogul)",
        "Sum over the days of revenue lost or contracted / revenue when the day began.",
        "The base grows day by day; a change that is undone within the period counts.",
        "period", None, "days", contracts_only=True, day="sum",
    ),
    Definition(
        "revenue_churn_annualised", REVENUE_CHURN, "Gross, of the start, annualised",
        "1 − (1 − churn of the period) ^ periods in a year.",
        "A year at this pace, if all revenue were equally ready to leave.",
        "period", lambda s, _n, y: 1 - over(s["capped"], s["before"]) ** y,
    ),
)  # fmt: skip

DEFINITIONS: Final = (*_RETENTION, *_CHURN)
"""Every definition; the first of each measure is the usual one."""

CONVENTIONS: Final = ("cohort", "cohort_with_returned", "compounded", "compounded_with_returned")
"""What the headline may take."""
