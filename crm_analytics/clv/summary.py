"""Transactions become the histories that customer-base models read: frequency, recency, T and spend."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import narwhals as nw
import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.aggregates.periods import Span
from crm_analytics.aggregates.purchase_days import money_back, purchase_days, purchase_instants
from crm_analytics.clv.rows import DAYS_PER
from crm_analytics.clv.seasonality import Seasonality
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError
from crm_analytics.extracts.readers import as_extract


def summarise(
    transactions: Any,  # noqa: ANN401 an Extract or any frame
    *,
    as_of: windows.Day | None = None,
    unit: str = "day",
    calibration_end: windows.Day | None = None,
    free_orders: bool = True,
    log_intervals: bool = False,
    exact: bool = False,
    seasonality: Seasonality | None = None,
    observed_until: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """Reduce transactions to one history per customer, as every customer-base model reads it.

    Purchases of one day count as one. The first purchase makes somebody a customer and is not counted: `frequency`
    and `monetary_value` are of the repeat purchases. T runs to the last observed day, the day before `as_of`.

    Parameters
    ----------
    transactions
        An Extract, a frame, or anything `crm.read_transactions` takes.
    as_of
        The first day that is not seen; None takes the day after the last row.
    unit
        "hour", "day", "week", "month", "quarter" or "year": the unit of recency and T. Whole days are counted and
        divided by its length (a month is a twelfth of 365.25 days), so a week's history may be 3.857 weeks.
    calibration_end
        The first day of a holdout period: histories are taken before it, and what followed up to `as_of` is counted
        in `frequency_holdout` and `spend_holdout`. Customers who came later are left out.
    free_orders
        Whether an order without any money, neither paid nor back, counts as a purchase: the customer came, so it does,
        as in the literature. Say False where such orders are corrections of stock.
    log_intervals
        Add `log_interval_sum`, which the models of regular buying (`BetaGeoErlang`) need; it takes longer.
    exact
        Count every order at its own instant and time to the fraction of a day, for those who buy many times a day;
        T then runs to midnight before `as_of`. Not together with `seasonality`.
    seasonality
        Replace clock time by cumulative seasonal intensity, so that a December counts for more than a February;
        horizons must then be `seasonality.horizon(...)`.
    observed_until
        A frame of `customer_id` and `observed_until` (the last day on which the customer could be seen: moved away,
        contract ended, data stop); T ends there where it is earlier, and what came later is not counted.

    Returns
    -------
    polars.DataFrame
        Sorted by customer_id:

        - `customer_id`
        - `frequency`: days (orders if `exact`) with a repeat purchase
        - `recency`: from the first to the last purchase, in units; 0 without a repeat purchase
        - `T`: from the first purchase to the last observed day, in units
        - `monetary_value`: mean net spend per repeat purchase; 0 without one
        - `first_value`: net spend on the first day; `first_value + frequency * monetary_value` is the net spend
        - `time_unit`: the unit, so that it travels with the data
        - with `log_intervals`: `log_interval_sum`, the sum of the logs of the times between purchases, in units
        - with `calibration_end`: `frequency_holdout`, `spend_holdout`, `holdout_length` in units

    Raises
    ------
    NotEnoughDataError
        If nobody made a purchase.
    OptionError
        If the unit is not known, calibration_end does not lie before as_of, or options do not go together.
    """
    if unit not in DAYS_PER:
        raise OptionError.out_of_range("unit", unit, f"one of {', '.join(DAYS_PER)}")
    if exact and seasonality is not None:
        raise OptionError("exact=True and seasonality= do not go together.", "Seasons are known by the day.")
    extract = as_extract(transactions)
    window = windows.resolve(extract, as_of=as_of)
    until = window.as_of if calibration_end is None else windows.day_of("calibration_end", calibration_end)
    if calibration_end is not None and until >= window.as_of:
        raise OptionError.out_of_range(
            "calibration_end", until.isoformat(), f"a day before as_of, {window.as_of}"
        )
    recipe = _Recipe(unit, free_orders, exact, seasonality, log_intervals, observed_until)
    histories = recipe.histories(extract.frame, until)
    if calibration_end is None:
        return histories
    holdout = recipe.holdout(extract.frame, until, window.as_of)
    length = Span(until, window.as_of)
    return histories.join(holdout, on="customer_id", how="left", maintain_order="left").with_columns(
        pl.col("frequency_holdout", "spend_holdout").fill_null(0),
        holdout_length=pl.lit(
            (seasonality.horizon(until, length.n_days) if seasonality else length.n_days) / DAYS_PER[unit]
        ),
    )


@dataclass(frozen=True, eq=False)
class _Recipe:
    """The options of a summary, and how they make histories out of purchases."""

    unit: str
    free_orders: bool
    exact: bool
    seasonality: Seasonality | None
    log_intervals: bool
    observed_until: pl.DataFrame | None

    def histories(self, frame: pl.LazyFrame, as_of: date) -> pl.DataFrame:
        """Give the histories before `as_of`."""
        occasions = self._occasions(frame, as_of)
        found = self._totals(frame, occasions, as_of)
        if found.is_empty():
            raise NotEnoughDataError.of("customers with a purchase", 0, 1)
        back = pl.col("money_back").fill_null(0.0)
        kept = (
            pl.when(pl.col("spend") > 0).then(1 - back / pl.col("spend")).otherwise(1.0)
        )  # of each pound spent
        repeats = pl.col("n") - 1
        histories = found.sort("customer_id").select(
            "customer_id",
            frequency=repeats,
            recency=self._elapsed(pl.col("first"), pl.col("last")),
            T=self._elapsed(pl.col("first"), pl.col("end")),
            monetary_value=pl.when(repeats > 0)
            .then((pl.col("spend") - pl.col("first_amount")) * kept / repeats)
            .otherwise(0.0)
            .round(MONEY_DECIMALS),
            first_value=(pl.col("first_amount") * kept).round(MONEY_DECIMALS),
            time_unit=pl.lit(self.unit),
        )
        return self._with_log_intervals(histories, occasions) if self.log_intervals else histories

    def holdout(self, frame: pl.LazyFrame, start: date, as_of: date) -> pl.DataFrame:
        """Give what customers bought from `start` to before `as_of`."""
        later = self._occasions(frame, as_of).filter(nw.col("at") >= self._moment(start))
        found: pl.DataFrame = (
            later.group_by("customer_id")
            .agg(
                nw.len().cast(nw.Int64).alias("frequency_holdout"),
                nw.col("amount").sum().alias("spend_holdout"),
            )
            .collect("polars")
            .to_native()
        )
        return found

    def _occasions(self, frame: pl.LazyFrame, as_of: date) -> nw.LazyFrame[Any]:
        purchases = purchase_instants if self.exact else purchase_days
        column = "ordered_at" if self.exact else "ordered_on"
        found = purchases(frame, as_of=as_of, free_orders=self.free_orders).rename({column: "at"})
        if self.observed_until is None:
            return found
        ends = nw.from_native(self._ends(as_of).lazy())
        kept = found.join(ends, on="customer_id", how="left")
        return kept.filter(nw.col("end").is_null() | (nw.col("at") <= nw.col("end"))).drop("end")

    def _totals(self, frame: pl.LazyFrame, occasions: nw.LazyFrame[Any], as_of: date) -> pl.DataFrame:
        # the reduced rows are worked out once; what follows is plain polars on them
        days: pl.DataFrame = occasions.collect("polars").to_native()
        totals = (
            days.lazy()
            .group_by("customer_id")
            .agg(
                n=pl.len().cast(pl.Int64),
                first=pl.col("at").min(),
                last=pl.col("at").max(),
                spend=pl.col("amount").sum(),
                first_amount=pl.col("amount").min_by("at"),
            )
        )
        back: pl.DataFrame = money_back(frame, as_of=as_of).collect("polars").to_native()
        found = totals.join(back.lazy(), on="customer_id", how="left").collect()
        last = pl.lit(self._moment(as_of) if self.exact else as_of - timedelta(days=1))
        if self.observed_until is None:
            return found.with_columns(end=last)
        ends = self._ends(as_of)
        return found.join(ends, on="customer_id", how="left").with_columns(end=pl.col("end").fill_null(last))

    def _ends(self, as_of: date) -> pl.DataFrame:
        given = self.observed_until
        assert given is not None  # noqa: S101 asked for only where it is
        for column in ("customer_id", "observed_until"):
            if column not in given.columns:
                raise ColumnError.missing(column, "observed_until", given.columns)
        last = pl.lit(as_of - timedelta(days=1))
        day = pl.min_horizontal(pl.col("observed_until").cast(pl.Date), last)
        end = (day + pl.duration(days=1)).cast(pl.Datetime("us")) if self.exact else day
        return given.drop_nulls("observed_until").select(pl.col("customer_id").cast(pl.String), end=end)

    def _moment(self, day: date) -> date | datetime:
        return datetime.combine(day, time.min) if self.exact else day

    def _elapsed(self, begin: pl.Expr, end: pl.Expr) -> pl.Expr:
        if self.exact:
            return (end - begin).dt.total_microseconds() / _MICROSECONDS / DAYS_PER[self.unit]
        if self.seasonality is None:
            return (end - begin).dt.total_days() / DAYS_PER[self.unit]
        return (self.seasonality.until(end) - self.seasonality.until(begin)) / DAYS_PER[self.unit]

    def _with_log_intervals(self, histories: pl.DataFrame, occasions: nw.LazyFrame[Any]) -> pl.DataFrame:
        found: pl.DataFrame = occasions.collect("polars").to_native().sort("customer_id", "at")
        before = pl.col("at").shift(1).over("customer_id")
        logs = found.with_columns(log=self._elapsed(before, pl.col("at")).log())
        sums = logs.group_by("customer_id").agg(log_interval_sum=pl.col("log").sum())
        return histories.join(sums, on="customer_id", how="left", maintain_order="left")


_MICROSECONDS: Final = 86_400_000_000
