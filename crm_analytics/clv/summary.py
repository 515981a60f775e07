"""Transactions become the histories that customer-base models read: frequency, recency, T and spend."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any, Final

import numpy as np
import polars as pl

from crm_analytics.aggregates import window as windows
from crm_analytics.aggregates.customers import MONEY_DECIMALS
from crm_analytics.aggregates.periods import Span
from crm_analytics.aggregates.purchase_days import purchase_instants
from crm_analytics.aggregates.sorted_orders import begins, sorted_orders
from crm_analytics.clv.likelihoods.rows import DAYS_PER
from crm_analytics.clv.seasonality import Seasonality
from crm_analytics.errors import ColumnError, NotEnoughDataError, OptionError
from crm_analytics.extracts.extract import Extract
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
    histories = recipe.histories(extract, until)
    if calibration_end is None:
        return histories
    holdout = recipe.holdout(extract, until, window.as_of)
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

    def histories(self, extract: Extract, as_of: date) -> pl.DataFrame:
        """Give the histories before `as_of`."""
        seen = self._seen(extract, as_of)
        if seen.bought.is_empty():
            raise NotEnoughDataError.of("customers with a purchase", 0, 1)
        found = self._totals(seen, as_of)
        back = pl.col("money_back").fill_null(0.0)
        kept = (
            pl.when(pl.col("spend") > 0).then(1 - back / pl.col("spend")).otherwise(1.0)
        )  # of each pound spent
        repeats = pl.col("n") - 1
        histories = found[_by_customer(found["customer"])].select(
            "customer",
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
        return seen.named(
            self._with_log_intervals(histories, seen.bought) if self.log_intervals else histories
        )

    def holdout(self, extract: Extract, start: date, as_of: date) -> pl.DataFrame:
        """Give what customers bought from `start` to before `as_of`."""
        seen = self._seen(extract, as_of)
        later = seen.bought.filter(pl.col("at") >= self._moment(start))
        return seen.named(
            later.group_by("customer").agg(
                frequency_holdout=pl.len().cast(pl.Int64), spend_holdout=pl.col("amount").sum()
            )
        )

    def _seen(self, extract: Extract, as_of: date) -> _Seen:
        orders = sorted_orders(extract, as_of=as_of)
        back = orders.money_back()
        if self.exact:
            instants = purchase_instants(extract.frame, as_of=as_of, free_orders=self.free_orders)
            found: pl.DataFrame = instants.rename({"ordered_at": "at"}).collect("polars").to_native()
            bought = found.select(_places(found["customer_id"], orders.ids), "at", "amount").sort(
                "customer", "at"
            )
        else:
            bought = orders.purchase_days(free_orders=self.free_orders).rename({"ordered_on": "at"})
        seen = _Seen(bought, back, orders.ids)
        if self.observed_until is None:
            return seen
        kept = bought.join(self._ends(as_of, orders.ids), on="customer", how="left", maintain_order="left")
        kept = kept.filter(pl.col("end").is_null() | (pl.col("at") <= pl.col("end"))).drop("end")
        return replace(seen, bought=kept)

    def _totals(self, seen: _Seen, as_of: date) -> pl.DataFrame:
        bought = seen.bought
        starts = begins(bought["customer"])
        lasts = np.append(starts[1:], bought.height) - 1
        spend = np.add.reduceat(bought["amount"].to_numpy(), starts)
        totals = (
            bought[pl.Series(starts.astype(np.uint32))]
            .rename({"at": "first", "amount": "first_amount"})
            .with_columns(
                n=pl.Series(lasts - starts + 1, dtype=pl.Int64),
                last=bought["at"].gather(pl.Series(lasts.astype(np.uint32))),
                spend=pl.Series(spend, dtype=pl.Float64),
            )
        )
        if seen.back.is_empty():
            found = totals.with_columns(money_back=pl.lit(None, pl.Float64))
        else:
            found = totals.join(seen.back, on="customer", how="left")
        last = pl.lit(self._moment(as_of) if self.exact else as_of - timedelta(days=1))
        if self.observed_until is None:
            return found.with_columns(end=last)
        ends = self._ends(as_of, seen.ids)
        return found.join(ends, on="customer", how="left").with_columns(end=pl.col("end").fill_null(last))

    def _ends(self, as_of: date, ids: pl.Series) -> pl.DataFrame:
        given = self.observed_until
        assert given is not None  # noqa: S101 asked for only where it is
        for column in ("customer_id", "observed_until"):
            if column not in given.columns:
                raise ColumnError.missing(column, "observed_until", given.columns)
        last = pl.lit(as_of - timedelta(days=1))
        day = pl.min_horizontal(pl.col("observed_until").cast(pl.Date), last)
        end = (day + pl.duration(days=1)).cast(pl.Datetime("us")) if self.exact else day
        known = given.drop_nulls("observed_until").select(pl.col("customer_id").cast(pl.String), end=end)
        places = pl.DataFrame({"customer_id": ids}).with_row_index("customer")
        return known.join(places, on="customer_id", how="inner").select("customer", "end")

    def _moment(self, day: date) -> date | datetime:
        return datetime.combine(day, time.min) if self.exact else day

    def _elapsed(self, begin: pl.Expr, end: pl.Expr) -> pl.Expr:
        if self.exact:
            return (end - begin).dt.total_microseconds() / _MICROSECONDS / DAYS_PER[self.unit]
        if self.seasonality is None:
            return (end - begin).dt.total_days() / DAYS_PER[self.unit]
        return (self.seasonality.until(end) - self.seasonality.until(begin)) / DAYS_PER[self.unit]

    def _with_log_intervals(self, histories: pl.DataFrame, bought: pl.DataFrame) -> pl.DataFrame:
        before = pl.when(pl.col("customer") == pl.col("customer").shift(1)).then(pl.col("at").shift(1))
        logs = bought.with_columns(log=self._elapsed(before, pl.col("at")).log())
        sums = logs.group_by("customer").agg(log_interval_sum=pl.col("log").sum())
        return histories.join(sums, on="customer", how="left", maintain_order="left")


@dataclass(frozen=True, eq=False)
class _Seen:
    """What customers bought, and the money that came back.

    `bought` has `customer` (place in `ids`), `at`, `amount`, those of one customer side by side and in order;
    `back` has `customer`, `money_back`.
    """

    bought: pl.DataFrame
    back: pl.DataFrame
    ids: pl.Series

    def named(self, found: pl.DataFrame) -> pl.DataFrame:
        """Put the ids of the customers in the place of their numbers."""
        return found.select(self.ids.gather(found["customer"]).alias("customer_id"), pl.exclude("customer"))


def _by_customer(customers: pl.Series) -> pl.Series:
    """Give the rows in the order of their customers, of whom none comes twice: quicker than sorting them."""
    numbers = customers.to_numpy()
    rows = np.full(int(numbers.max()) + 1, len(numbers), np.uint32)
    rows[numbers] = np.arange(len(numbers), dtype=np.uint32)
    return pl.Series(rows if len(rows) == len(numbers) else rows[rows < len(numbers)])


def _places(customers: pl.Series, ids: pl.Series) -> pl.Series:
    """Give the place of each customer among the sorted ids."""
    places = pl.DataFrame({"customer_id": ids}).with_row_index("customer")
    return customers.to_frame().join(places, on="customer_id", how="left", maintain_order="left")["customer"]


_MICROSECONDS: Final = 86_400_000_000
